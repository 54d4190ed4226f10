/** Tell which function answers, and what it was asked. */
import type { APIGatewayProxyEventV2 } from "aws-lambda";

export const handler = (event: APIGatewayProxyEventV2) =>
  Promise.resolve({
    statusCode: 200,
    body: JSON.stringify({
      function: process.env["AWS_LAMBDA_FUNCTION_NAME"],
      service: process.env["POWERTOOLS_SERVICE_NAME"],
      thing: event.pathParameters?.["thing"] ?? null,
    }),
  });
