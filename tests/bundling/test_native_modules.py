"""Packages with native code stay outside the bundle and are installed for the machine it will run on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.bundling.machine import Machine, lambda_machine, this_machine
from constructs_lib.bundling.node import NodeEntry, bundle_node
from constructs_lib.bundling.npm_lock import NpmLock, runs_on
from constructs_lib.bundling.process import Finished, launch
from constructs_lib.bundling.project import Project
from constructs_lib.problem import BundlingError
from tests.bundling.conftest import Sandbox, call_node

ARM64, X64 = lambda_machine("arm64"), lambda_machine("x86_64")
BUILDS = {
    "linux-arm64": {"os": ["linux"], "cpu": ["arm64"], "libc": ["glibc"]},
    "linuxmusl-arm64": {"os": ["linux"], "cpu": ["arm64"], "libc": ["musl"]},
    "linux-x64": {"os": ["linux"], "cpu": ["x64"], "libc": ["glibc"]},
    "darwin-arm64": {"os": ["darwin"], "cpu": ["arm64"]},
}
PACKAGES: dict[str, Any] = {
    "": {"name": "shop"},
    "node_modules/fast-image": {
        "version": "2.0.0",
        "dependencies": {"tiny": "^1.0.0"},
        "optionalDependencies": {f"@fast/{name}": "2.0.0" for name in BUILDS},
    },
    **{f"node_modules/@fast/{name}": {"version": "2.0.0", "optional": True, **build} for name, build in BUILDS.items()},
    "node_modules/tiny": {"version": "1.0.0"},
    "node_modules/wrapper": {"version": "1.0.0", "dependencies": {"fast-image": "2"}},
    "node_modules/unrelated": {"version": "9.0.0", "dev": True},
}


def _lock(packages: dict[str, Any], folder: Path = Path()) -> NpmLock:
    return NpmLock(folder / "package-lock.json", packages)


class FakeNpm:
    """Installs what a lock says, and leaves esbuild alone."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Finished:
        if Path(argv[0]).stem != "npm":
            return launch(argv, cwd=cwd, env=env)
        self.calls.append(list(argv[1:]))
        flags = dict(word[2:].split("=") for word in argv if word.startswith("--") and "=" in word)
        machine = Machine(flags["os"], flags["cpu"], flags.get("libc", ""), is_lambda=True)
        for location, package in json.loads((cwd / "package-lock.json").read_bytes())["packages"].items():
            if location and runs_on(package, machine):
                home = cwd / location
                home.mkdir(parents=True)
                (home / "package.json").write_text(json.dumps({"name": home.name, "version": package["version"]}))
                (home / "index.js").write_text(f"exports.from = {json.dumps(location)};")
        (cwd / "node_modules" / ".package-lock.json").write_text('{"resolved": "https://registry.example"}')
        return Finished(0, "", "")


@pytest.fixture
def natives(empty_project: Sandbox) -> Sandbox:
    empty_project.write("package.json", "{}")
    empty_project.write("package-lock.json", json.dumps({"lockfileVersion": 3, "packages": PACKAGES}))
    empty_project.package("fast-image", {"index.js": "require('./this-machine.node');"})
    empty_project.package("wrapper", {"index.js": "exports.image = require('fast-image/index.js');"})
    empty_project.write("thumb.ts", 'import image from "fast-image"; export const handler = async () => image;')
    empty_project.write("wrapped.ts", 'import { image } from "wrapper"; export const handler = async () => image;')
    empty_project.write("pure.ts", "export const handler = async () => 1;")
    return empty_project


def _bundle(sandbox: Sandbox, npm: FakeNpm, machine: Machine, *entries: str) -> list[Any]:
    project = Project(sandbox.folder, npm)
    return bundle_node([NodeEntry(project.folder / entry, machine=machine) for entry in entries], project)


