/** The users table and its client, made once per execution environment and reused by every call in it. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";

import { tracer } from "../http_api/telemetry.ts";

const name = process.env.USERS_TABLE;
if (name === undefined || name === "") {
  throw new Error("USERS_TABLE is not set: it holds the name of the users table");
}
export const usersTable: string = name;

// The SDK waits for ever by default. Its four attempts at 2 s each stay within a function's timeout of 10 s.
const client = new DynamoDBClient({
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true },
});

export const users = DynamoDBDocumentClient.from(tracer.captureAWSv3Client(client));
