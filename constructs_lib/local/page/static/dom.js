// Builds what is shown. Whatever comes from the app becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element: attributes, listeners (`onclick`) and children, which are elements or become text. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for a picture. */
export function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(3).filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

/** Replaces what an element holds, and leaves the focus where it was if that place still exists. */
export function show(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.dataset?.key ?? focused?.id;
  const scrolled = [...element.querySelectorAll("[data-scroll]")].map((each) => [
    each.dataset.scroll,
    each.scrollTop,
    each.scrollLeft,
  ]);
  element.replaceChildren(...children.flat(3).filter(Boolean));
  for (const [name, top, left] of scrolled) {
    const again = element.querySelector(`[data-scroll="${CSS.escape(name)}"]`);
    if (again) [again.scrollTop, again.scrollLeft] = [top, left];
  }
  if (key) {
    const again = element.querySelector(`[data-key="${CSS.escape(key)}"], #${CSS.escape(key)}`);
    again?.focus({ preventScroll: true });
  }
}

/** A text too long for its place, scrolled with the keyboard, too. */
export function text(label, content, { tall = false, key = label } = {}) {
  const shown = content === "" || content === null || content === undefined ? "–" : content;
  return h(
    "pre",
    {
      class: tall ? "text tall" : "text",
      tabindex: 0,
      role: "region",
      "aria-label": label,
      "data-scroll": key,
      "data-key": `text:${key}`,
    },
    String(shown),
  );
}

/** What stands where there is nothing, and what to do about it. */
export function empty(title, ...advice) {
  return h(
    "div",
    { class: "empty" },
    h("p", { class: "empty-title" }, title),
    ...advice.map((each) => h("p", {}, each)),
  );
}

export function code(content) {
  return h("code", {}, content);
}

/** A word about a status, in a colour and never by colour alone. */
export function badge(label, tone = "") {
  return h("span", { class: `badge ${tone}` }, label);
}

/** A table: `columns` are headings (or `[heading, class]`), `rows` arrays of cells. */
export function table(label, columns, rows, { key = label } = {}) {
  const classes = columns.map((each) => (Array.isArray(each) ? each[1] : ""));
  return h(
    "div",
    {
      class: "table-box",
      tabindex: 0,
      role: "region",
      "aria-label": label,
      "data-scroll": key,
      "data-key": `table:${key}`,
    },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          columns.map((each, at) =>
            h("th", { scope: "col", class: classes[at] }, Array.isArray(each) ? each[0] : each),
          ),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            { class: row.selected ? "selected" : row.tone },
            row.cells.map((cell, at) => h("td", { class: classes[at] }, cell)),
          ),
        ),
      ),
    ),
  );
}

/** A link within the page; what is open says so. */
export function link(label, href, { current = false } = {}) {
  return h("a", { href, "data-key": `link:${href}`, "aria-current": current ? "true" : null }, label);
}

/** One labelled field of a form. */
export function field(label, input, hint) {
  input.id ||= `field-${label.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  return h(
    "div",
    { class: "field" },
    h("label", { for: input.id }, label),
    input,
    hint ? h("p", { class: "hint" }, hint) : null,
  );
}
