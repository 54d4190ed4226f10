/** Handles messages one after another; some of them end its process, hang or spin when they come for the first time. */
import { setTimeout } from "node:timers/promises";

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { queueWorker, type WorkerRecord } from "constructs-lib-runtime";

interface Message {
  readonly id: string;
  readonly first_time?: "die" | "hang" | "spin";
}

const dynamodb = new DynamoDBClient({});
const tables = DynamoDBDocumentClient.from(dynamodb);
const TableName = process.env["SEEN_TABLE"] ?? "";

const counted = (id: string, what: string) => ({
  TableName,
  Key: { id },
  UpdateExpression: "ADD #what :one",
  ExpressionAttributeNames: { "#what": what },
  ExpressionAttributeValues: { ":one": 1 },
});

async function handle({ body, commit, delivery, signal }: WorkerRecord<Message>): Promise<void> {
  await tables.send(new UpdateCommand(counted(body.id, "started")));
  if (delivery === 1) {
    switch (body.first_time) {
      case "die":
        process.kill(process.pid, "SIGKILL");
        break;
      case "hang":
        await setTimeout(60_000, undefined, { signal });
        break;
      case "spin": // nothing else in this process gets a turn any more, the deadline included
        for (const end = Date.now() + 60_000; Date.now() < end; );
        break;
      case undefined:
    }
  }
  await commit({ Update: counted(body.id, "done") });
}

export const handler = queueWorker(handle, { inParallel: false, key: ({ body }) => body.id, dynamodb });
