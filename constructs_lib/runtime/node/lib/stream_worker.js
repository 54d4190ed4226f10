/** Turns the handler of one record into the handler of a stream's batches. */
import { Logger } from "@aws-lambda-powertools/logger";
import { makeWorker } from "./batch.js";
import { attempts } from "./once.js";
import { LONGEST_LIFE_DAYS, MARGIN_MS } from "./queue_worker.js";
/**
 * Make a Lambda handler for the batches of a DynamoDB or Kinesis stream out of a handler for one record.
 *
 * The body is a `Change` of the table, or the JSON in the Kinesis record. After the first failure nothing is started any
 * more: Lambda delivers everything from there again, so that order is kept.
 */
export function streamWorker(handle, options = {}) {
    return makeWorker({
        handle,
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the stream holds is for its user to say
        parse: (content) => (typeof content === "string" ? JSON.parse(content) : content),
        key: options.key,
        inParallel: false,
        marginMs: options.marginMs ?? MARGIN_MS,
        lostWork: options.lostWork ?? "fail",
    }, attempts(options.rememberDays ?? LONGEST_LIFE_DAYS, options.dynamodb), options.logger ?? new Logger());
}
