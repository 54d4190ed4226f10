import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import type { Handler } from "../../lambda_src/http_api/route.ts";
import { call, post, REQUEST_ID } from "./event.ts";
import { FakeDynamoDb } from "./fake_dynamodb.ts";
import { HOSTILE } from "./hostile_bodies.ts";
import { random, randomJson } from "./random_json.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ADA = { id: "ada", name: "Ada Lovelace", email: "ada@example.com" };
const STORED = {
  id: { S: "ada" },
  name: { S: "Ada Lovelace" },
  email: { S: "ada@example.com" },
  created_at: { S: "2026-11-01T00:00:00.000Z" },
};

let table: FakeDynamoDb;
let create: Handler;
let read: Handler;
let remove: Handler;

beforeAll(async () => {
  table = await FakeDynamoDb.start();
  // The handlers make their client when they are loaded, as they do on Lambda.
  process.env.AWS_ENDPOINT_URL_DYNAMODB = table.url;
  ({ handler: create } = await import("../../lambda_src/users/create_user.ts"));
  ({ handler: read } = await import("../../lambda_src/users/read_user.ts"));
  ({ handler: remove } = await import("../../lambda_src/users/delete_user.ts"));
});
beforeEach(() => {
  table.reset();
});
afterAll(() => table.stop());

const actions = (): string[] => table.calls.map(({ action }) => action);
const withId = (handler: Handler, id: string) => call(handler, { pathParameters: { id } });

describe("creating a user", () => {
  test("answers 201 with the user and where it is, and stores exactly that", async () => {
    const { status, headers, body } = await post(create, ADA);
    expect(status).toBe(201);
    expect(headers).toEqual({ "content-type": "application/json", location: "/users/ada" });
    expect(body).toEqual({ ...ADA, created_at: expect.any(String) });
    expect(table.calls).toEqual([
      {
        action: "PutItem",
        input: {
          TableName: "users",
          Item: { ...STORED, created_at: { S: body?.["created_at"] } },
          ConditionExpression: "attribute_not_exists(id)",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        },
      },
    ]);
  });

  test("chooses an id when there is none", async () => {
    const { status, headers, body } = await post(create, { name: "Ada", email: "ada@example.com" });
    expect(status).toBe(201);
    expect(body?.["id"]).toMatch(UUID);
    expect(headers).toMatchObject({ location: `/users/${String(body?.["id"])}` });
  });

  test("answers 409 when the id is taken, and leaves the other user alone", async () => {
    table.items.set("ada", STORED);
    const { status, body } = await post(create, { ...ADA, name: "Ada Byron" });
    expect(status).toBe(409);
    expect(body).toEqual({
      error: { code: "already_exists", message: "a user with this id already exists", request_id: REQUEST_ID },
    });
    expect(table.items.get("ada")).toEqual(STORED);
  });

  test("answers 409 when the same user is sent twice", async () => {
    table.items.set("ada", STORED);
    expect(await post(create, ADA)).toMatchObject({ status: 409 });
  });

  test.each(HOSTILE)("answers 400 to %s, and calls nothing", async (_, request, message, field) => {
    const { status, body } = await call(create, request);
    expect(status).toBe(400);
    if (field === undefined) {
      expect(body?.error).toMatchObject({ code: "invalid_request", message });
    } else {
      expect(body?.error?.fields).toEqual([{ field, message }]);
    }
    expect(actions()).toEqual([]);
  });

  test.each([
    ["an empty body", {}, [["name", "must be a string"], ["email", "must be an email address"]]],
    ["an unknown field", { ...ADA, admin: true }, [["admin", "is not a field of this request"]]],
    ["a field of ours", { ...ADA, created_at: "now" }, [["created_at", "is not a field of this request"]]],
    ["an empty name", { ...ADA, name: "" }, [["name", "must not be empty"]]],
    ["a blank name", { ...ADA, name: "  " }, [["name", "must not be empty"]]],
    ["no email address", { ...ADA, email: "ada" }, [["email", "must be an email address"]]],
    ["an email of two lines", { ...ADA, email: "a@b.cd\nx" }, [["email", "must be an email address"]]],
    ["a number for an email", { ...ADA, email: 1 }, [["email", "must be an email address"]]],
    ["a long email", { ...ADA, email: `${"a".repeat(250)}@b.cd` }, [["email", "must have at most 254 characters"]]],
    ["a null id", { ...ADA, id: null }, [["id", "must be a string"]]],
    ["a number for an id", { ...ADA, id: 7 }, [["id", "must be a string"]]],
    ...["", "-ada", "a b", "../etc", "ada/1", "ада", "a\u0000", "ada\n", "a".repeat(65), "a".repeat(2048)].map(
      (id): [string, object, string[][]] => [
        `the id ${JSON.stringify(id).slice(0, 80)}`,
        { ...ADA, id },
        [["id", "must be 1 to 64 letters, digits, _ or -, the first a letter or digit"]],
      ],
    ),
  ])("answers 400 to %s, naming each field", async (_, request, fields) => {
    const { status, body } = await post(create, request);
    expect(status).toBe(400);
    expect(body?.error?.fields).toEqual(fields.map(([field, message]) => ({ field, message })));
    expect(actions()).toEqual([]);
  });

  test("refuses an empty body: there is nobody to create", async () => {
    expect(await call(create, {})).toMatchObject({ status: 400, body: { error: { message: "the body is not valid JSON" } } });
  });

  test("names ten problems at most, and cuts long names", async () => {
    const extra = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`${i}${"x".repeat(200)}`, 1]));
    const { body } = await post(create, { ...ADA, ...extra });
    expect(body?.error?.fields).toHaveLength(10);
    expect(body?.error?.fields?.every(({ field }) => field.length === 64)).toBe(true);
  });

  test("answers 1,000 random bodies with 201, 400 or 409, never 5xx", async () => {
    const next = random(20_261_102);
    const seen = new Set<number | undefined>();
    for (let round = 0; round < 1_000; round++) {
      // Half of them with a good name and email, so that the id is what is random
      const body = round % 2 === 0 ? randomJson(next) : `{"name":"Ada","email":"a@b.cd","id":${randomJson(next)}}`;
      // oxlint-disable-next-line no-await-in-loop -- an execution environment answers one request at a time
      const { status } = await call(create, { body });
      expect([201, 400, 409], body).toContain(status);
      seen.add(status);
    }
    expect(seen).toEqual(new Set([201, 400, 409]));
  });
});

