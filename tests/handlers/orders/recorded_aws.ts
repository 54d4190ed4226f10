/** AWS on loopback, as far as the orders app calls it: every call is recorded, and answered as a test says. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/** A request as the SDK sent it: `DynamoDB.PutItem`, `SQS.SendMessage`. */
export interface Call {
  readonly action: string;
  readonly input: Record<string, unknown>;
}

/** What a call is answered. Throw an `AwsError` to refuse it. */
export type Answer = (input: Record<string, unknown>) => object;

export class AwsError extends Error {
  readonly type: string;
  readonly details: object;

  constructor(type: string, details: object = {}) {
    super(type);
    this.type = type;
    this.details = details;
  }
}

const SERVICES: Record<string, string> = {
  DynamoDB_20120810: "DynamoDB",
  AmazonSQS: "SQS",
  AWSStepFunctions: "StepFunctions",
  secretsmanager: "SecretsManager",
};
const ENDPOINTS = ["DYNAMODB", "SQS", "SFN", "SECRETS_MANAGER"];

export class RecordedAws {
  readonly calls: Call[] = [];
  readonly #answers = new Map<string, Answer>();
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));

  /** Start it, and point the clients of handlers that are loaded from now on to it. */
  static async start(): Promise<RecordedAws> {
    const aws = new RecordedAws();
    const { promise, resolve } = Promise.withResolvers<void>();
    aws.#server.listen(0, "127.0.0.1", resolve);
    await promise;
    const address = aws.#server.address();
    if (address === null || typeof address === "string") {
      throw new Error("the fake is not listening");
    }
    for (const service of ENDPOINTS) {
      process.env[`AWS_ENDPOINT_URL_${service}`] = `http://127.0.0.1:${address.port}`;
    }
    return aws;
  }

  get actions(): string[] {
    return this.calls.map(({ action }) => action);
  }

  on(action: string, answer: Answer): void {
    this.#answers.set(action, answer);
  }

  refuse(action: string, type: string, details: object = {}): void {
    this.on(action, () => {
      throw new AwsError(type, details);
    });
  }

  reset(): void {
    this.calls.length = 0;
    this.#answers.clear();
    this.on("SQS.SendMessage", ({ MessageBody: body }) => ({
      MessageId: "message",
      MD5OfMessageBody: createHash("md5").update(String(body)).digest("hex"), // which the SDK checks
    }));
    this.on("SecretsManager.GetSecretValue", () => ({ SecretString: "the provider's key" }));
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
    const [service = "", name = ""] = String(request.headers["x-amz-target"]).split(".");
    const action = `${SERVICES[service] ?? service}.${name}`;
    const input = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
    this.calls.push({ action, input });
    let [status, body]: [number, object] = [200, {}];
    try {
      body = this.#answers.get(action)?.(input) ?? {};
    } catch (error) {
      const { type, details } = error instanceof AwsError ? error : new AwsError("InternalFailure");
      [status, body] = [400, { __type: type, message: type, ...details }];
    }
    response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(body));
  }
}
