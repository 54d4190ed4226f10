from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

from constructs_lib.local.synth import Synthesis, app_command, context_of, synth_environment
from constructs_lib.problem import LocalError

if TYPE_CHECKING:
    from pathlib import Path

WRITE = """
import json, os, pathlib
outdir = pathlib.Path(os.environ["CDK_OUTDIR"])
outdir.mkdir()
(outdir / "manifest.json").write_text("{}")
(outdir / "seen.json").write_text(json.dumps(dict(os.environ)))
"""

REFUSED = (
    WRITE
    + """
violation = {
    "ruleName": "no-queues",
    "severity": "error",
    "description": "a queue is no topic",
    "suggestedFix": "make it a topic",
    "violatingConstructs": [{"constructPath": "Shop/Queue/Resource"}],
}
report = {"pluginReports": [{"pluginName": "ServerlessGuards", "violations": [violation]}]}
(outdir / "validation-report.json").write_text(json.dumps(report))
raise RuntimeError("ValidationFailed: Validation failed. A copy of this report can be found in: validation-report.json")
"""
)


def begin(folder: Path, source: str) -> Synthesis:
    (folder / "app.py").write_text(source)
    return Synthesis("python app.py", folder=folder, outdir=folder / "cdk.out", region="eu-west-1")


class TestSynthesis:
    def test_the_app_sees_what_the_cdk_cli_would_tell_it(self, tmp_path: Path) -> None:
        (tmp_path / "cdk.json").write_text(json.dumps({"app": "x", "context": {"flag": True, "of": "cdk.json"}}))
        (tmp_path / "cdk.context.json").write_text(json.dumps({"of": "a lookup"}))
        assert begin(tmp_path, WRITE).finish() > 0
        seen = json.loads((tmp_path / "cdk.out" / "seen.json").read_text())
        assert json.loads(seen["CDK_CONTEXT_JSON"]) == {
            "flag": True, "of": "a lookup", "constructs-lib:bundle-for": "this-machine",
        }  # fmt: skip
        assert {key: seen[key] for key in ("CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION", "CDK_VALIDATION")} == {
            "CDK_DEFAULT_ACCOUNT": "000000000000",
            "CDK_DEFAULT_REGION": "eu-west-1",
            "CDK_VALIDATION": "false",
        }

    def test_the_assembly_of_the_run_before_is_removed(self, tmp_path: Path) -> None:
        (tmp_path / "cdk.out").mkdir()
        (tmp_path / "cdk.out" / "old.template.json").write_text("{}")
        begin(tmp_path, WRITE).finish()
        assert not (tmp_path / "cdk.out" / "old.template.json").exists()

    def test_what_a_validation_plugin_refused_is_told_and_no_traceback(self, tmp_path: Path) -> None:
        with pytest.raises(LocalError) as caught:
            begin(tmp_path, REFUSED).finish()
        assert str(caught.value) == (
            "a queue is no topic\n  at:  Shop/Queue (ServerlessGuards::no-queues)\n  fix: make it a topic"
        )

    def test_nothing_of_a_real_account_reaches_the_app(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_PROFILE", "production")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", "111122223333")
        monkeypatch.setenv("STAGE", "dev")
        environment = synth_environment(tmp_path, tmp_path / "cdk.out", "us-east-1")
        assert [key for key in environment if key.startswith("AWS_")] == []
        assert (environment["CDK_DEFAULT_ACCOUNT"], environment["STAGE"]) == ("000000000000", "dev")

    def test_python_is_this_environments_python(self, tmp_path: Path) -> None:
        environment = synth_environment(tmp_path, tmp_path / "cdk.out", "us-east-1")
        assert environment["PATH"].split(os.pathsep)[0] == os.path.dirname(sys.executable)  # noqa: PTH120 - text, not a file

    def test_stopping_ends_everything_the_command_has_started(self, tmp_path: Path) -> None:
        synthesis = begin(
            tmp_path,
            "import os, pathlib, subprocess, sys\n"
            "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
            "part = pathlib.Path('part'); part.write_text(str(child.pid)); part.rename('pid')\n"
            "child.wait()",
        )
        pid = int(awaited(tmp_path / "pid"))
        synthesis.stop()
        deadline = time.monotonic() + 30
        while is_alive(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not is_alive(pid)

    @pytest.mark.parametrize("end", ["finish", "stop"])
    def test_what_the_command_leaves_behind_for_a_while_is_removed(self, tmp_path: Path, end: str) -> None:
        rest = "import tempfile, time\ntempfile.mkdtemp(); open('made', 'w').close()\n"
        synthesis = begin(tmp_path, WRITE + rest + ("time.sleep(60)" if end == "stop" else ""))
        while not (tmp_path / "made").exists():
            time.sleep(0.02)
        getattr(synthesis, end)()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["app.py", "cdk.out", "made", "synth.log"]
        seen = json.loads((tmp_path / "cdk.out" / "seen.json").read_text())
        assert seen["TMPDIR"].startswith(str(tmp_path))


class TestRefusals:
    def test_a_command_that_names_problems_shows_them_alone(self, tmp_path: Path) -> None:
        said = "lambda_src/x.ts: no such file\n  at:  Shop/Fn\n  fix: name a file that exists"
        with pytest.raises(LocalError) as caught:
            begin(tmp_path, f"raise ValueError({said!r})").finish()
        assert str(caught.value) == said
        assert "Traceback" in (tmp_path / "synth.log").read_text()

    def test_a_command_that_fails_shows_all_it_said(self, tmp_path: Path) -> None:
        said = "lambda_src/x.ts: no such file"
        with pytest.raises(LocalError) as caught:
            begin(tmp_path, f"import sys\nsys.stderr.write({said!r})\nsys.exit(3)").finish()
        assert str(caught.value) == (
            f"{said}\n\n"
            "the app did not synthesize: its command ended with exit code 3\n"
            f"  at:  python app.py (in {tmp_path})\n"
            "  fix: mend what the command says above"
        )

    def test_a_command_that_writes_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(LocalError, match="the app's command ended well but wrote no assembly"):
            begin(tmp_path, "").finish()

    def test_no_cdk_json(self, tmp_path: Path) -> None:
        with pytest.raises(LocalError) as caught:
            app_command(tmp_path)
        assert str(caught.value) == (
            "there is no cdk.json here\n"
            f"  at:  {tmp_path}\n"
            "  fix: run in the folder of cdk.json, or name an assembly (cdk.out), or pass --app"
        )

    @pytest.mark.parametrize("content", ["{}", '{"app": 3}', '{"app": " "}'])
    def test_a_cdk_json_without_command(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "cdk.json").write_text(content)
        with pytest.raises(LocalError, match='it has no "app"'):
            app_command(tmp_path)

    @pytest.mark.parametrize("content", ["", "[]", "{", '{"context": 3}'])
    def test_a_cdk_json_that_is_something_else(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "cdk.json").write_text(content)
        with pytest.raises(LocalError, match=r"cdk\.json"):
            context_of(tmp_path)


def awaited(path: Path) -> str:
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return path.read_text()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
