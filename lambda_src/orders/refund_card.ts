/** Give the money of an order back, once. Calls dynamodb:UpdateItem, and reads the payment key. */
import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";

import { tables } from "./dynamodb.ts";
import type { PlacedOrder } from "./order.ts";
import { type Payment, paymentsTable, withPaymentKey } from "./payment.ts";
import { refund } from "./payment_provider.ts";

/** What undoing a step is given: the workflow's input, and what the step answered. */
interface Input {
  readonly input: PlacedOrder;
  readonly result: Payment;
}

export async function handler({ input: order, result: payment }: Input): Promise<{ refund: string }> {
  const id = await withPaymentKey((key) => refund(key, payment.charge));
  try {
    await tables.send(
      new UpdateCommand({
        TableName: paymentsTable,
        Key: { id: order.id },
        UpdateExpression: "SET #status = :refunded, refund = :refund",
        ConditionExpression: "#status = :charged",
        ExpressionAttributeNames: { "#status": "status" },
        ExpressionAttributeValues: { ":charged": "charged", ":refunded": "refunded", ":refund": id },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) {
      throw error;
    }
    // Refunded before, by an attempt whose answer was lost.
  }
  return { refund: id };
}
