/** What a transfer is, in the body of a request and in the answer. */
import * as z from "zod/mini";

const ID_RULE = "must be 1 to 64 letters, digits, _ or -, the first a letter or digit";
const MOST = 1_000_000_000_000; // cents; a bigint holds more, a number in JSON not much

const Id = z.string({ error: "must be a string" }).check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, ID_RULE));
const Cents = z
  .int({ error: "must be a whole number of cents" })
  .check(z.gte(1, "must be 1 or more"), z.lte(MOST, `must be ${MOST} or less`));

/** Move `amount` cents out of the account `from` and into the account `to`; the id is the caller's, so that it can be sent again. */
export const NewTransfer = z
  .strictObject({ id: Id, from: Id, to: Id, amount: Cents })
  .check(z.refine(({ from, to }) => from !== to, { path: ["to"], error: "must be another account than from" }));

export type Transfer = z.output<typeof NewTransfer>;
