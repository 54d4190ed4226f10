import sharp from "sharp";

export const handler = async (): Promise<number | undefined> => {
  const image = sharp({ create: { width: 7, height: 3, channels: 3, background: "red" } });
  return (await sharp(await image.png().toBuffer()).metadata()).width;
};
