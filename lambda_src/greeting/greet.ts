/** POST /greet: greet whoever is named in the body, and a stranger when nobody is. */
import * as z from "zod/mini";

import { json } from "../http_api/answer.ts";
import { parseBody } from "../http_api/body.ts";
import { route } from "../http_api/route.ts";
import { line } from "../http_api/text.ts";

const Greeting = z.object({ name: z.optional(line(100)) });

export const handler = route((event) => {
  const { name } = parseBody(event, Greeting, {});
  const who = name === undefined || name === "" ? "stranger" : name;
  return json(200, { message: `Hello, ${who}!`, timestamp: new Date().toISOString() });
});
