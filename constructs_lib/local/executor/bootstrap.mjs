// Runs one Node function: loads its handler, then answers invocations one at a time.
//
// The executor is at the other end of standard input, a socket. A frame is four bytes of length and a JSON text.
// Whatever the function prints goes to standard output and standard error, which are one pipe.

import fs from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";
import { pathToFileURL } from "node:url";
import util from "node:util";
import { letAnswersArrive } from "./custom_resource_answers.mjs";
import "./runtime_sdk.mjs";
import { ResponseStream, highWaterMarkOf, isStreaming } from "./streaming.mjs";
import { afterwards, unwatch, watch } from "./unfinished.mjs";

const CHANNEL = 0;
const EXIT_UNHANDLED_REJECTION = 128;
const EXIT_UNCAUGHT_EXCEPTION = 129;
const FIRST_RUNTIME_WITHOUT_CALLBACKS = 24;

const json = process.env.AWS_LAMBDA_LOG_FORMAT === "JSON";
const runtimeMajor = Number(/nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV ?? "")?.[1] ?? 0);
const channel = new net.Socket({ fd: CHANNEL, readable: true, writable: true });
channel.on("error", () => process.exit(0)); // the executor is gone

let requestId;

// --- frames ------------------------------------------------------------------------------------------------------

function frame(text) {
  const body = Buffer.from(text);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

function answerFrame(kind, resultText, unfinished) {
  const rss = process.resourceUsage().maxRSS; // in KiB on every platform
  const left = unfinished === undefined ? "" : `"unfinished":${JSON.stringify(unfinished)},`;
  return frame(`{"kind":"${kind}","rss":${rss},${left}"payload":${resultText}}`);
}

function send(kind, resultText, unfinished) {
  const answer = answerFrame(kind, resultText, unfinished);
  // What was printed first must be in the pipe first: after the answer this process is frozen.
  const printing = [process.stdout, process.stderr].filter((stream) => stream.writableLength > 0);
  let left = printing.length;
  if (left === 0) channel.write(answer);
  for (const stream of printing) {
    stream.write("", () => {
      left -= 1;
      if (left === 0) channel.write(answer);
    });
  }
}

let unsent; // the answer of an invocation that has ended, while we look for what it left behind

function sendAndExit(kind, resultText, code) {
  let rest = answerFrame(kind, resultText);
  if (unsent !== undefined) rest = Buffer.concat([answerFrame(...unsent), rest]);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(CHANNEL, rest));
    } catch (error) {
      if (error.code !== "EAGAIN") break;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
  process.reallyExit(code);
}

function sendPart(kind, text, done) {
  channel.write(frame(`{"kind":"${kind}","payload":${text}}`), done);
}

let received = Buffer.alloc(0);
channel.on("data", (part) => {
  received = received.length === 0 ? part : Buffer.concat([received, part]);
  while (received.length >= 4) {
    const length = received.readUInt32BE(0);
    if (received.length < 4 + length) return;
    const text = received.toString("utf8", 4, 4 + length);
    received = received.subarray(4 + length);
    // Not inside the socket's own callback: what the handler throws must not look like an error of the socket.
    setImmediate(invoke, text);
  }
});
channel.on("end", () => process.reallyExit(0));

// --- errors ------------------------------------------------------------------------------------------------------

function describe(error) {
  if (util.types.isNativeError(error) || error instanceof Error) {
    const trace = typeof error.stack === "string" ? error.stack.split("\n") : [];
    return { errorType: String(error.name ?? "Error"), errorMessage: String(error.message), trace };
  }
  let message;
  try {
    message = String(error);
  } catch {
    message = Object.prototype.toString.call(error);
  }
  return { errorType: typeof error, errorMessage: message, trace: [] };
}

class RuntimeError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
    this.stack = `${name}: ${message}`;
  }
}

// --- console -----------------------------------------------------------------------------------------------------

const LEVELS = { TRACE: 0, DEBUG: 1, INFO: 2, WARN: 3, ERROR: 4, FATAL: 5 };
const lowest = json ? (LEVELS[(process.env.AWS_LAMBDA_LOG_LEVEL ?? "INFO").toUpperCase()] ?? LEVELS.INFO) : 0;

function writeRecord(stream, text) {
  stream.write(`${text.replaceAll("\n", "\r")}\n`); // one record is one log event: the executor turns \r back to \n
}

