/** Says what it was given and does what it is told: `{"do": "throw"}`, or `{"do": "report"}` for a record of a batch. */
interface Told {
  messageId?: string;
  body?: string;
  do?: string;
  detail?: { do?: string };
  dynamodb?: { SequenceNumber?: string; NewImage?: { do?: { S?: string } } };
}

function orderIn(record: Told): string | undefined {
  if (record.body !== undefined) {
    return (JSON.parse(record.body) as Told).do;
  }
  return record.dynamodb?.NewImage?.do?.S ?? record.detail?.do ?? record.do;
}

export const handler = (event: Told & { Records?: Told[] }): Promise<unknown> => {
  console.log(`HEARD ${JSON.stringify(event)}`);
  const records = event.Records ?? [event];
  if (records.some((each) => orderIn(each) === "throw")) {
    throw new RangeError("told to");
  }
  const failed = records.filter((each) => orderIn(each) === "report");
  const batchItemFailures = failed.map((each) => ({
    itemIdentifier: each.messageId ?? each.dynamodb?.SequenceNumber,
  }));
  return Promise.resolve({ batchItemFailures });
};
