/** An upload, as S3 reports it in two ways. */
import type { Upload } from "../../../lambda_src/media/upload.ts";

const UPLOAD: Upload = {
  bucket: "media",
  key: "uploads/photo.png",
  etag: "e1",
  bytes: 1,
  sequencer: "01",
  time: "2026-11-01T08:00:00Z",
};

/** By EventBridge. */
export function uploaded(some: Partial<Upload>) {
  const { bucket, key, etag, bytes, sequencer, time } = { ...UPLOAD, ...some };
  return {
    version: "0",
    id: "7e0b6f6c-5a1e-4a63-9d3c-0c7f6f1f9a52",
    "detail-type": "Object Created",
    source: "aws.s3",
    account: "123456789012",
    time,
    region: "eu-central-1",
    resources: [`arn:aws:s3:::${bucket}`],
    detail: {
      version: "0",
      bucket: { name: bucket },
      object: { key, size: bytes, etag, "version-id": "v1", sequencer },
      "request-id": "N4N7GDK58NMKJ12R",
      requester: "123456789012",
      reason: "PutObject",
    },
  };
}

/** By the bucket itself, which encodes the key as a form would. */
export function notification(some: Partial<Upload>) {
  const { bucket, key, etag, bytes, sequencer, time } = { ...UPLOAD, ...some };
  return {
    Records: [
      {
        eventVersion: "2.1",
        eventSource: "aws:s3",
        awsRegion: "eu-central-1",
        eventTime: time,
        eventName: "ObjectCreated:Put",
        s3: {
          bucket: { name: bucket, arn: `arn:aws:s3:::${bucket}` },
          object: { key: new URLSearchParams({ key }).toString().slice("key=".length), size: bytes, eTag: etag, sequencer },
        },
      },
    ],
  };
}
