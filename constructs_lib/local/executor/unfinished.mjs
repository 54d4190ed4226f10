// Notices what a handler started and did not wait for: Lambda freezes it when the handler returns, and may lose it.
//
// What counts is what ends by itself and is still under way: requests, timers, file operations, child processes.
// Connections do not: pools keep theirs open for the next call. Seeing them costs a warm invocation nothing measurable.
//
// Who called whom is kept for the first invocation of an environment, and for those after one that left something
// behind: every promise remembers where it was made and which one was running then.

import { createHook } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import { promiseHooks } from "node:v8";

const LOOKS = 5; // turns of the event loop within which what has ended is seen to have ended
const PATIENCE_MS = 150; // while promises are traced and some are pending
const FRAMES = 40;
const TRACED_AFTER_A_FIND = 3; // invocations

const KINDS = new Map([
  ["Timeout", "a timer"],
  ["FSREQCALLBACK", "a file operation"],
  ["FSREQPROMISE", "a file operation"],
  ["GETADDRINFOREQWRAP", "a name lookup"],
  ["QUERYWRAP", "a name lookup"],
  ["TCPCONNECTWRAP", "a connection being opened"],
  ["PIPECONNECTWRAP", "a connection being opened"],
  ["PROCESSWRAP", "a child process"],
  ["WORKER", "a worker thread"],
]);

let isWatching = false;
let traced = 1; // how many invocations from now on promises are traced
let stopTracing;
let running; // the record of the promise whose reaction runs
let records = new WeakMap();
let made = []; // records of promises that are made of nothing, as those of async functions are
const underWay = new Map(); // by async id, or by request
const told = new Set();
const OURS = new Set([import.meta.url, new URL("bootstrap.mjs", import.meta.url).href]);

function captured() {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  const holder = {};
  Error.captureStackTrace(holder, captured);
  Error.stackTraceLimit = limit;
  return holder;
}

function begun(key, kind, what, resource) {
  underWay.set(key, { key, kind, what, resource, holder: captured(), maker: running, isTraced: stopTracing !== undefined });
}

createHook({
  init(id, type, _trigger, resource) {
    if (!isWatching) return;
    const what = KINDS.get(type);
    if (what !== undefined) begun(id, type === "Timeout" ? "timer" : "operation", what, resource);
  },
  after(id) {
    if (underWay.get(id)?.kind === "operation") underWay.delete(id);
  },
  destroy(id) {
    underWay.delete(id);
  },
  trackPromises: false,
}).enable();

function requestIn(message) {
  return typeof message?.request === "object" && message.request !== null ? message.request : undefined;
}

function requestBegins(message) {
  const request = requestIn(message);
  if (isWatching && request !== undefined && !underWay.has(request)) begun(request, "request", undefined, undefined);
}

function requestEnds(message) {
  underWay.delete(requestIn(message));
}

for (const [channel, listener] of [
  ["http.client.request.created", requestBegins],
  ["http.client.request.start", requestBegins], // where there is no such channel as the first
  ["http.client.response.finish", requestEnds],
  ["http.client.request.error", requestEnds],
  ["undici:request:create", requestBegins], // fetch
  ["undici:request:headers", requestEnds],
  ["undici:request:error", requestEnds],
]) {
  subscribe(channel, listener);
}

// --- who called whom ---------------------------------------------------------------------------------------------

function trace() {
  const before = [];
  stopTracing = promiseHooks.createHook({
    init(promise, parent) {
      const record = { holder: captured(), maker: running, isSettled: false };
      records.set(promise, record);
      if (parent === undefined) made.push(record);
    },
    before(promise) {
      before.push(running);
      running = records.get(promise);
    },
    after() {
      running = before.pop();
    },
    settled(promise) {
      const record = records.get(promise);
      if (record !== undefined) record.isSettled = true;
    },
  });
}

function framesOf(holder) {
  const prepare = Error.prepareStackTrace;
  Error.prepareStackTrace = (_error, sites) => sites;
  try {
    holder.frames ??= holder.stack.filter((site) => !site.isAsync()).map(frameOf).filter(({ file }) => !OURS.has(file));
  } catch {
    holder.frames = []; // the function has a way of its own to write stacks
  } finally {
    Error.prepareStackTrace = prepare;
  }
  return holder.frames;
}

