/** Notices what a record handler started and did not wait for, and a frozen environment would lose. */
import { AsyncLocalStorage, createHook } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";

import { LostWork } from "./refusals.ts";

const LOOKS = 5; // turns of the event loop within which what has ended is seen to have ended

// What keeps a process busy and ends by itself. Connections are not among them: pools keep theirs open for the next
// call. The calls made over them are: HTTP requests are told by Node's diagnostics channels.
const WORK = new Map([
  ["Timeout", "a timer"],
  ["Immediate", "a callback of setImmediate"],
  ["FSREQCALLBACK", "a file operation"],
  ["FSREQPROMISE", "a file operation"],
  ["GETADDRINFOREQWRAP", "a name lookup"],
  ["QUERYWRAP", "a name lookup"],
  ["TCPCONNECTWRAP", "a connection being opened"],
  ["PIPECONNECTWRAP", "a connection being opened"],
  ["PROCESSWRAP", "a child process"],
  ["WORKER", "a worker thread"],
]);

type Resource = { hasRef?: () => boolean };
type Work = Map<unknown, { kind: string; resource: Resource }>;

const current = new AsyncLocalStorage<Work>();
const workOf = new Map<number, Work>();

// Promises are not tracked, for that would make every await slower, and one that stays pending may do no harm. What an
// un-awaited one waits for does: that is seen here.
const options = {
  init(asyncId: number, type: string, _trigger: number, resource: object): void {
    const kind = WORK.get(type);
    const work = kind === undefined ? undefined : current.getStore();
    if (kind !== undefined && work !== undefined) {
      work.set(asyncId, { kind, resource });
      workOf.set(asyncId, work);
    }
  },
  destroy(asyncId: number): void {
    workOf.get(asyncId)?.delete(asyncId);
    workOf.delete(asyncId);
  },
  trackPromises: false,
};
const hook = createHook(options);

const requests = new WeakMap<object, Work>();

function requestBegins(message: unknown): void {
  const request = requestIn(message);
  const work = current.getStore();
  if (request !== undefined && work !== undefined) {
    work.set(request, { kind: "an HTTP request", resource: {} });
    requests.set(request, work);
  }
}

function requestEnds(message: unknown): void {
  const request = requestIn(message);
  if (request !== undefined) {
    requests.get(request)?.delete(request);
  }
}

function requestIn(message: unknown): object | undefined {
  const holder = typeof message === "object" && message !== null && "request" in message ? message : undefined;
  return typeof holder?.request === "object" && holder.request !== null ? holder.request : undefined;
}

const CHANNELS: readonly [string, (message: unknown) => void][] = [
  ["http.client.request.start", requestBegins],
  ["http.client.response.finish", requestEnds],
  ["http.client.request.error", requestEnds],
  ["undici:request:create", requestBegins], // fetch
  ["undici:request:trailers", requestEnds],
  ["undici:request:error", requestEnds],
];

let watching = 0;

/** Watch while `batch` runs, and only then: between invocations this costs nothing. */
export async function whileWatching<Result>(batch: () => Promise<Result>): Promise<Result> {
  if (watching++ === 0) {
    hook.enable();
    for (const [channel, listener] of CHANNELS) {
      subscribe(channel, listener);
    }
  }
  try {
    return await batch();
  } finally {
    if (--watching === 0) {
      hook.disable();
      workOf.clear();
      for (const [channel, listener] of CHANNELS) {
        unsubscribe(channel, listener);
      }
    }
  }
}

/** Wait for what `handle` returns, and refuse it if it leaves something behind. */
export async function runWatched(handle: () => unknown): Promise<void> {
  const work: Work = new Map();
  await current.run(work, async () => {
    const result = handle();
    if (!isThenable(result)) {
      throw new LostWork("the record handler returned no promise, so nothing can wait for it: make it async");
    }
    await result;
  });
  let left: string[] = [];
  for (let look = 0; look < LOOKS; look++) {
    // oxlint-disable-next-line no-await-in-loop -- one turn of the event loop after the other
    await nextTurn(); // what was not awaited has begun then, and what has ended is seen to have ended
    left = pending(work);
    if (left.length === 0) {
      return;
    }
  }
  throw new LostWork(`not awaited: ${left.join(", ")} still going on when the handler returned`);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function pending(work: Work): string[] {
  const busy = [...work.values()].filter(({ resource }) => resource.hasRef?.() !== false);
  return [...new Set(busy.map(({ kind }) => kind))];
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
