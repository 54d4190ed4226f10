/** Batches as Lambda hands them over, the context they come with, and a logger whose lines can be read. */
import { Logger } from "@aws-lambda-powertools/logger";
import type { Context, DynamoDBRecord, KinesisStreamRecord, SQSRecord } from "aws-lambda";
import { vi } from "vitest";

import type { BatchEvent, BatchResponse } from "constructs-lib-runtime";

const QUEUE = "arn:aws:sqs:eu-central-1:123456789012:orders";
export const REQUEST_ID = "11111111-2222-3333-4444-555555555555";

/** Lambda's context, with a clock the test sets. */
export interface TestContext extends Context {
  remainingMs: number;
}

export function contextWith(remainingMs = 30_000): TestContext {
  const context = {
    remainingMs,
    awsRequestId: REQUEST_ID,
    functionName: "orders",
    memoryLimitInMB: "512",
    invokedFunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:orders",
    getRemainingTimeInMillis: (): number => context.remainingMs,
  } as TestContext;
  return context;
}

export function message(id: string, body: unknown = { order: id }, delivery = 1): SQSRecord {
  return textMessage(id, JSON.stringify(body), delivery);
}

export function textMessage(id: string, body: string, delivery = 1): SQSRecord {
  return {
    messageId: id,
    receiptHandle: "receipt",
    body,
    attributes: {
      ApproximateReceiveCount: String(delivery),
      SentTimestamp: "1",
      SenderId: "sender",
      ApproximateFirstReceiveTimestamp: "2",
    },
    messageAttributes: { tenant: { stringValue: "acme", dataType: "String" } },
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: QUEUE,
    awsRegion: "eu-central-1",
  };
}

export function fifoMessage(id: string, group: string): SQSRecord {
  const record = message(id);
  return {
    ...record,
    eventSourceARN: `${QUEUE}.fifo`,
    attributes: { ...record.attributes, MessageGroupId: group },
  };
}

export function tableChange(number: string): DynamoDBRecord {
  return {
    eventID: `event-${number}`,
    eventName: "INSERT",
    eventSource: "aws:dynamodb",
    dynamodb: { SequenceNumber: number, Keys: { id: { S: number } }, NewImage: { id: { S: number }, age: { N: "36" } } },
  };
}

export function kinesisDatum(number: string, data: string | Buffer): KinesisStreamRecord {
  return {
    eventID: `shardId-000:${number}`,
    eventName: "aws:kinesis:record",
    eventSource: "aws:kinesis",
    eventSourceARN: "arn:aws:kinesis:eu-central-1:123456789012:stream/clicks",
    eventVersion: "1.0",
    awsRegion: "eu-central-1",
    invokeIdentityArn: "",
    kinesis: {
      sequenceNumber: number,
      partitionKey: "p1",
      data: Buffer.from(data).toString("base64"),
      kinesisSchemaVersion: "1.0",
      approximateArrivalTimestamp: 1,
    },
  };
}

export function batch(...Records: BatchEvent["Records"]): BatchEvent {
  return { Records };
}

export function failed(response: BatchResponse): string[] {
  return response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
}

export interface Line {
  readonly level: string;
  readonly record_id: string;
  readonly error_name: string;
  readonly reason: string;
  readonly function_request_id: string;
}

/** A logger, and what it wrote. */
export function lines(): { logger: Logger; all: () => Line[]; text: () => string } {
  const logger = new Logger({ serviceName: "worker-under-test", logLevel: "INFO" });
  const written: string[] = [];
  const write = (line: unknown): void => void written.push(String(line));
  Object.assign(logger, { console: { ...console, info: write, warn: write, error: write, log: write, debug: write } });
  return { logger, all: () => written.map((line) => JSON.parse(line) as Line), text: () => written.join("\n") };
}

/** A promise and its resolver, for handlers that wait for the test. */
export function gate(): { open: () => void; opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, opened: promise };
}

export { vi };
