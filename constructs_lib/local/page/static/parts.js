// Parts that several views are made of.

import { Refused } from "/api.js";
import { h, link, show } from "/dom.js";

/** An error in its lines: what, where, how to mend it. */
export function problems(error) {
  const told =
    error instanceof Refused ? error.problems : [{ what: String(error), where: "", fix: "load the page again" }];
  return h(
    "div",
    { class: "problem", role: "alert" },
    told.map((each) => [
      h("p", { class: "problem-what" }, each.what),
      each.where ? h("p", {}, h("span", { class: "dim" }, "at "), each.where) : null,
      h("p", {}, h("span", { class: "dim" }, "fix "), each.fix),
    ]),
  );
}

/** A heading with what belongs beside it. */
export function heading(title, ...beside) {
  return h("div", { class: "heading" }, h("h1", {}, title), ...beside);
}

/** A list on the left, what is chosen of it on the right. */
export function halves(main, title, hint, list, detail, kind = "") {
  show(
    main,
    heading(title, hint ? h("p", { class: "dim" }, hint) : null),
    h(
      "div",
      { class: detail ? `halves chosen ${kind}` : "halves" },
      h("div", { class: "list" }, list),
      detail
        ? h(
            "section",
            { class: "detail", "aria-label": "Details", tabindex: 0, "data-scroll": "detail", "data-key": "detail" },
            detail,
          )
        : null,
    ),
  );
}

/** The head of the right half. */
export function detailHead(title, back, ...beside) {
  return h(
    "div",
    { class: "detail-head" },
    h("h2", {}, title),
    ...beside,
    h("a", { class: "close", href: back, "aria-label": "Close details" }, "×"),
  );
}

/** Name and value, as many as there are. */
export function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

/** A button that says what came of it. */
export function action(label, act, { kind = "" } = {}) {
  const said = h("span", { class: "said", role: "status" });
  const button = h("button", { type: "button", class: kind, onclick: () => doing(button, said, act) }, label);
  return h("span", { class: "action" }, button, said);
}

/** A form that stays while it is sent, and shows what came of it below. */
export function form(label, fields, submitLabel, act) {
  const outcome = h("div", { class: "outcome", "aria-live": "polite" });
  const button = h("button", { type: "submit", class: "main-button" }, submitLabel);
  return h(
    "form",
    {
      "aria-label": label,
      onsubmit: async (event) => {
        event.preventDefault();
        await doing(button, outcome, act);
      },
    },
    fields,
    h("div", { class: "buttons" }, button, h("span", { class: "hint" }, "Ctrl+Enter")),
    outcome,
  );
}

async function doing(button, outcome, act) {
  button.setAttribute("aria-busy", "true");
  try {
    show(outcome, await act());
  } catch (error) {
    show(outcome, problems(error));
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** The path of a thing as a link that chooses it. */
export function chooser(view, path, current) {
  const [stack, ...rest] = path.split("/");
  const broken = rest.flatMap((each, at) => (at ? ["/", h("wbr"), each] : [each]));
  const shown = rest.length ? [h("span", { class: "dim" }, `${stack}/`), h("wbr"), broken] : path;
  return link(shown, `#/${view}/${encodeURIComponent(path)}`, { current: path === current });
}

/** A link to a thing where it is shown, or its plain name. */
export function named(names, arn) {
  const address = names.address(arn);
  return address ? h("a", { href: address }, names.of(arn)) : names.of(arn);
}

export function traceLink(root, label = "follow") {
  return root ? h("a", { href: `#/requests/${encodeURIComponent(root)}` }, label) : "";
}
