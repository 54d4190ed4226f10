/** Handles each key once: Powertools idempotency, with claims that cannot be completed by whoever lost them. */
import { createHash } from "node:crypto";

import {
  IdempotencyAlreadyInProgressError,
  IdempotencyConfig,
  makeIdempotent,
} from "@aws-lambda-powertools/idempotency";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Context } from "aws-lambda";

import { type CommitItem, FencedTable } from "./fenced_table.ts";
import { InProgressElsewhere, KeyMissing, LostWork, NoTable, OutOfTime } from "./refusals.ts";

const TABLE_VARIABLE = "IDEMPOTENCY_TABLE"; // set by QueueWorker(idempotent=True)
const LONGEST_KEY = 1024; // characters
const DAY_S = 24 * 60 * 60;

/** How a record's handler is run, for a key. */
export interface Attempts {
  /** Run `work`, unless the key has been handled. */
  run(key: string, work: () => Promise<void>, context: Context): Promise<void>;
  /** Write `items` and complete the key, all or none. */
  commit(key: string, items: readonly CommitItem[]): Promise<void>;
}

/** What sets the keys of this function apart from those of others. */
function scope(): string {
  return process.env["AWS_LAMBDA_FUNCTION_NAME"] ?? "";
}

/** The key as 64 hexadecimal digits: the same in both languages, and accepted by all of AWS as a token. */
export function keyDigest(key: unknown): string {
  if (!isText(key) && !isWhole(key)) {
    throw new KeyMissing(`its key is of type ${key === null ? "null" : typeof key}, wanted a text or a whole number`);
  }
  const text = String(key);
  const { length } = Array.from(text);
  if (length < 1 || length > LONGEST_KEY) {
    throw new KeyMissing(`its key has ${length} characters, wanted 1 to ${LONGEST_KEY}`);
  }
  return createHash("sha256").update(`${scope()}#${text}`).digest("hex");
}

function isText(key: unknown): key is string {
  return typeof key === "string";
}

function isWhole(key: unknown): key is number | bigint {
  return typeof key === "bigint" || Number.isSafeInteger(key);
}

/** How this function runs its handler: once for each key if it has a table, plainly if it has none. */
export function attempts(rememberDays: number, dynamodb: DynamoDBClient | undefined): Attempts {
  const table = process.env[TABLE_VARIABLE] ?? "";
  return table === "" ? everyTime : new OncePerKey(table, rememberDays, dynamodb ?? new DynamoDBClient({}));
}

const everyTime: Attempts = {
  run: (_key, work) => work(),
  commit: () =>
    Promise.reject(new NoTable(`commit needs the table that QueueWorker(idempotent=True) names in ${TABLE_VARIABLE}`)),
};

class OncePerKey implements Attempts {
  readonly #table: FencedTable;
  readonly #config: IdempotencyConfig;
  readonly #once: (key: string, work: () => Promise<void>) => Promise<void>;

  constructor(table: string, rememberDays: number, dynamodb: DynamoDBClient) {
    const rememberSeconds = rememberDays * DAY_S;
    this.#table = new FencedTable(table, dynamodb, rememberSeconds);
    this.#config = new IdempotencyConfig({
      expiresAfterSeconds: rememberSeconds,
      hashFunction: "sha256",
      throwOnNoIdempotencyKey: true,
    });
    const attempt = (key: string, work: () => Promise<void>): Promise<void> => this.#attempt(key, work);
    this.#once = makeIdempotent(attempt, {
      persistenceStore: this.#table,
      config: this.#config,
      keyPrefix: scope() || "local",
      dataIndexArgument: 0,
    });
  }

  async run(key: string, work: () => Promise<void>, context: Context): Promise<void> {
    this.#config.registerLambdaContext(context);
    try {
      await this.#once(key, work);
    } catch (error) {
      if (error instanceof IdempotencyAlreadyInProgressError) {
        throw new InProgressElsewhere("its key is being handled by another environment", { cause: error });
      }
      throw error;
    }
  }

  commit(key: string, items: readonly CommitItem[]): Promise<void> {
    return this.#table.commit(key, items);
  }

  async #attempt(key: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof OutOfTime || error instanceof LostWork) {
        this.#table.abandon(key);
      }
      throw error;
    }
  }
}
