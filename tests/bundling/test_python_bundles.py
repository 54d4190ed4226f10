"""What a Python bundle is: the local files a handler imports, and what its requirements install."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from constructs_lib.bundling.machine import lambda_machine, this_machine
from constructs_lib.bundling.project import Project
from constructs_lib.bundling.python import PythonEntry, bundle_python, module_of, root_of
from tests.bundling.conftest import Sandbox
from tests.bundling.wheels_by_hand import make_wheel

PLACE, CANCEL = "functions/orders/place.py", "functions/orders/cancel.py"
OFFLINE = "--no-index\n--find-links ./wheels\n"


def call_python(folder: Path, handler: str, event: object) -> object:
    """Import a staged bundle as Lambda does, with boto3 from outside, and return what its handler answers."""
    module, _, name = handler.rpartition(".")
    script = (
        f"import importlib, json, sys, types; sys.path.insert(0, {str(folder)!r}); sys.dont_write_bytecode = True\n"
        "sys.modules['boto3'] = types.ModuleType('boto3')\n"
        f"print(json.dumps(importlib.import_module({module!r}).{name}({event!r}, None)))"
    )
    done = subprocess.run([sys.executable, "-S", "-E", "-c", script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


class TestLocalFiles:
    def test_are_those_the_handler_imports(self, python_project: Sandbox) -> None:
        place, cancel = python_project.python(PLACE, CANCEL)
        assert sorted(place.files) == ["orders/__init__.py", "orders/place.py", "orders/tax.py", "shared/money.py"]
        assert sorted(cancel.files) == ["orders/__init__.py", "orders/cancel.py", "shared/money.py"]

    def test_answer_under_the_handler_string(self, python_project: Sandbox, tmp_path: Path) -> None:
        folder = python_project.python(PLACE)[0].stage(tmp_path)
        assert call_python(folder, "orders.place.handler", {"amount": 4}) == {"total": 9.0, "json": "{}", "fast": False}

    def test_include_adds_data_and_modules_with_what_these_import(self, python_project: Sandbox) -> None:
        python_project.write("functions/plugins/one.py", "from shared import late\n")
        python_project.write("functions/shared/late.py", "")
        (asset,) = python_project.python(CANCEL, include=("shared/*.json", "plugins/*.py"))
        assert {"shared/hours.json", "plugins/one.py", "shared/late.py"} <= set(asset.files)

    def test_a_literal_import_module_is_followed(self, python_project: Sandbox) -> None:
        python_project.write(
            "functions/orders/late.py",
            "import importlib\ndef handler(e, c):\n importlib.import_module('shared.money')\n",
        )
        assert "shared/money.py" in python_project.python("functions/orders/late.py")[0].files

    @pytest.mark.parametrize(
        "source",
        [
            "from . import tax",
            "from .tax import of",
            "import orders.tax",
            "from orders import tax",
            "def late():\n    from orders.tax import of",
            "try:\n    import orders.tax\nexcept ImportError:\n    pass",
        ],
    )
    def test_every_form_of_import_is_followed(self, python_project: Sandbox, source: str) -> None:
        python_project.write("functions/orders/form.py", f"{source}\ndef handler(e, c): ...\n")
        (asset,) = python_project.python("functions/orders/form.py")
        assert "orders/tax.py" in asset.files


class TestRoot:
    def test_is_the_nearest_folder_with_requirements(self, python_project: Sandbox) -> None:
        folder = python_project.folder
        assert root_of(folder / PLACE, folder) == folder / "functions"
        assert module_of(folder / PLACE, folder / "functions") == "orders.place"

    def test_is_the_entrys_folder_without_any(self, empty_project: Sandbox) -> None:
        entry = empty_project.write("lambdas/one.py", "def handler(e, c): ...")
        assert root_of(entry, empty_project.folder) == entry.parent

    def test_is_never_the_folder_of_the_app_whose_requirements_are_its_own(self, empty_project: Sandbox) -> None:
        empty_project.write("requirements.txt", "aws-cdk-lib>=2")
        entry = empty_project.write("lambdas/one.py", "def handler(e, c): ...")
        assert root_of(entry, empty_project.folder) == entry.parent
        assert sorted(empty_project.python("lambdas/one.py")[0].files) == ["one.py"]

    def test_of_a_package_is_named_without_init(self, empty_project: Sandbox) -> None:
        entry = empty_project.write("lambdas/users/__init__.py", "def handler(e, c): ...")
        assert module_of(entry, empty_project.folder / "lambdas") == "users"


@pytest.fixture
def wheels(python_project: Sandbox) -> Sandbox:
    folder = python_project.folder / "functions" / "wheels"
    make_wheel(
        folder,
        "pure-lib",
        "1.2.3",
        {
            "pure_lib/__init__.py": "def hello(): return 'pure'",
            "pure_lib/__init__.pyi": "def hello() -> str: ...",
            "pure_lib/tests/test_it.py": "assert False",
            "pure_lib/data.json": "{}",
        },
        requires=["helper-lib>=1", "boto3>=1.20"],
        scripts=["pure"],
    )
    make_wheel(
        folder, "helper-lib", "1.0", {"helper_lib.py": "x = 1"}, requires=["urllib3>=1", "fancy; extra == 'all'"]
    )
    make_wheel(folder, "urllib3", "2.0", {"urllib3/__init__.py": ""})
    make_wheel(folder, "boto3", "1.43.0", {"boto3/__init__.py": ""}, requires=["botocore", "jmespath"])
    make_wheel(folder, "botocore", "1.43.0", {"botocore/__init__.py": ""})
    make_wheel(folder, "jmespath", "1.0", {"jmespath/__init__.py": ""})
    python_project.write(
        "functions/requirements.txt",
        OFFLINE + "pure-lib==1.2.3\nhelper-lib==1.0\nurllib3==2.0\nboto3==1.43.0\nbotocore==1.43.0\njmespath==1.0\n",
    )
    return python_project


class TestDistributions:
    def test_hold_code_and_metadata_and_nothing_of_this_machine(self, wheels: Sandbox) -> None:
        (asset,) = wheels.python(CANCEL)
        brought = {name for name in asset.files if not name.startswith(("orders/", "shared/"))}
        assert brought == {
            *("helper_lib-1.0.dist-info/METADATA", "helper_lib-1.0.dist-info/WHEEL", "helper_lib.py"),
            *("pure_lib-1.2.3.dist-info/METADATA", "pure_lib-1.2.3.dist-info/WHEEL", "pure_lib/__init__.py"),
            *("pure_lib-1.2.3.dist-info/entry_points.txt", "pure_lib/data.json"),
            *("urllib3-2.0.dist-info/METADATA", "urllib3-2.0.dist-info/WHEEL", "urllib3/__init__.py"),
        }

    def test_leave_out_what_the_runtime_brings_and_say_so(self, wheels: Sandbox) -> None:
        (asset,) = wheels.python(CANCEL, python=(3, 14))
        assert not any(name.startswith(("boto3", "botocore", "jmespath")) for name in asset.files)
        (note,) = asset.notes
        assert note == (
            "functions/requirements.txt:6 pins boto3 1.43.0, but the runtime brings its own, whose version AWS"
            " chooses: bundle_sdk=True takes the pinned one along"
        )

    def test_take_the_sdk_along_when_asked(self, wheels: Sandbox) -> None:
        (asset,) = wheels.python(CANCEL, bundle_sdk=True)
        assert {"boto3/__init__.py", "botocore/__init__.py", "jmespath/__init__.py"} <= set(asset.files)
        assert asset.notes == ()

    def test_keep_what_the_sdk_shares_once_the_handler_imports_it(self, wheels: Sandbox) -> None:
        wheels.write(CANCEL, "import jmespath\ndef handler(e, c): ...\n")
        assert "jmespath/__init__.py" in wheels.python(CANCEL)[0].files

    def test_are_installed_once_for_all_functions(self, wheels: Sandbox) -> None:
        wheels.python(PLACE, CANCEL)
        assert wheels.launcher.tools == ["uv"]

    def test_can_be_imported_from_the_bundle(self, wheels: Sandbox, tmp_path: Path) -> None:
        wheels.write(CANCEL, "import pure_lib\ndef handler(e, c): return pure_lib.hello()\n")
        assert call_python(wheels.python(CANCEL)[0].stage(tmp_path), "orders.cancel.handler", {}) == "pure"

    def test_are_linked_not_copied(self, wheels: Sandbox) -> None:
        staged = wheels.python(CANCEL)[0].stage(wheels.folder / "cdk.out")
        assert (staged / "helper_lib.py").stat().st_nlink == 2
        assert (staged / "orders" / "cancel.py").stat().st_nlink == 1

    def test_are_mended_in_the_assembly(self, wheels: Sandbox) -> None:
        staged = wheels.python(CANCEL)[0].stage(wheels.folder / "cdk.out") / "helper_lib.py"
        for text in ("x = 2", "longer = 3"):
            staged.write_text(text)
            assert (wheels.python(CANCEL)[0].stage(wheels.folder / "cdk.out") / "helper_lib.py") == staged
            assert staged.read_text() == "x = 1"

    def test_a_wheel_is_chosen_for_the_machine(self, wheels: Sandbox) -> None:
        folder = wheels.folder / "functions" / "wheels"
        for cpu in ("aarch64", "x86_64"):
            tag = f"cp314-cp314-manylinux_2_28_{cpu}"
            make_wheel(folder, "fast", "1.0", {f"fast.cpython-314-{cpu}-linux-gnu.so": cpu}, tag=tag)
        wheels.write("functions/requirements.txt", OFFLINE + "fast==1.0\n")
        wheels.write(CANCEL, "import fast\ndef handler(e, c): ...\n")
        names = [
            sorted(name for name in wheels.python(CANCEL, machine=lambda_machine(cpu))[0].files if name.endswith(".so"))
            for cpu in ("arm64", "x86_64")
        ]
        assert names == [["fast.cpython-314-aarch64-linux-gnu.so"], ["fast.cpython-314-x86_64-linux-gnu.so"]]

    def test_pure_ones_make_the_same_bundle_for_every_machine(self, wheels: Sandbox) -> None:
        hashes = {
            wheels.python(CANCEL, machine=machine)[0].hash
            for machine in (lambda_machine("arm64"), lambda_machine("x86_64"), this_machine())
        }
        assert len(hashes) == 1


class TestCache:
    def test_a_second_run_starts_no_process(self, wheels: Sandbox) -> None:
        (cold,) = wheels.python(PLACE)
        (warm,) = wheels.python(PLACE)
        assert wheels.launcher.tools == ["uv"]
        assert warm.hash == cold.hash

    def test_editing_one_handler_moves_one_asset(self, wheels: Sandbox) -> None:
        before = [asset.hash for asset in wheels.python(PLACE, CANCEL)]
        wheels.write(CANCEL, "def handler(event, context): return 1\n")
        after = [asset.hash for asset in wheels.python(PLACE, CANCEL)]
        assert [old == new for old, new in zip(before, after, strict=True)] == [True, False]
        assert wheels.launcher.tools == ["uv"]

    @pytest.mark.parametrize(
        ("path", "added"),
        [
            ("functions/shared/money/__init__.py", "shared/money/__init__.py"),  # a package wins over the module
            ("functions/shared/__init__.py", "shared/__init__.py"),
            ("functions/orjson.py", "orjson.py"),  # was an optional import from outside
            ("functions/boto3/__init__.py", "boto3/__init__.py"),
        ],
    )
    def test_a_file_that_changes_what_an_import_means_is_seen(
        self, python_project: Sandbox, path: str, added: str
    ) -> None:
        assert added not in python_project.python(PLACE)[0].files
        python_project.write(path, "def total(amount): return 0")
        assert added in python_project.python(PLACE)[0].files

    def test_a_new_file_that_include_matches_is_seen(self, python_project: Sandbox) -> None:
        python_project.python(CANCEL, include=("shared/*.json",))
        python_project.write("functions/shared/more.json", "{}")
        assert "shared/more.json" in python_project.python(CANCEL, include=("shared/*.json",))[0].files

    def test_a_damaged_tree_is_installed_again(self, wheels: Sandbox) -> None:
        (before,) = wheels.python(CANCEL)
        for path in (wheels.cache / "trees").rglob("helper_lib.py"):
            path.write_text("x = 2")
        (after,) = wheels.python(CANCEL)
        assert after.hash == before.hash
        assert wheels.launcher.tools == ["uv", "uv"]

    def test_a_damaged_record_is_made_again(self, wheels: Sandbox) -> None:
        (before,) = wheels.python(CANCEL)
        for path in (wheels.cache / "records").iterdir():
            path.write_text("{")
        assert wheels.python(CANCEL)[0].hash == before.hash

    def test_the_same_tree_elsewhere_has_the_same_hash(self, wheels: Sandbox, tmp_path: Path) -> None:
        elsewhere = tmp_path / "else where"
        subprocess.run(["cp", "-r", wheels.folder / "functions", tmp_path / "functions"], check=True)
        elsewhere.mkdir()
        (tmp_path / "functions").rename(elsewhere / "functions")
        there = Sandbox(elsewhere)
        assert [asset.hash for asset in there.python(PLACE, CANCEL)] == [
            asset.hash for asset in wheels.python(PLACE, CANCEL)
        ]


def test_the_fixture_is_python_that_this_version_reads(python_project: Sandbox) -> None:
    for path in (python_project.folder / "functions").rglob("*.py"):
        ast.parse(path.read_text())


def test_this_machine_gets_wheels_for_the_running_python(python_project: Sandbox) -> None:
    major, minor = sys.version_info[:2]
    tag = f"cp{major}{minor}-cp{major}{minor}-"
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    folder = python_project.folder / "functions" / "wheels"
    make_wheel(folder, "fast", "1.0", {"fast.py": "here = True"}, tag=f"{tag}{platform}")
    python_project.write("functions/requirements.txt", OFFLINE + "fast==1.0\n")
    project = Project(python_project.folder, python_project.launcher)
    (asset,) = bundle_python([PythonEntry(project.folder / CANCEL, this_machine(), python=(3, 14))], project)
    assert "fast.py" in asset.files
