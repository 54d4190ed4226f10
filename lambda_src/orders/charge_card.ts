/** Step "Process payment": charge the card of an order, once. Calls dynamodb:PutItem, and reads the payment key. */
import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { PutCommand } from "@aws-sdk/lib-dynamodb";

import { tables } from "./dynamodb.ts";
import type { PlacedOrder } from "./order.ts";
import { type Payment, paymentsTable, withPaymentKey } from "./payment.ts";
import { charge } from "./payment_provider.ts";

interface Input {
  readonly order: PlacedOrder;
  readonly attempt: number;
}

// What is thrown here, Step Functions knows by its name: that is what the workflow retries and catches.
export async function handler({ order, attempt }: Input): Promise<Payment> {
  const { id: idempotencyKey, card, amount_cents: amountCents } = order;
  const id = await withPaymentKey((secretKey) => charge({ secretKey, idempotencyKey, card, amountCents, attempt }));
  const payment = { id: order.id, charge: id, amount_cents: order.amount_cents, status: "charged" };
  try {
    await tables.send(
      new PutCommand({ TableName: paymentsTable, Item: payment, ConditionExpression: "attribute_not_exists(id)" }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) {
      throw error;
    }
    // Noted by an attempt whose answer was lost: the key was the same, and so is the charge.
  }
  return { charge: id };
}
