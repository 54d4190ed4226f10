/** Random JSON, the same for the same seed. */

/** A generator of numbers from 0 to 1 (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const KEYS = ["name", "id", "email", "__proto__", "constructor", "toString", "", "created_at", "\u0000", "ключ"];
const TEXTS = ["", " ", "Ada", "ada@example.com", "../../etc", "\u0000", "\ud800", "😀".repeat(30), "a".repeat(300), "null"];
const NUMBERS = [0, -0, -1, 1e308, Number.MAX_SAFE_INTEGER, 0.1];

const pick = <T>(next: () => number, from: readonly [T, ...T[]] | readonly T[], fallback: T): T =>
  from[Math.floor(next() * from.length)] ?? fallback;

/** The text of a random JSON value, now and then with a character cut out of it. */
export function randomJson(next: () => number): string {
  const text = value(next, 3);
  if (next() > 0.1) {
    return text;
  }
  const cut = Math.floor(next() * text.length);
  return text.slice(0, cut) + text.slice(cut + 1);
}

function value(next: () => number, depth: number): string {
  const kind = Math.floor(next() * (depth > 0 ? 7 : 4));
  switch (kind) {
    case 0:
      return "null";
    case 1:
      return String(next() < 0.5);
    case 2:
      return JSON.stringify(pick(next, NUMBERS, 0));
    case 3:
      return JSON.stringify(pick(next, TEXTS, ""));
    case 4:
      return `[${Array.from({ length: Math.floor(next() * 4) }, () => value(next, depth - 1)).join(",")}]`;
    default: {
      const members = Array.from(
        { length: Math.floor(next() * 5) },
        () => `${JSON.stringify(pick(next, KEYS, ""))}:${value(next, depth - 1)}`,
      );
      return `{${members.join(",")}}`;
    }
  }
}
