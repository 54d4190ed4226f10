import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import type { Handler } from "../../../lambda_src/http_api/route.ts";
import { call, post, REQUEST_ID } from "../event.ts";
import { HOSTILE } from "../hostile_bodies.ts";
import { random, randomJson } from "../random_json.ts";
import { ORDER, PLACED } from "./environment.ts";
import { RecordedAws } from "./recorded_aws.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const LINES = [
  { M: { sku: { S: "teapot" }, quantity: { N: "1" } } },
  { M: { sku: { S: "teacup" }, quantity: { N: "2" } } },
];
const STORED = {
  id: { S: "order-1" },
  items: { L: LINES },
  email: { S: "ada@example.com" },
  amount_cents: { N: "5300" },
  placed_at: { S: PLACED.placed_at },
  status: { S: "fulfilled" },
};

let aws: RecordedAws;
let place: Handler;
let read: Handler;

beforeAll(async () => {
  aws = await RecordedAws.start();
  ({ handler: place } = await import("../../../lambda_src/orders/place_order.ts"));
  ({ handler: read } = await import("../../../lambda_src/orders/read_order.ts"));
});
beforeEach(() => {
  aws.reset();
});
afterAll(() => aws.stop());

const sent = (): Record<string, unknown> => {
  const message = aws.calls.find(({ action }) => action === "SQS.SendMessage");
  return JSON.parse(String(message?.input["MessageBody"])) as Record<string, unknown>;
};

const readOrder = (id: string) => call(read, { pathParameters: { id } });

describe("placing an order", () => {
  test("answers 202 with where to look, stores it without its card, and sends it on", async () => {
    const { status, headers, body } = await post(place, ORDER);
    expect({ status, headers, body }).toEqual({
      status: 202,
      headers: { "content-type": "application/json", location: "/orders/order-1" },
      body: { id: "order-1", status: "received" },
    });
    expect(aws.calls).toEqual([
      {
        action: "DynamoDB.PutItem",
        input: {
          TableName: "orders",
          Item: { ...STORED, placed_at: { S: sent()["placed_at"] }, status: { S: "received" } },
          ConditionExpression: "attribute_not_exists(id)",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        },
      },
      {
        action: "SQS.SendMessage",
        input: { QueueUrl: process.env["INTAKE_QUEUE"], MessageBody: expect.any(String) },
      },
    ]);
    expect(sent()).toEqual({ ...PLACED, placed_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) });
  });

  test("chooses an id when there is none", async () => {
    const { body } = await post(place, { ...ORDER, id: undefined });
    expect(body?.["id"]).toMatch(UUID);
    expect(sent()["id"]).toBe(body?.["id"]);
  });

  test("takes the same order again, sends it again and tells how far it is", async () => {
    aws.refuse("DynamoDB.PutItem", "ConditionalCheckFailedException", { Item: STORED });
    expect(await post(place, ORDER)).toMatchObject({ status: 202, body: { id: "order-1", status: "fulfilled" } });
    expect(aws.actions).toEqual(["DynamoDB.PutItem", "SQS.SendMessage"]);
  });

  test.each([
    ["other things", { ...ORDER, items: [{ sku: "teapot", quantity: 2 }] }],
    ["another address", { ...ORDER, email: "grace@example.com" }],
  ])("answers 409 when its id is that of an order for %s, and sends nothing", async (_, order) => {
    aws.refuse("DynamoDB.PutItem", "ConditionalCheckFailedException", { Item: STORED });
    expect(await post(place, order)).toMatchObject({
      status: 409,
      body: { error: { code: "already_exists", message: "another order with this id already exists" } },
    });
    expect(aws.actions).toEqual(["DynamoDB.PutItem"]);
  });

  test.each([
    ["no items", { ...ORDER, items: undefined }, [["items", "must be a list"]]],
    ["an empty list", { ...ORDER, items: [] }, [["items", "must not be empty"]]],
    ["a line that is none", { ...ORDER, items: ["teapot"] }, [["items.0", "must be an object with sku and quantity"]]],
    ["something unknown", { ...ORDER, items: [{ sku: "tea", quantity: 1 }] }, [["items.0.sku", "must be one of teapot, teacup, samovar"]]],
    ["__proto__ as a sku", { ...ORDER, items: [{ sku: "__proto__", quantity: 1 }] }, [["items.0.sku", "must be one of teapot, teacup, samovar"]]],
    ["half a teapot", { ...ORDER, items: [{ sku: "teapot", quantity: 0.5 }] }, [["items.0.quantity", "must be a whole number"]]],
    ["no teapot", { ...ORDER, items: [{ sku: "teapot", quantity: 0 }] }, [["items.0.quantity", "must be at least 1"]]],
    ["less than none", { ...ORDER, items: [{ sku: "teapot", quantity: -1 }] }, [["items.0.quantity", "must be at least 1"]]],
    ["too many", { ...ORDER, items: [{ sku: "teapot", quantity: 101 }] }, [["items.0.quantity", "must be at most 100"]]],
    ["a price of the caller's", { ...ORDER, items: [{ sku: "teapot", quantity: 1, cents: 1 }] }, [["cents", "is not a field of this request"]]],
    ["the same thing twice", { ...ORDER, items: [ORDER.items[0], ORDER.items[0]] }, [["items", "must name each sku once"]]],
    ["a card number", { ...ORDER, card: "4242424242424242" }, [["card", "must be a card token of the payment provider"]]],
    ["no address", { ...ORDER, email: "ada" }, [["email", "must be an email address"]]],
    ["an amount of the caller's", { ...ORDER, amount_cents: 1 }, [["amount_cents", "is not a field of this request"]]],
    ["an id that is a path", { ...ORDER, id: "../1" }, [["id", "must be 1 to 64 letters, digits, _ or -, the first a letter or digit"]]],
  ])("answers 400 to %s, naming the field, and calls nothing", async (_, order, fields) => {
    const { status, body } = await post(place, order);
    expect(status).toBe(400);
    expect(body?.error?.fields).toEqual(fields.map(([field, message]) => ({ field, message })));
    expect(aws.calls).toEqual([]);
  });

  test.each(HOSTILE)("answers 400 to %s, and calls nothing", async (_, request) => {
    expect(await call(place, request)).toMatchObject({ status: 400 });
    expect(aws.calls).toEqual([]);
  });

  test("answers 1,000 random bodies with 202 or 400, never 5xx", async () => {
    const next = random(20_261_123);
    const seen = new Set<number | undefined>();
    for (let round = 0; round < 1_000; round++) {
      const good = JSON.stringify(ORDER).slice(0, -1);
      // Half of them good but for one field, so that each check meets random values
      const field = ["id", "items", "email", "card"][Math.floor(round / 2) % 4];
      const body = round % 2 === 0 ? randomJson(next) : `${good}${round % 20 === 1 ? "" : `,"${field}":${randomJson(next)}`}}`;
      // oxlint-disable-next-line no-await-in-loop -- an execution environment answers one request at a time
      const { status } = await call(place, { body });
      seen.add(status);
    }
    expect(seen).toEqual(new Set([202, 400]));
  });
});

