/** POST /users: create a user, once. Calls dynamodb:PutItem. */
import { randomUUID } from "node:crypto";

import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { PutCommand } from "@aws-sdk/lib-dynamodb";

import { HttpError, json } from "../http_api/answer.ts";
import { parseBody } from "../http_api/body.ts";
import { route } from "../http_api/route.ts";
import { users, usersTable } from "./table.ts";
import { NewUser, type User } from "./user.ts";

export const handler = route(async (event) => {
  const { id, name, email } = parseBody(event, NewUser);
  const user: User = { id: id ?? randomUUID(), name, email, created_at: new Date().toISOString() };
  await putOnce(user);
  return json(201, user, { location: `/users/${user.id}` });
});

async function putOnce(user: User): Promise<void> {
  try {
    await users.send(
      new PutCommand({
        TableName: usersTable,
        Item: user,
        ConditionExpression: "attribute_not_exists(id)",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) {
      throw error;
    }
    if (!isStored(user, error)) {
      throw new HttpError(409, "already_exists", "a user with this id already exists");
    }
  }
}

/** Tell whether the user in the way is our own: written by an attempt whose answer was lost, before a retry. */
function isStored(user: User, { Item: stored }: ConditionalCheckFailedException): boolean {
  return Object.entries(user).every(([field, value]) => stored?.[field]?.S === value);
}
