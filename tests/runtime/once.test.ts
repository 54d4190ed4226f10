/* oxlint-disable typescript/require-await, unicorn/consistent-function-scoping -- a record handler is async, whatever it does, and stands in its test */
import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import { DynamoDBPersistenceLayer } from "@aws-lambda-powertools/idempotency/dynamodb";
import { type CommitItem, queueWorker, type WorkerRecord } from "constructs-lib-runtime";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { MemoryTable } from "../../benchmarks/exactly_once/node/memory_table.ts";
import { batch, contextWith, failed, gate, lines, message, textMessage } from "./batches.ts";

type Order = WorkerRecord<{ order: string }>;

let table: MemoryTable;

beforeEach(() => {
  table = new MemoryTable();
  vi.stubEnv("IDEMPOTENCY_TABLE", "handled");
  vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", "orders");
});
afterEach(() => vi.unstubAllEnvs());

const one = batch(message("m0"));
const statuses = (): unknown[] => table.all("handled").map((item) => item["status"]?.S);

/** The effect of a record, as part of a transaction. */
function orderItem({ id, body }: Order): CommitItem {
  return { Put: { TableName: "orders", Item: { id: body.order, by: id, lines: [1, { sku: "a" }], note: undefined } } };
}

/** Let every claim run out, as time does. */
function lapse(): void {
  for (const item of table.all("handled")) {
    item["in_progress_expiration"] = { N: "1" };
  }
}

/** A handler that dies after what it does: its environment is gone, so nothing of it runs any more. */
function dying(handle: (record: Order) => Promise<unknown>): { invoke: () => Promise<void> } {
  const dead = gate();
  const worker = queueWorker(
    async (record: Order) => {
      await handle(record);
      dead.open();
      await gate().opened;
    },
    { dynamodb: table.client() },
  );
  return {
    invoke: async () => {
      void worker(one, contextWith());
      await dead.opened;
      lapse();
    },
  };
}

describe("a key", () => {
  test("that was handled is acknowledged and not handled again", async () => {
    const seen: string[] = [];
    const handler = queueWorker(async ({ id }) => seen.push(id), { dynamodb: table.client() });
    for (let delivery = 1; delivery <= 3; delivery++) {
      // oxlint-disable-next-line no-await-in-loop -- one delivery after the other
      expect(failed(await handler(one, contextWith()))).toEqual([]);
    }
    expect(seen).toEqual(["m0"]);
    expect(statuses()).toEqual(["COMPLETED"]);
  });

  test("is handled each time without a table", async () => {
    vi.stubEnv("IDEMPOTENCY_TABLE", "");
    const seen: string[] = [];
    const handler = queueWorker(async ({ id }) => seen.push(id), { dynamodb: table.client() });
    await handler(one, contextWith());
    await handler(one, contextWith());
    expect(seen).toEqual(["m0", "m0"]);
    expect(table.calls).toEqual([]);
  });

  test("of two messages in one batch is handled once, and both are acknowledged", async () => {
    const seen: string[] = [];
    const handler = queueWorker(async ({ id }: Order) => seen.push(id), {
      key: ({ body }) => body.order,
      dynamodb: table.client(),
    });
    const twins = batch(message("m0", { order: "o1" }), message("m1", { order: "o1" }));
    expect(failed(await handler(twins, contextWith()))).toEqual([]);
    expect(seen).toEqual(["m0"]);
  });

  test("in progress elsewhere gives the message back", async () => {
    const { logger, all } = lines();
    const holding = gate();
    const started = gate();
    const first = queueWorker(
      async () => {
        started.open();
        await holding.opened;
      },
      { dynamodb: table.client() },
    )(one, contextWith());
    await started.opened;
    const second = queueWorker(() => expect.fail("handled twice"), { dynamodb: table.client(), logger });
    expect(failed(await second(one, contextWith()))).toEqual(["m0"]);
    expect(all()[0]?.error_name).toBe("InProgressElsewhere");
    holding.open();
    expect(failed(await first)).toEqual([]);
  });

  test("of a failed message is handled again at once", async () => {
    const handle = vi.fn(async (): Promise<void> => undefined).mockRejectedValueOnce(new Error("no"));
    const handler = queueWorker(handle, { dynamodb: table.client() });
    expect(failed(await handler(one, contextWith()))).toEqual(["m0"]);
    expect(failed(await handler(one, contextWith()))).toEqual([]);
    expect(handle).toHaveBeenCalledTimes(2);
  });

  test.each([undefined, null, "", true, 1.5, {}, "x".repeat(1025)])("that is %j fails the message unhandled", async (key) => {
    const handle = vi.fn(async () => undefined);
    const handler = queueWorker(handle, { key: () => key as string, dynamodb: table.client() });
    expect(failed(await handler(one, contextWith()))).toEqual(["m0"]);
    expect(handle).not.toHaveBeenCalled();
    expect(table.calls).toEqual([]);
  });

  test("is not claimed by an unreadable message", async () => {
    const handler = queueWorker(async () => undefined, { dynamodb: table.client() });
    expect(failed(await handler(batch(textMessage("m0", "{")), contextWith()))).toEqual(["m0"]);
    expect(table.calls).toEqual([]);
  });

  test("fails its message unhandled while the table cannot be reached", async () => {
    const { logger, all } = lines();
    const handle = vi.fn(async () => undefined);
    const unreachable = table.client({ before: () => Promise.reject(new Error("connect ECONNREFUSED")) });
    const handler = queueWorker(handle, { dynamodb: unreachable, logger });
    expect(failed(await handler(one, contextWith()))).toEqual(["m0"]);
    expect(handle).not.toHaveBeenCalled();
    expect(all()[0]?.reason).toContain("ECONNREFUSED");
  });

  test("is the same text in both languages", async () => {
    const keys: string[] = [];
    const handler = queueWorker(async ({ idempotencyKey }) => keys.push(idempotencyKey), {
      key: () => "order-1",
      dynamodb: table.client(),
    });
    await handler(one, contextWith());
    expect(keys).toEqual(["f90270e8a2138bf920bab082c2c9f12f7f888a4c24b407d069e652a8237094f9"]);
  });
});

