/** Around the answer of one route: JSON logs, a trace, and an HTTP status for everything that can go wrong. */
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";

import { type Answer, failure, HttpError } from "./answer.ts";
import { logger, tracer } from "./telemetry.ts";

export type Handler = (event: APIGatewayProxyEventV2, context: Context) => Promise<Answer>;

/**
 * Make the Lambda handler of one route.
 *
 * An `HttpError` is answered as it says. Any other error is logged whole, recorded in the trace, and answered 500 with
 * nothing but the request id to find that log line by.
 */
export function route(answer: (event: APIGatewayProxyEventV2) => Answer | Promise<Answer>): Handler {
  return async (event, context) => {
    logger.addContext(context);
    return traced(async () => {
      try {
        return await answer(event);
      } catch (error) {
        if (error instanceof HttpError) {
          const { status, code, message } = error;
          logger.info("request refused", { status, code, reason: message });
          return failure(error, context.awsRequestId);
        }
        const cause = error instanceof Error ? error : new Error(String(error));
        logger.error("request failed", cause);
        tracer.addErrorAsMetadata(cause);
        return failure(new HttpError(500, "internal_error", "something went wrong on our side"), context.awsRequestId);
      }
    });
  };
}

/** Run `work` in its own subsegment. The answer is not recorded in it: it holds what users told us. */
async function traced(work: () => Promise<Answer>): Promise<Answer> {
  const parent = tracer.isTracingEnabled() ? tracer.getSegment() : undefined;
  if (parent === undefined) {
    return work();
  }
  const subsegment = parent.addNewSubsegment("## handler");
  tracer.setSegment(subsegment);
  try {
    tracer.annotateColdStart();
    return await work();
  } finally {
    subsegment.close();
    tracer.setSegment(parent);
  }
}
