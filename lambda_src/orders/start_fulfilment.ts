/** Start the workflow of each order in the queue, once. Calls states:StartExecution, and its idempotency table. */
import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { queueWorker, type WorkerRecord } from "constructs-lib-runtime";
import * as z from "zod/mini";

import { logger, tracer } from "../http_api/telemetry.ts";
import { dynamodb } from "./dynamodb.ts";
import { PlacedOrder } from "./order.ts";
import { setting } from "./settings.ts";
import { TIMEOUTS } from "./timeouts.ts";

const workflow = setting("FULFILMENT_WORKFLOW");
const stepFunctions = tracer.captureAWSv3Client(new SFNClient({ requestHandler: TIMEOUTS }));

async function start({ body: order, signal }: WorkerRecord<PlacedOrder>): Promise<void> {
  try {
    await stepFunctions.send(
      // The name is the order's: a message that outlives what the table remembers still starts nothing twice.
      new StartExecutionCommand({ stateMachineArn: workflow, name: order.id, input: JSON.stringify(order) }),
      { abortSignal: signal },
    );
  } catch (error) {
    if (!(error instanceof ExecutionAlreadyExists)) {
      throw error;
    }
    logger.info("the order is being fulfilled already", { order: order.id });
  }
}

export const handler = queueWorker(start, {
  parse: (text) => z.parse(PlacedOrder, JSON.parse(text)),
  key: ({ body }) => body.id,
  dynamodb,
  logger,
});
