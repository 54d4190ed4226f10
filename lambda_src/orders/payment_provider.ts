/**
 * A payment provider that exists nowhere. What a card does is in its token, as with the test cards of real ones:
 *
 * - `tok_visa`, and any other: charged
 * - `tok_declined`: declined, each time
 * - `tok_declined_twice`: declined, declined, charged
 * - `tok_unreachable_once`: the first call gets no answer, the second is charged
 *
 * As a real one, it charges an idempotency key once: the same key gives the same charge.
 */
import { createHash } from "node:crypto";

/** The card was refused; that may change, and is worth another try or two. */
export class CardDeclined extends Error {
  override readonly name = "CardDeclined";
}

/** Nobody knows whether the card was charged, until a call with the same key is answered. */
export class ProviderUnreachable extends Error {
  override readonly name = "ProviderUnreachable";
}

/** The key is not, or no longer, one that the provider knows. */
export class KeyRefused extends Error {
  override readonly name = "KeyRefused";
}

export interface ChargeRequest {
  readonly secretKey: string;
  readonly idempotencyKey: string;
  readonly card: string;
  readonly amountCents: number;
  /** How many calls came before; a real provider would not ask. */
  readonly attempt: number;
}

/** Charge a card, and return the id of the charge. */
export function charge({ secretKey, idempotencyKey, card, attempt }: ChargeRequest): string {
  authenticate(secretKey);
  if (card === "tok_declined" || (card === "tok_declined_twice" && attempt < 2)) {
    throw new CardDeclined("the card was declined: insufficient funds");
  }
  if (card === "tok_unreachable_once" && attempt === 0) {
    throw new ProviderUnreachable("the payment provider did not answer");
  }
  return `ch_${digest(idempotencyKey)}`;
}

/** Give a charge back, and return the id of the refund; a second time changes nothing. */
export function refund(secretKey: string, chargeId: string): string {
  authenticate(secretKey);
  return `re_${digest(chargeId)}`;
}

function authenticate(secretKey: string): void {
  if (secretKey === "") {
    throw new KeyRefused("the payment provider refuses calls without a key");
  }
}

const digest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 24);
