/** What the deadline needs of Lambda's context. */
export interface Invocation {
    getRemainingTimeInMillis(): number;
}
/** The time one invocation has for its records. */
export declare class Deadline {
    #private;
    /** `marginMs` is kept at the end, to save results and to answer Lambda. */
    constructor(context: Invocation, marginMs: number);
    /** The milliseconds until the margin begins. */
    leftMs(): number;
    /** Let no record start in the margin. */
    refuseLateStart(): void;
    /**
     * How long a record may take.
     *
     * All the time there is on its first and third delivery, so that a slow record ends if it can. But one that hangs would
     * starve the same neighbours each time, until they are dead letters with it. So on every other delivery, while others
     * wait, it may take half of what is left.
     */
    allowanceMs(delivery: number, waiting: number): number;
    /**
     * Wait for `work`, but not longer than it may take.
     *
     * Work that is late cannot be stopped in Node; its signal is aborted, and nothing it does later is acknowledged.
     */
    run(work: (signal: AbortSignal) => Promise<void>, allowanceMs: number): Promise<void>;
}
