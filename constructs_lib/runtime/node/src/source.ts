/** Where a batch comes from: a queue, a FIFO queue, a stream of a table, or a Kinesis stream. */
import { EventType } from "@aws-lambda-powertools/batch";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
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

const QUEUE: Source = { eventType: EventType.SQS, isFifo: false, isStream: false };
const FIFO_QUEUE: Source = { eventType: EventType.SQS, isFifo: true, isStream: false };
const TABLE_STREAM: Source = { eventType: EventType.DynamoDBStreams, isFifo: false, isStream: true };
const KINESIS_STREAM: Source = { eventType: EventType.KinesisDataStreams, isFifo: false, isStream: true };

/** Where a record, and so its batch, comes from. */
export function sourceOf(record: SourceRecord): Source {
  if (isMessage(record)) {
    return record.eventSourceARN.endsWith(".fifo") ? FIFO_QUEUE : QUEUE;
  }
  if (record.eventSource === "aws:dynamodb") {
    return TABLE_STREAM;
  }
  if (record.eventSource === "aws:kinesis") {
    return KINESIS_STREAM;
  }
  throw new Error(`a batch from ${record.eventSource}, wanted one from SQS, a DynamoDB stream or Kinesis`);
}

/** How often a message has been delivered. */
export function deliveryOf(record: SourceRecord): number {
  return isMessage(record) ? Number(record.attributes.ApproximateReceiveCount) : 1;
}

/** What a line of the log calls a record. */
export function nameOf(record: SourceRecord): string | undefined {
  return isMessage(record) ? record.messageId : record.eventID;
}

export function arrivalOf(record: SourceRecord): Arrival {
  if (isMessage(record)) {
    return {
      id: record.messageId,
      once: record.messageId,
      content: record.body,
      delivery: deliveryOf(record),
      group: record.attributes.MessageGroupId,
      attributes: Object.fromEntries(
        Object.entries(record.messageAttributes).map(([name, { stringValue }]) => [name, stringValue ?? ""]),
      ),
    };
  }
  return "kinesis" in record ? datum(record) : change(record);
}

function isMessage(record: SourceRecord): record is SQSRecord {
  return record.eventSource === "aws:sqs";
}

function datum(record: KinesisStreamRecord): Arrival {
  return {
    id: record.kinesis.sequenceNumber,
    once: record.eventID,
    content: new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(record.kinesis.data, "base64")),
    delivery: 1,
    group: record.kinesis.partitionKey,
    attributes: {},
  };
}

function change(record: DynamoDBRecord): Arrival {
  const { SequenceNumber: id, Keys, NewImage, OldImage } = record.dynamodb ?? {};
  if (id === undefined) {
    throw new Error("a stream record without its change");
  }
  return {
    id,
    once: record.eventID ?? id,
    content: { kind: record.eventName, keys: plain(Keys), new: plain(NewImage), old: plain(OldImage) },
    delivery: 1,
    group: undefined,
    attributes: {},
  };
}

type Image = NonNullable<DynamoDBRecord["dynamodb"]>["Keys"];

function plain(image: Image): Record<string, unknown> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- two declarations of one thing, the event's and the SDK's
  return image === undefined ? {} : unmarshall(image as Record<string, AttributeValue>);
}
