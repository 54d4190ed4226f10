/** Watch while `batch` runs, and only then: between invocations this costs nothing. */
export declare function whileWatching<Result>(batch: () => Promise<Result>): Promise<Result>;
/** Wait for what `handle` returns, and refuse it if it leaves something behind. */
export declare function runWatched(handle: () => unknown): Promise<void>;
