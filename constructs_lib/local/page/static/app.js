// The page: which view is open, what the list of views says, what the keys do.

import { read } from "/api.js";
import { empty, h, link, show } from "/dom.js";
import { follow, live, onNews } from "/live.js";
import { namesOf } from "/names.js";
import { problems } from "/parts.js";
import { buckets } from "/views/buckets.js";
import { denied } from "/views/denied.js";
import { functions } from "/views/functions.js";
import { queues } from "/views/queues.js";
import { requests } from "/views/requests.js";
import { routes } from "/views/routes.js";
import { schedules } from "/views/schedules.js";
import { tables } from "/views/tables.js";
import { unfinished } from "/views/unfinished.js";
import { workflows } from "/views/workflows.js";

const VIEWS = [routes, requests, functions, queues, tables, buckets, workflows, schedules, denied, unfinished];
const STATES = {
  connecting: "connecting …",
  live: "live",
  lost: "the run does not answer",
  ended: "another run answers: open its own address",
};
const main = document.getElementById("main");
const nav = document.getElementById("nav");

let app = null;
let leave = () => {};

const place = () => location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);

function drawNav() {
  const [current] = place();
  show(
    nav,
    h(
      "ul",
      {},
      VIEWS.map((view) => {
        const count = app ? view.count(app) : null;
        const label = [
          h("span", {}, view.title),
          count ? h("span", { class: `count ${view.tone ?? ""}` }, String(count)) : null,
        ];
        return h("li", {}, link(label, `#/${view.name}`, { current: view.name === current }));
      }),
    ),
  );
}

function drawState() {
  const state = document.getElementById("state");
  state.className = `state ${live.state}`;
  state.textContent = STATES[live.state];
}

function openPlace() {
  const [name, ...rest] = place();
  const view = VIEWS.find((each) => each.name === name);
  if (!view) {
    location.replace(`#/${VIEWS[0].name}`);
    return;
  }
  leave();
  drawNav();
  nav.scrollLeft = nav.querySelector("[aria-current]").offsetLeft - nav.clientWidth / 3; // not scrollIntoView: Tab would start there
  document.title = `${rest[0] ? `${rest[0]} · ` : ""}${view.title} · Local run`;
  const undone = [];
  leave = () => undone.forEach((each) => each());
  const listen = (listener) => undone.push(onNews((news) => news && listener(news)));
  const every = (seconds, action) => {
    const timer = setInterval(() => document.hidden || action(), seconds * 1000);
    undone.push(() => clearInterval(timer));
  };
  view.open({ main, app, names: namesOf(app), rest, listen, every, close: () => (location.hash = `#/${name}`) });
}

function onKey(event) {
  const isTyping = event.target.matches("input, textarea, select");
  if (event.key === "Escape" && isTyping) event.target.blur();
  else if (event.key === "Escape" && place().length > 1)
    location.hash = `#/${place().slice(0, -1).map(encodeURIComponent).join("/")}`;
  else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.target.form?.requestSubmit();
  else if (!isTyping && !event.ctrlKey && !event.metaKey && !event.altKey && event.key === "/") {
    const filter = main.querySelector("input[type=search]");
    if (filter) event.preventDefault();
    filter?.focus();
  }
}

async function load() {
  try {
    app = await read("app");
    document.getElementById("where").textContent = [...app.stacks.map((each) => each.name), app.region].join(" · ");
    return true;
  } catch (error) {
    show(main, h("h1", {}, "Local run"), problems(error));
    return false;
  }
}

async function begin() {
  drawNav();
  drawState();
  show(main, empty("Loading …"));
  if (!(await load())) return;
  onNews((news) => {
    drawState();
    if (news) drawNav();
  });
  follow();
  addEventListener("hashchange", () => {
    openPlace();
    main.scrollTo(0, 0);
  });
  document.addEventListener("keydown", onKey);
  // What is deployed changes when a stack is saved: look when the user comes back.
  document.addEventListener("visibilitychange", async () => {
    if (!document.hidden && (await load())) drawNav();
  });
  openPlace();
}

void begin();
