/** What API Gateway hands to a function, and what a test reads from the answer. */
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";

import type { Answer } from "../../lambda_src/http_api/answer.ts";
import type { Handler } from "../../lambda_src/http_api/route.ts";

export const REQUEST_ID = "7e0b6f6c-5a1e-4a63-9d3c-0c7f6f1f9a52";

/** The parts of a request that a test varies. */
export interface Request {
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
  readonly pathParameters?: Record<string, string>;
}

export function event(request: Request): APIGatewayProxyEventV2 {
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: "/",
    rawQueryString: "",
    headers: {},
    requestContext: {
      accountId: "123456789012",
      apiId: "api",
      domainName: "api.example.com",
      domainPrefix: "api",
      http: { method: "POST", path: "/", protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "test" },
      requestId: "gateway-request",
      routeKey: "$default",
      stage: "$default",
      time: "01/Nov/2026:00:00:00 +0000",
      timeEpoch: 1_793_491_200_000,
    },
    isBase64Encoded: false,
    ...request,
  };
}

export const context: Context = {
  awsRequestId: REQUEST_ID,
  callbackWaitsForEmptyEventLoop: true,
  functionName: "function",
  functionVersion: "$LATEST",
  invokedFunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:function",
  memoryLimitInMB: "256",
  logGroupName: "group",
  logStreamName: "stream",
  getRemainingTimeInMillis: () => 1_000,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
};

/** An answer with its JSON body read. */
export interface Reply {
  readonly status: number | undefined;
  readonly headers: Answer["headers"];
  readonly body: Body | undefined;
}

export interface Body {
  readonly [field: string]: unknown;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly fields?: readonly { readonly field: string; readonly message: string }[];
    readonly request_id: string;
  };
}

export async function call(handler: Handler, request: Request): Promise<Reply> {
  const { statusCode, headers, body } = await handler(event(request), context);
  return { status: statusCode, headers, body: body === undefined ? undefined : (JSON.parse(body) as Body) };
}

export const post = (handler: Handler, body: unknown): Promise<Reply> => call(handler, { body: JSON.stringify(body) });
