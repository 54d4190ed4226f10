/** A small picture of a large one. */
import sharp from "sharp";

const LONGEST_SIDE = 256; // pixels
const MOST_PIXELS = 50_000_000; // what an image may unpack to: a file of a few kilobytes can claim gigabytes
const FORMATS = new Set(["jpeg", "png", "webp", "gif", "tiff", "heif"]); // pictures; SVG and PDF are programs

/** What was uploaded is not an image we take; trying again will not make it one. */
export class NotAnImage extends Error {
  override readonly name = "NotAnImage";
}

export interface Thumbnail {
  /** WebP, without the metadata of the original: where it was taken is nobody's business. */
  readonly content: Buffer;
  readonly width: number;
  readonly height: number;
  readonly original: { readonly format: string; readonly width: number; readonly height: number };
}

/**
 * Make a thumbnail, upright, at most 256 pixels either way, never larger than the original.
 *
 * @throws NotAnImage
 */
export async function thumbnail(image: Uint8Array): Promise<Thumbnail> {
  const original = await unlessUnreadable(() => sharp(image, { limitInputPixels: MOST_PIXELS }).metadata());
  if (!FORMATS.has(original.format)) {
    throw new NotAnImage(`it is ${original.format}, wanted one of ${[...FORMATS].join(", ")}`);
  }
  const { data, info } = await unlessUnreadable(() =>
    sharp(image, { limitInputPixels: MOST_PIXELS, failOn: "error" })
      .autoOrient()
      .resize({ width: LONGEST_SIDE, height: LONGEST_SIDE, fit: "inside", withoutEnlargement: true })
      .webp()
      .toBuffer({ resolveWithObject: true }),
  );
  return {
    content: data,
    width: info.width,
    height: info.height,
    original: { format: original.format, ...original.autoOrient },
  };
}

async function unlessUnreadable<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new NotAnImage(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
