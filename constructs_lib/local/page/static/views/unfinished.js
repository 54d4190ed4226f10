import { empty, h, table } from "/dom.js";
import { ofKind } from "/live.js";
import { halves, named, traceLink } from "/parts.js";
import { clock } from "/words.js";

const MOST = 300;

export const unfinished = {
  name: "unfinished",
  title: "Unfinished work",
  tone: "warn",
  count: () => ofKind("unfinished").length,
  open,
};

function open({ main, names, listen }) {
  const draw = () => {
    const rows = ofKind("unfinished")
      .slice(-MOST)
      .toReversed()
      .map((each) => ({
        cells: [
          clock(each.time),
          named(names, each.function),
          each.what,
          h("span", { class: "mono" }, each.at),
          traceLink(each.trace),
        ],
      }));
    const list = rows.length
      ? table("Unfinished work", ["Time", "Function", "What still ran", "Where it began", "Request"], rows)
      : empty(
          "No work was left unfinished",
          "A handler that returns while something it began still runs, such as a call without await, loses that work on AWS. It shows here, with the line that began it.",
        );
    halves(main, "Unfinished work", "still running when its handler returned", list, null);
  };
  listen((news) => news.entries.some((each) => each.kind === "unfinished") && draw());
  draw();
}
