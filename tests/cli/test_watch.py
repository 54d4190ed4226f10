"""`local --watch` for any app: one synthesized by somebody else, and one of which nothing is known but its folder."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from constructs_lib.local.code_swap import CodeSwap, code_users
from constructs_lib.local.running import RunningAws
from constructs_lib.local.session import LocalAws
from tests.cli.local_process import LocalProcess, await_gone, descendants
from tests.local.session.example_app import GREET, ExampleApp, greeting, write_example

ROOT = Path(__file__).parents[2]
GREETING = '{"message": "Hello, stranger!"}'
APP = f"""
import os, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from tests.local.session.example_app import GREET, ExampleApp, greeting, write_example
word = Path("word.txt").read_text()
Path("generated.txt").write_text(str(os.getpid()))
write_example(Path(os.environ["CDK_OUTDIR"]), greet=GREET.replace("Hello", word))
"""


def shop(*, visibility_timeout: int) -> dict[str, object]:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": visibility_timeout}}
    return {"Resources": {"Orders": queue}}


def greet(local_url: str, aws: RunningAws) -> str:
    assert aws.url == local_url
    return aws.call("POST", "/greet").text


class TestAnAssembly:
    def test_is_deployed_again_when_somebody_has_written_it_again(self, tmp_path: Path) -> None:
        assembly = write_example(tmp_path / "cdk.out")
        with LocalProcess(tmp_path, "cdk.out", "--watch", "--port", "0") as local:
            url = local.ready()
            aws = RunningAws.find(tmp_path / ".local")
            assert greet(url, aws) == GREETING
            write_example(assembly, greet=GREET.replace("Hello", "Goodbye"))
            assert local.line_with("deploy ").startswith("deploy   Greeting  updated")
            assert greet(url, aws) == GREETING.replace("Hello", "Goodbye")
            (assembly / "manifest.json").write_text("{")
            assert local.line_with("broken") == "broken   not taken up; the version before goes on"
            assert local.line_with("  at:  ") == f"  at:  {assembly / 'manifest.json'}"
            assert greet(url, aws) == GREETING.replace("Hello", "Goodbye")
            write_example(assembly, greet=GREET.replace("Hello", "Welcome"))
            assert local.line_with("deploy ").startswith("deploy   Greeting  updated")
            assert greet(url, aws) == GREETING.replace("Hello", "Welcome")
            below = descendants(local.pid)
            local.signal(signal.SIGINT)
            assert local.end() == (0, "")
            assert await_gone(below) == set()

    def test_a_stack_that_cannot_be_deployed_is_said_and_what_stands_goes_on(self, tmp_path: Path) -> None:
        assembly = write_example(tmp_path / "cdk.out")
        with LocalProcess(tmp_path, "cdk.out", "--watch", "--port", "0") as local:
            url = local.ready()
            aws = RunningAws.find(tmp_path / ".local")
            app = ExampleApp(assembly)
            app.add_stack("Greeting", greeting(app, GREET.replace("Hello", "Goodbye")))
            app.add_stack("Shop", shop(visibility_timeout=999_999))
            assert local.line_with("broken") == "broken   not taken up; the version before goes on"
            assert "Invalid value for the parameter VisibilityTimeout" in local.line_with("create of AWS::SQS::Queue")
            assert greet(url, aws) == GREETING.replace("Hello", "Goodbye")  # of a stack that stood before
            app.add_stack("Shop", shop(visibility_timeout=30))
            assert local.line_with("deploy ").startswith("deploy   Shop  created")
            local.signal(signal.SIGINT)
            assert local.end() == (0, "")


class TestAnApp:
    @pytest.fixture
    def shop(self, tmp_path: Path) -> Path:
        (tmp_path / "app.py").write_text(APP)
        (tmp_path / "word.txt").write_text("Hello")
        (tmp_path / "cdk.json").write_text(json.dumps({"app": "python app.py"}))
        return tmp_path

    def test_is_synthesized_again_when_a_file_of_it_is_saved_and_only_what_differs_is_deployed(
        self, shop: Path
    ) -> None:
        with LocalProcess(shop, "--watch", "--port", "0") as local:
            url = local.ready()
            assert "watch    what is saved is taken up" in local.lines
            aws = RunningAws.find(shop / ".local")
            assert aws.record.is_watching
            began = len(local.lines)
            (shop / "word.txt").write_text("Goodbye")
            assert local.line_with("deploy ").startswith("deploy   Greeting  updated")
            assert [line.split()[0] for line in local.lines[began:]] == ["synth", "deploy"]  # and nothing of Users
            assert greet(url, aws) == GREETING.replace("Hello", "Goodbye")
            (shop / "word.txt").rename(shop / "words.txt")
            local.line_with("broken")
            assert "No such file or directory: 'word.txt'" in local.line_with("FileNotFoundError")
            assert greet(url, aws) == GREETING.replace("Hello", "Goodbye")
            (shop / "word.txt").write_text("Goodbye")
            assert "nothing has changed" in local.line_with("deploy ")
            assert RunningAws.find(shop / ".local").function_paths() == aws.function_paths()
            local.signal(signal.SIGINT)
            assert local.end() == (0, "")

    def test_what_the_app_writes_itself_has_it_synthesized_once_more_and_no_further(self, shop: Path) -> None:
        with LocalProcess(shop, "--watch", "--port", "0") as local:
            local.ready()
            (shop / "generated.txt").touch()
            for _ in range(2):
                assert local.line_with("deploy ").startswith("deploy   nothing has changed")
            (shop / "word.txt").write_text("Goodbye")
            local.line_with("synth ")
            assert local.line_with("deploy ").startswith("deploy   Greeting  updated")
            local.signal(signal.SIGINT)
            assert local.end() == (0, "")

    def test_ending_while_it_synthesizes_leaves_nothing(self, shop: Path) -> None:
        with LocalProcess(shop, "--watch", "--port", "0") as local:
            local.ready()
            (shop / "app.py").write_text("open('begun', 'w').close()\nimport time\ntime.sleep(60)")
            for _ in range(200):
                if (shop / "begun").exists():
                    break
                assert await_gone({local.pid}, 0.05) == {local.pid}
            below = descendants(local.pid)
            local.signal(signal.SIGINT)
            assert local.end() == (0, "")
            assert await_gone(below) == set()


class TestSwappedCode:
    def test_a_deployment_puts_back_what_the_template_names(self, tmp_path: Path) -> None:
        """A handler that was saved, and put back as it was while nothing ran."""
        assembly = write_example(tmp_path / "cdk.out")
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "index.py").write_text(GREET.replace("Hello", "Goodbye"))
        with LocalAws.from_assembly(assembly, state=tmp_path / "state") as aws:
            assert aws.call("POST", "/greet").text == GREETING
            users = [each for each in code_users(aws.stacks) if each.path == "Greeting/Greet"]
            CodeSwap(aws.clients, tmp_path / "state").swap(users, tmp_path / "other")
            assert aws.call("POST", "/greet").text == GREETING.replace("Hello", "Goodbye")
        with LocalAws.from_assembly(assembly, state=tmp_path / "state") as again:
            assert {stack.outcome for stack in again.stacks} == {"unchanged"}
            assert again.call("POST", "/greet").text == GREETING
        assert not (tmp_path / "state" / "swapped.json").exists()
