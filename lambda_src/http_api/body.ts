/** Read the JSON object in the body of a request; whatever else it holds is the caller's mistake, and a 400. */
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import * as z from "zod/mini";

import { badRequest, type FieldProblem } from "./answer.ts";

const MAX_BYTES = 16 * 1024; // of a body, after base64; the objects these routes take are a tenth of it
const MAX_PROBLEMS = 10; // named in one answer
const MAX_FIELD_CHARACTERS = 64; // of an unknown field's name, which is the caller's to choose

/**
 * Check the body of a request against a schema.
 *
 * @param empty What an empty body stands for; without it an empty body is refused.
 */
export function parseBody<S extends z.ZodMiniType>(
  event: APIGatewayProxyEventV2,
  schema: S,
  empty?: unknown,
): z.output<S> {
  const text = bodyText(event);
  const value = text.trim() === "" && empty !== undefined ? empty : jsonObject(text);
  const result = z.safeParse(schema, value);
  if (!result.success) {
    throw badRequest("the body has invalid fields", fieldProblems(result.error.issues));
  }
  return result.data;
}

function bodyText(event: APIGatewayProxyEventV2): string {
  const body = event.body ?? "";
  const bytes = Buffer.from(body, event.isBase64Encoded ? "base64" : "utf8");
  if (bytes.length > MAX_BYTES) {
    throw badRequest(`the body is ${bytes.length} bytes long, longer than the ${MAX_BYTES} accepted`);
  }
  if (!event.isBase64Encoded) {
    return body;
  }
  if (bytes.toString("base64") !== body) {
    throw badRequest("the body is not valid base64"); // Node skips what it cannot decode
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw badRequest("the body is not valid UTF-8");
  }
}

function jsonObject(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest("the body is not valid JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw badRequest("the body is not a JSON object");
  }
  // JSON.parse makes it an ordinary key, and the first careless copy makes it a prototype.
  if (Object.hasOwn(value, "__proto__")) {
    throw badRequest("the body has a field named __proto__");
  }
  return value;
}

function fieldProblems(issues: readonly z.core.$ZodIssue[]): FieldProblem[] {
  return issues
    .flatMap((issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => ({ field: key, message: "is not a field of this request" }))
        : [{ field: issue.path.join("."), message: issue.message }],
    )
    .slice(0, MAX_PROBLEMS)
    .map(({ field, message }) => ({ field: field.slice(0, MAX_FIELD_CHARACTERS), message }));
}
