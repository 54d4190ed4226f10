/** Handles each key once: Powertools idempotency, with claims that cannot be completed by whoever lost them. */
import { createHash } from "node:crypto";
import { IdempotencyAlreadyInProgressError, IdempotencyConfig, makeIdempotent, } from "@aws-lambda-powertools/idempotency";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { FencedTable } from "./fenced_table.js";
import { InProgressElsewhere, KeyMissing, LostWork, NoTable, OutOfTime } from "./refusals.js";
const TABLE_VARIABLE = "IDEMPOTENCY_TABLE"; // set by QueueWorker(idempotent=True)
const LONGEST_KEY = 1024; // characters
const DAY_S = 24 * 60 * 60;
/** What sets the keys of this function apart from those of others. */
function scope() {
    return process.env["AWS_LAMBDA_FUNCTION_NAME"] ?? "";
}
/** The key as 64 hexadecimal digits: the same in both languages, and accepted by all of AWS as a token. */
export function keyDigest(key) {
    if (!isText(key) && !isWhole(key)) {
        throw new KeyMissing(`its key is of type ${key === null ? "null" : typeof key}, wanted a text or a whole number`);
    }
    const text = String(key);
    const { length } = Array.from(text);
    if (length < 1 || length > LONGEST_KEY) {
        throw new KeyMissing(`its key has ${length} characters, wanted 1 to ${LONGEST_KEY}`);
    }
    return createHash("sha256").update(`${scope()}#${text}`).digest("hex");
}
function isText(key) {
    return typeof key === "string";
}
function isWhole(key) {
    return typeof key === "bigint" || Number.isSafeInteger(key);
}
/** How this function runs its handler: once for each key if it has a table, plainly if it has none. */
export function attempts(rememberDays, dynamodb) {
    const table = process.env[TABLE_VARIABLE] ?? "";
    return table === "" ? everyTime : new OncePerKey(table, rememberDays, dynamodb ?? new DynamoDBClient({}));
}
const everyTime = {
    run: (_key, work) => work(),
    commit: () => Promise.reject(new NoTable(`commit needs the table that QueueWorker(idempotent=True) names in ${TABLE_VARIABLE}`)),
};
class OncePerKey {
    #table;
    #config;
    #once;
    constructor(table, rememberDays, dynamodb) {
        const rememberSeconds = rememberDays * DAY_S;
        this.#table = new FencedTable(table, dynamodb, rememberSeconds);
        this.#config = new IdempotencyConfig({
            expiresAfterSeconds: rememberSeconds,
            hashFunction: "sha256",
            throwOnNoIdempotencyKey: true,
        });
        const attempt = (key, work) => this.#attempt(key, work);
        this.#once = makeIdempotent(attempt, {
            persistenceStore: this.#table,
            config: this.#config,
            keyPrefix: scope() || "local",
            dataIndexArgument: 0,
        });
    }
    async run(key, work, context) {
        this.#config.registerLambdaContext(context);
        try {
            await this.#once(key, work);
        }
        catch (error) {
            if (error instanceof IdempotencyAlreadyInProgressError) {
                throw new InProgressElsewhere("its key is being handled by another environment", { cause: error });
            }
            throw error;
        }
    }
    commit(key, items) {
        return this.#table.commit(key, items);
    }
    async #attempt(key, work) {
        try {
            await work();
        }
        catch (error) {
            if (error instanceof OutOfTime || error instanceof LostWork) {
                this.#table.abandon(key);
            }
            throw error;
        }
    }
}
