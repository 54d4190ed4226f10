import { crc32, deflateSync } from "node:zlib";

import sharp from "sharp";
import { describe, expect, test } from "vitest";

import { NotAnImage, thumbnail } from "../../../lambda_src/media/thumbnail.ts";
import { picture } from "./picture.ts";

describe("a thumbnail", () => {
  test.each([
    [1000, 500, 256, 128],
    [500, 1000, 128, 256],
    [256, 256, 256, 256],
    [40, 30, 40, 30],
    [5000, 1, 256, 1],
  ])("of %i x %i is %i x %i", async (width, height, small, low) => {
    const made = await thumbnail(await picture(width, height));
    expect([made.width, made.height]).toEqual([small, low]);
    expect(await sharp(made.content).metadata()).toMatchObject({ format: "webp", width: small, height: low });
    expect(made.original).toEqual({ format: "png", width, height });
  });

  test.each(["jpeg", "png", "webp", "gif", "tiff", "avif"] as const)("is made of %s", async (format) => {
    const made = await thumbnail(await sharp(await picture(300, 300)).toFormat(format).toBuffer());
    expect([made.width, made.height]).toEqual([256, 256]);
  });

  test("stands upright and tells nothing else of the camera", async () => {
    const image = await sharp(await picture(400, 200))
      .jpeg()
      .withExif({ IFD0: { Copyright: "Ada" }, IFD3: { GPSLatitude: "51/1 30/1 0/1" } })
      .withMetadata({ orientation: 6 })
      .toBuffer();
    expect(await sharp(image).metadata()).toMatchObject({ orientation: 6, width: 400, exif: expect.any(Buffer) });
    const made = await thumbnail(image);
    expect([made.width, made.height]).toEqual([128, 256]);
    expect(made.original).toEqual({ format: "jpeg", width: 200, height: 400 });
    const { exif, orientation } = await sharp(made.content).metadata();
    expect([exif, orientation]).toEqual([undefined, undefined]);
  });
});

/** A part of a PNG. */
function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), content]);
  const framed = Buffer.alloc(8 + body.length);
  framed.writeUInt32BE(content.length);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), 4 + body.length);
  return framed;
}

/** A PNG of a few bytes that claims to be 20,000 pixels each way. */
function bomb(): Promise<Buffer> {
  const header = Buffer.from([0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20, 8, 2, 0, 0, 0]);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const chunks = [chunk("IHDR", header), chunk("IDAT", deflateSync(Buffer.alloc(99))), chunk("IEND", Buffer.alloc(0))];
  return Promise.resolve(Buffer.concat([signature, ...chunks]));
}

describe("what is no image", () => {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>`;
  test.each<[what: string, content: () => Promise<Buffer>, message: RegExp]>([
    ["text", () => Promise.resolve(Buffer.from("not an image")), /unsupported image format/],
    ["nothing", () => Promise.resolve(Buffer.alloc(0)), /empty/i],
    ["the beginning of one", async () => (await picture(300, 300, "noise")).subarray(0, 2000), /./],
    ["one with a hole", async () => (await picture(300, 300, "noise")).fill(0, 500, 40_000), /./],
    ["a program that draws", () => Promise.resolve(Buffer.from(svg)), /it is svg, wanted one of jpeg/],
    ["one that unpacks to gigabytes", bomb, /pixel limit/],
  ])("is refused by name: %s", async (_, content, message) => {
    const refused = thumbnail(await content());
    await expect(refused).rejects.toThrow(NotAnImage);
    await expect(refused).rejects.toThrow(message);
  });
});
