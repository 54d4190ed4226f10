/* oxlint-disable typescript/require-await, unicorn/consistent-function-scoping -- a record handler is async, whatever it does, and stands in its test */
import { type Change, streamWorker, type WorkerRecord } from "constructs-lib-runtime";
import { expect, test } from "vitest";

import { batch, contextWith, failed, kinesisDatum, tableChange } from "./batches.ts";

test("hands over a change of a table", async () => {
  const seen: WorkerRecord<Change>[] = [];
  const handler = streamWorker(async (record) => seen.push(record));
  expect(failed(await handler(batch(tableChange("1")), contextWith()))).toEqual([]);
  expect(seen).toMatchObject([
    { id: "1", body: { kind: "INSERT", keys: { id: "1" }, new: { id: "1", age: 36 }, old: {} } },
  ]);
});

test("hands over the JSON of a Kinesis record", async () => {
  const seen: WorkerRecord<unknown>[] = [];
  const handler = streamWorker<unknown>(async (record) => seen.push(record));
  expect(failed(await handler(batch(kinesisDatum("7", '{"page": "/"}')), contextWith()))).toEqual([]);
  expect(seen).toMatchObject([{ body: { page: "/" }, group: "p1" }]);
});

test("stops at the first failure, so that order is kept", async () => {
  const started: string[] = [];
  const handler = streamWorker(async ({ id }) => {
    started.push(id);
    if (id === "2") {
      throw new Error("no");
    }
  });
  expect(failed(await handler(batch(...["1", "2", "3", "4"].map(tableChange)), contextWith()))).toEqual(["2", "3", "4"]);
  expect(started).toEqual(["1", "2"]);
  expect(failed(await handler(batch(tableChange("3")), contextWith()))).toEqual([]);
});

test.each([
  ["empty", ""],
  ["not JSON", "{"],
  ["not UTF-8", Buffer.from([0xff, 0xfe])],
])("a record that is %s stops the stream and not the function", async (_, data) => {
  const started: string[] = [];
  const handler = streamWorker<unknown>(async ({ id }) => started.push(id));
  const records = [kinesisDatum("1", "1"), kinesisDatum("2", data), kinesisDatum("3", "3")];
  expect(failed(await handler(batch(...records), contextWith()))).toEqual(["2", "3"]);
  expect(started).toEqual(["1"]);
});
