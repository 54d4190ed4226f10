/** What the stack of the orders app sets for its functions; imported before any of their handlers. */
import type { SQSEvent, SQSRecord } from "aws-lambda";

Object.assign(process.env, {
  ORDERS_TABLE: "orders",
  OUTBOX_TABLE: "outbox",
  PAYMENTS_TABLE: "payments",
  SALES_TABLE: "sales",
  IDEMPOTENCY_TABLE: "idempotency",
  INTAKE_QUEUE: "https://sqs.eu-central-1.amazonaws.com/123456789012/intake",
  FULFILMENT_WORKFLOW: "arn:aws:states:eu-central-1:123456789012:stateMachine:fulfilment",
  PAYMENT_KEY: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:payment-key",
});

export const ORDER = {
  id: "order-1",
  items: [
    { sku: "teapot", quantity: 1 },
    { sku: "teacup", quantity: 2 },
  ],
  email: "ada@example.com",
  card: "tok_visa",
};

export const PLACED = { ...ORDER, amount_cents: 5_300, placed_at: "2026-11-23T08:00:00.000Z" };

/** A batch of messages, named m0, m1 and so on. */
export function messages(...bodies: string[]): SQSEvent {
  return {
    Records: bodies.map(
      (body, index): SQSRecord => ({
        messageId: `m${index}`,
        receiptHandle: `r${index}`,
        body,
        attributes: {
          ApproximateReceiveCount: "1",
          SentTimestamp: "1",
          SenderId: "sender",
          ApproximateFirstReceiveTimestamp: "1",
        },
        messageAttributes: {},
        md5OfBody: "",
        eventSource: "aws:sqs",
        eventSourceARN: "arn:aws:sqs:eu-central-1:123456789012:intake",
        awsRegion: "eu-central-1",
      }),
    ),
  };
}
