/** POST /orders: take an order, and answer before it is fulfilled. Calls dynamodb:PutItem and sqs:SendMessage. */
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";

import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";

import { HttpError, json } from "../http_api/answer.ts";
import { parseBody } from "../http_api/body.ts";
import { route } from "../http_api/route.ts";
import { tracer } from "../http_api/telemetry.ts";
import { tables } from "./dynamodb.ts";
import { amountCents, NewOrder, type PlacedOrder } from "./order.ts";
import { setting } from "./settings.ts";
import { TIMEOUTS } from "./timeouts.ts";

const ordersTable = setting("ORDERS_TABLE");
const intakeQueue = setting("INTAKE_QUEUE");
// The endpoint is the region's, as for every other service; by default it would be taken out of the queue's URL.
const sqs = tracer.captureAWSv3Client(new SQSClient({ requestHandler: TIMEOUTS, useQueueUrlAsEndpoint: false }));

export const handler = route(async (event) => {
  const { id = randomUUID(), items, email, card } = parseBody(event, NewOrder);
  const order = { id, items, email, amount_cents: amountCents(items), placed_at: new Date().toISOString() };
  const status = await put(order);
  // Also for an order that is there already: its message may be what the caller's first attempt did not get to.
  await sqs.send(new SendMessageCommand({ QueueUrl: intakeQueue, MessageBody: JSON.stringify({ ...order, card }) }));
  return json(202, { id, status }, { location: `/orders/${id}` });
});

/** Store an order without its card, once, and tell its status. */
async function put(order: Omit<PlacedOrder, "card">): Promise<string> {
  const received = { ...order, status: "received" };
  try {
    await tables.send(
      new PutCommand({
        TableName: ordersTable,
        Item: received,
        ConditionExpression: "attribute_not_exists(id)",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
    return received.status;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) {
      throw error;
    }
    const stored: Record<string, unknown> = unmarshall(error.Item ?? {});
    if (!(["items", "email"] as const).every((field) => isDeepStrictEqual(stored[field], order[field]))) {
      throw new HttpError(409, "already_exists", "another order with this id already exists");
    }
    return String(stored["status"]);
  }
}
