/** Runs one record handler over a batch, and reports which records are to come back. */
import type { BasePartialBatchProcessor } from "@aws-lambda-powertools/batch";
import {
  BatchProcessor,
  processPartialResponse,
  SqsFifoPartialProcessorAsync,
} from "@aws-lambda-powertools/batch";
import type { Logger } from "@aws-lambda-powertools/logger";
import type { Context } from "aws-lambda";

import { Deadline } from "./deadline.ts";
import { runWatched, whileWatching } from "./lost_work.ts";
import { type Attempts, keyDigest } from "./once.ts";
import type { Change, WorkerRecord } from "./record.ts";
import { ClaimLost, LostWork, NotStarted, RecordRefused, Unreadable } from "./refusals.ts";
import { type Arrival, arrivalOf, deliveryOf, nameOf, type Source, sourceOf, type SourceRecord } from "./source.ts";

const MOST_SAID = 500; // characters of an error that go into the log

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
  batchItemFailures: { itemIdentifier: string }[];
}

export type Worker = (event: BatchEvent, context: Context) => Promise<BatchResponse>;

/** The Lambda handler with these settings. */
export function makeWorker<Body>(settings: Settings<Body>, attempts: Attempts, logger: Logger): Worker {
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
class Batch<Body> {
  readonly settings: Settings<Body>;
  readonly attempts: Attempts;
  readonly logger: Logger;
  readonly context: Context;
  readonly deadline: Deadline;
  readonly #source: Source;
  readonly #lastOf = new Map<string, Promise<void>>();
  #waiting: number;
  #isStopped = false;

  constructor(
    settings: Settings<Body>,
    attempts: Attempts,
    logger: Logger,
    source: Source,
    context: Context,
    size: number,
  ) {
    this.settings = settings;
    this.attempts = attempts;
    this.logger = logger;
    this.context = context;
    this.deadline = new Deadline(context, settings.marginMs);
    this.#source = source;
    this.#waiting = size;
  }

  async run(records: readonly SourceRecord[]): Promise<BatchResponse["batchItemFailures"]> {
    const { isFifo, isStream, eventType } = this.#source;
    // What has failed before goes last: it may do so again, and the others should not have to wait for it.
    const Records =
      isFifo || isStream ? [...records] : records.toSorted((one, other) => deliveryOf(one) - deliveryOf(other));
    const handle = (record: SourceRecord): Promise<void> => this.#handle(record);
    const options = { context: this.context, throwOnFullBatchFailure: false };
    let processor: BasePartialBatchProcessor;
    if (isFifo) {
      const fifo = new SqsFifoPartialProcessorAsync();
      await processPartialResponse({ Records }, handle, fifo, { ...options, skipGroupOnError: true });
      processor = fifo;
    } else {
      processor = new BatchProcessor(eventType);
      await processPartialResponse({ Records }, handle, processor, { ...options, processInParallel: this.#isParallel });
    }
    this.#report(processor);
    return processor.response().batchItemFailures;
  }

  get #isParallel(): boolean {
    return this.settings.inParallel && !this.#source.isFifo && !this.#source.isStream;
  }

  /** Run `work` once all earlier work of this batch for the same key is over, so that twins do not refuse each other. */
  async inTurn(key: string, work: () => Promise<void>): Promise<void> {
    const before = this.#lastOf.get(key) ?? Promise.resolve();
    const turn = before.then(work);
    this.#lastOf.set(
      key,
      turn.catch(() => undefined),
    );
    await turn;
  }

  async #handle(record: SourceRecord): Promise<void> {
    this.#waiting -= 1;
    if (this.#isStopped) {
      throw new NotStarted("an earlier record of the stream failed: not started, comes back unharmed");
    }
    try {
      // Records that are handled at the same time do not wait for each other.
      await new Handling(this, arrivalOf(record), this.#isParallel ? 0 : this.#waiting).run();
    } catch (error) {
      this.#isStopped = this.#source.isStream;
      throw error instanceof Error ? error : new Error(`the handler threw ${String(error)}`, { cause: error });
    }
  }

  /** Log one line for each record that goes back, without its body. */
  #report(processor: BasePartialBatchProcessor): void {
    processor.errors.forEach((error, index) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it lists one record for each error, as it got it
      const record = processor.failureMessages[index] as SourceRecord;
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
class Handling<Body> {
  readonly #batch: Batch<Body>;
  readonly #arrival: Arrival;
  readonly #waiting: number;
  #signal = new AbortController().signal;
  #endsAtMs = 0;
  #isOver = false;

  constructor(batch: Batch<Body>, arrival: Arrival, waiting: number) {
    this.#batch = batch;
    this.#arrival = arrival;
    this.#waiting = waiting;
  }

  /** Handle the record, if there is time, it can be read, and its key has not been handled. */
  async run(): Promise<void> {
    const { attempts, context, deadline } = this.#batch;
    deadline.refuseLateStart();
    const record = this.#record(); // parsed here: what cannot be read makes no claim
    try {
      const key = record.idempotencyKey;
      await this.#batch.inTurn(key, () => {
        deadline.refuseLateStart();
        return attempts.run(key, () => this.#work(record), context);
      });
    } finally {
      this.#isOver = true;
    }
  }

  async #work(record: WorkerRecord<Body>): Promise<void> {
    const { deadline, logger, settings } = this.#batch;
    deadline.refuseLateStart(); // the claim may have taken its time
    const allowance = deadline.allowanceMs(this.#arrival.delivery, this.#waiting);
    this.#endsAtMs = deadline.leftMs() - allowance;
    try {
      await deadline.run((signal) => {
        this.#signal = signal;
        return runWatched(() => settings.handle(record));
      }, allowance);
    } catch (error) {
      if (!(error instanceof LostWork) || settings.lostWork === "fail") {
        throw error;
      }
      logger.warn("record acknowledged with work lost", { record_id: this.#arrival.id, reason: said(error) });
    }
  }

  #record(): WorkerRecord<Body> {
    const { id, once, delivery, group, attributes, content } = this.#arrival;
    const { attempts, deadline, settings } = this.#batch;
    const signalOf = (): AbortSignal => this.#signal;
    const record: WorkerRecord<Body> = {
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

  #parsed(content: string | Change): Body {
    try {
      return this.#batch.settings.parse(content);
    } catch (error) {
      // What JSON.parse says quotes the body.
      throw error instanceof SyntaxError ? new Unreadable("its body is not JSON") : error;
    }
  }
}

/** What an error says, with what caused it, on one line and not at length. */
function said(error: Error): string {
  const texts = [error, error.cause].filter((each) => each instanceof Error).map((each) => each.message || each.name);
  return texts.join(": ").replaceAll(/\s+/g, " ").slice(0, MOST_SAID);
}

/** Where an error was thrown, without what it says. */
function framesOf(error: Error): string[] {
  return (error.stack ?? "").split("\n").flatMap((line) => /^\s+at (?<frame>.+)/.exec(line)?.groups?.["frame"] ?? []);
}