describe("commit", () => {
  test("writes the effect and the completion in one transaction", async () => {
    const handler = queueWorker((record: Order) => record.commit(orderItem(record)), { dynamodb: table.client() });
    expect(failed(await handler(one, contextWith()))).toEqual([]);
    expect(table.calls).toEqual(["PutItem", "TransactWriteItems"]);
    expect(statuses()).toEqual(["COMPLETED"]);
    expect(table.item("orders", "m0")).toEqual({
      id: { S: "m0" },
      by: { S: "m0" },
      lines: { L: [{ N: "1" }, { M: { sku: { S: "a" } } }] },
    });
  });

  test("survives a crash right after it: the effect is there once", async () => {
    await dying((record) => record.commit(orderItem(record))).invoke();
    const handle = vi.fn(async () => undefined);
    const handler = queueWorker(handle, { dynamodb: table.client() });
    expect(failed(await handler(one, contextWith()))).toEqual([]);
    expect(handle).not.toHaveBeenCalled();
    expect(table.all("orders")).toHaveLength(1);
  });

  test("is needed: without it, a crash right after the effect has two", async () => {
    const effects: string[] = [];
    await dying(async ({ id }) => effects.push(id)).invoke();
    await queueWorker(async ({ id }) => effects.push(id), { dynamodb: table.client() })(one, contextWith());
    expect(effects).toEqual(["m0", "m0"]);
  });

  test("is not needed by an effect that takes the key", async () => {
    const charges = new Map<string, number>();
    await dying(async ({ idempotencyKey }) => charges.set(idempotencyKey, 100)).invoke();
    const again = queueWorker(async ({ idempotencyKey }) => charges.set(idempotencyKey, 100), {
      dynamodb: table.client(),
    });
    expect(failed(await again(one, contextWith()))).toEqual([]);
    expect(charges.size).toBe(1);
  });

  test("holds although the handler fails after it", async () => {
    const handle = vi.fn(async (record: Order) => {
      await record.commit(orderItem(record));
      throw new Error("too late");
    });
    const handler = queueWorker(handle, { dynamodb: table.client() });
    expect(failed(await handler(one, contextWith()))).toEqual(["m0"]);
    expect(failed(await handler(one, contextWith()))).toEqual([]);
    expect(handle).toHaveBeenCalledTimes(1);
  });

  test("is refused to an attempt that was taken over", async () => {
    const errors: unknown[] = [];
    const successor = queueWorker((record: Order) => record.commit(orderItem(record)), { dynamodb: table.client() });
    const slow = queueWorker(
      async (record: Order) => {
        lapse();
        expect(failed(await successor(one, contextWith()))).toEqual([]);
        await record.commit({ Put: { TableName: "orders", Item: { id: "twice" } } }).catch((error: unknown) => {
          errors.push(error);
          throw error;
        });
      },
      { dynamodb: table.client() },
    );
    expect(failed(await slow(one, contextWith()))).toEqual(["m0"]);
    expect(errors).toMatchObject([{ name: "ClaimLost", message: expect.stringContaining("nothing was committed") }]);
    expect(table.item("orders", "twice")).toBeUndefined();
    expect(statuses()).toEqual(["COMPLETED"]);
  });

  test("is refused to a record that was given up at its deadline, whoever holds the key now", async () => {
    const thaw = gate();
    const late: Promise<unknown>[] = [];
    const dynamodb = table.client();
    let isFirst = true;
    const handler = queueWorker(
      (record: Order) => {
        const work = async (): Promise<void> => {
          if (isFirst) {
            isFirst = false;
            await thaw.opened;
            await record.commit({ Put: { TableName: "orders", Item: { id: "twice" } } });
          } else {
            thaw.open(); // the frozen attempt wakes up in the environment that handles its record again
            await expect(late[0]).rejects.toThrow("given up");
            await record.commit(orderItem(record));
          }
        };
        const promise = work();
        late.push(promise);
        return promise;
      },
      { dynamodb, marginMs: 50 },
    );
    expect(failed(await handler(one, contextWith(200)))).toEqual(["m0"]);
    expect(statuses()).toEqual(["INPROGRESS"]);
    lapse();
    expect(failed(await handler(one, contextWith()))).toEqual([]);
    expect(table.all("orders")).toHaveLength(1);
  });

  test("leaves a refused condition of the effect to the handler", async () => {
    const handler = queueWorker(
      async (record: Order) => {
        const item = { id: "o1" };
        const put = { TableName: "orders", Item: item, ConditionExpression: "attribute_not_exists(id)" };
        table.items.set("orders/o1", { id: { S: "o1" } });
        await expect(record.commit({ Put: put })).rejects.toMatchObject({ name: "TransactionCanceledException" });
      },
      { dynamodb: table.client() },
    );
    expect(failed(await handler(one, contextWith()))).toEqual([]);
  });

  test("does not double the effect when its answer is lost", async () => {
    const after = (name: string): Promise<void> =>
      name === "TransactWriteItems" ? Promise.reject(new Error("socket hang up")) : Promise.resolve();
    const handle = vi.fn((record: Order) => record.commit(orderItem(record)));
    const handler = queueWorker(handle, { dynamodb: table.client({ after }) });
    expect(failed(await handler(one, contextWith()))).toEqual(["m0"]);
    expect(failed(await handler(one, contextWith()))).toEqual([]);
    expect(handle).toHaveBeenCalledTimes(1);
  });

  test("is refused twice, and beyond what a transaction holds", async () => {
    const handler = queueWorker(
      async (record: Order) => {
        const items = Array.from({ length: 100 }, () => orderItem(record));
        await expect(record.commit(...items)).rejects.toThrow("100 items to commit, at most 99");
        await record.commit();
        await expect(record.commit()).rejects.toThrow("committed already");
      },
      { dynamodb: table.client() },
    );
    expect(failed(await handler(one, contextWith()))).toEqual([]);
  });

  test.each([
    ["IDEMPOTENCY_TABLE", "", "idempotent=True"],
    ["POWERTOOLS_IDEMPOTENCY_DISABLED", "true", "switched off"],
  ])("needs idempotency: with %s=%j it is refused", async (variable, value, told) => {
    vi.stubEnv(variable, value);
    const handler = queueWorker((record: Order) => expect(record.commit(orderItem(record))).rejects.toThrow(told), {
      dynamodb: table.client(),
    });
    expect(failed(await handler(one, contextWith()))).toEqual([]);
  });
});

