/* oxlint-disable typescript/require-await, unicorn/consistent-function-scoping -- a record handler is async, whatever it does, and stands in its test */
import { BatchProcessor, EventType, processPartialResponse } from "@aws-lambda-powertools/batch";
import { queueWorker, type WorkerRecord } from "constructs-lib-runtime";
import { describe, expect, test } from "vitest";

import { batch, contextWith, failed, fifoMessage, gate, lines, message, REQUEST_ID, textMessage } from "./batches.ts";

const three = batch(message("m0"), message("m1"), message("m2"));
const never = (): Promise<never> => gate().opened as Promise<never>;

describe("a batch", () => {
  test("whose handler resolves is acknowledged", async () => {
    const seen: unknown[] = [];
    const handler = queueWorker(async ({ body }) => seen.push(body));
    expect(failed(await handler(three, contextWith()))).toEqual([]);
    expect(seen).toEqual([{ order: "m0" }, { order: "m1" }, { order: "m2" }]);
  });

  test("reports only the record whose handler rejects", async () => {
    const handler = queueWorker(async ({ id }) => {
      if (id === "m1") {
        throw new Error("out of stock");
      }
    });
    expect(failed(await handler(three, contextWith()))).toEqual(["m1"]);
  });

  test("reports every record instead of rejecting when all fail", async () => {
    const handler = queueWorker(() => Promise.reject(new Error("no")));
    expect(failed(await handler(three, contextWith()))).toEqual(["m0", "m1", "m2"]);
  });

  test.each([
    ["null", null],
    ["undefined", undefined],
    ["a text", "no"],
    ["an object without prototype", Object.create(null)],
  ])("survives a handler that throws %s", async (_, thrown) => {
    const handler = queueWorker(async ({ id }) => {
      if (id === "m1") {
        // oxlint-disable-next-line typescript/only-throw-error -- what careless code does
        throw thrown;
      }
    });
    expect(failed(await handler(three, contextWith()))).toEqual(["m1"]);
  });

  test("of stock Powertools does not survive it", async () => {
    // oxlint-disable-next-line typescript/only-throw-error, typescript/prefer-promise-reject-errors -- what careless code does
    const handle = (): Promise<never> => Promise.reject(null);
    const stock = processPartialResponse({ Records: [message("m0")] }, handle, new BatchProcessor(EventType.SQS));
    await expect(stock).rejects.toThrow(TypeError);
  });

  test("may be empty, and must be from a source that is known", async () => {
    const handler = queueWorker(async () => undefined);
    expect(failed(await handler(batch(), contextWith()))).toEqual([]);
    const elsewhere = { ...message("m0"), eventSource: "aws:s3" };
    await expect(handler(batch(elsewhere), contextWith())).rejects.toThrow("a batch from aws:s3");
  });

  test.each([
    ["empty", ""],
    ["blank", "  "],
    ["not JSON", '{"order": '],
    ["binary", "\0\u0001\uFFFD"],
    ["an unclosed tower", "[".repeat(100_000)],
    ["a lone surrogate", "\uD800"],
  ])("with a body that is %s fails for that record alone", async (_, text) => {
    const seen: string[] = [];
    const handler = queueWorker(async ({ id }) => seen.push(id));
    const records = batch(message("m0"), textMessage("poison", text), message("m2"));
    expect(failed(await handler(records, contextWith()))).toEqual(["poison"]);
    expect(seen).toEqual(["m0", "m2"]);
  });

  test("hands over 256 KiB and odd names unchanged, and pollutes no prototype", async () => {
    const texts = [JSON.stringify("x".repeat(262_000)), '{"__proto__": {"admin": true}, "constructor": 1}', "null", "0"];
    const seen: unknown[] = [];
    const handler = queueWorker(async ({ body }) => seen.push(body));
    const records = texts.map((text, index) => textMessage(`m${index}`, text));
    expect(failed(await handler(batch(...records), contextWith()))).toEqual([]);
    expect(seen.map((body) => JSON.stringify(body))).toEqual(texts.map((text) => JSON.stringify(JSON.parse(text))));
    expect(({} as Record<string, unknown>)["admin"]).toBeUndefined();
  });

  test("tells its handler what came with a record", async () => {
    const seen: WorkerRecord<unknown>[] = [];
    const handler = queueWorker(async (record) => {
      seen.push(record);
      expect(record.leftMs()).toBe(29_000);
    });
    expect(failed(await handler(batch(message("m0", {}, 3)), contextWith()))).toEqual([]);
    expect(seen).toMatchObject([{ delivery: 3, group: undefined, attributes: { tenant: "acme" } }]);
  });

  test("is parsed as told, and fails for the record that cannot be", async () => {
    const parse = (text: string): number => {
      const value = Number(text);
      if (Number.isNaN(value)) {
        throw new TypeError("not a number");
      }
      return value;
    };
    const seen: number[] = [];
    const handler = queueWorker(async ({ body }: WorkerRecord<number>) => seen.push(body), { parse });
    expect(failed(await handler(batch(textMessage("m0", "1"), textMessage("m1", "one")), contextWith()))).toEqual(["m1"]);
    expect(seen).toEqual([1]);
  });
});

