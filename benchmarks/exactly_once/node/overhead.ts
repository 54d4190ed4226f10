/** Prints what the wrapper costs for each record, in microseconds, beside Powertools batch alone. */
import { BatchProcessor, EventType, processPartialResponse } from "@aws-lambda-powertools/batch";
import type { Context, SQSRecord } from "aws-lambda";
import { queueWorker } from "constructs-lib-runtime";

const BATCHES = 2_000;
const AWAITS = 50; // in each record's handler, about as many as a call of the SDK takes

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the part of a message that is read
const Records = Array.from({ length: 10 }, (_, index) => ({
  messageId: `m${index}`,
  body: '{"order": "o1"}',
  attributes: { ApproximateReceiveCount: "1" },
  messageAttributes: {},
  eventSource: "aws:sqs",
  eventSourceARN: "arn:aws:sqs:eu-central-1:123456789012:orders",
})) as unknown as SQSRecord[];
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the part of Lambda's context that is read
const context = { getRemainingTimeInMillis: () => 30_000 } as Context;

async function work(): Promise<void> {
  for (let turn = 0; turn < AWAITS; turn++) {
    // oxlint-disable-next-line no-await-in-loop -- that is what is measured
    await Promise.resolve();
  }
}

async function measure(batch: () => Promise<unknown>): Promise<number> {
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const begin = performance.now();
    for (let index = 0; index < BATCHES / 5; index++) {
      // oxlint-disable-next-line no-await-in-loop -- one batch after the other
      await batch();
    }
    best = Math.min(best, performance.now() - begin);
  }
  return Math.round((best * 1000) / (BATCHES / 5) / Records.length);
}

const processor = new BatchProcessor(EventType.SQS);
const parsed = async ({ body }: SQSRecord): Promise<void> => {
  JSON.parse(body);
  await work();
};
const handler = queueWorker(work);
const stock = await measure(() => processPartialResponse({ Records }, parsed, processor, { context }));
const ours = await measure(() => handler({ Records }, context));
process.stdout.write(`${JSON.stringify({ stock, ours })}\n`);
