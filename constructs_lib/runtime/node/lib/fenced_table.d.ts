/**
 * Powertools' DynamoDB store, where only the attempt that holds a claim may complete or release it.
 *
 * The stock store completes and deletes without a condition: an attempt that was given up and taken over can then
 * overwrite, or delete, what its successor recorded. Here the moment a claim runs out, which the stock store writes with
 * it, tells attempts apart: a successor may only take over after that moment, so its own is always later.
 */
import { DynamoDBPersistenceLayer } from "@aws-lambda-powertools/idempotency/dynamodb";
import type { IdempotencyRecord } from "@aws-lambda-powertools/idempotency/persistence";
import { type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { TransactWriteCommandInput } from "@aws-sdk/lib-dynamodb";
/** One write of a transaction, with plain values, as DynamoDBDocumentClient takes it. */
export type CommitItem = NonNullable<TransactWriteCommandInput["TransactItems"]>[number];
/** Where claims and completions are kept: a table whose partition key is `id`. */
export declare class FencedTable extends DynamoDBPersistenceLayer {
    #private;
    constructor(name: string, dynamodb: DynamoDBClient, rememberSeconds: number);
    /** Write `items` and complete the claim on `key`: all of it, or none. */
    commit(key: string, items: readonly CommitItem[]): Promise<void>;
    /** Leave the claim on `key` to run out: work under it may be going on. */
    abandon(key: string): void;
    protected _putRecord(record: IdempotencyRecord): Promise<void>;
    protected _updateRecord(record: IdempotencyRecord): Promise<void>;
    protected _deleteRecord(record: IdempotencyRecord): Promise<void>;
}