function logAt(level, stream, args) {
  if (LEVELS[level] < lowest) return;
  const timestamp = new Date().toISOString();
  if (!json) {
    writeRecord(stream, `${timestamp}\t${requestId}\t${level}\t${util.format(...args)}`);
    return;
  }
  const record = { timestamp, level, requestId };
  const [first] = args;
  if (args.length === 1 && typeof first === "object" && first !== null && !(first instanceof Error)) {
    record.message = first;
  } else {
    record.message = util.format(...args);
  }
  const error = args.find((each) => each instanceof Error);
  if (error !== undefined) {
    const { errorType, errorMessage, trace } = describe(error);
    if (args.length === 1) record.message = errorMessage;
    Object.assign(record, { errorType, errorMessage, stackTrace: trace.slice(1).map((line) => line.trim()) });
  }
  let text;
  try {
    text = JSON.stringify(record);
  } catch {
    text = JSON.stringify({ ...record, message: util.inspect(first) });
  }
  writeRecord(stream, text);
}

const levelOf = { trace: "TRACE", debug: "DEBUG", log: "INFO", info: "INFO", warn: "WARN", error: "ERROR" };
for (const [name, level] of Object.entries(levelOf)) {
  const stream = name === "warn" || name === "error" ? process.stderr : process.stdout;
  console[name] = (...args) => logAt(level, stream, args);
}
console.fatal = (...args) => logAt("FATAL", process.stderr, args);

function logFailure(title, description) {
  const timestamp = new Date().toISOString();
  const { errorType, errorMessage, trace } = description;
  if (json) {
    const record = { timestamp, level: "ERROR", requestId, errorType, errorMessage, stackTrace: trace };
    writeRecord(process.stderr, JSON.stringify({ ...record, message: title }));
  } else {
    const told = JSON.stringify({ errorType, errorMessage, stack: trace });
    writeRecord(process.stderr, `${timestamp}\t${requestId}\tERROR\t${title} \t${told}`);
  }
}

// --- the end of the world ----------------------------------------------------------------------------------------

let initialising = true;

function die(title, error, code, typePrefix) {
  const description = describe(error);
  if (typePrefix !== undefined) {
    description.errorMessage = `${description.errorType}: ${description.errorMessage}`;
    description.errorType = typePrefix;
  }
  logFailure(title, description);
  sendAndExit(initialising ? "init-error" : "fatal", JSON.stringify(description), code);
}

process.on("uncaughtException", (error) => die("Uncaught Exception", error, EXIT_UNCAUGHT_EXCEPTION));
process.on("unhandledRejection", (reason) => {
  die("Unhandled Promise Rejection", reason, EXIT_UNHANDLED_REJECTION, "Runtime.UnhandledPromiseRejection");
});

// --- loading -----------------------------------------------------------------------------------------------------

function isModule(file) {
  if (file.endsWith(".mjs")) return true;
  if (file.endsWith(".cjs")) return false;
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, "package.json");
    if (fs.existsSync(manifest)) return JSON.parse(fs.readFileSync(manifest, "utf8")).type === "module";
    if (folder === path.dirname(folder)) return false;
  }
}

async function load(root, handlerName) {
  const base = path.basename(handlerName);
  const dot = base.indexOf(".");
  if (dot <= 0 || dot === base.length - 1 || handlerName.includes("..")) {
    throw new RuntimeError("Runtime.MalformedHandlerName", `the handler "${handlerName}" is not of the form file.export`);
  }
  const stem = path.resolve(root, path.dirname(handlerName), base.slice(0, dot));
  const file = ["", ".js", ".mjs", ".cjs"].map((suffix) => stem + suffix).find((each) => {
    return fs.statSync(each, { throwIfNoEntry: false })?.isFile() === true;
  });
  if (file === undefined) {
    const name = path.relative(root, stem);
    throw new RuntimeError("Runtime.ImportModuleError", `Error: Cannot find module '${name}'`);
  }
  let found;
  try {
    found = isModule(file) ? await import(pathToFileURL(file).href) : createRequire(file)(file);
  } catch (error) {
    if (error instanceof SyntaxError) throw retype(error, "Runtime.UserCodeSyntaxError");
    if (error?.code === "MODULE_NOT_FOUND" || error?.code === "ERR_MODULE_NOT_FOUND") {
      throw retype(error, "Runtime.ImportModuleError");
    }
    throw error;
  }
  const names = base.slice(dot + 1).split(".");
  let handler = names.reduce((value, name) => value?.[name], found);
  handler ??= names.reduce((value, name) => value?.[name], found?.default);
  if (handler === undefined || handler === null) {
    throw new RuntimeError("Runtime.HandlerNotFound", `${handlerName} is undefined or not exported`);
  }
  if (typeof handler !== "function") {
    throw new RuntimeError("Runtime.HandlerNotFound", `${handlerName} is not a function`);
  }
  if (handler.length > 2 && !isStreaming(handler) && runtimeMajor >= FIRST_RUNTIME_WITHOUT_CALLBACKS) {
    const message = `${handlerName} takes a callback, which Lambda has removed from Node 24 on: make it async`;
    throw new RuntimeError("Runtime.CallbackHandlerDeprecated", message);
  }
  return handler;
}

