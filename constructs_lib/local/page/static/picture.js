// Draws the picture of a state machine that the server has laid out.

import { h, s } from "/dom.js";

const MARGIN = 16;
const BEND = 22;
const STATUS = {
  succeeded: "✓",
  failed: "✕",
  running: "…",
  retried: "↻",
  caught: "!",
  "timed out": "⧖",
  aborted: "■",
  left: "–",
};

/** The picture; with `pick`, every state is a button that picks it. */
export function drawn(picture, title, { states = {}, picked = "", pick = null } = {}) {
  if (!picture.boxes.length) return h("p", { class: "empty" }, "There is no state to draw.");
  const width = picture.width + 2 * MARGIN;
  const height = picture.height + 2 * MARGIN;
  const isCaught = (name) => states[name]?.status === "caught";
  const been = (line) =>
    Object.keys(states).length > 0 &&
    (!line.target || states[line.target]) &&
    (!line.source ||
      (states[line.source] &&
        states[line.source].status !== "failed" &&
        isCaught(line.source) === (line.kind === "catch")));
  const svg = s(
    "svg",
    {
      class: "machine",
      viewBox: `${-MARGIN} ${-MARGIN} ${width} ${height}`,
      role: "group",
      "aria-label": `Picture of ${title}`,
    },
    s(
      "defs",
      {},
      s(
        "marker",
        {
          id: "tip",
          viewBox: "0 0 8 8",
          refX: 7,
          refY: 4,
          markerWidth: 7,
          markerHeight: 7,
          orient: "auto-start-reverse",
        },
        s("path", { d: "M0 0 8 4 0 8Z", class: "tip" }),
      ),
    ),
    picture.lines.map((line) =>
      s("path", {
        d: curve(line.points),
        class: `line ${line.kind}${been(line) ? " been" : ""}`,
        "marker-end": "url(#tip)",
      }),
    ),
    picture.boxes.map((box) => (box.name ? state(box, states[box.name], box.name === picked, pick) : dot(box))),
    picture.lines.filter((line) => line.label).map(label),
  );
  svg.style.setProperty("--width", String(width));
  return svg;
}

function dot(box) {
  const r = box.width / 2;
  return s("circle", { class: `dot ${box.kind}`, cx: box.x + r, cy: box.y + r, r: r - 2 });
}

function state(box, told, isPicked, pick) {
  const status = told?.status ?? "";
  const isOuter = box.height > 60;
  const activate = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    pick(box.name);
  };
  const acts = pick
    ? { tabindex: 0, role: "button", "aria-pressed": String(isPicked), onclick: activate, onkeydown: activate }
    : {};
  const top = isOuter ? box.y + 19 : box.y + 18;
  return s(
    "g",
    {
      class: `state ${box.kind.toLowerCase()} ${status.replace(" ", "-")}${isPicked ? " picked" : ""}${isOuter ? " outer" : ""}`,
      "data-key": `state:${box.name}`,
      ...(pick ? {} : { role: "img" }),
      ...acts,
    },
    s("title", {}, `${box.name}, ${box.kind}${status ? `, ${status}` : pick ? ", not reached" : ""}`),
    s("rect", { x: box.x, y: box.y, width: box.width, height: box.height, rx: 7 }),
    s("text", { x: box.x + 12, y: top, class: "state-name" }, box.label),
    isOuter
      ? null
      : s(
          "text",
          { x: box.x + 12, y: box.y + 33, class: "state-kind" },
          box.kind + (told?.count > 1 ? ` × ${told.count}` : ""),
        ),
    status
      ? s(
          "text",
          { x: box.x + box.width - 12, y: top, class: "state-mark", "text-anchor": "end" },
          STATUS[status] ?? "",
        )
      : null,
  );
}

function label(line) {
  const [from, to] = line.points;
  const x = (from[0] + to[0]) / 2;
  const y = from[1] + Math.min((to[1] - from[1]) * 0.55, 26);
  return s("text", { x, y: y + 3, class: `line-label ${line.kind}`, "text-anchor": "middle" }, line.label);
}

function curve(points) {
  const [first, ...others] = points;
  let [x, y] = first;
  let path = `M${x} ${y}`;
  for (const [nextX, nextY] of others) {
    const bend = Math.sign(nextY - y) * Math.max(BEND, Math.abs(nextY - y) / 2);
    path +=
      Math.abs(nextX - x) < 1 ? `L${nextX} ${nextY}` : `C${x} ${y + bend} ${nextX} ${nextY - bend} ${nextX} ${nextY}`;
    [x, y] = [nextX, nextY];
  }
  return path;
}
