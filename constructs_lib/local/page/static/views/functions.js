import { write } from "/api.js";
import { badge, code, empty, field, h, show, table, text } from "/dom.js";
import { live, ofKind } from "/live.js";
import { chooser, detailHead, facts, form, halves, named, traceLink } from "/parts.js";
import { clock, duration, plural } from "/words.js";

const MOST = 100;

export const functions = { name: "functions", title: "Functions", count: (app) => app.functions.length, open };

function open({ main, app, names, rest, listen }) {
  const chosen = app.functions.find((each) => each.path === rest[0]);
  const list = h("div", {});
  const runs = h("div", {});
  const log = h("div", {});
  const filter = h("input", {
    type: "search",
    id: "log-filter",
    placeholder: "only lines with …",
    "aria-label": "Filter the log",
    oninput: () => drawLog(),
  });
  const drawList = () => show(list, overview(app, chosen));
  const drawRuns = () => chosen && show(runs, runsOf(chosen, names));
  const drawLog = () => chosen && show(log, logOf(chosen, filter.value));
  drawList();
  drawRuns();
  drawLog();
  listen((news) => {
    if (news.entries.length || news.anew) [drawList, drawRuns].forEach((each) => each());
    if (news.lines.length || news.anew) drawLog();
  });
  const detail = chosen && [
    detailHead(chosen.path, "#/functions"),
    settings(chosen),
    h("h3", {}, "Invoke"),
    invoking(chosen),
    h("h3", {}, "Runs"),
    runs,
    h("div", { class: "heading-row" }, h("h3", {}, "Log"), filter),
    log,
  ];
  halves(main, "Functions", "", list, detail);
}

function overview(app, chosen) {
  if (!app.functions.length)
    return empty("This app has no function", [
      code('SecureFunction(self, "Greet", entry="lambda_src/greet.ts")'),
      " defines one.",
    ]);
  const runs = Map.groupBy(ofKind("invocation"), (each) => each.function);
  const rows = app.functions.map((each) => {
    const mine = runs.get(each.id) ?? [];
    const last = mine.at(-1);
    const failed = mine.filter((run) => run.error).length;
    return {
      selected: each === chosen,
      cells: [
        chooser("functions", each.path, chosen?.path),
        each.runtime,
        mine.length || "",
        failed ? badge(String(failed), "bad") : "",
        last ? warmth(last) : "",
        last ? duration(last.milliseconds) : "",
      ],
    };
  });
  return table(
    "Functions",
    ["Function", ["Runtime", "wide-only"], ["Runs", "number"], ["Errors", "number"], "Last", ["Took", "number"]],
    rows,
  );
}

const warmth = (run) => badge(run.cold ? "cold" : "warm", run.cold ? "cold" : "good");

function settings(chosen) {
  return facts([
    ["Runtime", chosen.runtime],
    ["Memory", chosen.memory ? `${chosen.memory} MB` : "128 MB"],
    ["Timeout", `${chosen.timeout ?? 3} s`],
    ["Name", h("span", { class: "mono" }, chosen.id)],
  ]);
}

function invoking(chosen) {
  const event = h("textarea", { rows: 4, class: "mono", spellcheck: "false" });
  event.value = "{}";
  const act = async () => {
    const answer = await write("functions/invoke", { function: chosen.id, region: chosen.region, event: event.value });
    return [
      h(
        "p",
        { class: "answer" },
        badge(answer.error ? `error: ${answer.error}` : "ok", answer.error ? "bad" : "good"),
        ` ${duration(answer.milliseconds)} `,
        traceLink(answer.trace, "follow"),
      ),
      text("Answer", answer.text),
    ];
  };
  return form(`Invoke ${chosen.path}`, [field("Event", event)], "Invoke", act);
}

function runsOf(chosen, names) {
  const mine = ofKind("invocation", "throttle")
    .filter((each) => each.function === chosen.id)
    .slice(-MOST)
    .toReversed();
  if (!mine.length) return empty("It has not run yet", "Invoke it above, or do what triggers it.");
  const rows = mine.map((run) =>
    run.kind === "throttle"
      ? { cells: [clock(run.time), badge("throttled", "warn"), "", `limit ${run.limit ?? ""}`, ""] }
      : {
          cells: [
            clock(run.time),
            warmth(run),
            duration(run.milliseconds),
            [
              h("p", {}, run.cause ? [`${run.cause} `, named(names, run.source)] : "direct"),
              run.error ? h("p", { class: "error-text" }, `${run.error}: ${run.message ?? ""}`) : null,
            ],
            traceLink(run.trace),
          ],
        },
  );
  return table("Runs", ["Time", "Start", ["Took", "number"], "Asked by", "Request"], rows);
}

function logOf(chosen, wanted) {
  const mine = live.lines.filter(
    (each) => each.function === chosen.id && (!wanted || each.line.toLowerCase().includes(wanted.toLowerCase())),
  );
  if (!mine.length)
    return empty(
      wanted ? "No line has this text" : "Nothing is logged yet",
      wanted ? "" : "What the function prints shows here as it is printed.",
    );
  const lines = mine
    .slice(-500)
    .map((each) =>
      h(
        "div",
        { class: /ERROR|Error|"level":"ERROR"/.test(each.line) ? "line bad" : "line" },
        h("span", { class: "dim" }, `${each.time.slice(11, 23)} `),
        each.line,
      ),
    );
  return [
    h(
      "div",
      {
        class: "text tall log",
        tabindex: 0,
        role: "log",
        "aria-label": `Log of ${chosen.path}`,
        "data-scroll": "log",
        "data-key": "log",
      },
      lines,
    ),
    h("p", { class: "dim" }, plural(mine.length, "line")),
  ];
}
