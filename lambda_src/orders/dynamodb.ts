/** DynamoDB's client, made once per execution environment and reused by every call in it. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";

import { tracer } from "../http_api/telemetry.ts";
import { TIMEOUTS } from "./timeouts.ts";

export const dynamodb = tracer.captureAWSv3Client(new DynamoDBClient({ requestHandler: TIMEOUTS }));

export const tables = DynamoDBDocumentClient.from(dynamodb, { marshallOptions: { removeUndefinedValues: true } });
