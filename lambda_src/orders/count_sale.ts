/** Count each order once among the sales of its day. Calls dynamodb:UpdateItem, and its idempotency table. */
import { queueWorker, type WorkerRecord } from "constructs-lib-runtime";
import * as z from "zod/mini";

import { logger } from "../http_api/telemetry.ts";
import { dynamodb } from "./dynamodb.ts";
import { OrderPlaced } from "./order_event.ts";
import { setting } from "./settings.ts";

const salesTable = setting("SALES_TABLE");
const DAY = "2026-11-23".length; // of a timestamp

/** Adding is not idempotent, so the sum and "this one is counted" are one transaction. */
async function count({ body: order, commit }: WorkerRecord<OrderPlaced>): Promise<void> {
  await commit({
    Update: {
      TableName: salesTable,
      Key: { day: order.placed_at.slice(0, DAY) },
      UpdateExpression: "ADD orders :one, amount_cents :amount",
      ExpressionAttributeValues: { ":one": 1, ":amount": order.amount_cents },
    },
  });
}

export const handler = queueWorker(count, {
  parse: (text) => z.parse(OrderPlaced, JSON.parse(text)),
  key: ({ body }) => body.id,
  dynamodb,
  logger,
});
