import { read, write } from "/api.js";
import { badge, code, empty, field, h, show, table, text } from "/dom.js";
import { chooser, detailHead, facts, form, heading, problems } from "/parts.js";
import { drawn } from "/picture.js";
import { clock, duration } from "/words.js";

const LOOK_SECONDS = 1;
const TONES = { RUNNING: "busy", SUCCEEDED: "good", FAILED: "bad", TIMED_OUT: "bad", ABORTED: "warn" };

export const workflows = { name: "workflows", title: "Workflows", count: (app) => app.machines.length, open };

function open(context) {
  const { main, app, rest } = context;
  const chosen = app.machines.find((each) => each.path === rest[0]);
  if (chosen && rest[1]) openExecution(context, chosen, rest[1]);
  else if (chosen) openMachine(context, chosen);
  else show(main, heading("Workflows"), overview(app));
}

function overview(app) {
  if (!app.machines.length)
    return empty("This app has no workflow", [
      code('Workflow(self, "Fulfilment", steps=[step("Charge", charge), …])'),
      " defines one.",
    ]);
  return table(
    "Workflows",
    ["Workflow", ["Name", "wide-only"]],
    app.machines.map((each) => ({
      cells: [chooser("workflows", each.path), h("span", { class: "dim mono" }, each.id.split(":").pop())],
    })),
  );
}

function openMachine({ main, every, listen }, machine) {
  const picture = h("div", { class: "canvas", tabindex: 0, role: "region", "aria-label": "Picture" });
  const list = h("div", {}, empty("Looking …"));
  let before = "";
  const look = async () => {
    try {
      const { executions } = await read("workflows/executions", { machine: machine.id, region: machine.region });
      if (JSON.stringify(executions) !== before) show(list, executionsOf(machine, executions));
      before = JSON.stringify(executions);
    } catch (error) {
      show(list, problems(error));
    }
  };
  const drawPicture = async () => {
    try {
      const told = await read("workflows/drawing", { machine: machine.id, region: machine.region });
      show(picture, drawn(told.picture, machine.path));
    } catch (error) {
      show(picture, problems(error));
    }
  };
  void drawPicture();
  void look();
  every(LOOK_SECONDS * 2, look);
  listen((news) => news.entries.some((each) => each.kind === "execution") && look());
  const given = h("textarea", { rows: 5, class: "mono", spellcheck: "false" });
  given.value = "{}";
  const act = async () => {
    const { execution } = await write("workflows/start", {
      machine: machine.id,
      region: machine.region,
      input: given.value,
    });
    location.hash = addressOf(machine, execution);
  };
  show(
    main,
    heading("Workflows"),
    detailHead(machine.path, "#/workflows"),
    h(
      "div",
      { class: "halves chosen broad" },
      h("div", { class: "list" }, picture),
      h(
        "section",
        { class: "detail", "aria-label": "Executions and start", tabindex: 0 },
        h("h3", {}, "Executions"),
        list,
        h("h3", {}, "Start"),
        form(`Start ${machine.path}`, [field("Input", given)], "Start", act),
      ),
    ),
  );
}

const addressOf = (machine, execution) =>
  `#/workflows/${encodeURIComponent(machine.path)}/${encodeURIComponent(execution)}`;

function executionsOf(machine, executions) {
  if (!executions.length) return empty("It has not run yet", "Start it below, or do what starts it.");
  const rows = executions.map((each) => ({
    cells: [
      clock(each.started),
      h("a", { href: addressOf(machine, each.arn), class: "mono" }, each.name),
      status(each.status),
      each.stopped ? duration((each.stopped - each.started) * 1000) : "",
    ],
  }));
  return table("Executions", ["Began", "Execution", "Status", ["Took", "number"]], rows);
}

const status = (told) => badge(told.toLowerCase().replace("_", " "), TONES[told] ?? "");

function openExecution({ main, every }, machine, arn) {
  const box = h("div", {}, empty("Looking …"));
  let picked = "";
  let found = null;
  const draw = () =>
    show(
      box,
      executionOf(found, picked, machine, (name) => {
        picked = name;
        draw();
      }),
    );
  const look = async () => {
    if (found && found.status !== "RUNNING") return;
    try {
      const next = await read("workflows/execution", { execution: arn, region: machine.region });
      if (JSON.stringify(next) === JSON.stringify(found)) return;
      found = next;
      draw();
    } catch (error) {
      show(box, problems(error));
    }
  };
  show(main, heading("Workflows"), box);
  const begin = async () => {
    await look();
    const canvas = box.querySelector(".canvas"); // begin where the workflow begins
    const start = canvas?.querySelector(".dot.start")?.getBoundingClientRect();
    if (start) canvas.scrollLeft += start.x - canvas.getBoundingClientRect().x - canvas.clientWidth / 2;
  };
  void begin();
  every(LOOK_SECONDS, look);
}

function executionOf(found, picked, machine, pick) {
  const took = found.stopped ? duration((found.stopped - found.started) * 1000) : "";
  return [
    detailHead(found.name, `#/workflows/${encodeURIComponent(machine.path)}`, status(found.status)),
    h("p", { class: "dim" }, `${machine.path} · began ${clock(found.started)}${took ? ` · ${took}` : ""}`),
    found.error ? h("p", { class: "error-text" }, `${found.error}: ${found.cause}`) : null,
    h(
      "div",
      { class: "halves chosen broad" },
      h(
        "div",
        { class: "list" },
        h(
          "div",
          {
            class: "canvas",
            tabindex: 0,
            role: "region",
            "aria-label": "Picture",
            "data-scroll": "canvas",
            "data-key": "canvas",
          },
          drawn(found.picture, found.name, { states: found.states, picked, pick }),
        ),
      ),
      h(
        "section",
        { class: "detail", "aria-label": "State", tabindex: 0, "data-key": "detail" },
        picked ? stateOf(picked, found.states[picked]) : wholeOf(found),
      ),
    ),
  ];
}

function wholeOf(found) {
  return [
    h("h3", {}, "Input"),
    text("Input of the execution", found.input),
    h("h3", {}, "Output"),
    text("Output of the execution", found.output),
    h("p", { class: "hint" }, "Choose a state to see what went in and what came out."),
  ];
}

function stateOf(name, state) {
  if (!state) return [h("h3", {}, name), empty("The execution has not been here")];
  return [
    h(
      "h3",
      {},
      name,
      " ",
      badge(
        state.status,
        { succeeded: "good", running: "busy", failed: "bad", "timed out": "bad" }[state.status] ?? "warn",
      ),
    ),
    state.count > 1
      ? h(
          "p",
          { class: "dim" },
          `entered ${state.count} times${state.count > state.passages.length ? `; the first ${state.passages.length} are shown` : ""}`,
        )
      : null,
    state.passages.map((each, at) => [
      state.count > 1 ? h("h4", {}, `${at + 1}. ${each.status}`) : null,
      facts([
        ["Took", each.exited ? duration((each.exited - each.entered) * 1000) : ""],
        ["Tries", each.tries > 1 ? each.tries : ""],
      ]),
      each.failures.map((failure) => h("p", { class: "error-text" }, `${failure.error}: ${failure.cause}`)),
      h("h4", {}, "Input"),
      text(`Input of ${name}, ${at + 1}`, each.input),
      h("h4", {}, "Output"),
      text(`Output of ${name}, ${at + 1}`, each.output),
    ]),
  ];
}
