/** What a bucket reports of an upload, by EventBridge or by its own notifications, read into one shape. */
import * as z from "zod/mini";

import { keyInNotification } from "./object_key.ts";

/** One object that was created. */
export interface Upload {
  readonly bucket: string;
  readonly key: string;
  /** Names the content, without the quotes. */
  readonly etag: string;
  readonly bytes: number;
  /** Grows with each event of a key. */
  readonly sequencer: string;
  readonly time: string;
}

const Stored = z.object({ size: z.number(), sequencer: z.string(), key: z.string() });

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
const EventBridgeEvent = z.object({
  source: z.literal("aws.s3"),
  "detail-type": z.literal("Object Created"),
  time: z.string(),
  detail: z.object({ bucket: z.object({ name: z.string() }), object: z.extend(Stored, { etag: z.string() }) }),
});

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
const Notification = z.object({
  Records: z.array(
    z.object({
      eventSource: z.literal("aws:s3"),
      eventName: z.string().check(z.startsWith("ObjectCreated:")),
      eventTime: z.string(),
      s3: z.object({ bucket: z.object({ name: z.string() }), object: z.extend(Stored, { eTag: z.string() }) }),
    }),
  ),
});

/** The objects an event reports; folders, which are objects that the console makes, are none. */
export function uploadsIn(event: unknown): Upload[] {
  return read(event).filter(({ key }) => !key.endsWith("/"));
}

function read(event: unknown): Upload[] {
  const notification = z.safeParse(Notification, event);
  if (notification.success) {
    return notification.data.Records.map(({ eventTime, s3: { bucket, object } }) => ({
      bucket: bucket.name,
      key: keyInNotification(object.key),
      etag: object.eTag,
      bytes: object.size,
      sequencer: object.sequencer,
      time: eventTime,
    }));
  }
  const { time, detail } = z.parse(EventBridgeEvent, event);
  const { bucket, object } = detail;
  return [
    {
      bucket: bucket.name,
      key: object.key,
      etag: object.etag,
      bytes: object.size,
      sequencer: object.sequencer,
      time,
    },
  ];
}