describe("reading an order", () => {
  test("answers 200 with what is stored, strongly consistent, and asks for no more than it shows", async () => {
    aws.on("DynamoDB.GetItem", () => ({ Item: STORED }));
    const { card: _, ...shown } = PLACED;
    expect(await readOrder("order-1")).toMatchObject({ status: 200, body: { ...shown, status: "fulfilled" } });
    expect(aws.calls).toEqual([
      {
        action: "DynamoDB.GetItem",
        input: {
          TableName: "orders",
          Key: { id: { S: "order-1" } },
          ConsistentRead: true,
          ProjectionExpression: "#id, #status, #reason, #items, #email, #amount_cents, #placed_at",
          ExpressionAttributeNames: Object.fromEntries(
            ["id", "status", "reason", "items", "email", "amount_cents", "placed_at"].map((name) => [`#${name}`, name]),
          ),
        },
      },
    ]);
  });

  test("answers 404 when there is none", async () => {
    expect(await readOrder("nothing")).toMatchObject({ status: 404, body: { error: { code: "not_found" } } });
  });

  test.each(["", " ", "a b", "../1", "1\0", "{id}", "a".repeat(65)])("answers 400 to the id %j", async (id) => {
    expect(await readOrder(id)).toMatchObject({ status: 400, body: { error: { fields: [{ field: "id" }] } } });
    expect(aws.calls).toEqual([]);
  });
});

test.each([
  ["DynamoDB.PutItem", () => post(place, ORDER)],
  ["SQS.SendMessage", () => post(place, ORDER)],
  ["DynamoDB.GetItem", () => call(read, { pathParameters: { id: "order-1" } })],
])("answers 500, without why, when %s is denied", async (action, send) => {
  aws.refuse(action, "AccessDeniedException", { message: "arn:aws:dynamodb:eu-central-1:123456789012:table/orders" });
  expect(await send()).toMatchObject({
    status: 500,
    body: { error: { code: "internal_error", message: "something went wrong on our side", request_id: REQUEST_ID } },
  });
});
