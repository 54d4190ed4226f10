/** What the two payment steps share: the table of payments, and the provider's key. */
import { getSecret } from "@aws-lambda-powertools/parameters/secrets";

import { setting } from "./settings.ts";

export const paymentsTable = setting("PAYMENTS_TABLE");
const keyArn = setting("PAYMENT_KEY");

/** What charging answers, and what a refund takes. */
export interface Payment {
  readonly charge: string;
}

/** The provider's key, read again after five minutes, so that a new one is used without a deployment. */
export async function paymentKey(): Promise<string> {
  const key = await getSecret(keyArn, { maxAge: 300 });
  return typeof key === "string" ? key : "";
}
