import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Context } from "aws-lambda";
import { type CommitItem } from "./fenced_table.ts";
/** How a record's handler is run, for a key. */
export interface Attempts {
    /** Run `work`, unless the key has been handled. */
    run(key: string, work: () => Promise<void>, context: Context): Promise<void>;
    /** Write `items` and complete the key, all or none. */
    commit(key: string, items: readonly CommitItem[]): Promise<void>;
}
/** The key as 64 hexadecimal digits: the same in both languages, and accepted by all of AWS as a token. */
export declare function keyDigest(key: unknown): string;
/** How this function runs its handler: once for each key if it has a table, plainly if it has none. */
export declare function attempts(rememberDays: number, dynamodb: DynamoDBClient | undefined): Attempts;
