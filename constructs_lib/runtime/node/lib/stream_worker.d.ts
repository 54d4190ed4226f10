import { type Worker } from "./batch.ts";
import { type WorkerOptions } from "./queue_worker.ts";
import type { Change, WorkerRecord } from "./record.ts";
/**
 * Make a Lambda handler for the batches of a DynamoDB or Kinesis stream out of a handler for one record.
 *
 * The body is a `Change` of the table, or the JSON in the Kinesis record. After the first failure nothing is started any
 * more: Lambda delivers everything from there again, so that order is kept.
 */
export declare function streamWorker<Body = Change>(handle: (record: WorkerRecord<Body>) => Promise<unknown>, options?: WorkerOptions<Body>): Worker;
