// The names a user knows things by: the construct path, for whatever AWS calls them.

import { tail } from "/words.js";

/** Answers functions that name things, and link to where they are shown. */
export function namesOf(app) {
  const known = new Map();
  for (const each of app.functions) known.set(each.id, ["functions", each.path]);
  for (const each of app.queues) known.set(each.name, ["queues", each.path]);
  for (const each of app.tables) known.set(each.id, ["tables", each.path]);
  for (const each of app.buckets) known.set(each.id, ["buckets", each.path]);
  for (const each of app.machines) known.set(tail(each.id), ["workflows", each.path]);
  const found = (arn) => {
    const parts = arn.split(/[:/]/);
    if (/^arn:[^:]*:states:[^:]*:[^:]*:execution:/.test(arn)) return known.get(parts[6]);
    return known.get(tail(arn)) ?? parts.map((part) => known.get(part)).find(Boolean);
  };
  const others = new Map(Object.entries(app.names));
  const nameOf = (arn) => found(arn)?.[1] ?? others.get(tail(arn)) ?? tail(arn);
  return {
    of: (arn) => (arn ? nameOf(arn) : ""),
    /** Who calls with a role: the function it is of, or what else the role was made for. */
    ofCaller: (principal) => {
      const [role, session] = principal.split("/").slice(-2);
      return known.get(session)?.[1] ?? others.get(role)?.split("/").slice(0, -1).join("/") ?? session ?? principal;
    },
    address: (arn) => {
      const place = arn ? found(arn) : null;
      return place ? `#/${place[0]}/${encodeURIComponent(place[1])}` : null;
    },
  };
}
