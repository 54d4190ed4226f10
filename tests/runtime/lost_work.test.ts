/* oxlint-disable typescript/require-await, unicorn/consistent-function-scoping -- a record handler is async, whatever it does, and stands in its test */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer, get, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { BatchProcessor, EventType, processPartialResponse } from "@aws-lambda-powertools/batch";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { queueWorker } from "constructs-lib-runtime";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { batch, contextWith, failed, gate, lines, message } from "./batches.ts";

let server: Server;
let url: string;
let dynamodb: DynamoDBClient;

beforeAll(async () => {
  const listening = gate();
  server = createServer((incoming, response) => {
    const delay = Number(incoming.headers["x-delay"] ?? (incoming.method === "POST" ? 500 : 0)); // the SDK's calls are POSTs
    setTimeout(() => response.end("{}"), delay);
  }).listen(0, "127.0.0.1", listening.open);
  await listening.opened;
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  dynamodb = new DynamoDBClient({
    endpoint: url,
    region: "eu-west-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" }, // as in Lambda, where no file is read for them
  });
  await dynamodb.send(new ListTablesCommand({})); // what a client reads once, before its first call, is not the record's work
});
afterAll(() => {
  dynamodb.destroy();
  server.closeAllConnections();
  server.close();
});

function run(handle: () => unknown, records = 1): Promise<{ back: string[]; reason: string | undefined }> {
  const { logger, all } = lines();
  const handler = queueWorker(handle as () => Promise<unknown>, { logger });
  const messages = Array.from({ length: records }, (_, index) => message(`m${index}`));
  return handler(batch(...messages), contextWith()).then((response) => ({
    back: failed(response),
    reason: all()[0]?.reason,
  }));
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));
const slowFetch = async (): Promise<string> => (await fetch(url, { headers: { "x-delay": "500" } })).text();

describe("work that is not awaited fails its record", () => {
  test.each<[string, () => unknown, string]>([
    ["a timer", () => void sleep(1000), "a timer"],
    ["a chain of awaits", () => void sleep(0).then(() => sleep(1000)), "a timer"],
    ["a fetch", () => slowFetch(), "an HTTP request"],
    ["an HTTP request", () => void request(url, { headers: { "x-delay": "500" } }).on("error", () => undefined).end(), "an HTTP request"],
    ["a call of the SDK", () => dynamodb.send(new ListTablesCommand({})), "an HTTP request"],
    ["a child process", () => void execFile(process.execPath, ["-e", "setTimeout(() => {}, 1000)"]), "a child process"],
  ])("%s", async (_, start, kind) => {
    let left: unknown;
    const { back, reason } = await run(async () => {
      left = start();
    });
    expect(back).toEqual(["m0"]);
    expect(reason).toContain(kind);
    expect(reason).toContain("still going on when the handler returned");
    await left; // before the server goes, and the next test begins
  });

  test("and so does a handler that returns no promise", async () => {
    const { back, reason } = await run(() => void sleep(10));
    expect(back).toEqual(["m0"]);
    expect(reason).toBe("the record handler returned no promise, so nothing can wait for it: make it async");
  });

  test("while stock Powertools acknowledges it", async () => {
    const forgetful = async (): Promise<void> => void sleep(10);
    const stock = await processPartialResponse({ Records: [message("m0")] }, forgetful, new BatchProcessor(EventType.SQS));
    expect(stock).toEqual({ batchItemFailures: [] });
    await sleep(20);
  });

  test("and no other of its batch", async () => {
    const { logger } = lines();
    const handler = queueWorker(
      async ({ id }) => {
        await sleep(5);
        if (id === "m1") {
          void sleep(50);
        }
        await sleep(id === "m0" ? 30 : 1);
      },
      { logger },
    );
    expect(failed(await handler(batch(message("m0"), message("m1"), message("m2")), contextWith()))).toEqual(["m1"]);
    await sleep(60);
  });

  test("unless it is only to be told", async () => {
    const { logger, all } = lines();
    const handler = queueWorker(async () => void sleep(10), { logger, lostWork: "log" });
    expect(failed(await handler(batch(message("m0")), contextWith()))).toEqual([]);
    expect(all()).toMatchObject([{ level: "WARN", record_id: "m0" }]);
    await sleep(20);
  });
});

describe("a handler that awaits everything is acknowledged", () => {
  test.each<[string, () => Promise<unknown>]>([
    ["a timer", () => sleep(5)],
    ["a fetch", slowFetch],
    ["a call of the SDK over a kept connection", () => dynamodb.send(new ListTablesCommand({}))],
    ["a file", () => readFile(import.meta.filename)],
    ["a timer it cleared", async () => clearTimeout(setTimeout(() => undefined, 1000))],
    ["a timer that keeps nobody waiting", async () => setTimeout(() => undefined, 20).unref()],
    ["work that failed", () => fetch("http://127.0.0.1:1/").catch(() => undefined)],
    ["a race it won", () => Promise.race([sleep(1), gate().opened])],
    [
      "an HTTP request over an agent",
      () =>
        new Promise((resolve) => {
          get(url, (response) => response.resume().on("end", resolve));
        }),
    ],
  ])("%s", async (_, handle) => {
    expect(await run(handle, 10)).toEqual({ back: [], reason: undefined });
  });
});
