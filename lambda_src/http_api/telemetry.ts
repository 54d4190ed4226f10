/** The logger and the tracer of this function, both configured by its environment. */
import { Logger } from "@aws-lambda-powertools/logger";
import { Tracer } from "@aws-lambda-powertools/tracer";

export const logger = new Logger();

// AWS clients are traced one by one; patching http and https as well would record each of their calls twice.
export const tracer = new Tracer({ captureHTTPsRequests: false });

// A call without a trace header is answered like any other. In a bundle, Powertools sets the variable for this too late
// for the X-Ray SDK, which would log a stack trace for each such call.
tracer.provider.setContextMissingStrategy("IGNORE_ERROR");
