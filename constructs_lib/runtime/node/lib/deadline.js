/** Keeps the end of the invocation in sight: what must not start any more, and what must stop now. */
import { NotStarted, OutOfTime } from "./refusals.js";
const SHARE_OF_MARGIN = 5; // a short invocation gives at most a fifth of itself to the margin
const GENEROUS = new Set([1, 3]); // deliveries; see allowanceMs
/** The time one invocation has for its records. */
export class Deadline {
    #context;
    #marginMs;
    /** `marginMs` is kept at the end, to save results and to answer Lambda. */
    constructor(context, marginMs) {
        this.#context = context;
        this.#marginMs = Math.min(marginMs, Math.floor(context.getRemainingTimeInMillis() / SHARE_OF_MARGIN));
    }
    /** The milliseconds until the margin begins. */
    leftMs() {
        return this.#context.getRemainingTimeInMillis() - this.#marginMs;
    }
    /** Let no record start in the margin. */
    refuseLateStart() {
        if (this.leftMs() <= 0) {
            throw new NotStarted(`less than ${this.#marginMs} ms were left: not started, comes back unharmed`);
        }
    }
    /**
     * How long a record may take.
     *
     * All the time there is on its first and third delivery, so that a slow record ends if it can. But one that hangs would
     * starve the same neighbours each time, until they are dead letters with it. So on every other delivery, while others
     * wait, it may take half of what is left.
     */
    allowanceMs(delivery, waiting) {
        const left = this.leftMs();
        return GENEROUS.has(delivery) || waiting === 0 ? left : Math.floor(left / 2);
    }
    /**
     * Wait for `work`, but not longer than it may take.
     *
     * Work that is late cannot be stopped in Node; its signal is aborted, and nothing it does later is acknowledged.
     */
    async run(work, allowanceMs) {
        const abort = new AbortController();
        let timer;
        const late = new Promise((_, reject) => {
            timer = setTimeout(() => {
                const error = new OutOfTime(`given up after ${allowanceMs} ms: it may have had part of its effect`);
                abort.abort(error);
                reject(error);
            }, allowanceMs);
        });
        try {
            await Promise.race([work(abort.signal), late]);
        }
        finally {
            clearTimeout(timer);
        }
    }
}
