import { read, write } from "/api.js";
import { badge, code, empty, field, h, show, table, text } from "/dom.js";
import { action, chooser, detailHead, facts, form, halves, problems, traceLink } from "/parts.js";
import { ago, plural, pretty } from "/words.js";

const LOOK_SECONDS = 2;

export const queues = { name: "queues", title: "Queues", count: (app) => app.queues.length, open };

function open({ main, app, rest, every, listen }) {
  const chosen = app.queues.find((each) => each.path === rest[0]);
  const list = h("div", {});
  const messages = h("div", {}, empty("Looking …"));
  let counts = {};
  let drawn = "";
  const drawList = () => show(list, overview(app, chosen, counts));
  const look = async () => {
    try {
      counts = (await read("queues")).queues;
      drawList();
      if (!chosen) return;
      const found = await read("queues/messages", { queue: chosen.id, region: chosen.region });
      if (JSON.stringify(found) !== drawn) show(messages, contents(found));
      drawn = JSON.stringify(found);
    } catch (error) {
      show(messages, problems(error));
    }
  };
  drawList();
  void look();
  every(LOOK_SECONDS, look);
  listen((news) => news.entries.length && look());
  const detail = chosen && [
    detailHead(
      chosen.path,
      "#/queues",
      chosen.dead_letters_of.length
        ? action("Redrive all", async () => {
            await redrive(chosen);
            await look();
            return "on their way back";
          })
        : null,
    ),
    facts([
      ["Dead letters of", chosen.dead_letters_of.join(", ")],
      ["Name", h("span", { class: "mono" }, chosen.name)],
    ]),
    h("h3", {}, "Messages"),
    h("p", { class: "hint" }, "Looking receives nothing: no message is hidden, no receive count goes up."),
    messages,
    h("h3", {}, "Send"),
    sending(chosen, look),
  ];
  halves(main, "Queues", "", list, detail);
}

function overview(app, chosen, counts) {
  if (!app.queues.length)
    return empty("This app has no queue", [
      code('QueueWorker(self, "Emails", entry="lambda_src/emails/send.ts")'),
      " defines one, with its dead letters.",
    ]);
  const rows = app.queues.map((each) => {
    const count = counts[each.id] ?? {};
    const isTrouble = each.dead_letters_of.length && count.waiting;
    return {
      selected: each === chosen,
      cells: [
        chooser("queues", each.path, chosen?.path),
        isTrouble ? badge(String(count.waiting), "bad") : count.waiting || "",
        count.hidden || "",
        count.delayed || "",
        each.dead_letters_of.length
          ? h("span", { class: "dim" }, `dead letters of ${each.dead_letters_of.join(", ")}`)
          : "",
      ],
    };
  });
  return table(
    "Queues",
    [
      "Queue",
      ["Waiting", "number"],
      ["In flight", "number"],
      ["Delayed", "number wide-only"],
      ["Purpose", "wide-only"],
    ],
    rows,
  );
}

function contents(found) {
  if (!found.messages.length)
    return empty("The queue is empty", "Send a message below, or call a route that sends one.");
  const rows = found.messages.map((each) =>
    h(
      "li",
      {},
      h(
        "details",
        { "data-key": each.id },
        h(
          "summary",
          {},
          h("span", { class: "mono" }, each.body.slice(0, 90)),
          " ",
          h(
            "span",
            { class: "dim" },
            `${ago(each.sent)} · received ${each.received} ×${each.hidden_seconds ? ` · hidden for ${Math.ceil(each.hidden_seconds)} s` : ""}${each.group ? ` · group ${each.group}` : ""}`,
          ),
        ),
        text(`Message ${each.id}`, pretty(each.body), { key: each.id }),
        Object.keys(each.attributes).length ? facts(Object.entries(each.attributes)) : null,
      ),
    ),
  );
  return [
    h("ul", { class: "messages" }, rows),
    found.more ? h("p", { class: "dim" }, `and ${plural(found.more, "more message")}`) : null,
  ];
}

function sending(chosen, look) {
  const isFifo = chosen.name.endsWith(".fifo");
  const body = h("textarea", { rows: 5, class: "mono", spellcheck: "false", required: true });
  const group = h("input", { type: "text", value: "page" });
  const deduplication = h("input", { type: "text", placeholder: "of the content" });
  const act = async () => {
    const told = {
      queue: chosen.id,
      region: chosen.region,
      body: body.value,
      group: group.value,
      deduplication: deduplication.value,
    };
    const { id, trace } = await write("queues/send", told);
    await look();
    return h("p", {}, badge("sent", "good"), " ", h("span", { class: "mono dim" }, id), " ", traceLink(trace));
  };
  return form(
    `Send to ${chosen.path}`,
    [
      field("Message", body),
      isFifo ? h("div", { class: "fields" }, field("Group", group), field("Deduplication id", deduplication)) : null,
    ],
    "Send",
    act,
  );
}

const redrive = (chosen) => write("queues/redrive", { queue: chosen.id, region: chosen.region });
