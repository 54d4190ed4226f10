/** Where images are: the bucket with its uploads and thumbnails, and the table of what is known of them. */
import { ConditionalCheckFailedException, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";

import { tracer } from "../http_api/telemetry.ts";
import type { Upload } from "./upload.ts";

const bucket = required("THUMBNAILS_BUCKET");
const table = required("IMAGES_TABLE");
export const thumbnailsPrefix = required("THUMBNAILS_PREFIX");

// The SDK waits for ever by default. Three attempts at 5 s each stay within the function's timeout of 30 s.
const requestHandler = { connectionTimeout: 1_000, requestTimeout: 5_000, throwOnRequestTimeout: true };
const s3 = tracer.captureAWSv3Client(new S3Client({ requestHandler }));
const images = DynamoDBDocumentClient.from(tracer.captureAWSv3Client(new DynamoDBClient({ requestHandler })));

/** What is known of one image, at its newest upload. */
export interface Image {
  readonly key: string;
  readonly etag: string;
  readonly sequencer: string;
  readonly uploaded_at: string;
  readonly bytes: number;
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly thumbnail: string;
}

/** The content of an upload; nothing if somebody has replaced it meanwhile, which is another event. */
export async function contentOf(upload: Upload): Promise<Uint8Array | undefined> {
  const { ETag, Body } = await s3.send(new GetObjectCommand({ Bucket: upload.bucket, Key: upload.key }));
  const content = await Body?.transformToByteArray();
  return ETag === `"${upload.etag}"` ? content : undefined;
}

export async function putThumbnail(key: string, content: Buffer): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: content, ContentType: "image/webp" }));
}

/** Store what is known of an image, unless the table knows this upload or a newer one; tell whether it was stored. */
export async function putNewer(image: Image): Promise<boolean> {
  try {
    await images.send(
      new PutCommand({
        TableName: table,
        Item: image,
        ConditionExpression: "attribute_not_exists(sequencer) OR sequencer < :sequencer",
        ExpressionAttributeValues: { ":sequencer": image.sequencer },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) {
      return false;
    }
    throw error;
  }
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") {
    throw new Error(`${name} is not set`);
  }
  return value;
}
