import { downloadAddress, read, upload } from "/api.js";
import { badge, code, empty, field, h, show, table } from "/dom.js";
import { chooser, detailHead, form, halves, problems, traceLink } from "/parts.js";
import { ago, size } from "/words.js";

const LOOK_SECONDS = 3;

export const buckets = { name: "buckets", title: "Buckets", count: (app) => app.buckets.length, open };

function open({ main, app, rest, every }) {
  const chosen = app.buckets.find((each) => each.path === rest[0]);
  const objects = h("div", {}, empty("Looking …"));
  const prefix = h("input", {
    type: "search",
    id: "prefix",
    placeholder: "keys that begin with …",
    "aria-label": "Keys that begin with",
    oninput: () => look(),
  });
  let next = "";
  const look = async () => {
    try {
      const found = await read("buckets/objects", {
        bucket: chosen.id,
        region: chosen.region,
        prefix: prefix.value,
        next,
      });
      show(
        objects,
        contents(chosen, found, () => {
          next = found.next;
          void look();
        }),
      );
    } catch (error) {
      show(objects, problems(error));
    }
  };
  if (chosen) {
    void look();
    every(LOOK_SECONDS, look);
  }
  const rows = app.buckets.map((each) => ({
    selected: each === chosen,
    cells: [chooser("buckets", each.path, chosen?.path), h("span", { class: "dim mono" }, each.id)],
  }));
  const list = rows.length
    ? table("Buckets", ["Bucket", ["Name", "wide-only"]], rows)
    : empty("This app has no bucket", [code('UploadBucket(self, "Uploads")'), " defines one."]);
  halves(
    main,
    "Buckets",
    "",
    list,
    chosen && [
      detailHead(chosen.path, "#/buckets"),
      h("div", { class: "heading-row" }, h("h3", {}, "Objects"), prefix),
      objects,
      h("h3", {}, "Upload"),
      uploading(chosen, look),
    ],
    "narrow",
  );
}

function contents(chosen, found, more) {
  if (!found.objects.length) return empty("There is no such object", "Upload one below, or run what writes one.");
  const rows = found.objects.map((each) => ({
    cells: [
      h(
        "a",
        {
          class: "mono",
          download: "",
          href: downloadAddress({ bucket: chosen.id, region: chosen.region, key: each.key }),
        },
        each.key,
      ),
      size(each.bytes),
      ago(each.changed),
    ],
  }));
  return [
    table(`Objects of ${chosen.path}`, ["Key", ["Size", "number"], "Changed"], rows),
    found.next ? h("button", { type: "button", onclick: more }, "Next page") : null,
  ];
}

function uploading(chosen, look) {
  const file = h("input", {
    type: "file",
    required: true,
    onchange: () => {
      key.value ||= file.files[0]?.name ?? "";
    },
  });
  const key = h("input", { type: "text", class: "mono", required: true, spellcheck: "false" });
  const act = async () => {
    const chosenFile = file.files[0];
    const told = await upload(
      { bucket: chosen.id, region: chosen.region, key: key.value, type: chosenFile.type },
      chosenFile,
    );
    await look();
    return h("p", {}, badge("uploaded", "good"), ` ${told.key}, ${size(told.bytes)} `, traceLink(told.trace));
  };
  return form(
    `Upload to ${chosen.path}`,
    [h("div", { class: "fields" }, field("File", file), field("Key", key))],
    "Upload",
    act,
  );
}
