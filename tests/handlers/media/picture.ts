/** Pictures, made on the spot. */
import sharp from "sharp";

/** A PNG of one colour, or of noise, which does not compress. */
export function picture(width: number, height: number, look: "plain" | "noise" = "plain"): Promise<Buffer> {
  const noise = { type: "gaussian", mean: 128, sigma: 60 } as const;
  return sharp({
    create: { width, height, channels: 3, background: "teal", ...(look === "noise" ? { noise } : {}) },
  })
    .png()
    .toBuffer();
}
