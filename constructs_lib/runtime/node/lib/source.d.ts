/** Where a batch comes from: a queue, a FIFO queue, a stream of a table, or a Kinesis stream. */
import { EventType } from "@aws-lambda-powertools/batch";
import type { DynamoDBRecord, KinesisStreamRecord, SQSRecord } from "aws-lambda";
import type { Change } from "./record.ts";
export type SourceRecord = SQSRecord | DynamoDBRecord | KinesisStreamRecord;
/** What the wrapper needs of a record, wherever it is from. */
export interface Arrival {
    /** What Lambda calls the record in a report of failures. */
    readonly id: string;
    /** What tells it from every other record of its source. */
    readonly once: string;
    /** Its unparsed body, or a change of a table as it is. */
    readonly content: string | Change;
    readonly delivery: number;
    readonly group: string | undefined;
    readonly attributes: Record<string, string>;
}
/** How to read the records of one batch, and how they depend on each other. */
export interface Source {
    readonly eventType: (typeof EventType)[keyof typeof EventType];
    /** A failure holds up what comes after it in its message group. */
    readonly isFifo: boolean;
    /** A failure holds up everything that comes after it. */
    readonly isStream: boolean;
}
/** Where a record, and so its batch, comes from. */
export declare function sourceOf(record: SourceRecord): Source;
/** How often a message has been delivered. */
export declare function deliveryOf(record: SourceRecord): number;
/** What a line of the log calls a record. */
export declare function nameOf(record: SourceRecord): string | undefined;
export declare function arrivalOf(record: SourceRecord): Arrival;
