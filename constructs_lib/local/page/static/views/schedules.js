import { write } from "/api.js";
import { code, empty, h, table } from "/dom.js";
import { action, halves, traceLink } from "/parts.js";
import { plural } from "/words.js";

export const schedules = { name: "schedules", title: "Schedules", count: (app) => app.schedules.length, open };

function open({ main, app }) {
  const rows = app.schedules.map((each) => ({
    cells: [
      each.path,
      h("span", { class: "mono" }, each.expression),
      each.timezone,
      action("Fire now", async () => {
        const { targets, trace } = await fire(each);
        return [`fired at ${plural(targets.length, "target")} `, traceLink(trace)];
      }),
    ],
  }));
  const list = rows.length
    ? table("Schedules", ["Schedule", "When", ["Time zone", "wide-only"], "Now"], rows)
    : empty("This app has no schedule", [
        code('Schedule(self, "Nightly", cron="…", …)'),
        " runs a function by the clock; here it fires when it is due, and whenever you say so.",
      ]);
  halves(main, "Schedules", "", list, null);
}

const fire = (each) => write("schedules/fire", { kind: each.kind, name: each.name, region: each.region });
