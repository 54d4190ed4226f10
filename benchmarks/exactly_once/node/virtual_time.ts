/** A virtual clock in place of the machine's: time passes only while everything waits. */
import { AsyncLocalStorage } from "node:async_hooks";

export const EPOCH_MS = 1_800_000_000_000;

/** One execution environment: a process of its own on Lambda. */
export interface Environment {
  readonly id: number;
  /** Between invocations, nothing in it moves. */
  isFrozen: boolean;
  isDead: boolean;
}

interface Timer {
  readonly at: number;
  readonly count: number;
  readonly environment: Environment | undefined;
  readonly fire: () => void;
}

export const environments = new AsyncLocalStorage<Environment>();

let nowMs = 0;
let count = 0;
let timers = new Set<Timer>();
let turns: (() => void)[] = [];
const realTurn = globalThis.setImmediate;

export function now(): number {
  return nowMs;
}

export function reset(): void {
  nowMs = 0;
  timers = new Set();
  turns = [];
}

/** Never: what waits for this belongs to an environment that is gone. */
export function never(): Promise<never> {
  return new Promise(() => undefined);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    after(ms, resolve);
  });
}

/** Call `fire` after a while, if its environment still lives. */
export function after(ms: number, fire: () => void): Timer {
  const environment = environments.getStore();
  const timer: Timer = { at: nowMs + Math.max(0, ms), count: count++, environment, fire };
  timers.add(timer);
  return timer;
}

export function cancel(timer: Timer): void {
  timers.delete(timer);
}

/** Let time pass until something has ended, at most until a moment. */
export async function advance(untilMs: number, hasEnded: () => boolean): Promise<void> {
  await settle();
  for (;;) {
    const next = hasEnded() ? undefined : earliest();
    if (next === undefined || Math.max(next.at, nowMs) > untilMs) {
      break;
    }
    timers.delete(next);
    nowMs = Math.max(nowMs, next.at);
    next.fire();
    // oxlint-disable-next-line no-await-in-loop -- one moment after the other
    await settle();
  }
  if (!hasEnded() && untilMs !== Infinity) {
    nowMs = Math.max(nowMs, untilMs);
  }
}

function earliest(): Timer | undefined {
  let found: Timer | undefined;
  for (const timer of timers) {
    if (timer.environment?.isDead === true) {
      timers.delete(timer);
    } else if (timer.environment?.isFrozen !== true && (found === undefined || isBefore(timer, found))) {
      found = timer;
    }
  }
  return found;
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.at === other.at ? one.count < other.count : one.at < other.at;
}

/** Let everything happen that takes no time. */
async function settle(): Promise<void> {
  do {
    // oxlint-disable-next-line no-await-in-loop -- a real turn of the event loop empties the queue of microtasks
    await new Promise((resolve) => {
      realTurn(resolve);
    });
    const due = turns;
    turns = [];
    due.forEach((turn) => turn());
  } while (turns.length > 0);
}

/** Show everything in this process this clock instead of the machine's. */
export function rule(): void {
  Date.now = () => EPOCH_MS + nowMs;
  Object.assign(globalThis, {
    setTimeout: (fire: () => void, ms = 0) => after(ms, fire),
    clearTimeout: (timer: Timer | undefined) => timer !== undefined && cancel(timer),
    setImmediate: (turn: () => void) => turns.push(turn),
  });
}
