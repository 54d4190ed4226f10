import { describe, expect, test } from "vitest";

import { handler } from "../../lambda_src/greeting/greet.ts";
import { call, post, REQUEST_ID } from "./event.ts";
import { HOSTILE } from "./hostile_bodies.ts";
import { random, randomJson } from "./random_json.ts";

const ISO_8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe("a greeting", () => {
  test("names who is named, and the time", async () => {
    const before = Date.now();
    const { status, headers, body } = await post(handler, { name: "Ada" });
    expect(status).toBe(200);
    expect(headers).toEqual({ "content-type": "application/json" });
    expect(body).toEqual({ message: "Hello, Ada!", timestamp: expect.stringMatching(ISO_8601) });
    expect(Date.parse(String(body?.["timestamp"]))).toBeGreaterThanOrEqual(before);
  });

  test.each([
    ["no body", {}],
    ["an empty body", { body: "" }],
    ["a blank body", { body: " \n" }],
    ["an empty object", { body: "{}" }],
    ["an empty name", { body: '{"name": ""}' }],
    ["a blank name", { body: '{"name": "  "}' }],
    ["another field", { body: '{"nickname": "Ada"}' }],
  ])("is for a stranger when there is %s", async (_, request) => {
    expect(await call(handler, request)).toMatchObject({ status: 200, body: { message: "Hello, stranger!" } });
  });

  test.each([
    ["blanks around it", "  Ada ", "Ada"],
    ["any script", "Ада 李", "Ада 李"],
    ["100 emoji, each one character", "😀".repeat(100), "😀".repeat(100)],
    ["markup, which is the caller's to escape", "<b>Ada</b>", "<b>Ada</b>"],
    ["the name of a prototype", "__proto__", "__proto__"],
  ])("accepts a name with %s", async (_, name, greeted) => {
    expect(await post(handler, { name })).toMatchObject({ status: 200, body: { message: `Hello, ${greeted}!` } });
  });

  test("accepts a body that API Gateway passed on as base64", async () => {
    const body = Buffer.from('{"name": "Zoë"}').toString("base64");
    expect(await call(handler, { body, isBase64Encoded: true })).toMatchObject({ body: { message: "Hello, Zoë!" } });
  });
});

describe("a refusal", () => {
  test.each(HOSTILE)("answers 400 to %s", async (_, request, message, field) => {
    const { status, headers, body } = await call(handler, request);
    expect(status).toBe(400);
    expect(headers).toEqual({ "content-type": "application/json" });
    const error = { code: "invalid_request", request_id: REQUEST_ID };
    expect(body).toEqual({
      error:
        field === undefined
          ? { ...error, message }
          : { ...error, message: "the body has invalid fields", fields: [{ field, message }] },
    });
  });

  test("is the only other answer: 2,000 random bodies get 200 or 400, and some get each", async () => {
    const next = random(20_261_101);
    const seen = new Set<number | undefined>();
    for (let round = 0; round < 2_000; round++) {
      const body = randomJson(next);
      // oxlint-disable-next-line no-await-in-loop -- an execution environment answers one request at a time
      const { status } = await call(handler, { body });
      expect([200, 400], body).toContain(status);
      seen.add(status);
    }
    expect(seen).toEqual(new Set([200, 400]));
  });
});