describe("reading a user", () => {
  test("answers 200 with the user, strongly consistent, and without what else the table holds", async () => {
    table.items.set("ada", { ...STORED, password_hash: { S: "secret" } });
    const { status, body } = await withId(read, "ada");
    expect(status).toBe(200);
    expect(body).toEqual({ ...ADA, created_at: "2026-11-01T00:00:00.000Z" });
    expect(actions()).toEqual(["GetItem"]);
    expect(table.calls[0]?.input).toMatchObject({ TableName: "users", Key: { id: { S: "ada" } }, ConsistentRead: true });
  });

  test("answers 404 when there is no such user", async () => {
    expect(await withId(read, "nobody")).toMatchObject({ status: 404, body: { error: { code: "not_found" } } });
  });
});

describe("deleting a user", () => {
  test("answers 204 with no body, and the user is gone", async () => {
    table.items.set("ada", STORED);
    expect(await withId(remove, "ada")).toEqual({ status: 204, headers: undefined, body: undefined });
    expect(table.items.size).toBe(0);
    expect(table.calls).toEqual([{ action: "DeleteItem", input: { TableName: "users", Key: { id: { S: "ada" } } } }]);
  });

  test("answers 204 again when the user is already gone", async () => {
    expect(await withId(remove, "ada")).toMatchObject({ status: 204 });
  });
});

describe.each([
  ["read", () => read],
  ["delete", () => remove],
])("an id in the path of a %s", (_, handler) => {
  test.each(["", " ", "a b", "../ada", "..", "ada\0", "ада", "😀", "%61da", "a".repeat(65), "a".repeat(2048), "{id}"])(
    "is refused when it is %j",
    async (id) => {
      const { status, body } = await withId(handler(), id);
      expect(status).toBe(400);
      expect(body?.error?.fields).toEqual([
        { field: "id", message: "must be 1 to 64 letters, digits, _ or -, the first a letter or digit" },
      ]);
      expect(actions()).toEqual([]);
    },
  );

  test("is refused when it is missing", async () => {
    expect(await call(handler(), {})).toMatchObject({ status: 400 });
  });
});

describe.each([
  ["create", () => post(create, ADA)],
  ["read", () => withId(read, "ada")],
  ["delete", () => withId(remove, "ada")],
])("a %s that DynamoDB refuses", (_, send) => {
  test.each([
    ["ProvisionedThroughputExceededException", 400],
    ["AccessDeniedException", 400],
    ["ResourceNotFoundException", 400],
    ["InternalServerError", 500],
  ])("with %s is answered 500, without why", async (type, status) => {
    table.refusal = { type, status, message: "arn:aws:dynamodb:eu-central-1:123456789012:table/users" };
    expect(await send()).toEqual({
      status: 500,
      headers: { "content-type": "application/json" },
      body: { error: { code: "internal_error", message: "something went wrong on our side", request_id: REQUEST_ID } },
    });
  });
});
