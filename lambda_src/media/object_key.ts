/** Keys of objects: as somebody chose them, whoever reports them, and what is safely made of them. */
import { createHash } from "node:crypto";

const NAME_LENGTH = 40;
const DIGEST_LENGTH = 32; // hexadecimal digits, half of SHA-256: nobody makes two keys meet

/**
 * The key in a notification of the bucket itself, which writes it as a form would: `my+photo%281%29.png`.
 *
 * EventBridge reports keys as they are. Decoding one of those as well would turn `a+b.png` into another object's key.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 */
export function keyInNotification(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll("+", " "));
}

/**
 * The key for what is made of one version of an object: `thumbnails/my-photo-1-5f1d….webp`.
 *
 * Of the object's name only letters and digits remain, for people. What tells it from all others is the digest, of the
 * whole key and the version, so that no key leads out of `prefix` and none takes another's place.
 */
export function derivedKey(prefix: string, key: string, version: string, extension: string): string {
  const last = key.slice(key.lastIndexOf("/") + 1);
  const name = last
    .replace(/\.[^.]*$/u, "")
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/\p{Mark}/gu, "")
    .replaceAll(/[^a-z0-9]+/gu, "-")
    .slice(0, NAME_LENGTH)
    .replaceAll(/^-|-$/gu, "");
  // As JSON, so that where the key ends and the version begins is part of what is digested.
  const digest = createHash("sha256").update(JSON.stringify([key, version])).digest("hex").slice(0, DIGEST_LENGTH);
  return `${prefix}${name === "" ? "" : `${name}-`}${digest}.${extension}`;
}
