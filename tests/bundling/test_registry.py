"""Real packages with native code, fetched once: the right machine's code is in the bundle, and it runs here."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from constructs_lib.bundling.asset import Asset
from constructs_lib.bundling.machine import lambda_machine, this_machine
from tests.bundling.conftest import call_node
from tests.bundling.prefetch import bundle_natives
from tests.bundling.test_python_bundles import call_python

pytestmark = pytest.mark.registry

# https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html: e_machine
ELF_MACHINES = {62: "x86_64", 183: "arm64"}


def _elf_machines(asset: Asset, folder: Path) -> set[str]:
    """Return the machines that the shared objects of a bundle are for."""
    staged = asset.stage(folder)
    found = set()
    for path in staged.rglob("*"):
        if path.is_file() and path.read_bytes()[:4] == b"\x7fELF":
            (machine,) = struct.unpack_from("<H", path.read_bytes(), 18)
            found.add(ELF_MACHINES.get(machine, str(machine)))
    return found


def test_bundles_hold_code_for_lambda_whatever_builds_them(tmp_path: Path) -> None:
    size, seal, _ = bundle_natives(tmp_path / "project", lambda_machine("arm64"))
    assert _elf_machines(size, tmp_path / "out") == {"arm64"}
    assert _elf_machines(seal, tmp_path / "out") == {"arm64"}


def test_bundles_for_this_machine_run_here(tmp_path: Path) -> None:
    size, seal, _ = bundle_natives(tmp_path / "project", this_machine())
    assert call_node(size.stage(tmp_path / "out")) == 7
    assert call_python(seal.stage(tmp_path / "out"), "seal.handler", {"word": "sealed"}) == "sealed"


def test_a_second_bundle_of_either_kind_fetches_nothing(tmp_path: Path) -> None:
    for machine in (lambda_machine("arm64"), this_machine()):
        first = bundle_natives(tmp_path / f"{machine.is_lambda} first", machine)
        again = bundle_natives(tmp_path / f"{machine.is_lambda} again", machine)
        assert [asset.hash for asset in first[:2]] == [asset.hash for asset in again[:2]]
        assert set(again[2]) <= {"esbuild"}  # another folder: read again, but nothing is fetched
