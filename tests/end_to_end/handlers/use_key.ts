/** Logs in at a service whose one accepted key is an item of a table, with a key that is rotated meanwhile. */
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { parametersBelow } from "constructs-lib-runtime/parameters";
import { secretValue, withSecret } from "constructs-lib-runtime/secrets";

const service = new DynamoDBClient({});

class Refused extends Error {}

const logIn = async (key: string): Promise<string> => {
  const asked = { TableName: process.env["SERVICE_TABLE"], Key: { id: { S: "key" } }, ConsistentRead: true };
  const { Item } = await service.send(new GetItemCommand(asked));
  if (Item?.["accepted"]?.S !== key) {
    throw new Refused();
  }
  return key.slice(0, 4);
};

export const handler = async (): Promise<object> => ({
  accepted: await withSecret("SERVICE_KEY", logIn, { refused: (error) => error instanceof Refused }),
  user: await secretValue("DB_USER"),
  config: await parametersBelow("CONFIG"),
});
