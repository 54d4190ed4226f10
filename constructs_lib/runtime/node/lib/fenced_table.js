/**
 * Powertools' DynamoDB store, where only the attempt that holds a claim may complete or release it.
 *
 * The stock store completes and deletes without a condition: an attempt that was given up and taken over can then
 * overwrite, or delete, what its successor recorded. Here the moment a claim runs out, which the stock store writes with
 * it, tells attempts apart: a successor may only take over after that moment, so its own is always later.
 */
import { DynamoDBPersistenceLayer } from "@aws-lambda-powertools/idempotency/dynamodb";
import { ConditionalCheckFailedException, DeleteItemCommand, TransactWriteItemsCommand, TransactionCanceledException, UpdateItemCommand, } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import { ClaimLost, NoTable } from "./refusals.js";
const HELD = "#status = :in_progress AND #until = :until";
const NAMES = { "#status": "status", "#until": "in_progress_expiration" };
const MOST_ITEMS = 99; // DynamoDB takes 100 in a transaction, and one completes the claim
/** Where claims and completions are kept: a table whose partition key is `id`. */
export class FencedTable extends DynamoDBPersistenceLayer {
    #dynamodb;
    #name;
    #rememberSeconds;
    #claims = new Map();
    constructor(name, dynamodb, rememberSeconds) {
        super({ tableName: name, awsSdkV3Client: dynamodb });
        this.#name = name;
        this.#dynamodb = dynamodb;
        this.#rememberSeconds = rememberSeconds;
    }
    /** Write `items` and complete the claim on `key`: all of it, or none. */
    async commit(key, items) {
        const row = this.getHashedIdempotencyKey(key);
        const claim = this.#claims.get(row);
        if (claim === undefined) {
            throw new NoTable("idempotency is switched off: there is no claim to commit with the effect");
        }
        if (claim.isCommitted) {
            throw new Error("this record is committed already");
        }
        if (items.length > MOST_ITEMS) {
            throw new Error(`${items.length} items to commit, at most ${MOST_ITEMS} fit beside the claim`);
        }
        const expiry = Math.round(Date.now() / 1000 + this.#rememberSeconds);
        const completion = { Update: this.#completion(row, claim, expiry) };
        try {
            await this.#dynamodb.send(new TransactWriteItemsCommand({ TransactItems: [...items.map(marshalled), completion] }));
        }
        catch (error) {
            if (error instanceof TransactionCanceledException &&
                error.CancellationReasons?.at(-1)?.Code === "ConditionalCheckFailed") {
                throw new ClaimLost("taken over by another environment: nothing was committed", { cause: error });
            }
            throw error;
        }
        claim.isCommitted = true;
    }
    /** Leave the claim on `key` to run out: work under it may be going on. */
    abandon(key) {
        const claim = this.#claims.get(this.getHashedIdempotencyKey(key));
        if (claim !== undefined) {
            claim.isAbandoned = true;
        }
    }
    async _putRecord(record) {
        await super._putRecord(record);
        const until = record.inProgressExpiryTimestamp ?? 0;
        this.#claims.set(record.idempotencyKey, { until, isCommitted: false, isAbandoned: false });
    }
    async _updateRecord(record) {
        const claim = this.#take(record);
        if (claim === undefined || claim.isCommitted) {
            return;
        }
        try {
            const completion = this.#completion(record.idempotencyKey, claim, record.expiryTimestamp ?? 0);
            await this.#dynamodb.send(new UpdateItemCommand(completion));
        }
        catch (error) {
            if (error instanceof ConditionalCheckFailedException) {
                throw new ClaimLost("taken over by another environment before it was done", { cause: error });
            }
            throw error;
        }
    }
    async _deleteRecord(record) {
        const claim = this.#take(record);
        if (claim === undefined || claim.isCommitted || claim.isAbandoned) {
            return;
        }
        try {
            await this.#dynamodb.send(new DeleteItemCommand({
                TableName: this.#name,
                Key: this.getKey(record.idempotencyKey),
                ConditionExpression: HELD,
                ExpressionAttributeNames: NAMES,
                ExpressionAttributeValues: heldBy(claim),
            }));
        }
        catch (error) {
            // Somebody else's by now, or completed by a commit whose answer was lost.
            if (!(error instanceof ConditionalCheckFailedException)) {
                throw error;
            }
        }
    }
    #take(record) {
        const claim = this.#claims.get(record.idempotencyKey);
        this.#claims.delete(record.idempotencyKey);
        return claim;
    }
    #completion(row, claim, expiry) {
        return {
            TableName: this.#name,
            Key: this.getKey(row),
            UpdateExpression: "SET #status = :completed, #expiry = :expiry",
            ConditionExpression: HELD,
            ExpressionAttributeNames: { ...NAMES, "#expiry": "expiration" },
            ExpressionAttributeValues: {
                ...heldBy(claim),
                ":completed": { S: "COMPLETED" },
                ":expiry": { N: String(expiry) },
            },
        };
    }
}
function heldBy(claim) {
    return { ":in_progress": { S: "INPROGRESS" }, ":until": { N: String(claim.until) } };
}
function marshalled({ ConditionCheck, Delete, Put, Update }) {
    return {
        ConditionCheck: ConditionCheck && { ...ConditionCheck, Key: values(ConditionCheck.Key), ...bound(ConditionCheck) },
        Delete: Delete && { ...Delete, Key: values(Delete.Key), ...bound(Delete) },
        Put: Put && { ...Put, Item: values(Put.Item), ...bound(Put) },
        Update: Update && { ...Update, Key: values(Update.Key), ...bound(Update) },
    };
}
function values(plain) {
    return plain && marshall(plain, { removeUndefinedValues: true });
}
function bound(write) {
    return { ExpressionAttributeValues: values(write.ExpressionAttributeValues) };
}
