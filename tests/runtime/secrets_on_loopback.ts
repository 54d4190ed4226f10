/** One secret and some parameters on loopback: what the SDK asks for, and what AWS's extension answers. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { fieldsOf } from "../../constructs_lib/runtime/node/src/kept.ts";

export const ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:Key-a1b2c3";

export interface Version {
  readonly id: string;
  readonly text: string;
}

/** What a request wants: a version of the secret, a parameter, a page of them, or the extension. */
export class SecretsOnLoopback {
  current: Version = { id: "v1", text: "old" };
  pending: Version | undefined;
  /** Called after each answer. */
  answered: (() => void) | undefined;
  parameter = { Value: "10", Version: 1 };
  extension: { status: number; body: string } = { status: 404, body: "" };
  readonly calls: string[] = [];
  port = 0;
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));

  static async start(): Promise<SecretsOnLoopback> {
    const found = new SecretsOnLoopback();
    const { promise, resolve } = Promise.withResolvers<void>();
    found.#server.listen(0, "127.0.0.1", resolve);
    await promise;
    const address = found.#server.address();
    found.port = typeof address === "object" && address !== null ? address.port : 0;
    for (const service of ["SECRETS_MANAGER", "SSM"]) {
      process.env[`AWS_ENDPOINT_URL_${service}`] = `http://127.0.0.1:${found.port}`;
    }
    return found;
  }

  reset(): void {
    this.current = { id: "v1", text: "old" };
    this.pending = undefined;
    this.answered = undefined;
    this.parameter = { Value: "10", Version: 1 };
    this.extension = { status: 404, body: "" };
    this.calls.length = 0;
  }

  /** End the rotation: what was pending is current. */
  finish(): void {
    this.current = this.pending ?? this.current;
    this.pending = undefined;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === "GET") {
      this.calls.push(`extension ${request.headers["x-aws-parameters-secrets-token"]?.toString()} ${request.url}`);
      response.writeHead(this.extension.status).end(this.extension.body);
      return;
    }
    let text = "";
    for await (const chunk of request) {
      text += String(chunk);
    }
    const action = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
    const { status, body } = this.#answer(action, fieldsOf(text));
    this.answered?.();
    response.writeHead(status, { "Content-Type": "application/x-amz-json-1.1" }).end(JSON.stringify(body));
  }

  #answer(action: string, asked: Map<string, unknown>): { status: number; body: object } {
    const stage = asked.get("VersionStage") === "AWSPENDING" ? "AWSPENDING" : "";
    this.calls.push(`${action} ${stage}`.trim());
    if (action === "GetParameter") {
      return { status: 200, body: { Parameter: this.parameter } };
    }
    if (action === "GetParametersByPath") {
      const path = String(asked.get("Path"));
      const first = { Parameters: [{ Name: `${path}/limit`, Value: "10" }], NextToken: "more" };
      const last = { Parameters: [{ Name: `${path}/eu/tax`, Value: "19" }] };
      return { status: 200, body: asked.get("NextToken") === "more" ? last : first };
    }
    const version = stage === "AWSPENDING" ? this.pending : this.current;
    return version === undefined
      ? { status: 400, body: { __type: "ResourceNotFoundException" } }
      : { status: 200, body: { Name: "Key", VersionId: version.id, SecretString: version.text } };
  }
}