class TestBundle:
    def test_holds_just_what_the_native_package_needs_there(self, natives: Sandbox, tmp_path: Path) -> None:
        npm = FakeNpm()
        (asset,) = _bundle(natives, npm, ARM64, "thumb.ts")
        assert {name.rpartition("/")[0] for name in asset.files} == {
            "",
            "node_modules/fast-image",
            "node_modules/@fast/linux-arm64",
            "node_modules/tiny",
        }
        assert npm.calls[0][:3] == ["ci", "--ignore-scripts", "--omit=dev"]
        assert npm.calls[0][-3:] == ["--os=linux", "--cpu=arm64", "--libc=glibc"]
        assert call_node(asset.stage(tmp_path)) == {"from": "node_modules/fast-image"}

    def test_finds_it_behind_a_package_that_is_bundled(self, natives: Sandbox) -> None:
        (asset,) = _bundle(natives, FakeNpm(), ARM64, "wrapped.ts")
        assert "node_modules/fast-image/index.js" in asset.files
        assert "node_modules/wrapper/index.js" not in asset.files

    def test_holds_nothing_of_the_registry_or_the_machine(self, natives: Sandbox) -> None:
        (asset,) = _bundle(natives, FakeNpm(), ARM64, "thumb.ts")
        assert "node_modules/.package-lock.json" not in asset.files

    def test_is_installed_once(self, natives: Sandbox) -> None:
        npm = FakeNpm()
        _bundle(natives, npm, ARM64, "thumb.ts", "wrapped.ts")
        _bundle(natives, npm, ARM64, "thumb.ts", "wrapped.ts")
        assert len(npm.calls) == 1

    def test_differs_by_machine_only_where_there_is_native_code(self, natives: Sandbox) -> None:
        npm = FakeNpm()
        thumb, pure = _bundle(natives, npm, ARM64, "thumb.ts", "pure.ts")
        thumb_x64, pure_x64 = _bundle(natives, npm, X64, "thumb.ts", "pure.ts")
        assert pure.hash == pure_x64.hash
        assert thumb.hash != thumb_x64.hash

    def test_a_file_of_the_tree_that_changed_is_installed_again(self, natives: Sandbox, tmp_path: Path) -> None:
        npm = FakeNpm()
        (before,) = _bundle(natives, npm, ARM64, "thumb.ts")
        staged = before.stage(tmp_path / "out")
        (staged / "node_modules" / "tiny" / "index.js").write_text("damaged through the link")
        (after,) = _bundle(natives, npm, ARM64, "thumb.ts")
        assert after.hash == before.hash
        assert len(npm.calls) == 2
        again = after.stage(tmp_path / "again")
        assert "damaged" not in (again / "node_modules" / "tiny" / "index.js").read_text()


