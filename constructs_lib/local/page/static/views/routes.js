import { write } from "/api.js";
import { badge, code, empty, field, h, table, text } from "/dom.js";
import { detailHead, form, halves, traceLink } from "/parts.js";
import { duration, size } from "/words.js";

const AUTH = { NONE: "open", AWS_IAM: "IAM", JWT: "JWT", CUSTOM: "authorizer" };
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

export const routes = { name: "routes", title: "Routes", count: (app) => app.routes.length, open };

function open({ main, app, rest }) {
  const chosen = app.routes.find((each) => each.construct === rest[0]);
  const rows = app.routes.map((route) => ({
    selected: route === chosen,
    cells: [
      badge(route.method, `method ${route.method.toLowerCase()}`),
      h(
        "a",
        {
          href: `#/routes/${encodeURIComponent(route.construct)}`,
          "aria-current": route === chosen ? "true" : null,
          class: "mono",
        },
        route.path,
      ),
      AUTH[route.authorization] ?? route.authorization,
      h("span", { class: "dim" }, route.construct),
    ],
  }));
  const list = rows.length
    ? table("Routes", ["Method", "Path", "Who may call", ["Construct", "wide-only"]], rows)
    : empty("This app has no route", [
        code('SecureApiFunction(self, "Greet", api=api, route="POST /greet", entry="…")'),
        " defines one.",
      ]);
  halves(main, "Routes", app.url, list, chosen ? attempt(app, chosen, `${chosen.method} ${chosen.path}`) : null);
}

function attempt(app, route, title) {
  const method = h(
    "select",
    {},
    (route.method === "ANY" ? METHODS : [route.method]).map((each) => h("option", {}, each)),
  );
  const path = h("input", {
    type: "text",
    class: "mono",
    spellcheck: "false",
    required: true,
    value: route.url.slice(app.url.length),
  });
  const caller = h(
    "select",
    {},
    [
      ["none", "nobody (unsigned)"],
      ["root", "root user"],
      ...app.functions.map((each) => [each.path, `role of ${each.path}`]),
    ].map(([value, label]) => h("option", { value }, label)),
  );
  caller.value = route.authorization === "AWS_IAM" ? "root" : "none";
  const headers = h("textarea", { rows: 2, class: "mono", spellcheck: "false" });
  headers.value = route.body ? "content-type: application/json" : "";
  if (route.authorization === "JWT")
    headers.value = [headers.value, "authorization: Bearer …"].filter(Boolean).join("\n");
  const body = h("textarea", { rows: route.body ? 9 : 2, class: "mono", spellcheck: "false" });
  body.value = indented(route.body);
  const fields = [
    h("div", { class: "fields" }, field("Method", method), field("Path", path), field("Signed as", caller)),
    field("Headers", headers),
    field("Body", body),
  ];
  const send = async () =>
    answerOf(
      await write("routes/call", {
        method: method.value,
        path: path.value,
        caller: caller.value,
        headers: headers.value,
        body: body.value,
      }),
    );
  return [detailHead(title, "#/routes"), form(`Try ${title}`, fields, "Send", send)];
}

function answerOf(answer) {
  const tone = answer.status >= 500 ? "bad" : answer.status >= 400 ? "warn" : "good";
  return [
    h(
      "p",
      { class: "answer" },
      badge(`${answer.status} ${answer.reason}`, tone),
      ` ${duration(answer.milliseconds)} · ${size(answer.bytes)} · `,
      traceLink(answer.trace, "follow this request"),
    ),
    text("Answer", answer.text),
    h(
      "details",
      {},
      h("summary", {}, `${answer.headers.length} headers`),
      text("Headers of the answer", answer.headers.map(([name, value]) => `${name}: ${value}`).join("\n")),
    ),
  ];
}

function indented(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
