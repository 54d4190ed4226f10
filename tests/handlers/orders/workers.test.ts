import type { Worker } from "constructs-lib-runtime";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { context } from "../event.ts";
import { messages, PLACED } from "./environment.ts";
import { RecordedAws } from "./recorded_aws.ts";

const { card: _card, email: _email, ...EVENT } = PLACED;

let aws: RecordedAws;
let start: Worker;
let count: Worker;

beforeAll(async () => {
  aws = await RecordedAws.start();
  ({ handler: start } = await import("../../../lambda_src/orders/start_fulfilment.ts"));
  ({ handler: count } = await import("../../../lambda_src/orders/count_sale.ts"));
});
beforeEach(() => {
  aws.reset();
});
afterAll(() => aws.stop());

const failed = async (worker: Worker, ...bodies: string[]): Promise<string[]> => {
  const { batchItemFailures } = await worker(messages(...bodies), context);
  return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
};
const named = (action: string) => aws.calls.filter((each) => each.action === action).map(({ input }) => input);

describe("starting the fulfilment of an order", () => {
  test("starts an execution that has the order's name and gets all of it", async () => {
    expect(await failed(start, JSON.stringify(PLACED))).toEqual([]);
    expect(named("StepFunctions.StartExecution")).toEqual([
      { stateMachineArn: process.env["FULFILMENT_WORKFLOW"], name: "order-1", input: JSON.stringify(PLACED) },
    ]);
  });

  test("takes an execution of that name for its own, started by an earlier message", async () => {
    aws.refuse("StepFunctions.StartExecution", "ExecutionAlreadyExists");
    expect(await failed(start, JSON.stringify(PLACED))).toEqual([]);
  });

  test("starts nothing for an order that is remembered", async () => {
    aws.refuse("DynamoDB.PutItem", "ConditionalCheckFailedException", {
      Item: { id: { S: "any" }, status: { S: "COMPLETED" }, expiration: { N: "9999999999" } },
    });
    expect(await failed(start, JSON.stringify(PLACED))).toEqual([]);
    expect(named("StepFunctions.StartExecution")).toEqual([]);
  });

  test("hands back what cannot be read, and starts its neighbours", async () => {
    const bodies = ["not JSON", JSON.stringify(PLACED), JSON.stringify({ ...PLACED, items: [] }), "{}"];
    expect(await failed(start, ...bodies)).toEqual(["m0", "m2", "m3"]);
    expect(named("StepFunctions.StartExecution")).toHaveLength(1);
  });

  test("hands back what Step Functions does not take", async () => {
    aws.refuse("StepFunctions.StartExecution", "ExecutionLimitExceeded");
    expect(await failed(start, JSON.stringify(PLACED))).toEqual(["m0"]);
  });
});

describe("counting a sale", () => {
  test("adds it to its day and remembers it in one transaction", async () => {
    expect(await failed(count, JSON.stringify(EVENT))).toEqual([]);
    const [transaction] = named("DynamoDB.TransactWriteItems");
    expect(transaction?.["TransactItems"]).toMatchObject([
      {
        Update: {
          TableName: "sales",
          Key: { day: { S: "2026-11-23" } },
          UpdateExpression: "ADD orders :one, amount_cents :amount",
          ExpressionAttributeValues: { ":one": { N: "1" }, ":amount": { N: "5300" } },
        },
      },
      { Update: { TableName: "idempotency" } },
    ]);
  });

  test("counts nothing twice, whatever the message is called", async () => {
    aws.refuse("DynamoDB.PutItem", "ConditionalCheckFailedException", {
      Item: { id: { S: "any" }, status: { S: "COMPLETED" }, expiration: { N: "9999999999" } },
    });
    expect(await failed(count, JSON.stringify(EVENT))).toEqual([]);
    expect(aws.actions).not.toContain("DynamoDB.TransactWriteItems");
  });

  test("hands back an event that is none", async () => {
    expect(await failed(count, JSON.stringify({ ...EVENT, placed_at: "today" }))).toEqual(["m0"]);
  });
});
