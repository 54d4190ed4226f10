/**
 * Secrets of Secrets Manager: read once, kept for a while, read again when they are refused, never told to a log.
 *
 * The construct's `secrets={"DB_PASSWORD": SecretField(secret, "password")}` puts an ARN into the variable, and behind
 * it the field where one is meant, `<ARN>:password::`, as ECS writes it.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
 */
import { GetSecretValueCommand, ResourceNotFoundException, SecretsManagerClient, } from "@aws-sdk/client-secrets-manager";
import { fieldsOf, IN_TIME, keptBy, toldBy } from "./kept.js";
const PARTS_OF_ARN = 7; // arn : aws : secretsmanager : region : account : secret : name
const EXTENSION_PORT = "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT";
const EXTENSION_MS = 2000;
/** The secret, or the field of it, that a variable names. */
export async function secretValue(variable, options = {}) {
    const { arn, field } = named(variable);
    return textOf(await kept(arn).reading(options), field, variable);
}
/**
 * Call with the secret that a variable names; if it is refused, read it again and call once more.
 *
 * Whoever rotates the secret while functions run needs nothing else: neither a deployment nor a moment in which nobody
 * calls. What is refused costs one to three more reads, and one more call.
 */
export async function withSecret(variable, call, options) {
    const { arn, field } = named(variable);
    return kept(arn).use((reading) => call(textOf(reading, field, variable)), options);
}
const kept = keptBy((arn) => new SecretSource(arn, clientOf(arn.split(":")[3] ?? "")));
const clients = new Map();
function clientOf(region) {
    const client = clients.get(region) ?? new SecretsManagerClient({ region, ...IN_TIME });
    clients.set(region, client);
    return client;
}
/** One secret, read with the role of the function. */
class SecretSource {
    #arn;
    #client;
    constructor(arn, client) {
        this.#arn = arn;
        this.#client = client;
    }
    /** What is current, from AWS's Parameters and Secrets extension where the function says its port. */
    async read() {
        const answer = await askedOfExtension(this.#arn);
        return answer === undefined ? this.#current() : readingOf(answer, true);
    }
    /** Always asked of Secrets Manager itself, for the extension would tell what it keeps. */
    async readInstead(refused) {
        const current = await this.#current();
        if (current.version !== refused.version) {
            return current;
        }
        const pending = await this.#pending();
        if (pending !== undefined && pending.version !== refused.version) {
            return pending;
        }
        const later = await this.#current(); // a rotation that ended between the two
        return later.version === refused.version ? undefined : later;
    }
    async #pending() {
        try {
            return readingOf(await this.#get({ VersionStage: "AWSPENDING" }), false);
        }
        catch (error) {
            if (error instanceof ResourceNotFoundException) {
                return undefined; // nothing is being rotated, or the new value is not made yet
            }
            throw error;
        }
    }
    async #current() {
        return readingOf(await this.#get({}), true);
    }
    #get(asked) {
        return this.#client.send(new GetSecretValueCommand({ SecretId: this.#arn, ...asked }));
    }
}
function named(variable) {
    const parts = toldBy(variable).split(":");
    if (parts[0] !== "arn" || parts.length < PARTS_OF_ARN || parts[2] !== "secretsmanager") {
        throw new Error(`the variable ${variable} names no secret: set it with secrets={"${variable}": secret}`);
    }
    return { arn: parts.slice(0, PARTS_OF_ARN).join(":"), field: parts[PARTS_OF_ARN] ?? "" };
}
function readingOf({ Name, SecretString, VersionId }, isCurrent) {
    if (SecretString === undefined) {
        throw new Error(`the secret ${Name} is binary: read it with GetSecretValue`);
    }
    return { text: SecretString, version: VersionId ?? "", isCurrent };
}
function textOf({ text }, field, variable) {
    if (field === "") {
        return text;
    }
    const value = fieldsOf(text).get(field);
    if (value === undefined) {
        throw new Error(`the secret of ${variable} has no field '${field}', or is no JSON object`);
    }
    return typeof value === "string" ? value : JSON.stringify(value);
}
/** Ask the extension; nothing where there is none, or where it does not answer as it should. */
async function askedOfExtension(arn) {
    const port = process.env[EXTENSION_PORT] ?? "";
    if (!/^\d+$/.test(port)) {
        return undefined;
    }
    try {
        const answer = await fetch(`http://localhost:${port}/secretsmanager/get?secretId=${encodeURIComponent(arn)}`, {
            headers: { "X-Aws-Parameters-Secrets-Token": process.env["AWS_SESSION_TOKEN"] ?? "" },
            signal: AbortSignal.timeout(EXTENSION_MS),
        });
        const told = fieldsOf(await answer.text());
        const [SecretString, VersionId] = [told.get("SecretString"), told.get("VersionId")];
        return typeof SecretString === "string" && typeof VersionId === "string" ? { SecretString, VersionId } : undefined;
    }
    catch {
        return undefined; // it answers nobody before the first invocation
    }
}
