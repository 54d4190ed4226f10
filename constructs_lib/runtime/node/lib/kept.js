/**
 * Keeps what was read for a while, and reads it again when somebody refuses it.
 *
 * A secret that is rotated has two values that may be right. While Secrets Manager rotates, the service that the secret
 * is for already takes the new one (`AWSPENDING`), and `AWSCURRENT` is still the old one; when it has, an environment
 * that keeps the old one goes on with it until its time is over. So a refusal is no failure yet: what is current now is
 * read, and if that is what was refused, what is pending.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
 */
const MAX_AGE_SECONDS = 300;
const PAUSE_MS = 1000; // between two reads because of one refused version: a key that was revoked is refused at every call
/**
 * Settings of a client that gives up while the function still has time to say what it could not reach: in a VPC without
 * a way to the service the SDK would wait until the function is out of time, and all that the log had is a timeout.
 */
export const IN_TIME = {
    requestHandler: { connectionTimeout: 2000, requestTimeout: 5000, throwOnRequestTimeout: true },
};
/** One value, kept for a while. */
export class Kept {
    #source;
    #now;
    #reading;
    #readAt = 0;
    #last;
    /** `now` tells milliseconds since 1970: the clock that goes on while Lambda freezes an environment. */
    constructor(source, now = Date.now) {
        this.#source = source;
        this.#now = now;
    }
    /** What is kept, read again when it is old. Whoever asks in the meantime waits for the same answer. */
    async reading({ maxAgeSeconds = MAX_AGE_SECONDS } = {}) {
        const age = this.#now() - this.#readAt;
        const isFresh = age >= 0 && age < maxAgeSeconds * 1000;
        const reading = this.#reading !== undefined && isFresh ? this.#reading : this.#keep(this.#source.read());
        try {
            return await reading;
        }
        catch (error) {
            if (this.#reading === reading) {
                this.#reading = undefined; // the next one tries again
            }
            throw error;
        }
    }
    /** What `call` returns for the value, or for the one after it, if the first was refused. */
    async use(call, options) {
        const refused = options.refused;
        if (typeof refused !== "function") {
            throw new TypeError("refused is no function: said before there is a refusal, which it would hide");
        }
        const reading = await this.reading(options);
        let other;
        try {
            return await call(reading);
        }
        catch (error) {
            if (!options.refused(error)) {
                throw error;
            }
            other = await this.#insteadOf(reading);
            if (other === undefined) {
                throw error;
            }
        }
        const result = await call(other);
        if (!other.isCurrent) {
            void this.#keep(Promise.resolve(other)); // it was taken, and will be current
        }
        return result;
    }
    /** Read once for all calls that were refused the same value within a second. */
    async #insteadOf(refused) {
        const kept = await this.#reading?.catch(() => undefined);
        if (kept !== undefined && kept.version !== refused.version) {
            return kept; // another call was refused first, and it has been read already
        }
        const now = this.#now();
        const last = this.#last;
        if (last?.refused === refused.version && now >= last.at && now - last.at < PAUSE_MS) {
            return last.found;
        }
        const found = this.#reread(refused);
        this.#last = { refused: refused.version, found, at: now };
        return found;
    }
    async #reread(refused) {
        try {
            const other = await this.#source.readInstead(refused);
            if (other?.isCurrent === true) {
                void this.#keep(Promise.resolve(other));
            }
            return other;
        }
        catch (error) {
            this.#last = undefined; // the next one tries again
            throw error;
        }
    }
    #keep(reading) {
        this.#reading = reading;
        this.#readAt = this.#now();
        return reading;
    }
}
/** What is kept of a kind, by its name. */
export function keptBy(sourceOf) {
    const all = new Map();
    return (name) => {
        let kept = all.get(name);
        if (kept === undefined) {
            kept = new Kept(sourceOf(name));
            all.set(name, kept);
        }
        return kept;
    };
}
/** The fields of a JSON object; none if it is something else. No error of the parser gets out, for it carries the text. */
export function fieldsOf(json) {
    return new Map(Object.entries(objectOf(json) ?? {}));
}
/** A JSON object, whose numbers are written out again digit by digit; nothing if the text is something else. */
export function objectOf(json) {
    try {
        const found = exact.parse(json, (_, value, { source }) => typeof value === "number" && source !== undefined ? exact.rawJSON(source) : value);
        return typeof found === "object" && found !== null && !Array.isArray(found) && !exact.isRawJSON(found)
            ? found
            : undefined;
    }
    catch {
        return undefined;
    }
}
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every Node that the package asks for has them
const exact = JSON;
/** What a variable says. */
export function toldBy(variable) {
    const told = process.env[variable] ?? "";
    if (told === "") {
        throw new Error(`the variable ${variable} is not set: secrets={"${variable}": ...} sets and grants it`);
    }
    return told;
}
