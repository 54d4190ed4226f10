/** S3 and DynamoDB on loopback, as far as the thumbnails call them: fakes behind the real SDK. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

type Item = Record<string, Record<string, string>>;

interface Put {
  readonly TableName: string;
  readonly Item: Item;
  readonly ConditionExpression: string;
  readonly ExpressionAttributeValues: Record<":sequencer", { S: string }>;
}

export class FakeMedia {
  /** Bucket and key to content and its ETag. */
  readonly objects = new Map<string, { content: Buffer; etag: string }>();
  readonly images = new Map<string, Item>();
  readonly calls: string[] = [];
  /** Set to have puts into the table denied. */
  denied = false;
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));

  static async start(): Promise<FakeMedia> {
    const fake = new FakeMedia();
    const { promise, resolve } = Promise.withResolvers<void>();
    fake.#server.listen(0, "127.0.0.1", resolve);
    await promise;
    return fake;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") {
      throw new Error("the fake is not listening");
    }
    return `http://127.0.0.1:${address.port}`;
  }

  reset(): void {
    this.objects.clear();
    this.images.clear();
    this.calls.length = 0;
    this.denied = false;
  }

  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => {
      resolve();
    });
    this.#server.closeAllConnections();
    await promise;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const place = decodeURIComponent(new URL(request.url ?? "", this.url).pathname.slice(1));
    if (request.method === "POST") {
      this.#put(JSON.parse(body.toString()) as Put, response);
      return;
    }
    this.calls.push(`${request.method} ${place}`);
    if (request.method === "PUT") {
      this.objects.set(place, { content: body, etag: "put" });
      response.writeHead(200, { etag: '"put"' }).end();
      return;
    }
    const found = this.objects.get(place);
    if (found === undefined) {
      // What S3 says to those who may not list the bucket.
      const denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
      response.writeHead(403, { "content-type": "application/xml" }).end(denied);
      return;
    }
    response.writeHead(200, { etag: `"${found.etag}"`, "content-length": found.content.length }).end(found.content);
  }

  #put({ TableName, Item, ConditionExpression, ExpressionAttributeValues }: Put, response: ServerResponse): void {
    this.calls.push(`PutItem ${TableName}`);
    const key = Item["key"]?.["S"] ?? "";
    const stored = this.images.get(key)?.["sequencer"]?.["S"];
    const headers = { "content-type": "application/x-amz-json-1.0" };
    const refuse = (type: string): void => {
      response.writeHead(400, headers).end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}` }));
    };
    if (ConditionExpression !== "attribute_not_exists(sequencer) OR sequencer < :sequencer") {
      refuse("ValidationException");
    } else if (this.denied) {
      refuse("AccessDeniedException");
    } else if (stored !== undefined && stored >= ExpressionAttributeValues[":sequencer"].S) {
      refuse("ConditionalCheckFailedException");
    } else {
      this.images.set(key, Item);
      response.writeHead(200, headers).end("{}");
    }
  }
}
