/** What runs inside a function that handles batches: one record handler in, a Lambda handler out. */
export type { BatchEvent, BatchResponse, Worker } from "./batch.ts";
export type { CommitItem } from "./fenced_table.ts";
export { queueWorker, type QueueWorkerOptions, type WorkerOptions } from "./queue_worker.ts";
export type { Change, WorkerRecord } from "./record.ts";
export {
  ClaimLost,
  InProgressElsewhere,
  KeyMissing,
  LostWork,
  NotStarted,
  NoTable,
  OutOfTime,
  RecordRefused,
  Unreadable,
} from "./refusals.ts";
export { streamWorker } from "./stream_worker.ts";
