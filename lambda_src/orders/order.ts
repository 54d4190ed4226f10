/** What an order is: in the body of a request, on its way to the workflow, and in the table. */
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import * as z from "zod/mini";

import { badRequest } from "../http_api/answer.ts";
import { PRICES_CENTS } from "./prices.ts";

const ID_RULE = "must be 1 to 64 letters, digits, _ or -, the first a letter or digit";
const MOST_LINES = 10;
const MOST_PIECES = 100;

/** 1 to 64 ASCII letters, digits, `_` and `-`: safe in a path, and as the name of an execution, as it stands. */
const Id = z
  .string({ error: "must be a string" })
  .check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, ID_RULE));

const Line = z.strictObject(
  {
    sku: z
      .string({ error: "must be a string" })
      .check(z.refine((sku) => PRICES_CENTS.has(sku), `must be one of ${[...PRICES_CENTS.keys()].join(", ")}`)),
    quantity: z
      .int({ error: "must be a whole number" })
      .check(z.gte(1, "must be at least 1"), z.lte(MOST_PIECES, `must be at most ${MOST_PIECES}`)),
  },
  { error: "must be an object with sku and quantity" },
);

const Lines = z
  .array(Line, { error: "must be a list" })
  .check(
    z.minLength(1, "must not be empty"),
    z.maxLength(MOST_LINES, `must have at most ${MOST_LINES} lines`),
    z.refine((lines) => new Set(lines.map(({ sku }) => sku)).size === lines.length, "must name each sku once"),
  );

const Email = z.email("must be an email address").check(z.maxLength(254, "must have at most 254 characters"));

/** What the payment provider's form gave the browser in exchange for a card. We never see the card's number. */
const CardToken = z
  .string({ error: "must be a string" })
  .check(z.regex(/^tok_[a-z_]{1,60}$/, "must be a card token of the payment provider"));

/** What a caller sends. A field we would drop silently is refused instead. */
export const NewOrder = z.strictObject({ id: z.optional(Id), items: Lines, email: Email, card: CardToken });

/** What travels to the workflow. */
export const PlacedOrder = z.strictObject({
  id: Id,
  items: Lines,
  email: Email,
  card: CardToken,
  amount_cents: z.int().check(z.positive()),
  placed_at: z.iso.datetime(),
});

export type PlacedOrder = z.output<typeof PlacedOrder>;

export function amountCents(lines: PlacedOrder["items"]): number {
  return lines.reduce((sum, { sku, quantity }) => sum + (PRICES_CENTS.get(sku) ?? 0) * quantity, 0);
}

/** The id in the path of a request, which API Gateway has already URL-decoded. */
export function pathId(event: APIGatewayProxyEventV2): string {
  const result = z.safeParse(Id, event.pathParameters?.["id"]);
  if (!result.success) {
    throw badRequest("the path has an invalid order id", [{ field: "id", message: ID_RULE }]);
  }
  return result.data;
}
