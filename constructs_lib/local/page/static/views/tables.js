import { read } from "/api.js";
import { code, empty, h, show, table, text } from "/dom.js";
import { action, chooser, detailHead, halves, problems } from "/parts.js";
import { plural } from "/words.js";

const MOST_COLUMNS = 8;
const LOOK_SECONDS = 3;

export const tables = { name: "tables", title: "Tables", count: (app) => app.tables.length, open };

function open({ main, app, rest, every }) {
  const chosen = app.tables.find((each) => each.path === rest[0]);
  const items = h("div", {}, empty("Looking …"));
  let starts = [""]; // where each page up to this one begins
  let picked = "";
  let last = null;
  const look = async () => {
    try {
      last = await read("tables/items", { table: chosen.id, region: chosen.region, start: starts.at(-1) });
      draw();
    } catch (error) {
      show(items, problems(error));
    }
  };
  const draw = () =>
    show(
      items,
      contents(chosen, last, picked, starts.length, {
        pick: (key) => {
          picked = key === picked ? "" : key;
          draw();
        },
        next: () => {
          starts = [...starts, last.next];
          void look();
        },
        back: () => {
          starts = starts.slice(0, -1);
          void look();
        },
      }),
    );
  if (chosen) {
    void look();
    every(LOOK_SECONDS, look);
  }
  const rows = app.tables.map((each) => ({
    selected: each === chosen,
    cells: [chooser("tables", each.path, chosen?.path), h("span", { class: "dim mono" }, each.id)],
  }));
  const list = rows.length
    ? table("Tables", ["Table", ["Name", "wide-only"]], rows)
    : empty("This app has no table", [code('DynamoTable(self, "Users", partition_key="id")'), " defines one."]);
  halves(
    main,
    "Tables",
    "",
    list,
    chosen && [
      detailHead(
        chosen.path,
        "#/tables",
        action("Refresh", async () => {
          await look();
          return "";
        }),
      ),
      items,
    ],
    "narrow",
  );
}

function contents(chosen, found, picked, page, { pick, next, back }) {
  if (!found.items.length && page === 1) return empty("The table is empty", "What handlers write shows here.");
  const others = [...new Set(found.items.flatMap((each) => Object.keys(each.cells)))].filter(
    (name) => !found.keys.includes(name),
  );
  const columns = [...found.keys, ...others].slice(0, MOST_COLUMNS);
  const keyOf = (item) => found.keys.map((name) => item.cells[name]).join(" / ");
  const rows = found.items.map((item) => {
    const key = keyOf(item);
    const cells = columns.map((name, at) =>
      at
        ? h("span", { class: "mono cell" }, item.cells[name] ?? "")
        : h(
            "button",
            {
              type: "button",
              class: "plain mono cell",
              "aria-expanded": String(key === picked),
              "data-key": `item:${key}`,
              onclick: () => pick(key),
            },
            item.cells[name] ?? "",
          ),
    );
    return { selected: key === picked, cells };
  });
  const shown = found.items.find((item) => keyOf(item) === picked);
  const hidden = found.keys.length + others.length - columns.length;
  return [
    table(`Items of ${chosen.path}`, columns, rows),
    h(
      "p",
      { class: "dim paging" },
      `page ${page}, ${plural(found.items.length, "item")}${hidden > 0 ? `, ${plural(hidden, "more attribute")} in each` : ""} `,
      page > 1 ? h("button", { type: "button", "data-key": "back", onclick: back }, "Back") : null,
      found.next ? h("button", { type: "button", "data-key": "next", onclick: next }, "Next") : null,
    ),
    shown
      ? [h("h3", {}, picked), text(`Item ${picked}`, shown.json, { tall: true })]
      : h("p", { class: "hint" }, "Choose an item by its key to see all of it."),
  ];
}
