/**
 * An image was uploaded: make its thumbnail and note what it is. Calls s3:GetObject, s3:PutObject, dynamodb:PutItem.
 *
 * Events come at least once and in any order. A thumbnail's key names its upload, so that making it again changes
 * nothing, and the table takes an upload only after older ones: twice the event has the effect of once.
 */
import type { Context } from "aws-lambda";

import { logger } from "../http_api/telemetry.ts";
import { contentOf, putNewer, putThumbnail, thumbnailsPrefix } from "./image_store.ts";
import { derivedKey } from "./object_key.ts";
import { NotAnImage, thumbnail } from "./thumbnail.ts";
import { type Upload, uploadsIn } from "./upload.ts";

const MOST_BYTES = 25 * 1024 * 1024; // of a file; it is in memory as a whole

export async function handler(event: unknown, context: Context): Promise<void> {
  logger.addContext(context);
  // All of them to their end: what goes on when a handler returns is frozen with its environment.
  const ended = await Promise.allSettled(uploadsIn(event).map((upload) => handle(upload)));
  const failed = ended.find((each) => each.status === "rejected");
  if (failed !== undefined) {
    throw failed.reason;
  }
}

async function handle(upload: Upload): Promise<void> {
  const { key, etag, sequencer, bytes, time } = upload;
  if (bytes > MOST_BYTES) {
    throw new NotAnImage(`it has ${bytes} bytes, wanted ${MOST_BYTES} at most`);
  }
  const content = await contentOf(upload);
  if (content === undefined) {
    logger.info("replaced meanwhile", { key });
    return;
  }
  const { content: small, original } = await thumbnail(content);
  const at = derivedKey(thumbnailsPrefix, key, etag, "webp");
  await putThumbnail(at, small);
  const isNew = await putNewer({ key, etag, sequencer, uploaded_at: time, bytes, ...original, thumbnail: at });
  logger.info(isNew ? "thumbnail made" : "known already", { key, thumbnail: at });
}
