/** DynamoDB on loopback, as far as the users app calls it: a fake behind the real SDK, not a patch inside it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

type Attribute = Record<string, string>;
type Item = Record<string, Attribute>;

/** A request as the SDK sent it. */
export interface Call {
  readonly action: string;
  readonly input: Input;
}

interface Input {
  readonly TableName: string;
  readonly Item?: Item;
  readonly Key?: Item;
  readonly ConditionExpression?: string;
  readonly ConsistentRead?: boolean;
  readonly ProjectionExpression?: string;
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ReturnValuesOnConditionCheckFailure?: string;
}

/** An error to answer instead: its type, HTTP status and message. */
export interface Refusal {
  readonly type: string;
  readonly status: number;
  readonly message: string;
}

export class FakeDynamoDb {
  readonly calls: Call[] = [];
  readonly items = new Map<string, Item>();
  /** Set to have every call refused. */
  refusal: Refusal | undefined;
  /** Set to store the next put but cut the connection before answering, as a failing network would. */
  loseNextAnswer = false;
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));

  static async start(): Promise<FakeDynamoDb> {
    const fake = new FakeDynamoDb();
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
    this.calls.length = 0;
    this.items.clear();
    this.refusal = undefined;
    this.loseNextAnswer = false;
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
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
    }
    const action = String(request.headers["x-amz-target"]).replace("DynamoDB_20120810.", "");
    const input = JSON.parse(Buffer.concat(chunks).toString()) as Input;
    this.calls.push({ action, input });
    const { status, body } = this.#answer(action, input);
    if (this.loseNextAnswer) {
      this.loseNextAnswer = false;
      request.socket.destroy();
      return;
    }
    response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(body));
  }

  #answer(action: string, input: Input): { status: number; body: object } {
    if (this.refusal !== undefined) {
      return refused(this.refusal);
    }
    switch (action) {
      case "PutItem":
        return this.#put(input);
      case "GetItem": {
        const item = this.items.get(keyOf(input.Key));
        return { status: 200, body: item === undefined ? {} : { Item: projected(item, input) } };
      }
      case "DeleteItem":
        this.items.delete(keyOf(input.Key));
        return { status: 200, body: {} };
      default:
        return refused({ type: "UnknownOperationException", status: 400, message: action });
    }
  }

  #put({ Item: item, ConditionExpression: condition, ReturnValuesOnConditionCheckFailure: returned }: Input) {
    const id = keyOf(item);
    const old = this.items.get(id);
    if (condition === "attribute_not_exists(id)" && old !== undefined) {
      const { status, body } = refused({
        type: "ConditionalCheckFailedException",
        status: 400,
        message: "The conditional request failed",
      });
      return { status, body: returned === "ALL_OLD" ? { ...body, Item: old } : body };
    }
    this.items.set(id, item ?? {});
    return { status: 200, body: {} };
  }
}

const keyOf = (key: Item | undefined): string => key?.["id"]?.["S"] ?? "";

function projected(item: Item, { ProjectionExpression: fields, ExpressionAttributeNames: names = {} }: Input): Item {
  const kept = fields?.split(", ").map((field) => names[field] ?? field) ?? Object.keys(item);
  return Object.fromEntries(Object.entries(item).filter(([field]) => kept.includes(field)));
}

function refused({ type, status, message }: Refusal) {
  return { status, body: { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message } };
}
