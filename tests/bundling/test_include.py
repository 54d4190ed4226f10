"""`include` adds files to a bundle: never from outside of it, never hidden ones unasked, never what breaks it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from constructs_lib.problem import BundlingError
from tests.bundling.conftest import Sandbox, call_node
from tests.bundling.functions import PLACE, PRICE, code_of

FIX = "name files below that folder, whose paths they keep: data/*.json, or **/*.html"


def _three(what: str, where: str, fix: str) -> str:
    return f"{what}\n  at:  {where}\n  fix: {fix}"


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "reason"),
        [
            ("../shared/*.json", "leads out of the folder"),
            ("data/../../secret", "leads out of the folder"),
            ("..", "leads out of the folder"),
            ("..\\shared\\x", "leads out of the folder"),
            ("/etc/hostname", "is not relative to the folder"),
            ("C:\\data", "is not relative to the folder"),
            ("", "names no file"),
            (".", "names no file"),
            ("**.json", 'joins "**" with other letters, which is no glob'),
        ],
    )
    def test_that_lead_elsewhere_are_refused(
        self, node_project: Sandbox, python_project: Sandbox, pattern: str, reason: str
    ) -> None:
        for sandbox, entry in ((node_project, PRICE), (python_project, PLACE)):
            with pytest.raises(BundlingError) as caught:
                (sandbox.node if entry == PRICE else sandbox.python)(entry, include=(pattern,))
            assert str(caught.value) == _three(f'include "{pattern}" {reason}', entry, FIX)

    @pytest.mark.usefixtures("here")
    def test_are_refused_before_synth(self) -> None:
        with pytest.raises(BundlingError, match="leads out of the folder"):
            code_of(PRICE, include=("../x",))

    def test_take_hidden_files_only_where_they_say_so(self, node_project: Sandbox, python_project: Sandbox) -> None:
        for sandbox, folder in ((node_project, "handlers"), (python_project, "functions")):
            for name in (".env", ".git/x", "page.html", ".well-known/id.json", ".well-known/.env", "deep/.env"):
                sandbox.write(f"{folder}/{name}", "x")
        for (asset,) in (
            node_project.node(PRICE, include=("**/*.html", ".well-known/*")),
            python_project.python(PLACE, include=("*.html", ".well-known/*")),
        ):
            hidden = [name for name in asset.files if "." in {part[0] for part in name.split("/")}]
            assert hidden == [".well-known/id.json"]
            assert "page.html" in asset.files
        (asset,) = node_project.node(PRICE, include=("**/.env",))
        assert sorted(asset.files) == [".env", "deep/.env", "index.js"]

    def test_that_match_only_hidden_files_say_so(self, node_project: Sandbox) -> None:
        node_project.write("handlers/conf/.env", "x")
        with pytest.raises(BundlingError) as caught:
            node_project.node(PRICE, include=("conf/*",))
        assert str(caught.value) == _three(
            'include "conf/*" matches no file but hidden ones (searched: handlers)',
            PRICE,
            "name the dot: .well-known/*",
        )


class TestWhatWouldBreakTheBundle:
    @pytest.mark.parametrize("name", ["index.js", "index"])
    def test_a_file_of_the_bundles_own_name(self, node_project: Sandbox, name: str) -> None:
        node_project.write(f"handlers/{name}", "exports.handler = async () => 'not the bundle';")
        with pytest.raises(BundlingError) as caught:
            node_project.node(PRICE, include=("index*",))
        assert str(caught.value) == _three(
            f"include takes handlers/{name} along, where the bundle has its own {name}",
            PRICE,
            "narrow the pattern, or rename the file",
        )

    def test_a_package_that_makes_the_bundle_an_es_module(self, node_project: Sandbox) -> None:
        node_project.write("handlers/package.json", '{"type": "module", "version": "1.2.3"}')
        with pytest.raises(BundlingError) as caught:
            node_project.node(PRICE, include=("package.json",))
        assert str(caught.value) == _three(
            'include takes a package.json of "type": "module" along: index.js is CommonJS, and would not load',
            "handlers/package.json",
            "leave it out of include, and import what you need of it: the import is bundled",
        )

    def test_a_package_of_another_type_is_fine(self, node_project: Sandbox, tmp_path: Path) -> None:
        node_project.write("handlers/package.json", '{"version": "1.2.3"}')
        node_project.write("handlers/deep/package.json", '{"type": "module"}')
        (asset,) = node_project.node(PRICE, include=("**/package.json",))
        assert call_node(asset.stage(tmp_path), {"amount": 1.5}) == {"cents": 300}


def test_what_may_be_run_stays_so(node_project: Sandbox, python_project: Sandbox, tmp_path: Path) -> None:
    hashes = []
    for mode in (0o755, 0o644):
        for sandbox, folder in ((node_project, "handlers"), (python_project, "functions")):
            sandbox.write(f"{folder}/bin/tool", "#!/bin/sh\necho ran\n").chmod(mode)
        for asset in (
            *node_project.node(PRICE, include=("bin/*",)),
            *python_project.python(PLACE, include=("bin/*",)),
        ):
            hashes.append(asset.hash)
            tool = asset.stage(tmp_path / str(len(hashes))) / "bin" / "tool"
            assert tool.stat().st_mode & 0o777 == mode
            if mode == 0o755:
                assert subprocess.run([tool], capture_output=True, text=True, check=True).stdout == "ran\n"
    assert len(set(hashes)) == 4
