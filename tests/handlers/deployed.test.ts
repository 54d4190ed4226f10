/** The handlers as deployed: bundled, in a process with Lambda's environment, with nobody listening for traces. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { build } from "esbuild";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { event, type Request, REQUEST_ID } from "./event.ts";
import { FakeDynamoDb } from "./fake_dynamodb.ts";

const TRACE = "1-67891233-abcdef012345678912345678";
const SECRETIVE = '{"id": "ada", "name": "Ada Lovelace", "email": "ada@example.com"}';
const DENIED = {
  type: "AccessDeniedException",
  status: 400,
  message:
    "User: arn:aws:sts::123456789012:assumed-role/CreateUser/function is not authorized to perform: dynamodb:PutItem " +
    "on resource: arn:aws:dynamodb:eu-central-1:123456789012:table/users because no identity-based policy allows it",
};

/** A few lines of Lambda: load the bundle, call its handler once, and send back what it answers. */
const CALL_ONCE = `
  const { handler } = require(process.argv[1]);
  process.once("message", async ([event, context]) => {
    process.send(await handler(event, { ...context, getRemainingTimeInMillis: () => 1000 }), () => process.disconnect());
  });`;

interface Run {
  readonly answer: { readonly statusCode: number; readonly body: string };
  readonly logs: readonly LogLine[];
  readonly errors: string;
}

interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly service: string;
  readonly cold_start: boolean;
  readonly function_request_id: string;
  readonly xray_trace_id?: string;
  readonly error?: { readonly name: string; readonly message: string };
}

let folder: string;
let table: FakeDynamoDb;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "deployed-"));
  table = await FakeDynamoDb.start();
  await build({
    entryPoints: ["lambda_src/greeting/greet.ts", "lambda_src/users/create_user.ts"],
    outdir: folder,
    outbase: "lambda_src",
    bundle: true,
    minify: true,
    format: "cjs",
    platform: "node",
    target: "node24",
    mainFields: ["module", "main"],
    legalComments: "none",
    supported: { "dynamic-import": false },
  });
});
beforeEach(() => {
  table.reset();
});
afterAll(async () => {
  await table.stop();
  await rm(folder, { recursive: true });
});

async function run(entry: string, request: Request, environment: Record<string, string> = {}): Promise<Run> {
  const child = spawn(process.execPath, ["-e", CALL_ONCE, join(folder, entry)], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: {
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_REGION: "eu-central-1",
      AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
      AWS_LAMBDA_FUNCTION_NAME: "function",
      AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
      AWS_ENDPOINT_URL_DYNAMODB: table.url,
      LAMBDA_TASK_ROOT: "/var/task",
      POWERTOOLS_SERVICE_NAME: "users",
      USERS_TABLE: "users",
      _HANDLER: `${basename(entry, ".js")}.handler`,
      _X_AMZN_TRACE_ID: `Root=${TRACE};Parent=53995c3f42cd8ad8;Sampled=1`,
      ...environment,
    },
  });
  let [logs, errors] = ["", ""];
  child.stdout?.on("data", (chunk: Buffer) => (logs += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const { promise: answered, resolve } = Promise.withResolvers<Run["answer"] | undefined>();
  child.once("message", (answer) => {
    resolve(answer as Run["answer"]);
  });
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  child.once("close", () => {
    resolve(undefined); // without effect on an answer that came before
    close();
  });
  const context = { awsRequestId: REQUEST_ID, functionName: "function", memoryLimitInMB: "256" };
  child.send([event(request), context]);
  await closed;
  const answer = await answered;
  if (answer === undefined) {
    throw new Error(`no answer: ${logs}${errors}`);
  }
  const lines = `${logs}${errors}`.split("\n").filter((line) => line.startsWith("{"));
  return { answer, logs: lines.map((line) => JSON.parse(line) as LogLine), errors };
}

describe("a deployed handler", () => {
  test("answers without anybody listening for its traces", async () => {
    const { answer, errors } = await run("greeting/greet.js", { body: '{"name": "Ada"}' });
    expect(answer).toMatchObject({ statusCode: 200, body: expect.stringContaining("Hello, Ada!") });
    expect(errors).toBe("");
  });

  test("answers, and does not complain, when a call has no trace header", async () => {
    const { answer, errors } = await run("greeting/greet.js", {}, { _X_AMZN_TRACE_ID: "" });
    expect(answer).toMatchObject({ statusCode: 200, body: expect.stringContaining("Hello, stranger!") });
    expect(errors).toBe("");
  });

  test("logs a refusal in one line of JSON that holds nothing of the body", async () => {
    const { answer, logs } = await run("users/create_user.js", { body: `[${SECRETIVE}]` });
    expect(answer.statusCode).toBe(400);
    expect(logs).toHaveLength(1);
    expect(logs[0]).toMatchObject({
      level: "INFO",
      message: "request refused",
      service: "users",
      cold_start: true,
      function_request_id: REQUEST_ID,
    });
    expect(JSON.stringify(logs)).not.toMatch(/Lovelace|example\.com/);
  });

  test("logs what was denied, by action and ARN, and tells the caller neither", async () => {
    table.refusal = DENIED;
    const { answer, logs } = await run("users/create_user.js", { body: SECRETIVE });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toMatch(/dynamodb|arn:|AccessDenied/i);
    const failures = logs.filter(({ level }) => level === "ERROR");
    expect(failures).toMatchObject([
      {
        message: "request failed",
        xray_trace_id: TRACE,
        function_request_id: REQUEST_ID,
        error: { name: "AccessDeniedException", message: DENIED.message },
      },
    ]);
    expect(JSON.stringify(logs)).not.toMatch(/Lovelace|example\.com/);
  });

  test("takes a put whose answer was lost for its own when the SDK tries again", async () => {
    table.loseNextAnswer = true;
    const { answer } = await run("users/create_user.js", { body: SECRETIVE });
    expect(table.calls.map(({ action }) => action)).toEqual(["PutItem", "PutItem"]);
    expect(answer.statusCode).toBe(201);
    expect(table.items.size).toBe(1);
  });

  test("names the variable it needs when the table is not granted", async () => {
    await expect(run("users/create_user.js", {}, { USERS_TABLE: "" })).rejects.toThrow("USERS_TABLE is not set");
  });
});
