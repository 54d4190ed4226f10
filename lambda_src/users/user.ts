/** What a user is, in the body of a request and in the table. */
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import * as z from "zod/mini";

import { badRequest } from "../http_api/answer.ts";
import { line } from "../http_api/text.ts";

const ID_RULE = "must be 1 to 64 letters, digits, _ or -, the first a letter or digit";

/** 1 to 64 ASCII letters, digits, `_` and `-`, the first a letter or digit: safe in a path as it stands. */
const Id = z
  .string({ error: "must be a string" })
  .check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, ID_RULE));

/** What a caller sends to create a user. A field we would drop silently is refused instead. */
export const NewUser = z.strictObject({
  id: z.optional(Id),
  name: line(100).check(z.minLength(1, "must not be empty")),
  email: z.email("must be an email address").check(z.maxLength(254, "must have at most 254 characters")),
});

export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly created_at: string;
}

/** The id in the path of a request, which API Gateway has already URL-decoded. */
export function pathId(event: APIGatewayProxyEventV2): string {
  const result = z.safeParse(Id, event.pathParameters?.["id"]);
  if (!result.success) {
    throw badRequest("the path has an invalid user id", [{ field: "id", message: ID_RULE }]);
  }
  return result.data;
}
