/** Tell the warehouse what to pack: a mail in the outbox. Calls dynamodb:PutItem. */
import { PutCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";

import { tables } from "./dynamodb.ts";
import { OrderPlaced } from "./order_event.ts";
import { setting } from "./settings.ts";

const outboxTable = setting("OUTBOX_TABLE");
const WAREHOUSE = "warehouse@example.com";

// EventBridge delivers at least once: the same order writes the same item again.
export async function handler(event: unknown): Promise<void> {
  const { id, items } = z.parse(OrderPlaced, event);
  const text = items.map(({ sku, quantity }) => `${quantity} x ${sku}`).join("\n");
  const mail = { id: `${id}#packing-slip`, to: WAREHOUSE, subject: `Pack order ${id}`, text };
  await tables.send(new PutCommand({ TableName: outboxTable, Item: mail }));
}
