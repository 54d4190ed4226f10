import { describe, expect, test } from "vitest";

import { derivedKey, keyInNotification } from "../../../lambda_src/media/object_key.ts";
import { uploadsIn } from "../../../lambda_src/media/upload.ts";
import { HOSTILE_KEYS } from "./hostile_keys.ts";
import { notification, uploaded } from "./uploaded.ts";

const SAFE = /^thumbnails\/(?:[a-z0-9]+(?:-[a-z0-9]+)*-)?[0-9a-f]{32}\.webp$/;
const derived = (key: string, version = "v1"): string => derivedKey("thumbnails/", key, version, "webp");

describe("a key made of another", () => {
  test.each(HOSTILE_KEYS)("stays where it belongs: %s", (_, key) => {
    expect(derived(key)).toMatch(SAFE);
    expect(derived(key).length).toBeLessThan(100);
  });

  test("is another for every key, however alike, and for every version", () => {
    const keys = HOSTILE_KEYS.map(([, key]) => key);
    expect(new Set(keys.flatMap((key) => [derived(key), derived(key, "v2")])).size).toBe(2 * keys.length);
  });

  test("is the same each time", () => {
    expect(derived("uploads/photo.png")).toBe("thumbnails/photo-6436916bbf91f2be53bd35de74327cf7.webp");
    expect(derived("uploads/photo.png")).toBe(derived("uploads/photo.png"));
  });

  test("does not confuse where the key ends and the version begins", () => {
    expect(derived("uploads/a", "b")).not.toBe(derived("uploads/", "ab"));
    expect(derived('uploads/a","b', "c")).not.toBe(derived("uploads/a", 'b","c'));
  });

  test.each([
    ["uploads/My Holiday (1).JPEG", "my-holiday-1"],
    ["uploads/Été à la plage+1.png", "ete-a-la-plage-1"],
    ["uploads/archive.tar.gz", "archive-tar"],
    ["uploads/2026/11/photo.png", "photo"],
    [`uploads/${"ab-".repeat(20)}.png`, "ab-".repeat(13) + "a"],
    [`uploads/${"a".repeat(39)}-b.png`, "a".repeat(39)],
  ])("begins with what people read: %s", (key, name) => {
    expect(derived(key).slice("thumbnails/".length, -"-.webp".length - 32)).toBe(name);
  });
});

describe("the key of an upload", () => {
  test.each(HOSTILE_KEYS)("is as EventBridge reports it: %s", (_, key) => {
    expect(uploadsIn(uploaded({ key })).map((upload) => upload.key)).toEqual([key]);
  });

  test.each(HOSTILE_KEYS)("is what a notification of the bucket encodes: %s", (_, key) => {
    expect(uploadsIn(notification({ key })).map((upload) => upload.key)).toEqual([key]);
  });

  test("is not decoded twice, nor where nothing was encoded", () => {
    expect(keyInNotification("uploads/1%252B1%2B1+1.png")).toBe("uploads/1%2B1+1 1.png");
    expect(uploadsIn(uploaded({ key: "uploads/1%2B1+1.png" }))[0]?.key).toBe("uploads/1%2B1+1.png");
  });

  test("is none where the encoding is none", () => {
    expect(() => keyInNotification("uploads/100%.png")).toThrow(URIError);
  });
});

describe("an event", () => {
  test("is read whole, from either source", () => {
    const upload = { bucket: "media", key: "uploads/a.png", etag: "e1", bytes: 7, sequencer: "05", time: "2026-11-01T08:00:00Z" };
    expect(uploadsIn(uploaded(upload))).toEqual([upload]);
    expect(uploadsIn(notification(upload))).toEqual([upload]);
  });

  test("about a folder reports no upload", () => {
    expect(uploadsIn(uploaded({ key: "uploads/" }))).toEqual([]);
  });

  test.each([
    ["nothing", undefined],
    ["another source", { ...uploaded({}), source: "orders" }],
    ["a deletion", { ...uploaded({}), "detail-type": "Object Deleted" }],
    ["a deletion, of the bucket itself", { Records: [{ ...notification({}).Records[0], eventName: "ObjectRemoved:Delete" }] }],
    ["no key", { ...uploaded({}), detail: { bucket: { name: "media" }, object: {} } }],
  ])("that is none is refused: %s", (_, event) => {
    expect(() => uploadsIn(event)).toThrow();
  });
});
