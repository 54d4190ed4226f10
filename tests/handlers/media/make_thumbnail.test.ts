import sharp from "sharp";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { derivedKey } from "../../../lambda_src/media/object_key.ts";
import type { Upload } from "../../../lambda_src/media/upload.ts";
import { context } from "../event.ts";
import { FakeMedia } from "./fake_media.ts";
import { HOSTILE_KEYS } from "./hostile_keys.ts";
import { picture } from "./picture.ts";
import { notification, uploaded } from "./uploaded.ts";

let media: FakeMedia;
let handler: (event: unknown, context: unknown) => Promise<void>;

beforeAll(async () => {
  media = await FakeMedia.start();
  // The handler makes its clients when it is loaded, as it does on Lambda.
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: media.url,
    AWS_ENDPOINT_URL_DYNAMODB: media.url,
    IMAGES_TABLE: "images",
    THUMBNAILS_BUCKET: "media",
    THUMBNAILS_PREFIX: "thumbnails/",
  });
  ({ handler } = (await import("../../../lambda_src/media/make_thumbnail.ts")) as { handler: typeof handler });
});
beforeEach(() => {
  media.reset();
});
afterAll(() => media.stop());

const KEY = "uploads/photo.png";
const thumbnailOf = (key: string, etag: string): string => derivedKey("thumbnails/", key, etag, "webp");
const handle = (some: Partial<Upload>): Promise<void> => handler(uploaded(some), context);

async function store(key: string, etag: string, width = 640): Promise<void> {
  media.objects.set(`media/${key}`, { content: await picture(width, 320), etag });
}

describe("an uploaded image", () => {
  test("gets a thumbnail, and the table tells what it is", async () => {
    await store(KEY, "e1");
    await handle({ key: KEY, etag: "e1", bytes: 3625, sequencer: "05" });
    const thumbnail = thumbnailOf(KEY, "e1");
    expect(media.calls).toEqual([`GET media/${KEY}`, `PUT media/${thumbnail}`, "PutItem images"]);
    const made = await sharp(media.objects.get(`media/${thumbnail}`)?.content).metadata();
    expect(made).toMatchObject({ format: "webp", width: 256, height: 128 });
    expect([...media.images.values()]).toEqual([
      {
        key: { S: KEY },
        etag: { S: "e1" },
        sequencer: { S: "05" },
        uploaded_at: { S: "2026-11-01T08:00:00Z" },
        bytes: { N: "3625" },
        format: { S: "png" },
        width: { N: "640" },
        height: { N: "320" },
        thumbnail: { S: thumbnail },
      },
    ]);
  });

  test.each(HOSTILE_KEYS.filter(([, key]) => key.startsWith("uploads/") && !/\/\.{1,2}(?:\/|$)/.test(key)))(
    "is read and written under exactly its key: %s",
    async (_, key) => {
      await store(key, "e1");
      await handle({ key, etag: "e1" });
      expect(media.calls).toEqual([`GET media/${key}`, `PUT media/${thumbnailOf(key, "e1")}`, "PutItem images"]);
      expect([...media.images.keys()]).toEqual([key]);
    },
  );

  test("is handled likewise when the bucket itself reports it", async () => {
    const key = "uploads/my photo+1.png";
    await store(key, "e1");
    await handler(notification({ key, etag: "e1" }), context);
    expect([...media.images.keys()]).toEqual([key]);
  });
});

describe("events come more than once, and in any order", () => {
  test("twice the event has the effect of once", async () => {
    await store(KEY, "e1");
    await handle({ etag: "e1", sequencer: "05" });
    const [objects, images] = [[...media.objects], [...media.images]];
    await handle({ etag: "e1", sequencer: "05" });
    expect([[...media.objects.keys()], [...media.images]]).toEqual([objects.map(([key]) => key), images]);
    expect(media.calls.filter((call) => call === "PutItem images")).toHaveLength(2); // the second one refused
  });

  test("an older event after a newer one changes nothing", async () => {
    await store(KEY, "e2");
    await handle({ etag: "e2", sequencer: "06" });
    await store(KEY, "e1"); // what a slow function may have read before it was replaced
    await handle({ etag: "e1", sequencer: "05" });
    expect(media.images.get(KEY)?.["thumbnail"]).toEqual({ S: thumbnailOf(KEY, "e2") });
  });

  test("a newer upload takes the place of an older one", async () => {
    await store(KEY, "e1");
    await handle({ etag: "e1", sequencer: "05" });
    await store(KEY, "e2", 100);
    await handle({ etag: "e2", sequencer: "06" });
    expect(media.images.get(KEY)).toMatchObject({ width: { N: "100" }, thumbnail: { S: thumbnailOf(KEY, "e2") } });
  });

  test("what was replaced before it was read is left to the event of what replaced it", async () => {
    await store(KEY, "e2");
    await handle({ etag: "e1", sequencer: "05" });
    expect(media.calls).toEqual([`GET media/${KEY}`]);
  });
});

describe("what cannot be handled fails, and leaves nothing behind", () => {
  test("what is no image", async () => {
    media.objects.set(`media/${KEY}`, { content: Buffer.from("not an image"), etag: "e1" });
    await expect(handle({ etag: "e1" })).rejects.toMatchObject({ name: "NotAnImage" });
    expect(media.calls).toEqual([`GET media/${KEY}`]);
  });

  test("a file too large to take into memory is not even read", async () => {
    await expect(handle({ bytes: 25 * 1024 * 1024 + 1 })).rejects.toThrow("it has 26214401 bytes, wanted 26214400 at most");
    expect(media.calls).toEqual([]);
  });

  test("what is gone", async () => {
    await expect(handle({ key: "uploads/gone.png" })).rejects.toMatchObject({ name: "AccessDenied" });
  });

  test("a put that is denied", async () => {
    media.denied = true;
    await store(KEY, "e1");
    await expect(handle({ etag: "e1" })).rejects.toMatchObject({ name: "AccessDeniedException" });
  });

  test("one of several objects does not keep the others from being handled", async () => {
    await store(KEY, "e1");
    media.objects.set("media/uploads/bad.png", { content: Buffer.from("not an image"), etag: "e1" });
    const Records = ["uploads/bad.png", KEY].flatMap((key) => notification({ key, etag: "e1" }).Records);
    await expect(handler({ Records }, context)).rejects.toMatchObject({ name: "NotAnImage" });
    expect([...media.images.keys()]).toEqual([KEY]);
  });
});
