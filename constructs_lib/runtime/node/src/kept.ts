/**
 * Keeps what was read for a while, and reads it again when somebody refuses it.
 *
 * A secret that is rotated has two values that may be right. While Secrets Manager rotates, the service that the secret
 * is for already takes the new one (`AWSPENDING`), and `AWSCURRENT` is still the old one; when it has, an environment
 * that keeps the old one goes on with it until its time is over. So a refusal is no failure yet: what is current now is
 * read, and if that is what was refused, what is pending.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
 */

/** What was read. */
export interface Reading {
  readonly text: string;
  /** What tells it from the ones before and after. */
  readonly version: string;
  /** Whether it is what everybody is to use, and may be kept before it was tried. */
  readonly isCurrent: boolean;
}

/** Where a value comes from. */
export interface Source {
  /** Read what is current, from wherever it is quickest. */
  read(): Promise<Reading>;
  /** Read what may be right where a reading was refused; nothing where there is nothing else. */
  readInstead(refused: Reading): Promise<Reading | undefined>;
}

/** How a value is kept. */
export interface KeepOptions {
  /** How long a value is kept before it is read again. Default: 300 seconds. */
  readonly maxAgeSeconds?: number;
}

/** How a value is used. */
export interface UseOptions extends KeepOptions {
  /** Whether an error of the call says that the value was wrong. */
  readonly refused: (error: unknown) => boolean;
}

const MAX_AGE_SECONDS = 300;
const PAUSE_MS = 1000; // between two reads because of one refused version: a key that was revoked is refused at every call

/** What was found where a version was refused, and when. */
interface Reread {
  readonly refused: string;
  readonly found: Promise<Reading | undefined>;
  readonly at: number;
}

/**
 * Settings of a client that gives up while the function still has time to say what it could not reach: in a VPC without
 * a way to the service the SDK would wait until the function is out of time, and all that the log had is a timeout.
 */
export const IN_TIME = {
  requestHandler: { connectionTimeout: 2000, requestTimeout: 5000, throwOnRequestTimeout: true },
};

/** One value, kept for a while. */
export class Kept {
  readonly #source: Source;
  readonly #now: () => number;
  #reading: Promise<Reading> | undefined;
  #readAt = 0;
  #last: Reread | undefined;

  /** `now` tells milliseconds since 1970: the clock that goes on while Lambda freezes an environment. */
  constructor(source: Source, now: () => number = Date.now) {
    this.#source = source;
    this.#now = now;
  }

  /** What is kept, read again when it is old. Whoever asks in the meantime waits for the same answer. */
  async reading({ maxAgeSeconds = MAX_AGE_SECONDS }: KeepOptions = {}): Promise<Reading> {
    const age = this.#now() - this.#readAt;
    const isFresh = age >= 0 && age < maxAgeSeconds * 1000;
    const reading = this.#reading !== undefined && isFresh ? this.#reading : this.#keep(this.#source.read());
    try {
      return await reading;
    } catch (error) {
      if (this.#reading === reading) {
        this.#reading = undefined; // the next one tries again
      }
      throw error;
    }
  }

  /** What `call` returns for the value, or for the one after it, if the first was refused. */
  async use<Result>(call: (reading: Reading) => Result | Promise<Result>, options: UseOptions): Promise<Result> {
    const refused: unknown = options.refused;
    if (typeof refused !== "function") {
      throw new TypeError("refused is no function: said before there is a refusal, which it would hide");
    }
    const reading = await this.reading(options);
    let other: Reading | undefined;
    try {
      return await call(reading);
    } catch (error) {
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
  async #insteadOf(refused: Reading): Promise<Reading | undefined> {
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

  async #reread(refused: Reading): Promise<Reading | undefined> {
    try {
      const other = await this.#source.readInstead(refused);
      if (other?.isCurrent === true) {
        void this.#keep(Promise.resolve(other));
      }
      return other;
    } catch (error) {
      this.#last = undefined; // the next one tries again
      throw error;
    }
  }

  #keep(reading: Promise<Reading>): Promise<Reading> {
    this.#reading = reading;
    this.#readAt = this.#now();
    return reading;
  }
}

/** What is kept of a kind, by its name. */
export function keptBy(sourceOf: (name: string) => Source): (name: string) => Kept {
  const all = new Map<string, Kept>();
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
export function fieldsOf(json: string): Map<string, unknown> {
  return new Map(Object.entries(objectOf(json) ?? {}));
}

/** A JSON object, whose numbers are written out again digit by digit; nothing if the text is something else. */
export function objectOf(json: string): object | undefined {
  try {
    const found = exact.parse(json, (_, value, { source }) =>
      typeof value === "number" && source !== undefined ? exact.rawJSON(source) : value,
    );
    return typeof found === "object" && found !== null && !Array.isArray(found) && !exact.isRawJSON(found)
      ? found
      : undefined;
  } catch {
    return undefined;
  }
}

/** What Node 22 has and the compiler's es2024 does not know: numbers longer than a double keep all their digits. */
interface ExactJson {
  parse(text: string, reviver: (key: string, value: unknown, told: { readonly source?: string }) => unknown): unknown;
  rawJSON(text: string): object;
  isRawJSON(value: object): boolean;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every Node that the package asks for has them
const exact = JSON as unknown as ExactJson;

/** What a variable says. */
export function toldBy(variable: string): string {
  const told = process.env[variable] ?? "";
  if (told === "") {
    throw new Error(`the variable ${variable} is not set: secrets={"${variable}": ...} sets and grants it`);
  }
  return told;
}
