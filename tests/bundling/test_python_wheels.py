"""What requirements.txt says is what a bundle holds, however it is written and whatever its wheels bring."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from constructs_lib.problem import BundlingError
from tests.bundling.conftest import Sandbox
from tests.bundling.wheels_by_hand import make_wheel

ENTRY = "functions/entry.py"
REQUIREMENTS = "functions/requirements.txt"
HANDLER = "def handler(event, context): ...\n"
OFFLINE = "--no-index\n--find-links ./wheels\n"


@pytest.fixture
def shop(python_project: Sandbox) -> Sandbox:
    """A project with an entry that imports a wheel, which its requirements name."""
    make_wheel(_wheels(python_project), "shop", "1.0", {"shop/__init__.py": "import json\n"})
    python_project.write(REQUIREMENTS, f"{OFFLINE}shop==1.0\n")
    python_project.write(ENTRY, f"import shop\n{HANDLER}")
    return python_project


def _wheels(sandbox: Sandbox) -> Path:
    return sandbox.folder / "functions" / "wheels"


def _error(sandbox: Sandbox) -> str:
    with pytest.raises(BundlingError) as caught:
        sandbox.python(ENTRY)
    return str(caught.value)


def _three(what: str, where: str, fix: str) -> str:
    return f"{what}\n  at:  {where}\n  fix: {fix}"


class TestEncoding:
    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
    def test_with_a_mark_is_understood(self, shop: Sandbox, encoding: str) -> None:
        text = f"# café\r\n{OFFLINE}shop==1.0\r\n"
        (shop.folder / REQUIREMENTS).write_bytes(text.encode(encoding))
        assert "shop/__init__.py" in shop.python(ENTRY)[0].files

    def test_without_one_must_be_utf_8(self, shop: Sandbox) -> None:
        (shop.folder / REQUIREMENTS).write_bytes("# café\nshop==1.0\n".encode("latin-1"))
        assert _error(shop) == _three(
            "requirements.txt is not UTF-8 (byte 6 is 0xe9)", REQUIREMENTS, "save it as UTF-8"
        )


class TestPaths:
    def test_are_relative_to_the_file_they_stand_in(self, shop: Sandbox) -> None:
        shutil.move(_wheels(shop), shop.folder / "functions" / "deep" / "wheels")
        shop.write("functions/deep/more.txt", f"{OFFLINE}-c limits.txt\nshop==1.0\n")
        shop.write("functions/deep/limits.txt", "shop==1.0\n")
        shop.write(REQUIREMENTS, "-r deep/more.txt\n")
        assert "shop/__init__.py" in shop.python(ENTRY)[0].files

    def test_of_constraints_are_read_again_when_these_change(self, shop: Sandbox) -> None:
        shop.write("functions/limits.txt", "shop<2\n")
        shop.write(REQUIREMENTS, f"{OFFLINE}--constraint=limits.txt\nshop==1.0\n")
        shop.python(ENTRY)
        shop.write("functions/limits.txt", "shop>=2\n")
        assert _error(shop).startswith("uv cannot install the requirements: ")

    def test_of_constraints_that_are_not_there(self, shop: Sandbox) -> None:
        shop.write(REQUIREMENTS, f"{OFFLINE}-c limits.txt\nshop==1.0\n")
        assert _error(shop) == _three(
            f"limits.txt does not exist, but {REQUIREMENTS} names it as a constraint",
            "functions/limits.txt",
            "create it, or remove the line that names it",
        )


class TestFoldersNamedTests:
    def test_stay_where_the_package_itself_imports_them(self, shop: Sandbox) -> None:
        make_wheel(
            _wheels(shop),
            "base",
            "1.0",
            {
                "base/__init__.py": "from base.tests import cases\n",
                "base/tests/__init__.py": "",
                "base/tests/cases.py": "",
            },
        )
        make_wheel(_wheels(shop), "quiet", "1.0", {"quiet/__init__.py": "# tests\n", "quiet/tests/test_it.py": ""})
        shop.write(REQUIREMENTS, f"{OFFLINE}base==1.0\nquiet==1.0\n")
        shop.write(ENTRY, f"import base, quiet\n{HANDLER}")
        files = shop.python(ENTRY)[0].files
        assert "base/tests/cases.py" in files
        assert "quiet/tests/test_it.py" not in files

    def test_are_an_error_where_only_the_handler_imports_them(self, shop: Sandbox) -> None:
        make_wheel(_wheels(shop), "quiet", "1.0", {"quiet/__init__.py": "", "quiet/tests/cases.py": ""})
        shop.write(REQUIREMENTS, f"{OFFLINE}quiet==1.0\n")
        shop.write(ENTRY, f"from quiet.tests.cases import one\n{HANDLER}")
        assert _error(shop) == _three(
            '"quiet.tests.cases" is not in the bundle: folders named tests are left out',
            f"{ENTRY}:1:1",
            "copy what you need of it to your own code",
        )


class TestExtras:
    @pytest.mark.parametrize(("asked", "kept"), [("shop[http]", True), ("shop[Other,http]", True), ("shop", False)])
    def test_that_are_asked_for_take_what_they_need_along(self, shop: Sandbox, asked: str, *, kept: bool) -> None:
        make_wheel(_wheels(shop), "shop", "2.0", {"shop/__init__.py": ""}, requires=['urllib3; extra == "http"'])
        make_wheel(_wheels(shop), "urllib3", "9.9", {"urllib3/__init__.py": ""})
        shop.write(REQUIREMENTS, f"{OFFLINE}{asked}==2.0\nurllib3==9.9\n")
        assert ("urllib3/__init__.py" in shop.python(ENTRY)[0].files) == kept

    def test_may_be_asked_for_by_another_distribution(self, shop: Sandbox) -> None:
        make_wheel(_wheels(shop), "shop", "2.0", {"shop/__init__.py": ""}, requires=["urllib3; extra == 'http'"])
        make_wheel(_wheels(shop), "urllib3", "9.9", {"urllib3/__init__.py": ""})
        make_wheel(_wheels(shop), "mall", "1.0", {"mall.py": ""}, requires=["shop[http]>=2"])
        shop.write(REQUIREMENTS, f"{OFFLINE}shop==2.0\nmall==1.0\nurllib3==9.9\n")
        assert "urllib3/__init__.py" in shop.python(ENTRY)[0].files


class TestTwoDistributions:
    def test_of_one_file_with_different_content_are_refused(self, shop: Sandbox) -> None:
        make_wheel(_wheels(shop), "shop-two", "1.0", {"shop/__init__.py": "v = 2\n"})
        shop.write(REQUIREMENTS, f"{OFFLINE}shop==1.0\nshop-two==1.0\n")
        assert _error(shop) == _three(
            "shop and shop-two both bring shop/__init__.py, and the bundle can only hold one of the two",
            f"{REQUIREMENTS}:4",
            "remove one of the two from the requirements",
        )

    def test_of_one_file_with_the_same_content_are_fine(self, shop: Sandbox) -> None:
        make_wheel(_wheels(shop), "shop-two", "1.0", {"shop/__init__.py": "import json\n", "shop/two.py": ""})
        shop.write(REQUIREMENTS, f"{OFFLINE}shop==1.0\nshop-two==1.0\n")
        assert {"shop/__init__.py", "shop/two.py"} <= set(shop.python(ENTRY)[0].files)


def test_a_local_module_hidden_by_a_package_is_refused(shop: Sandbox) -> None:
    shop.write("functions/shop.py", "")
    assert _error(shop) == _three(
        "shop.py and shop/__init__.py of a distribution are one module to Python",
        "functions/shop.py",
        "rename the file",
    )
