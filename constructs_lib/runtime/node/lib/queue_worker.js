/** Turns the handler of one message into the handler of a queue's batches. */
import { Logger } from "@aws-lambda-powertools/logger";
import { makeWorker } from "./batch.js";
import { attempts } from "./once.js";
// A message lives 14 days in a queue, and again in the dead-letter queue of a FIFO queue.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
export const LONGEST_LIFE_DAYS = 28;
export const MARGIN_MS = 1000;
/**
 * Make a Lambda handler for the batches of an SQS queue out of a handler for one message.
 *
 * A message is acknowledged if and only if what its handler returned was fulfilled in time, with no work left behind;
 * every other is reported by its id and comes back. Works on standard and FIFO queues; in a FIFO queue, everything that
 * follows a failure in its message group comes back with it. With a table in `IDEMPOTENCY_TABLE`, which
 * `QueueWorker(idempotent=True)` sets, a key that was handled is not handled again.
 */
export function queueWorker(handle, options = {}) {
    const { parse = JSON.parse, inParallel = true } = options;
    return makeWorker({
        handle,
        parse: (content) => parse(typeof content === "string" ? content : JSON.stringify(content)),
        key: options.key,
        inParallel,
        marginMs: options.marginMs ?? MARGIN_MS,
        lostWork: options.lostWork ?? "fail",
    }, attempts(options.rememberDays ?? LONGEST_LIFE_DAYS, options.dynamodb), options.logger ?? new Logger());
}
