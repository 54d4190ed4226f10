import { empty, h, table } from "/dom.js";
import { ofKind } from "/live.js";
import { halves, named, traceLink } from "/parts.js";
import { clock } from "/words.js";

const MOST = 300;
const found = () => ofKind("authorization").filter((each) => !each.allowed);

export const denied = { name: "denied", title: "Denied calls", tone: "bad", count: () => found().length, open };

function open({ main, names, listen }) {
  const draw = () => {
    const rows = found()
      .slice(-MOST)
      .toReversed()
      .map((each) => ({
        cells: [
          clock(each.time),
          each.function
            ? named(names, each.function)
            : h("span", { class: "mono dim" }, (each.principal ?? "").split(":").slice(5).join(":")),
          h("span", { class: "mono" }, each.action),
          h("span", { title: each.resource }, named(names, each.resource ?? "")),
          h("span", { class: "reason" }, each.reason),
          traceLink(each.trace),
        ],
      }));
    const list = rows.length
      ? table("Denied calls", ["Time", "Caller", "Action", "Resource", ["Reason", "wide-only"], "Request"], rows)
      : empty(
          "No call has been denied",
          "Every call is checked against the policies of its caller; one that AWS would deny shows here, with the reason AWS would give.",
        );
    halves(main, "Denied calls", "", list, null);
  };
  listen((news) => news.entries.some((each) => each.kind === "authorization") && draw());
  draw();
}
