import type { Logger } from "@aws-lambda-powertools/logger";
import type { Context } from "aws-lambda";
import { type Attempts } from "./once.ts";
import type { Change, WorkerRecord } from "./record.ts";
import { type SourceRecord } from "./source.ts";
/** What the user said of their handler; see `queueWorker`. */
export interface Settings<Body> {
    readonly handle: (record: WorkerRecord<Body>) => Promise<unknown>;
    readonly parse: (content: string | Change) => Body;
    readonly key: ((record: WorkerRecord<Body>) => string | number | bigint) | undefined;
    readonly inParallel: boolean;
    readonly marginMs: number;
    readonly lostWork: "fail" | "log";
}
export interface BatchEvent {
    readonly Records: readonly SourceRecord[];
}
export interface BatchResponse {
    batchItemFailures: {
        itemIdentifier: string;
    }[];
}
export type Worker = (event: BatchEvent, context: Context) => Promise<BatchResponse>;
/** The Lambda handler with these settings. */
export declare function makeWorker<Body>(settings: Settings<Body>, attempts: Attempts, logger: Logger): Worker;
