"""The files of the code that an assembly deploys, as far as they are text that its authors may have written."""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource

CODE_OF = {"AWS::Lambda::Function": "Code", "AWS::Lambda::LayerVersion": "Content"}
ASSET_PATH = "aws:asset:path"  # metadata the CDK writes
STAGED = re.compile(r"([0-9a-f]{32,64})\.zip")
SUFFIXES = {"python": (".py",), "nodejs": (".js", ".mjs", ".cjs")}  # of the file with a handler, by the runtime
MOST_BYTES_OF_A_FILE = 1_000_000
MOST_BYTES = 64_000_000  # of one assembly: a count and no clock, so that the same input gives the same answer
MOST_FILES = 20_000
INFO = ".dist-info"  # what describes an installed Python package, beside its modules
OTHERS_CODE = frozenset({"node_modules", ".git", "__pycache__", "site-packages"})
NO_TEXT = frozenset(
    [
        ".a", ".bin", ".bmp", ".br", ".bz2", ".class", ".dll", ".dylib", ".eot", ".exe", ".gif", ".gz", ".ico", ".jar",
        ".jpeg", ".jpg", ".mo", ".mp3", ".mp4", ".node", ".o", ".otf", ".pdf", ".png", ".pyc", ".pyd", ".so", ".tar",
        ".tif", ".tiff", ".ttf", ".wasm", ".wav", ".webm", ".webp", ".whl", ".woff", ".woff2", ".xz", ".zip", ".zst",
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A text file of a bundle.

    Args:
        name: Its path inside of the bundle.
        text: What it says.
    """

    name: str
    text: str


class Bundles:
    """The bundles of an assembly, read one after the other until so many bytes are read."""

    def __init__(self) -> None:
        self._bytes, self._files = MOST_BYTES, MOST_FILES

    @property
    def is_exhausted(self) -> bool:
        """Whether something was left unread, since too much was read before."""
        return self._bytes < 0 or self._files < 0

    def files_of(self, folder: Path) -> Iterator[BundleFile]:
        """Yield the text files of a bundle that no package brought along."""
        for file in sorted(_files(folder)):
            name = file.relative_to(folder).as_posix() if file != folder else file.name
            if file.suffix.lower() in NO_TEXT:
                continue
            size = file.stat().st_size
            if not 0 < size <= MOST_BYTES_OF_A_FILE:
                continue
            self._bytes -= size
            self._files -= 1
            if self.is_exhausted:
                return
            content = file.read_bytes()
            if b"\0" not in content[:1024]:
                yield BundleFile(name, content.decode(errors="replace"))


def bundles_of(assembly: Assembly) -> Iterator[tuple[Path, Resource]]:
    """Yield the folder of each bundle that lies beside its template, once, with the first resource that has it."""
    seen = set()
    for resource in assembly.of_type(*CODE_OF):
        folder = _bundle_of(resource)
        if folder is not None and folder not in seen:
            seen.add(folder)
            yield folder, resource


@dataclass(frozen=True, slots=True)
class HandlerSource:
    """The file that holds the handler of a function.

    Args:
        name: Its path inside of the bundle.
        text: What it says.
        handler: The function in it that Lambda calls.
    """

    name: str
    text: str
    handler: str


def handler_source(function: Resource) -> HandlerSource | None:
    """The file with the handler, from the template or the bundle beside it; nothing where neither has it."""
    module, _, handler = (function.text("Handler") or "").rpartition(".")
    suffixes = next(
        (found for runtime, found in SUFFIXES.items() if (function.text("Runtime") or "").startswith(runtime)), ()
    )
    if not module or not suffixes:
        return None
    inline = function.text("Code", "ZipFile")
    if inline is not None:
        return HandlerSource(f"index{suffixes[0]}", inline, handler)
    folder = _bundle_of(function)
    if folder is None or not folder.is_dir():
        return None
    path = module.replace(".", "/") if suffixes == (".py",) else module
    for suffix in suffixes:
        file = folder / f"{path}{suffix}"
        if file.resolve().is_relative_to(folder) and file.is_file() and file.stat().st_size <= MOST_BYTES_OF_A_FILE:
            return HandlerSource(f"{path}{suffix}", file.read_bytes().decode(errors="replace"), handler)
    return None


def _bundle_of(resource: Resource) -> Path | None:
    template = resource.stack.template_path
    if template is None:
        return None
    told = resource.metadata.get(ASSET_PATH)
    staged = STAGED.fullmatch(resource.text(CODE_OF[resource.type], "S3Key") or "")
    name = told if isinstance(told, str) else f"asset.{staged[1]}" if staged is not None else None
    if name is None:
        return None
    if not os.path.exists(os.path.join(template.parent, name)):  # noqa: PTH110, PTH118 - asked for every function
        return None
    try:
        path, home = (template.parent / name).resolve(), template.parent.resolve()
        # Assemblies of stages keep their assets in the assembly above. Nothing else outside is any of our business.
        is_ours = path.is_relative_to(home) or path.parent == home.parent
        return path if is_ours and path != home and path.exists() else None
    except (OSError, ValueError, RuntimeError):  # no name for a file, or links in a circle
        return None


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    for base, folders, names in os.walk(folder):
        packages = {each for info in folders if info.endswith(INFO) for each in _modules(Path(base) / info)}
        folders[:] = [each for each in folders if each not in OTHERS_CODE | packages and not each.endswith(INFO)]
        for name in names:
            file = Path(base) / name
            if name.partition(".")[0] not in packages and file.is_file() and not file.is_symlink():
                yield file


def _modules(info: Path) -> set[str]:
    """The names an installed Python package is imported by, as far as what describes it tells."""
    told = info / "top_level.txt"
    listed = told.read_text(errors="replace").split() if told.is_file() else []
    record = info / "RECORD"
    rows = csv.reader(record.read_text(errors="replace").splitlines()) if record.is_file() else ()
    recorded = {row[0].partition("/")[0].partition(".")[0] for row in rows if row}
    return {info.name.partition("-")[0], *listed, *recorded} - {"", "bin"}
