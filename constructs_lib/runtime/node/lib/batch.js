import { BatchProcessor, processPartialResponse, SqsFifoPartialProcessorAsync, } from "@aws-lambda-powertools/batch";
import { Deadline } from "./deadline.js";
import { runWatched, whileWatching } from "./lost_work.js";
import { keyDigest } from "./once.js";
import { ClaimLost, LostWork, NotStarted, RecordRefused, Unreadable } from "./refusals.js";
import { arrivalOf, deliveryOf, nameOf, sourceOf } from "./source.js";
const MOST_SAID = 500; // characters of an error that go into the log
/** The Lambda handler with these settings. */
export function makeWorker(settings, attempts, logger) {
    return async ({ Records: records }, context) => {
        const [first] = records;
        if (first === undefined) {
            return { batchItemFailures: [] };
        }
        logger.addContext(context);
        const source = sourceOf(first);
        const batch = new Batch(settings, attempts, logger, source, context, records.length);
        const failures = await whileWatching(() => batch.run(records));
        return { batchItemFailures: failures };
    };
}
/** One batch on its way. */
class Batch {
    settings;
    attempts;
    logger;
    context;
    deadline;
    #source;
    #lastOf = new Map();
    #waiting;
    #isStopped = false;
    constructor(settings, attempts, logger, source, context, size) {
        this.settings = settings;
        this.attempts = attempts;
        this.logger = logger;
        this.context = context;
        this.deadline = new Deadline(context, settings.marginMs);
        this.#source = source;
        this.#waiting = size;
    }
    async run(records) {
        const { isFifo, isStream, eventType } = this.#source;
        // What has failed before goes last: it may do so again, and the others should not have to wait for it.
        const Records = isFifo || isStream ? [...records] : records.toSorted((one, other) => deliveryOf(one) - deliveryOf(other));
        const handle = (record) => this.#handle(record);
        const options = { context: this.context, throwOnFullBatchFailure: false };
        let processor;
        if (isFifo) {
            const fifo = new SqsFifoPartialProcessorAsync();
            await processPartialResponse({ Records }, handle, fifo, { ...options, skipGroupOnError: true });
            processor = fifo;
        }
        else {
            processor = new BatchProcessor(eventType);
            await processPartialResponse({ Records }, handle, processor, { ...options, processInParallel: this.#isParallel });
        }
        this.#report(processor);
        return processor.response().batchItemFailures;
    }
    get #isParallel() {
        return this.settings.inParallel && !this.#source.isFifo && !this.#source.isStream;
    }
    /** Run `work` once all earlier work of this batch for the same key is over, so that twins do not refuse each other. */
    async inTurn(key, work) {
        const before = this.#lastOf.get(key) ?? Promise.resolve();
        const turn = before.then(work);
        this.#lastOf.set(key, turn.catch(() => undefined));
        await turn;
    }
    async #handle(record) {
        this.#waiting -= 1;
        if (this.#isStopped) {
            throw new NotStarted("an earlier record of the stream failed: not started, comes back unharmed");
        }
        try {
            // Records that are handled at the same time do not wait for each other.
            await new Handling(this, arrivalOf(record), this.#isParallel ? 0 : this.#waiting).run();
        }
        catch (error) {
            this.#isStopped = this.#source.isStream;
            throw error instanceof Error ? error : new Error(`the handler threw ${String(error)}`, { cause: error });
        }
    }
    /** Log one line for each record that goes back, without its body. */
    #report(processor) {
        processor.errors.forEach((error, index) => {
            // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it lists one record for each error, as it got it
            const record = processor.failureMessages[index];
            const told = {
                record_id: nameOf(record),
                delivery: deliveryOf(record),
                error_name: error.name,
                reason: said(error),
                ...(error instanceof RecordRefused ? {} : { stack: framesOf(error) }),
            };
            this.logger[error instanceof NotStarted ? "warn" : "error"]("record failed and comes back", told);
        });
    }
}
/** One record on its way. */
class Handling {
    #batch;
    #arrival;
    #waiting;
    #signal = new AbortController().signal;
    #endsAtMs = 0;
    #isOver = false;
    constructor(batch, arrival, waiting) {
        this.#batch = batch;
        this.#arrival = arrival;
        this.#waiting = waiting;
    }
    /** Handle the record, if there is time, it can be read, and its key has not been handled. */
    async run() {
        const { attempts, context, deadline } = this.#batch;
        deadline.refuseLateStart();
        const record = this.#record(); // parsed here: what cannot be read makes no claim
        try {
            const key = record.idempotencyKey;
            await this.#batch.inTurn(key, () => {
                deadline.refuseLateStart();
                return attempts.run(key, () => this.#work(record), context);
            });
        }
        finally {
            this.#isOver = true;
        }
    }
    async #work(record) {
        const { deadline, logger, settings } = this.#batch;
        deadline.refuseLateStart(); // the claim may have taken its time
        const allowance = deadline.allowanceMs(this.#arrival.delivery, this.#waiting);
        this.#endsAtMs = deadline.leftMs() - allowance;
        try {
            await deadline.run((signal) => {
                this.#signal = signal;
                return runWatched(() => settings.handle(record));
            }, allowance);
        }
        catch (error) {
            if (!(error instanceof LostWork) || settings.lostWork === "fail") {
                throw error;
            }
            logger.warn("record acknowledged with work lost", { record_id: this.#arrival.id, reason: said(error) });
        }
    }
    #record() {
        const { id, once, delivery, group, attributes, content } = this.#arrival;
        const { attempts, deadline, settings } = this.#batch;
        const signalOf = () => this.#signal;
        const record = {
            id,
            body: this.#parsed(content),
            delivery,
            group,
            attributes,
            get idempotencyKey() {
                return keyDigest(settings.key === undefined ? once : settings.key(record));
            },
            get signal() {
                return signalOf();
            },
            leftMs: () => deadline.leftMs() - this.#endsAtMs,
            commit: async (...items) => {
                if (this.#isOver || this.#signal.aborted) {
                    throw new ClaimLost("the record was given up before it was committed: nothing was committed");
                }
                await attempts.commit(record.idempotencyKey, items);
            },
        };
        return record;
    }
    #parsed(content) {
        try {
            return this.#batch.settings.parse(content);
        }
        catch (error) {
            // What JSON.parse says quotes the body.
            throw error instanceof SyntaxError ? new Unreadable("its body is not JSON") : error;
        }
    }
}
/** What an error says, with what caused it, on one line and not at length. */
function said(error) {
    const texts = [error, error.cause].filter((each) => each instanceof Error).map((each) => each.message || each.name);
    return texts.join(": ").replaceAll(/\s+/g, " ").slice(0, MOST_SAID);
}
/** Where an error was thrown, without what it says. */
function framesOf(error) {
    return (error.stack ?? "").split("\n").flatMap((line) => /^\s+at (?<frame>.+)/.exec(line)?.groups?.["frame"] ?? []);
}
