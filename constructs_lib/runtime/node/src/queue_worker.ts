/** Turns the handler of one message into the handler of a queue's batches. */
import { Logger } from "@aws-lambda-powertools/logger";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

import { makeWorker, type Worker } from "./batch.ts";
import { attempts } from "./once.ts";
import type { WorkerRecord } from "./record.ts";

// A message lives 14 days in a queue, and again in the dead-letter queue of a FIFO queue.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
export const LONGEST_LIFE_DAYS = 28;
export const MARGIN_MS = 1000;

export interface WorkerOptions<Body> {
  /** What makes two records the same, as a text or whole number. Default: the id of the message or event. */
  key?: (record: WorkerRecord<Body>) => string | number | bigint;
  /** Kept at the end of the invocation: nothing starts or is waited for in it. At most a fifth of the timeout. */
  marginMs?: number;
  /** How long a key counts as handled. */
  rememberDays?: number;
  /** What to do with a record whose handler left timers, requests or other work behind. */
  lostWork?: "fail" | "log";
  /** The client for the table. Default: one of its own. */
  dynamodb?: DynamoDBClient;
  /** Where failures are logged. Default: one of its own. */
  logger?: Logger;
}

export interface QueueWorkerOptions<Body> extends WorkerOptions<Body> {
  /** Makes the body out of its text; what it throws fails that message only. Default: `JSON.parse`. */
  parse?: (text: string) => Body;
  /** Whether the messages of a standard queue's batch are handled at the same time, or one after another. */
  inParallel?: boolean;
}

/**
 * Make a Lambda handler for the batches of an SQS queue out of a handler for one message.
 *
 * A message is acknowledged if and only if what its handler returned was fulfilled in time, with no work left behind;
 * every other is reported by its id and comes back. Works on standard and FIFO queues; in a FIFO queue, everything that
 * follows a failure in its message group comes back with it. With a table in `IDEMPOTENCY_TABLE`, which
 * `QueueWorker(idempotent=True)` sets, a key that was handled is not handled again.
 */
export function queueWorker<Body = unknown>(
  handle: (record: WorkerRecord<Body>) => Promise<unknown>,
  options: QueueWorkerOptions<Body> = {},
): Worker {
  const { parse = JSON.parse as (text: string) => Body, inParallel = true } = options;
  return makeWorker(
    {
      handle,
      parse: (content) => parse(typeof content === "string" ? content : JSON.stringify(content)),
      key: options.key,
      inParallel,
      marginMs: options.marginMs ?? MARGIN_MS,
      lostWork: options.lostWork ?? "fail",
    },
    attempts(options.rememberDays ?? LONGEST_LIFE_DAYS, options.dynamodb),
    options.logger ?? new Logger(),
  );
}