class TestRefusals:
    def test_two_versions_of_one_native_package(self, natives: Sandbox) -> None:
        packages = {**PACKAGES, "node_modules/wrapper/node_modules/fast-image": {"version": "1.0.0", "os": ["linux"]}}
        natives.write("package-lock.json", json.dumps({"packages": packages}))
        natives.write(
            "both.ts",
            'import i from "fast-image"; import { image } from "wrapper";\nexport const handler = () => [i, image];',
        )
        with pytest.raises(BundlingError) as caught:
            _bundle(natives, FakeNpm(), ARM64, "both.ts")
        assert caught.value.problems[0].what == (
            "fast-image is needed in two versions: 1.0.0, 2.0.0;"
            " native code stays outside the bundle, where only one fits"
        )

    def test_a_lock_that_lacks_the_build_for_lambda(self, natives: Sandbox) -> None:
        packages = {name: package for name, package in PACKAGES.items() if name != "node_modules/@fast/linux-arm64"}
        natives.write("package-lock.json", json.dumps({"packages": packages}))
        with pytest.raises(BundlingError) as caught:
            _bundle(natives, FakeNpm(), ARM64, "thumb.ts")
        assert str(caught.value) == (
            "package-lock.json lacks the builds of fast-image for Lambda's linux arm64: @fast/linux-arm64\n"
            "  at:  thumb.ts\n"
            "  fix: npm install --package-lock-only --os=linux --cpu=arm64 --libc=glibc fast-image@2.0.0"
        )

    def test_a_package_without_a_build_for_the_machine(self, natives: Sandbox) -> None:
        with pytest.raises(BundlingError) as caught:
            _bundle(natives, FakeNpm(), Machine("win32", "arm64", "", is_lambda=False), "thumb.ts")
        assert caught.value.problems[0].what == "fast-image 2.0.0 has no build for this machine's win32 arm64"

    def test_a_package_that_compiles_itself(self, natives: Sandbox) -> None:
        packages = {"node_modules/compiled": {"version": "1.0.0", "hasInstallScript": True}}
        natives.write("package-lock.json", json.dumps({"packages": packages}))
        natives.package("compiled", {"binding.gyp": "{}", "index.js": ""})
        natives.write("c.ts", 'import x from "compiled"; export const handler = () => x;')

        class WithSources(FakeNpm):
            def __call__(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Finished:
                done = super().__call__(argv, cwd=cwd, env=env)
                if (cwd / "node_modules" / "compiled").is_dir():
                    (cwd / "node_modules" / "compiled" / "binding.gyp").write_text("{}")
                return done

        with pytest.raises(BundlingError) as caught:
            _bundle(natives, WithSources(), ARM64, "c.ts")
        assert str(caught.value) == (
            "compiled 1.0.0 is compiled when installed, and brings no build for Lambda's linux arm64\n"
            "  at:  c.ts\n"
            "  fix: use a package with prebuilt binaries, or put one in a Lambda layer"
        )

    def test_npm_without_a_network(self, natives: Sandbox) -> None:
        def offline(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Finished:
            if Path(argv[0]).stem == "npm":
                return Finished(1, "", "npm error code ENOTFOUND\nnpm error network request failed\n")
            return launch(argv, cwd=cwd, env=env)

        project = Project(natives.folder, offline)
        with pytest.raises(BundlingError) as caught:
            bundle_node([NodeEntry(project.folder / "thumb.ts")], project)
        assert str(caught.value) == (
            "npm cannot install fast-image for Lambda's linux arm64: network request failed\n"
            "  at:  thumb.ts\n"
            "  fix: connect to the npm registry once; the result is cached"
        )


class TestLock:
    def test_names_packages_that_choose_by_platform_and_nothing_else(self) -> None:
        assert _lock(PACKAGES).native_packages() == sorted(["fast-image", *(f"@fast/{name}" for name in BUILDS)])

    def test_an_install_script_alone_is_no_native_code(self, tmp_path: Path) -> None:
        packages = {
            "node_modules/core": {"version": "1.0.0", "hasInstallScript": True},
            "node_modules/prebuilt": {"version": "1.0.0", "hasInstallScript": True},
        }
        (tmp_path / "node_modules" / "core").mkdir(parents=True)
        (tmp_path / "node_modules" / "prebuilt" / "prebuilds").mkdir(parents=True)
        assert _lock(packages, tmp_path).native_packages() == ["prebuilt"]

    @pytest.mark.parametrize(
        ("importer", "expected"),
        [
            ("", "node_modules/a"),
            ("src/deep", "node_modules/a"),
            ("node_modules/b", "node_modules/b/node_modules/a"),
            ("node_modules/b/lib", "node_modules/b/node_modules/a"),
            ("packages/one/src", "packages/one/node_modules/a"),
        ],
    )
    def test_finds_a_package_as_node_does(self, importer: str, expected: str) -> None:
        places = ["node_modules/a", "node_modules/b", "node_modules/b/node_modules/a", "packages/one/node_modules/a"]
        assert _lock({place: {"version": "1"} for place in places}).locate("a", importer) == expected

    def test_keeps_two_versions_apart(self) -> None:
        packages = {
            "node_modules/top": {"version": "1", "dependencies": {"a": "2", "b": "1"}},
            "node_modules/a": {"version": "1"},
            "node_modules/b": {"version": "1", "dependencies": {"a": "1"}},
            "node_modules/top/node_modules/a": {"version": "2"},
        }
        subset = _lock(packages).subset(["node_modules/top", "node_modules/a"], ARM64)
        assert {place: package["version"] for place, package in subset.items()} == {
            "node_modules/top": "1",
            "node_modules/a": "1",
            "node_modules/top/node_modules/a": "2",
            "node_modules/b": "1",
        }

    def test_ends_on_circular_dependencies(self) -> None:
        packages = {
            "node_modules/a": {"version": "1", "dependencies": {"b": "1"}},
            "node_modules/b": {"version": "1", "dependencies": {"a": "1"}},
        }
        assert sorted(_lock(packages).subset(["node_modules/a"], ARM64)) == ["node_modules/a", "node_modules/b"]

    @pytest.mark.parametrize(
        ("package", "expected"),
        [
            ({}, True),
            ({"os": ["linux"]}, True),
            ({"os": ["!win32"]}, True),
            ({"os": ["!linux"]}, False),
            ({"os": "darwin"}, False),
            ({"cpu": ["x64", "arm64"]}, True),
            ({"os": ["linux"], "libc": ["musl"]}, False),
        ],
    )
    def test_reads_platforms_as_npm_does(self, package: dict[str, Any], *, expected: bool) -> None:
        assert runs_on(package, ARM64) is expected


def test_this_machine_is_named_as_npm_names_it() -> None:
    machine = this_machine()
    assert machine.system in {"linux", "darwin", "win32"}
    assert machine.cpu in {"x64", "arm64"}
    assert machine.is_lambda is False