describe("a late attempt", () => {
  test.each([true, false])("leaves its successor's completion alone (it ends well: %s)", async (endsWell) => {
    const handle = vi.fn(async () => undefined);
    const successor = queueWorker(handle, { dynamodb: table.client() });
    const slow = queueWorker(
      async () => {
        lapse();
        await successor(one, contextWith());
        if (!endsWell) {
          throw new Error("no");
        }
      },
      { dynamodb: table.client() },
    );
    expect(failed(await slow(one, contextWith()))).toEqual(["m0"]);
    expect(failed(await successor(one, contextWith()))).toEqual([]);
    expect(handle).toHaveBeenCalledTimes(1);
  });

  test("deletes that completion in the stock table", async () => {
    const handled: string[] = [];
    const stock = (work: (key: string) => Promise<void>): ((key: string) => Promise<void>) =>
      makeIdempotent(work, {
        persistenceStore: new DynamoDBPersistenceLayer({ tableName: "handled", awsSdkV3Client: table.client() }),
        config: new IdempotencyConfig({ lambdaContext: contextWith() }),
        keyPrefix: "orders",
        dataIndexArgument: 0,
      });
    const note = stock(async (key) => void handled.push(key));
    const slow = stock(async (key) => {
      lapse();
      await note(key);
      throw new Error("no");
    });
    await expect(slow("m0")).rejects.toThrow("no");
    await note("m0");
    expect(handled).toEqual(["m0", "m0"]);
  });
});