function frameOf(site) {
  const file = site.getFileName() ?? "";
  const frame = { file, line: site.getLineNumber() ?? 0, column: site.getColumnNumber() ?? 0 };
  return { ...frame, name: site.getFunctionName() ?? "", key: `${frame.file}:${frame.line}:${frame.column}` };
}

const isForeign = (frame) => frame.file === "" || frame.file.startsWith("node:");

// Whoever called the outermost function that has begun this work and whose promise is pending: nobody waited for it.
function forgottenBy(work) {
  const pending = made.filter((each) => !each.isSettled).map((each) => framesOf(each.holder).slice(1));
  const stacks = [];
  for (let each = work; each !== undefined; each = each.maker) stacks.unshift(framesOf(each.holder));
  for (const stack of stacks) {
    const callers = pending.filter((caller) => caller.length > 0 && endsWith(stack, caller));
    if (callers.length > 0) return callers.reduce((one, other) => (other.length < one.length ? other : one));
  }
  return stacks.find((stack) => !stack.every(isForeign)) ?? [];
}

function endsWith(stack, end) {
  const skipped = stack.length - end.length;
  return skipped >= 0 && end.every((frame, index) => frame.key === stack[skipped + index].key);
}

// --- around an invocation ----------------------------------------------------------------------------------------

export function watch() {
  isWatching = true;
  underWay.clear();
  if (traced > 0) {
    traced -= 1;
    if (stopTracing === undefined) trace();
  } else if (stopTracing !== undefined) {
    stopTracing();
    stopTracing = undefined;
  }
  records = new WeakMap();
  made = [];
  running = undefined;
}

// Calls back with what is left behind and has not been told before; undefined when there is nothing.
export function afterwards(tell) {
  let began; // at the first look: what was not awaited has run until it had to wait then
  let looks = 0;
  let wasBusy = false;
  const next = () => {
    looks += 1;
    began ??= performance.now();
    const left = leftBehind();
    wasBusy ||= left.length > 0;
    // The first call of a client reads its settings before it sends anything; the end of a file operation is seen late.
    const isPatient = stopTracing !== undefined && performance.now() - began < PATIENCE_MS;
    const isSure = left.some(({ kind }) => kind !== "operation");
    const mayCome = isPatient && made.some(({ isSettled }) => !isSettled);
    if (!isSure && (mayCome || (wasBusy && looks < LOOKS))) {
      setImmediate(next);
      return;
    }
    isWatching = false;
    if (left.length > 0) traced = TRACED_AFTER_A_FIND;
    tell(left.length > 0 ? news(left) : undefined);
  };
  setImmediate(next);
}

export function unwatch() {
  isWatching = false;
}

function leftBehind() {
  return [...underWay.values()].filter(({ resource }) => resource?.hasRef?.() !== false && !resource?._destroyed);
}

function news(left) {
  const found = [];
  for (const each of left) {
    const own = framesOf(each.holder).filter((frame) => !isForeign(frame));
    const forgotten = forgottenBy(each).filter((frame) => !isForeign(frame));
    const what = each.kind === "request" ? describeRequest(each.key) : each.what;
    const place = `${each.kind} ${each.isTraced} ${[...forgotten, "own", ...own].map(({ key: at }) => at).join()}`;
    if (told.has(place)) continue;
    told.add(place);
    found.push({ kind: each.kind, what, isTraced: each.isTraced, made: forgotten, own });
  }
  return found.length > 0 ? found : undefined;
}

function describeRequest(request) {
  const header = (name) => (typeof request.getHeader === "function" ? request.getHeader(name) : undefined);
  const host = request.host ?? request.origin ?? "";
  const target = header("x-amz-target");
  if (typeof target === "string") return `the call ${target.replace(/_\d+\./, ".")}`; // DynamoDB.PutItem
  const path = String(request.path ?? "").replace(/\?.*/, "");
  return `the request ${request.method ?? "GET"} ${host}${path}`;
}
