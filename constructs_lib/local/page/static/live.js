// What has happened so far, and each time something more does: the journal and the lines of functions' logs.

const KEPT = 4000;
const listeners = new Set();

export const live = { entries: [], lines: [], state: "connecting" };

/** Calls back whenever there is news; `undo` with the answer. */
export function onNews(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function follow() {
  const source = new EventSource("/api/events");
  source.addEventListener("open", () => tell("live", null));
  source.addEventListener("error", () => tell(source.readyState === EventSource.CLOSED ? "ended" : "lost", null));
  source.addEventListener("news", (event) => {
    const news = JSON.parse(event.data);
    if (news.anew) [live.entries, live.lines] = [[], []];
    live.entries = [...live.entries, ...news.entries].slice(-KEPT);
    live.lines = [...live.lines, ...news.lines].slice(-KEPT);
    tell("live", news);
  });
}

function tell(state, news) {
  const isChanged = live.state !== state;
  live.state = state;
  if (isChanged || news) for (const listener of listeners) listener(news);
}

export const ofKind = (...kinds) => live.entries.filter((each) => kinds.includes(each.kind));
