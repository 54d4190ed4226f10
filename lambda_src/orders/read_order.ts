/** GET /orders/{id}: the order, and how far it is. Calls dynamodb:GetItem. */
import { GetCommand } from "@aws-sdk/lib-dynamodb";

import { HttpError, json } from "../http_api/answer.ts";
import { route } from "../http_api/route.ts";
import { tables } from "./dynamodb.ts";
import { pathId } from "./order.ts";
import { setting } from "./settings.ts";

const FIELDS = ["id", "status", "reason", "items", "email", "amount_cents", "placed_at"];
const ordersTable = setting("ORDERS_TABLE");

export const handler = route(async (event) => {
  const { Item: order } = await tables.send(
    new GetCommand({
      TableName: ordersTable,
      Key: { id: pathId(event) },
      ConsistentRead: true, // whoever places an order can read it in the next call
      ProjectionExpression: FIELDS.map((field) => `#${field}`).join(", "),
      ExpressionAttributeNames: Object.fromEntries(FIELDS.map((field) => [`#${field}`, field])),
    }),
  );
  if (order === undefined) {
    throw new HttpError(404, "not_found", "there is no order with this id");
  }
  return json(200, order);
});
