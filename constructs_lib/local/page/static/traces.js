// One request across functions: its trace, and the traces of the batches that its messages came to.

/** Every request there has been, the latest first. */
export function tracesOf(entries) {
  const byRoot = new Map();
  const followers = new Map(); // a trace, and those that batches with its messages began
  const isFollower = new Set();
  for (const entry of entries) {
    if (!entry.trace) continue;
    if (!byRoot.has(entry.trace)) byRoot.set(entry.trace, []);
    byRoot.get(entry.trace).push(entry);
    for (const link of entry.links ?? []) {
      if (!followers.has(link)) followers.set(link, new Set());
      followers.get(link).add(entry.trace);
      isFollower.add(entry.trace);
    }
  }
  const found = [...byRoot.keys()]
    .filter((root) => !isFollower.has(root))
    .map((root) => traceOf(root, byRoot, followers));
  return found.toSorted((one, other) => other.began - one.began);
}

/** When something began; the journal tells of it at its end. */
export const beganAt = (entry) => entry.time - (entry.milliseconds ?? 0) / 1000;

function traceOf(root, byRoot, followers) {
  const roots = new Set();
  const waiting = [root];
  while (waiting.length) {
    const next = waiting.pop();
    if (roots.has(next)) continue;
    roots.add(next);
    waiting.push(...(followers.get(next) ?? []));
  }
  const entries = [...roots].flatMap((each) => byRoot.get(each) ?? []);
  entries.sort((one, other) => beganAt(one) - beganAt(other) || (other.milliseconds ?? 0) - (one.milliseconds ?? 0));
  const began = Math.min(...entries.map(beganAt));
  const ended = Math.max(...entries.map((each) => each.time));
  return { root, roots, entries, began, milliseconds: (ended - began) * 1000 };
}

/** What a request is called in a list. */
export function titleOf(trace, names) {
  const request = trace.entries.find((each) => each.kind === "request");
  if (request) return `${request.method} ${request.path}`;
  const first = trace.entries.find((each) => each.kind === "invocation") ?? trace.entries[0];
  if (first.kind === "invocation") return `${first.cause || "invoke"} → ${names.of(first.function)}`;
  return first.kind === "execution" ? names.of(first.machine) : (first.action ?? first.kind);
}

/** What went wrong in it, in a few words. */
export function troubleOf(trace) {
  const failed = trace.entries.find((each) => each.kind === "invocation" && each.error);
  if (failed) return failed.error;
  if (trace.entries.some((each) => each.kind === "authorization" && !each.allowed)) return "denied";
  const request = trace.entries.find((each) => each.kind === "request");
  if (request && request.status >= 500) return String(request.status);
  const execution = trace.entries
    .filter((each) => each.kind === "execution")
    .find((each) => !["RUNNING", "SUCCEEDED"].includes(each.status));
  return execution ? execution.status.toLowerCase().replace("_", " ") : "";
}

/** The status with which it was turned away; nothing where it was not. */
export function refusalOf(trace) {
  const status = trace.entries.find((each) => each.kind === "request")?.status;
  return status >= 400 ? String(status) : "";
}
