/** GET /users/{id}: the user as last written. Calls dynamodb:GetItem. */
import { GetCommand } from "@aws-sdk/lib-dynamodb";

import { HttpError, json } from "../http_api/answer.ts";
import { route } from "../http_api/route.ts";
import { users, usersTable } from "./table.ts";
import { pathId } from "./user.ts";

export const handler = route(async (event) => {
  const { Item: user } = await users.send(
    new GetCommand({
      TableName: usersTable,
      Key: { id: pathId(event) },
      ConsistentRead: true, // whoever creates a user can read it in the next call
      ProjectionExpression: "id, #name, email, created_at",
      ExpressionAttributeNames: { "#name": "name" },
    }),
  );
  if (user === undefined) {
    throw new HttpError(404, "not_found", "there is no user with this id");
  }
  return json(200, user);
});
