/** DELETE /users/{id}: afterwards there is no such user. Calls dynamodb:DeleteItem. */
import { DeleteCommand } from "@aws-sdk/lib-dynamodb";

import { noContent } from "../http_api/answer.ts";
import { route } from "../http_api/route.ts";
import { users, usersTable } from "./table.ts";
import { pathId } from "./user.ts";

// 204 also when there was no such user: a delete that is retried after a lost answer must not turn into a failure.
export const handler = route(async (event) => {
  await users.send(new DeleteCommand({ TableName: usersTable, Key: { id: pathId(event) } }));
  return noContent();
});
