/** POST /transfers: move money between two accounts, once. Logs in as ledger_writer. */
import { setTimeout } from "node:timers/promises";

import { DatabaseError, type PoolClient } from "pg";

import { HttpError, json } from "../http_api/answer.ts";
import { parseBody } from "../http_api/body.ts";
import { route } from "../http_api/route.ts";
import { database } from "./ledger_database.ts";
import { NewTransfer, type Transfer } from "./transfer.ts";

const TRIES = 8;
const PAUSE_MS = 20;
// Two transactions would not have come out as one after the other: one of them begins again. Or the connection was ended
// while this environment was frozen (57P01, or no code of the database at all), which only using it shows.
// https://www.postgresql.org/docs/16/transaction-iso.html#XACT-SERIALIZABLE
const TRY_AGAIN = new Set(["40001", "40P01", "57P01"]);
const LOST = new Set(["ECONNRESET", "EPIPE", "Connection terminated", "Connection terminated unexpectedly"]);

export const handler = route(async (event) => {
  const transfer = parseBody(event, NewTransfer);
  await serializable((client) => post(client, transfer));
  return json(201, transfer, { location: `/accounts/${transfer.to}` });
});

async function post(client: PoolClient, { id, from, to, amount }: Transfer): Promise<void> {
  await client.query("INSERT INTO account (id) VALUES ($1), ($2) ON CONFLICT DO NOTHING", [from, to]);
  const made = await client.query(
    "INSERT INTO transfer (id, debit, credit, amount) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    [id, from, to, amount],
  );
  if (made.rowCount === 0) {
    await refuseAnother(client, { id, from, to, amount });
    return; // posted before, by an attempt whose answer was lost
  }
  await client.query("INSERT INTO entry (transfer_id, account_id, amount) VALUES ($1, $2, $3), ($1, $4, $5)", [
    id,
    from,
    -amount,
    to,
    amount,
  ]);
  const { rows } = await client.query(
    `SELECT 1 FROM balance JOIN account ON account.id = balance.account_id
     WHERE account.id = $1 AND balance.amount < 0 AND NOT account.may_be_negative`,
    [from],
  );
  if (rows.length > 0) {
    throw new HttpError(409, "overdrawn", `${from} has less than ${amount}`);
  }
}

async function refuseAnother(client: PoolClient, { id, from, to, amount }: Transfer): Promise<void> {
  const same = await client.query(
    "SELECT 1 FROM transfer WHERE id = $1 AND debit = $2 AND credit = $3 AND amount = $4",
    [id, from, to, amount],
  );
  if (same.rowCount === 0) {
    throw new HttpError(409, "already_exists", "another transfer has this id");
  }
}

/** Do work as if nobody else did any, again where somebody did. */
async function serializable(work: (client: PoolClient) => Promise<void>, attempt = 1): Promise<void> {
  try {
    await once(work);
  } catch (error) {
    if (!isPassing(error) || attempt === TRIES) {
      throw error;
    }
    await setTimeout(Math.random() * PAUSE_MS * 2 ** attempt);
    await serializable(work, attempt + 1);
  }
}

/** Whether a failure may be another one's fault; a transfer is posted once, so trying it again does no harm. */
function isPassing(error: unknown): boolean {
  if (error instanceof DatabaseError) {
    return TRY_AGAIN.has(error.code ?? "");
  }
  return error instanceof Error && (LOST.has((error as NodeJS.ErrnoException).code ?? "") || LOST.has(error.message));
}

/** Do work in one transaction, all of it or nothing. */
async function once(work: (client: PoolClient) => Promise<void>): Promise<void> {
  const client = await database.connect();
  let isUsable = true;
  try {
    await client.query("BEGIN ISOLATION LEVEL SERIALIZABLE");
    await work(client);
    await client.query("COMMIT");
  } catch (error) {
    isUsable = await client.query("ROLLBACK").then(
      () => true,
      () => false,
    );
    throw error;
  } finally {
    client.release(!isUsable);
  }
}
