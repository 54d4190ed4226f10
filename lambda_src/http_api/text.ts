/** A line of text that a person typed: one line, of real characters, not too long. */
import * as z from "zod/mini";

/** Accept a trimmed string of at most `maximum` characters (code points, so that an emoji counts once). */
export function line(maximum: number) {
  return z.string({ error: "must be a string" }).check(
    z.trim(),
    z.refine((text) => Array.from(text).length <= maximum, `must have at most ${maximum} characters`),
    // U+FFFD is what decoders leave where bytes were not UTF-8, and half a surrogate pair cannot be stored.
    z.refine((text) => text.isWellFormed() && !text.includes("\uFFFD"), "must be valid Unicode"),
    z.refine((text) => !/\p{Cc}/u.test(text), "must not contain control characters"),
  );
}
