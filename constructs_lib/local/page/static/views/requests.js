import { badge, empty, h, table, text } from "/dom.js";
import { live } from "/live.js";
import { detailHead, halves, named } from "/parts.js";
import { beganAt, refusalOf, titleOf, tracesOf, troubleOf } from "/traces.js";
import { clock, duration, shortClock } from "/words.js";

const MOST = 200;

export const requests = { name: "requests", title: "Requests", count: () => tracesOf(live.entries).length, open };

function open({ main, names, rest, listen }) {
  const shown = new Set(); // the runs whose log is unfolded
  const draw = () => {
    const traces = tracesOf(live.entries);
    const chosen = traces.find((each) => each.roots.has(rest[0]));
    const list = traces.length
      ? overview(traces.slice(0, MOST), chosen, names)
      : empty(
          "Nothing has been asked yet",
          ["Call a route: under ", h("a", { href: "#/routes" }, "Routes"), ", or with the commands in the terminal."],
          "Each request shows here, with every function, message and workflow it led to.",
        );
    halves(
      main,
      "Requests",
      "what one request led to, across functions",
      list,
      chosen
        ? whole(chosen, names, shown, draw)
        : rest[0]
          ? [
              detailHead("Request", "#/requests"),
              empty("Nothing of this request is known yet", "It shows here as soon as something has happened."),
            ]
          : null,
      "narrow",
    );
  };
  listen(draw);
  draw();
}

function overview(traces, chosen, names) {
  const rows = traces.map((each) => {
    const trouble = troubleOf(each);
    const refused = refusalOf(each);
    const runs = each.entries.filter((entry) => entry.kind === "invocation").length;
    return {
      selected: each === chosen,
      cells: [
        shortClock(each.began),
        h(
          "a",
          {
            href: `#/requests/${encodeURIComponent(each.root)}`,
            "data-key": `trace:${each.root}`,
            "aria-current": each === chosen ? "true" : null,
          },
          titleOf(each, names),
        ),
        String(runs || ""),
        duration(each.milliseconds),
        trouble ? badge(trouble, "bad") : refused ? badge(refused, "warn") : badge("ok", "good"),
      ],
    };
  });
  return table(
    "Requests",
    ["Time", ["Request", "nowrap"], ["Runs", "number narrow-hidden"], ["Took", "number"], "Outcome"],
    rows,
  );
}

function whole(trace, names, shown, draw) {
  const scale = Math.max(trace.milliseconds, 1);
  return [
    detailHead(titleOf(trace, names), "#/requests"),
    h(
      "p",
      { class: "dim" },
      `${clock(trace.began)} · ${duration(trace.milliseconds)} · `,
      h("span", { class: "mono" }, trace.root),
    ),
    h(
      "ol",
      { class: "timeline" },
      trace.entries.map((entry, at) => step(entry, at, trace, scale, names, shown, draw)),
    ),
  ];
}

function step(entry, at, trace, scale, names, shown, draw) {
  const [tone, kind, words] = (STEPS[entry.kind] ?? other)(entry, names);
  const bar = h("span", { class: `bar-of ${tone}` });
  bar.style.setProperty("--from", String(((beganAt(entry) - trace.began) * 1000) / scale));
  bar.style.setProperty("--part", String((entry.milliseconds ?? 0) / scale));
  const ran = entry.milliseconds !== undefined;
  return h(
    "li",
    { class: ran ? "ran" : "" },
    h("span", { class: "offset number" }, `+${duration((beganAt(entry) - trace.began) * 1000)}`),
    badge(kind, tone),
    h("span", { class: "words" }, words),
    h("span", { class: "took number" }, ran ? duration(entry.milliseconds) : ""),
    ran ? h("span", { class: "lane", "aria-hidden": "true" }, bar) : null,
    entry.kind === "invocation" ? logOf(entry, at, shown, draw) : null,
  );
}

function logOf(entry, at, shown) {
  const key = `${entry.request_id}:${at}`;
  const fold = h(
    "details",
    { open: shown.has(key), "data-key": `log:${key}` },
    h("summary", { "data-key": `summary:${key}` }, "log"),
  );
  const fill = () => {
    const lines = live.lines.filter((each) => each.request_id === entry.request_id && each.function === entry.function);
    if (fold.childElementCount < 2)
      fold.append(text("Log of this run", lines.map((each) => each.line).join("\n"), { key }));
  };
  if (shown.has(key)) fill();
  fold.addEventListener("toggle", () => {
    if (fold.open) shown.add(key);
    else shown.delete(key);
    if (fold.open) fill();
  });
  return fold;
}

const STEPS = {
  request: (entry) => [
    entry.status >= 500 ? "bad" : entry.status >= 400 ? "warn" : "good",
    "API",
    `${entry.method} ${entry.path} → ${entry.status}`,
  ],
  invocation: (entry, names) => [
    entry.error ? "bad" : "good",
    "run",
    [
      named(names, entry.function),
      h("span", { class: "dim" }, ` ${entry.cold ? "cold" : "warm"}${entry.cause ? `, by ${entry.cause}` : ""}`),
      entry.error ? h("span", { class: "error-text" }, ` ${entry.error}: ${entry.message ?? ""}`) : null,
    ],
  ],
  delivery: (entry, names) => ["", entry.what, [named(names, entry.source), " → ", named(names, entry.target)]],
  execution: (entry, names) => [
    entry.status === "RUNNING" ? "" : entry.status === "SUCCEEDED" ? "good" : "bad",
    "workflow",
    [
      named(names, entry.machine),
      " ",
      h(
        "a",
        { href: executionAddress(entry, names) },
        entry.status === "RUNNING" ? "began" : entry.status.toLowerCase().replace("_", " "),
      ),
    ],
  ],
  call: (entry, names) => [
    "",
    "call",
    [
      h("span", { class: "dim" }, `${brief(names.ofCaller(entry.principal))} `),
      h("span", { class: "mono" }, entry.action),
      " ",
      named(names, entry.resource),
    ],
  ],
  authorization: (entry, names) => [
    "bad",
    "denied",
    [
      entry.function ? [named(names, entry.function), " "] : null,
      h("span", { class: "mono" }, entry.action),
      " ",
      named(names, entry.resource),
      h("span", { class: "error-text" }, ` ${entry.reason}`),
    ],
  ],
  unfinished: (entry, names) => [
    "warn",
    "unfinished",
    [named(names, entry.function), ` ${entry.what ?? ""} ${entry.at ?? ""}`],
  ],
  throttle: (entry, names) => ["warn", "throttled", [named(names, entry.function), ` limit ${entry.limit ?? ""}`]],
};

const brief = (path) => path.split("/").slice(1).join("/") || path;

const other = (entry) => ["", entry.kind, entry.what ?? ""];

function executionAddress(entry, names) {
  return `${names.address(entry.machine) ?? "#/workflows"}/${encodeURIComponent(entry.execution)}`;
}
