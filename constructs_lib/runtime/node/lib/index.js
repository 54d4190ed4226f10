export { queueWorker } from "./queue_worker.js";
export { ClaimLost, InProgressElsewhere, KeyMissing, LostWork, NotStarted, NoTable, OutOfTime, RecordRefused, Unreadable, } from "./refusals.js";
export { streamWorker } from "./stream_worker.js";