function retype(error, name) {
  const typed = new RuntimeError(name, `${error.name}: ${error.message}`);
  typed.stack = `${name}: ${error.stack}`;
  return typed;
}

// --- invocations -------------------------------------------------------------------------------------------------

let handler;
let drained; // called when nothing is left to do in the event loop
process.on("beforeExit", () => {
  channel.ref();
  const next = drained;
  drained = undefined;
  next?.();
});

function invoke(text) {
  const { id, deadline, arn, trace, client, event } = JSON.parse(text);
  requestId = id;
  letAnswersArrive(event);
  if (trace === null) delete process.env._X_AMZN_TRACE_ID;
  else process.env._X_AMZN_TRACE_ID = trace;

  let done = false;
  let mayLeave = false; // whether the function has said that what it left behind may wait
  const finish = (kind, payload) => {
    if (done) return;
    done = true;
    drained = undefined;
    channel.ref();
    if (kind === "error" || mayLeave) {
      unwatch();
      send(kind, payload);
      return;
    }
    unsent = [kind, payload];
    afterwards((unfinished) => {
      unsent = undefined;
      send(kind, payload, unfinished);
    });
  };
  const fail = (error) => {
    if (done) return;
    const description = describe(error);
    logFailure("Invoke Error", description);
    finish("error", JSON.stringify(description));
  };
  const succeed = (value) => {
    let payload;
    try {
      payload = JSON.stringify(value === undefined ? null : value) ?? "null";
    } catch {
      fail(new Error("Unable to stringify response body"));
      return;
    }
    finish("response", payload);
  };
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: client ?? undefined,
    identity: undefined,
    invokedFunctionArn: arn,
    awsRequestId: id,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
  const callback = (error, value) => {
    if (error !== undefined && error !== null) {
      fail(error);
    } else if (context.callbackWaitsForEmptyEventLoop) {
      drained = () => succeed(value);
      channel.unref();
    } else {
      mayLeave = true;
      succeed(value);
    }
  };

  if (runtimeMajor < FIRST_RUNTIME_WITHOUT_CALLBACKS) {
    context.succeed = succeed;
    context.fail = (error) => fail(error ?? null);
    context.done = (error, value) => (error === undefined || error === null ? succeed(value) : fail(error));
  }

  channel.unref(); // so that beforeExit tells when the function has nothing left to do
  const stream = isStreaming(handler) ? new ResponseStream(sendPart, highWaterMarkOf(handler)) : undefined;
  let returned;
  watch();
  try {
    returned = stream === undefined ? handler(event, context, callback) : handler(event, stream, context);
  } catch (error) {
    fail(error);
    return;
  }
  if (stream !== undefined) {
    if (typeof returned?.then !== "function") fail(new Error("Streaming does not support non-async handlers."));
    drained = () => fail(new RuntimeError("Runtime.NodeJsExit", "the response stream was never ended"));
    stream.on("error", fail);
    Promise.resolve(returned).then(() => stream.finished()).then(() => finish("end", "null"), fail);
    return;
  }
  if (typeof returned?.then === "function") {
    drained = () => {
      fail(new RuntimeError("Runtime.NodeJsExit", "the promise of the handler was never settled, and nothing is left to run"));
    };
    returned.then(succeed, fail);
  } else if (handler.length > 2 || runtimeMajor < FIRST_RUNTIME_WITHOUT_CALLBACKS) {
    drained ??= () => succeed(null);
  } else {
    succeed(returned);
  }
}

// A top-level await must not end the process for want of anything else to do: the channel keeps it alive.
try {
  handler = await load(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
  initialising = false;
  send("ready", "null");
} catch (error) {
  const description = describe(error);
  logFailure("Uncaught Exception", description);
  sendAndExit("init-error", JSON.stringify(description), 1);
}
