"""Imports are read as Python would run them: what is local, what the version leaves out, what is optional."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from constructs_lib.bundling.python_names import defined_names
from constructs_lib.problem import BundlingError
from tests.bundling.conftest import Sandbox
from tests.bundling.functions import code_of
from tests.bundling.wheels_by_hand import make_wheel

ENTRY = "functions/entry.py"
HANDLER = "def handler(event, context): ...\n"
OFFLINE = "--no-index\n--find-links ./wheels\n"


def _error(sandbox: Sandbox, entry: str = ENTRY, **settings: Any) -> str:
    with pytest.raises(BundlingError) as caught:
        sandbox.python(entry, **settings)
    return str(caught.value)


def _three(what: str, where: str, fix: str) -> str:
    return f"{what}\n  at:  {where}\n  fix: {fix}"


class TestFoldersWithoutInit:
    @pytest.mark.parametrize(
        ("source", "data"),
        [
            ("import email.utils", "email/welcome.html"),
            ("import logging.handlers", "logging/conf.yaml"),
            ("from concurrent import futures", "concurrent/x.py"),
        ],
    )
    def test_do_not_hide_the_standard_library(self, python_project: Sandbox, source: str, data: str) -> None:
        python_project.write(f"functions/{data}", "x = 1")
        python_project.write(ENTRY, f"{source}\n{HANDLER}")
        assert list(python_project.python(ENTRY)[0].files) == ["entry.py"]

    def test_are_hidden_by_it_themselves(self, python_project: Sandbox) -> None:
        python_project.write("functions/email/send.py", "")
        python_project.write(ENTRY, f"import email.send\n{HANDLER}")
        assert _error(python_project) == _three(
            '"email.send" is hidden:'
            " Python takes the email of its standard library before a folder without __init__.py",
            f"{ENTRY}:1:1",
            "rename the folder functions/email",
        )

    def test_are_no_package_without_python_in_them(self, python_project: Sandbox) -> None:
        make_wheel(python_project.folder / "functions" / "wheels", "shop", "1.0", {"shop/cart.py": ""})
        python_project.write("functions/requirements.txt", f"{OFFLINE}shop==1.0\n")
        python_project.write("functions/shop/page.html", "")
        python_project.write(ENTRY, f"import shop.cart\n{HANDLER}")
        assert "shop/cart.py" in python_project.python(ENTRY)[0].files
        python_project.write("functions/shop/late.py", "")
        assert 'no module "shop.cart"' in _error(python_project)


class TestBranches:
    @pytest.mark.parametrize(
        ("test", "taken"),
        [
            ("sys.version_info >= (3, 11)", True),
            ("sys.version_info < (3, 13)", True),
            ("sys.version_info[:2] == (3, 12)", True),
            ("sys.version_info > (3, 12)", True),  # 3.12.1 is more than 3.12
            ("sys.version_info <= (3, 12)", False),
            ("sys.version_info >= (3, 13)", False),
            ("version_info[0] == 2", False),
            ("sys.version_info.minor >= 12", True),
            ("sys.version_info.major < 3", False),
        ],
    )
    def test_only_the_one_the_target_takes_is_read(self, python_project: Sandbox, test: str, *, taken: bool) -> None:
        lines = ("import gone", "pass") if not taken else ("pass", "import gone")
        python_project.write(ENTRY, f"import sys\nif {test}:\n    {lines[0]}\nelse:\n    {lines[1]}\n{HANDLER}")
        assert len(python_project.python(ENTRY, python=(3, 12))) == 1
        python_project.write(ENTRY, f"import sys\nif {test}:\n    {lines[1]}\nelse:\n    {lines[0]}\n{HANDLER}")
        assert '"gone" is not installed' in _error(python_project, python=(3, 12))

    @pytest.mark.parametrize(
        "test", ["sys.version_info >= (3, 12, 4)", "sys.version_info >= wanted", "other >= (3, 1)"]
    )
    def test_both_are_read_where_the_test_is_not_decided(self, python_project: Sandbox, test: str) -> None:
        python_project.write(ENTRY, f"import sys\nif {test}:\n    import one\nelse:\n    import two\n{HANDLER}")
        message = _error(python_project, python=(3, 12))
        assert '"one" is not installed' in message
        assert '"two" is not installed' in message

    @pytest.mark.parametrize(
        "source",
        [
            "import contextlib\nwith contextlib.suppress(ImportError):\n    import ujson",
            "from contextlib import suppress\nwith suppress(OSError, ModuleNotFoundError):\n    import ujson",
            "try:\n    import ujson\nexcept* ImportError:\n    pass",
        ],
    )
    def test_what_may_be_absent_is_no_error(self, python_project: Sandbox, source: str) -> None:
        python_project.write(ENTRY, f"{source}\n{HANDLER}")
        assert len(python_project.python(ENTRY)) == 1

    def test_what_may_not_be_absent_is_one_after_that(self, python_project: Sandbox) -> None:
        source = (
            "import contextlib\nwith contextlib.suppress(ImportError):\n    pass\nwith open('x'):\n    import ujson\n"
        )
        python_project.write(ENTRY, source + HANDLER)
        assert f"at:  {ENTRY}:5:5" in _error(python_project)

    def test_a_module_named_by_keyword_is_followed(self, python_project: Sandbox) -> None:
        python_project.write(ENTRY, f"import importlib\nimportlib.import_module(name='shared.money')\n{HANDLER}")
        assert "shared/money.py" in python_project.python(ENTRY)[0].files


class TestHandler:
    @pytest.mark.parametrize(
        "source",
        [
            "import os\nmatch os.name:\n    case 'nt':\n        pass\n    case _:\n        def handler(e, c): ...",
            "(handler := lambda e, c: 1)",
            "if (handler := print):\n    pass",
            "match [print]:\n    case [handler]:\n        pass",
            "def setup():\n    global handler\n    handler = print\nsetup()",
            "globals()['handler'] = print",
            "handler: object = print",
            "with open('x') as handler:\n    pass",
            "try:\n    pass\nexcept* ValueError:\n    pass\nelse:\n    handler = print",
        ],
    )
    def test_may_be_defined_in_every_way(self, source: str) -> None:
        names, more = defined_names(source.encode())
        assert "handler" in names or more

    @pytest.mark.parametrize(
        "source",
        [
            "handler: object",
            "def f():\n    handler = 1",
            "class A:\n    handler = 1",
            "f = lambda: (handler := 1)",
            "print(handler)",
        ],
    )
    def test_is_not_defined_by_what_looks_like_it(self, source: str) -> None:
        assert "handler" not in defined_names(source.encode())[0]
        assert not defined_names(source.encode())[1]

    def test_named_with_its_file(self, python_project: Sandbox) -> None:
        python_project.write(ENTRY, HANDLER)
        assert _error(python_project, handler="entry.handler") == _three(
            'no function "entry.handler" (it defines: handler)',
            f"{ENTRY}:1:1",
            'handler="handler": the file is what entry names',
        )


class TestEntry:
    @pytest.mark.usefixtures("here")
    @pytest.mark.parametrize(
        ("entry", "name", "better"),
        [
            ("functions/user.v1.py", "user.v1.py", "user_v1.py"),
            ("functions/v1.2/user.py", "v1.2", "v1_2"),
        ],
    )
    def test_that_lambda_cannot_import_is_refused(self, here: Sandbox, entry: str, name: str, better: str) -> None:
        here.write("functions/requirements.txt", "")
        here.write(entry, HANDLER)
        expected = _three(f'Lambda cannot import "{name}": it has a dot in it', entry, f"rename it {better}")
        assert _error(here, entry) == expected
        with pytest.raises(BundlingError) as caught:
            code_of(entry)
        assert str(caught.value) == expected

    def test_in_the_folder_of_the_app_has_no_requirements(self, empty_project: Sandbox) -> None:
        empty_project.write("requirements.txt", "idna==3.10\n")
        empty_project.write("entry.py", f"import idna\n{HANDLER}")
        assert _error(empty_project, "entry.py") == _three(
            '"idna" is not installed',
            "entry.py:1:1",
            "move the entry to a folder with a requirements.txt of its own: this folder's is the CDK app's",
        )


class TestUnreadable:
    def test_source_nested_too_deeply(self, python_project: Sandbox) -> None:
        python_project.write(ENTRY, f"x = {' + '.join(['1'] * 6000)}\n{HANDLER}")
        assert _error(python_project) == _three(
            "the source is nested too deeply to be read", f"{ENTRY}:1:1", "split its longest expression into several"
        )

    def test_source_of_an_unknown_encoding(self, python_project: Sandbox) -> None:
        python_project.write(ENTRY, f"# -*- coding: nope -*-\n{HANDLER}")
        assert f"unknown encoding: nope\n  at:  {ENTRY}:1:1\n" in _error(python_project)

    @pytest.mark.parametrize(
        ("content", "what"),
        [
            (b"\xff\xfe", "pyproject.toml is not UTF-8 ("),
            (b"project = 1", "project in pyproject.toml is 1, not a table"),
            (b"project", "pyproject.toml is not TOML ("),
        ],
    )
    def test_pyproject(self, python_project: Sandbox, content: bytes, what: str) -> None:
        (python_project.folder / "functions" / "requirements.txt").unlink()
        Path(python_project.folder / "functions" / "pyproject.toml").write_bytes(content)
        python_project.write(ENTRY, HANDLER)
        message = _error(python_project)
        assert message.startswith(what)
        assert "\n  at:  functions/pyproject.toml\n  fix: " in message
