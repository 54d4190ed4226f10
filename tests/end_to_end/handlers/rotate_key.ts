/** Rotates the key of a service whose one accepted key is an item of a table: `change` needs the one before. */
import { DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { rotation } from "constructs-lib-runtime/rotation";

const TableName = process.env["SERVICE_TABLE"];
const id = { S: "other key" };
const service = new DynamoDBClient({});

/** Log in. */
const test = async (key: string): Promise<void> => {
  const { Item } = await service.send(new GetItemCommand({ TableName, Key: { id }, ConsistentRead: true }));
  if (Item?.["accepted"]?.S !== key) {
    throw new Error("the service does not know this key");
  }
};

/** Log in with the current key, and set the new one; a service that knows no key yet takes any. */
const change = async (fresh: string, current: string): Promise<void> => {
  await service.send(
    new PutItemCommand({
      TableName,
      Item: { id, accepted: { S: fresh } },
      ConditionExpression: "attribute_not_exists(id) OR accepted = :current",
      ExpressionAttributeValues: { ":current": { S: current } },
    }),
  );
};

export const handler = rotation({ change, test });
