"""Finds esbuild's own binary and runs it once for many entries."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from constructs_lib.bundling.esbuild_errors import problems_in, warnings_in
from constructs_lib.bundling.fingerprint import digest_of
from constructs_lib.bundling.project import Project
from constructs_lib.problem import BundlingError, Problem

# https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html: what Lambda loads is index.js, CommonJS.
FLAGS = (
    "--bundle",
    "--platform=node",
    "--format=cjs",
    "--minify",
    "--main-fields=module,main",
    "--legal-comments=none",
    "--supported:dynamic-import=false",
    "--log-limit=0",
    "--log-level=warning",
    "--log-override:unsupported-require-call=warning",
    "--log-override:unsupported-dynamic-import=warning",
    "--define:import.meta.url=importMetaUrl",
    "--define:import.meta.dirname=__dirname",
    "--define:import.meta.filename=__filename",
    "--color=false",
)

CREDENTIALS_PACKAGE = "@aws-sdk/credential-provider-node"
# They have a package.json and a tsconfig.json of their own: those of a folder above would change the bundles' bytes.
_SHIMS = Path(__file__).parent / "shims"
CREDENTIALS_SHIM = _SHIMS / "environment_credentials.js"
IMPORT_META_SHIM = _SHIMS / "import_meta_url.js"  # costs nothing where it is not used
SHIMS = (CREDENTIALS_SHIM, IMPORT_META_SHIM)

_CPUS = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64", "i386": "ia32", "i686": "ia32"}


@dataclass(frozen=True)
class Esbuild:
    """One installed esbuild: the native binary; the Node script around it takes 40 times as long to start."""

    binary: Path
    version: str

    @classmethod
    def near(cls, entry: Path, project: Project) -> Esbuild:
        """Find the esbuild that belongs to an entry.

        Raises:
            BundlingError: There is none in a node_modules folder above the entry or above the project.
        """
        package = f"@esbuild/{platform_name()}"
        executable = "esbuild.exe" if sys.platform == "win32" else "bin/esbuild"
        searched = []
        for folder in dict.fromkeys((*entry.parents, project.folder, *project.folder.parents)):
            modules = folder / "node_modules"
            if not modules.is_dir():
                continue
            searched.append(project.relative(modules))
            # the second place is pnpm's, which puts a package's dependencies beside its real folder
            for home in (modules / package, (modules / "esbuild").resolve().parent / package):
                if (home / executable).is_file():
                    return cls(home / executable, _version(home))
        where = ", ".join(searched) if searched else "no node_modules folder above the entry or this folder"
        raise BundlingError(
            Problem(
                f"esbuild is not installed for {platform_name()} (searched: {where})",
                project.relative(entry),
                "npm install --save-dev esbuild",
            )
        )

    def build(
        self, sources: Sequence[str], flags: Sequence[str], outdir: Path, project: Project
    ) -> tuple[dict[str, Any], dict[str, list[str]]]:
        """Bundle each source into `<outdir>/<its index>/index.js`, all in one process.

        Args:
            sources: Entry files, relative to the project folder.
            flags: What `flags_for` gave.
            outdir: An empty folder.
            project: Where to run.

        Returns:
            esbuild's metafile, and its warnings by the source they are about.

        Raises:
            BundlingError: With every error esbuild found in any of the sources.
        """
        metafile = outdir / "metafile.json"
        argv = [
            str(self.binary),
            *flags,
            f"--outdir={outdir}",
            f"--metafile={metafile}",
            *(f"{index}/index={_explicit(source)}" for index, source in enumerate(sources)),
        ]
        try:
            done = project.launcher(argv, cwd=project.folder)
        except OSError as error:
            raise BundlingError(
                Problem(
                    f"esbuild cannot be started ({error.strerror})",
                    project.relative(self.binary),
                    "npm install --save-dev esbuild",
                )
            ) from error
        if done.returncode != 0:
            raise BundlingError(*problems_in(done.stderr, project))
        result: dict[str, Any] = json.loads(metafile.read_bytes())
        return result, warnings_in(done.stderr, project)


def flags_for(target: str, *, natives: Sequence[str], source_map: bool, environment_credentials: bool) -> list[str]:
    """Return esbuild's flags for one kind of entry.

    Args:
        target: The runtime: node24.
        natives: Packages with native code, which stay outside.
        source_map: Whether to write a map (the bundle's bytes are the same with and without).
        environment_credentials: Whether the SDK's default credential chain is reduced to the environment.
    """
    flags = [
        *FLAGS,
        f"--inject:{IMPORT_META_SHIM}",
        f"--target={target}",
        *(f"--external:{name}" for name in sorted(natives)),
    ]
    if source_map:
        flags.append("--sourcemap=external")
    if environment_credentials:
        flags.append(f"--alias:{CREDENTIALS_PACKAGE}={CREDENTIALS_SHIM}")
    return flags


def key_of_flags(flags: Sequence[str]) -> list[str]:
    """Return flags as a cache key holds them: with the content of a shim, not the folder it is installed in."""
    contents = {str(shim): digest_of(shim.read_bytes()) for shim in SHIMS}
    return [
        next((flag.replace(shim, content) for shim, content in contents.items() if flag.endswith(shim)), flag)
        for flag in flags
    ]


def platform_name() -> str:
    """Return the name of the npm package that holds this machine's binary: linux-x64."""
    machine = platform.machine().lower()
    return f"{sys.platform}-{_CPUS.get(machine, machine)}"


def _explicit(source: str) -> str:
    return source if source.startswith(("./", "../", "/")) or ":" in source[:3] else f"./{source}"


def _version(home: Path) -> str:
    return str(json.loads((home / "package.json").read_bytes())["version"])
