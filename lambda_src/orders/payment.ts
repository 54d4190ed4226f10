/** What the two payment steps share: the table of payments, and the provider's key. */
import { withSecret } from "constructs-lib-runtime/secrets";

import { KeyRefused } from "./payment_provider.ts";
import { setting } from "./settings.ts";

const KEY = "PAYMENT_KEY";

export const paymentsTable = setting("PAYMENTS_TABLE");
setting(KEY);

/** What charging answers, and what a refund takes. */
export interface Payment {
  readonly charge: string;
}

/** Call the provider with its key; one that the provider no longer knows is read again, for a new one may be there. */
export async function withPaymentKey<Result>(call: (key: string) => Result): Promise<Result> {
  return withSecret(KEY, call, { refused: (error) => error instanceof KeyRefused });
}
