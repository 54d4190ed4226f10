/* oxlint-disable unicorn/consistent-function-scoping -- what a test needs stands in it */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { afterAll, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const NODE = join(ROOT, "constructs_lib/runtime/node");
const fresh = mkdtempSync(join(tmpdir(), "runtime-"));
afterAll(() => rmSync(fresh, { recursive: true }));

test("what npm installs is what the sources say (tsc -p constructs_lib/runtime/node makes it)", () => {
  execFileSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", NODE, "--outDir", join(fresh, "lib")]);
  const read = (folder: string): Record<string, string> =>
    Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));
  expect(Object.keys(read(join(NODE, "lib")))).toEqual(Object.keys(read(join(fresh, "lib"))));
  expect(read(join(NODE, "lib"))).toEqual(read(join(fresh, "lib")));
});

test("a handler bundles into one file that loads", () => {
  const entry = 'import { queueWorker } from "constructs-lib-runtime"; export const handler = queueWorker(async () => 1);';
  const out = join(fresh, "bundle.cjs");
  execFileSync(
    join(ROOT, "node_modules/esbuild/bin/esbuild"),
    ["--bundle", "--platform=node", "--format=cjs", "--minify", `--outfile=${out}`, "--log-level=error"],
    { input: entry, cwd: join(ROOT, "tests/runtime") },
  );
  const program = `const { handler } = require(${JSON.stringify(out)}); handler({ Records: [] }, {}).then((r) => console.log(JSON.stringify(r)))`;
  const said = execFileSync(process.execPath, ["-e", program], { encoding: "utf8" });
  expect(JSON.parse(said)).toEqual({ batchItemFailures: [] });
});