describe("a FIFO batch", () => {
  test("gives back the rest of a group after its first failure, unstarted", async () => {
    const started: string[] = [];
    const handler = queueWorker(async ({ id }) => {
      started.push(id);
      if (id === "a1") {
        throw new Error("no");
      }
    });
    const records = ["a0", "b0", "a1", "b1", "a2", "b2", "a3"].map((id) => fifoMessage(id, id.charAt(0)));
    expect(failed(await handler(batch(...records), contextWith()))).toEqual(["a1", "a2", "a3"]);
    expect(started).toEqual(["a0", "b0", "a1", "b1", "b2"]);
    started.length = 0;
    expect(failed(await handler(batch(fifoMessage("a2", "a")), contextWith()))).toEqual([]);
  });
});

describe("the deadline", () => {
  test("lets nothing start in the margin", async () => {
    const context = contextWith();
    const started: string[] = [];
    const handler = queueWorker(
      async ({ id }) => {
        started.push(id);
        context.remainingMs = 999;
      },
      { inParallel: false },
    );
    expect(failed(await handler(three, context))).toEqual(["m1", "m2"]);
    expect(started).toEqual(["m0"]);
  });

  test("keeps at most a fifth of a short invocation as margin", async () => {
    const handler = queueWorker(async () => undefined);
    expect(failed(await handler(batch(message("m0")), contextWith(500)))).toEqual([]);
  });

  test("gives up a record in flight, tells it so, and acknowledges the others", async () => {
    const reasons: unknown[] = [];
    const handler = queueWorker(
      async ({ id, signal }) => {
        signal.addEventListener("abort", () => reasons.push(signal.reason));
        await (id === "m1" ? never() : undefined);
      },
      { marginMs: 100 },
    );
    expect(failed(await handler(three, contextWith(300)))).toEqual(["m1"]);
    expect(reasons).toMatchObject([{ name: "OutOfTime" }]);
  });

  test("of stock Powertools does not exist: it waits until Lambda kills it", async () => {
    const stock = processPartialResponse({ Records: [message("m0")] }, never, new BatchProcessor(EventType.SQS));
    const late = new Promise((resolve) => {
      setTimeout(resolve, 300, "still waiting");
    });
    expect(await Promise.race([stock, late])).toBe("still waiting");
  });

  test("is the same for one after another, where what failed before goes last", async () => {
    const left: [string, number][] = [];
    const handler = queueWorker(async ({ id, leftMs }) => left.push([id, leftMs()]), { inParallel: false });
    const records = batch(message("old", {}, 3), message("m0"), message("again", {}, 2), message("older", {}, 4));
    await handler(records, contextWith(21_000));
    expect(left).toEqual([
      ["m0", 20_000],
      ["again", 10_000], // except the third time, what comes again leaves half to those that wait
      ["old", 20_000],
      ["older", 20_000],
    ]);
  });
});

describe("the log", () => {
  test("has one line for each failed record with its reason and no body", async () => {
    const context = contextWith();
    const { logger, all, text } = lines();
    const handler = queueWorker(
      async ({ id }) => {
        if (id === "m0") {
          throw new Error("out\nof stock");
        }
        context.remainingMs = 0;
      },
      { logger, inParallel: false },
    );
    const poison = textMessage("poison", '{"card": "4111"');
    await handler(batch(message("m0", { card: "4111" }), poison, message("m2"), message("m3", {}, 2)), context);
    expect(all().map(({ level, record_id, error_name, reason }) => [level, record_id, error_name, reason])).toEqual([
      ["ERROR", "m0", "Error", "out of stock"],
      ["ERROR", "poison", "Unreadable", "its body is not JSON"],
      ["WARN", "m3", "NotStarted", "less than 1000 ms were left: not started, comes back unharmed"],
    ]);
    expect(text()).not.toContain("4111");
    expect(all().every((line) => line.function_request_id === REQUEST_ID)).toBe(true);
  });

  test("cuts an endless error", async () => {
    const { logger, all } = lines();
    const handler = queueWorker(() => Promise.reject(new Error("x".repeat(100_000))), { logger });
    await handler(batch(message("m0")), contextWith());
    expect(all()[0]?.reason).toHaveLength(500);
  });
});
