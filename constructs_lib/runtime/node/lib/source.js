/** Where a batch comes from: a queue, a FIFO queue, a stream of a table, or a Kinesis stream. */
import { EventType } from "@aws-lambda-powertools/batch";
import { unmarshall } from "@aws-sdk/util-dynamodb";
const QUEUE = { eventType: EventType.SQS, isFifo: false, isStream: false };
const FIFO_QUEUE = { eventType: EventType.SQS, isFifo: true, isStream: false };
const TABLE_STREAM = { eventType: EventType.DynamoDBStreams, isFifo: false, isStream: true };
const KINESIS_STREAM = { eventType: EventType.KinesisDataStreams, isFifo: false, isStream: true };
/** Where a record, and so its batch, comes from. */
export function sourceOf(record) {
    if (isMessage(record)) {
        return record.eventSourceARN.endsWith(".fifo") ? FIFO_QUEUE : QUEUE;
    }
    if (record.eventSource === "aws:dynamodb") {
        return TABLE_STREAM;
    }
    if (record.eventSource === "aws:kinesis") {
        return KINESIS_STREAM;
    }
    throw new Error(`a batch from ${record.eventSource}, wanted one from SQS, a DynamoDB stream or Kinesis`);
}
/** How often a message has been delivered. */
export function deliveryOf(record) {
    return isMessage(record) ? Number(record.attributes.ApproximateReceiveCount) : 1;
}
/** What a line of the log calls a record. */
export function nameOf(record) {
    return isMessage(record) ? record.messageId : record.eventID;
}
export function arrivalOf(record) {
    if (isMessage(record)) {
        return {
            id: record.messageId,
            once: record.messageId,
            content: record.body,
            delivery: deliveryOf(record),
            group: record.attributes.MessageGroupId,
            attributes: Object.fromEntries(Object.entries(record.messageAttributes).map(([name, { stringValue }]) => [name, stringValue ?? ""])),
        };
    }
    return "kinesis" in record ? datum(record) : change(record);
}
function isMessage(record) {
    return record.eventSource === "aws:sqs";
}
function datum(record) {
    return {
        id: record.kinesis.sequenceNumber,
        once: record.eventID,
        content: new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(record.kinesis.data, "base64")),
        delivery: 1,
        group: record.kinesis.partitionKey,
        attributes: {},
    };
}
function change(record) {
    const { SequenceNumber: id, Keys, NewImage, OldImage } = record.dynamodb ?? {};
    if (id === undefined) {
        throw new Error("a stream record without its change");
    }
    return {
        id,
        once: record.eventID ?? id,
        content: { kind: record.eventName, keys: plain(Keys), new: plain(NewImage), old: plain(OldImage) },
        delivery: 1,
        group: undefined,
        attributes: {},
    };
}
function plain(image) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- two declarations of one thing, the event's and the SDK's
    return image === undefined ? {} : unmarshall(image);
}
