from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.local_process import PROGRAM, LocalProcess, await_gone, descendants
from tests.local.session.example_app import ExampleApp, function, http_api, route

ROOT = Path(__file__).parents[2]
APP = f"""
import os, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from tests.local.session.example_app import write_example
write_example(Path(os.environ["CDK_OUTDIR"]))
"""
RUNS_ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with an app, as `cdk init` leaves it."""
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "cdk.json").write_text(json.dumps({"app": "python app.py"}))
    return tmp_path


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


@RUNS_ON_LINUX
class TestRun:
    def test_from_an_app_to_answers_and_back_to_nothing(self, shop: Path) -> None:
        with LocalProcess(shop, "--port", "0") as local:
            url = local.ready()
            assert local.lines[-1] == f"ready {url}"
            commands = [line.strip() for line in local.lines if line.startswith("  ")]
            programs = [Path(shlex.split(command)[0]).name for command in commands]
            assert programs == ["curl", "constructs-lib", "constructs-lib"]
            create = subprocess.run(shlex.split(commands[1]), cwd=shop, capture_output=True, text=True, check=False)
            assert (create.returncode, create.stdout) == (0, '{"id": "ada"}\n')
            assert local.line_with("START RequestId").split()[1] == "Users/CreateUser"
            proof = [line for line in local.lines if line.startswith("iam")]
            assert proof[0] == "iam      Users/ReadUser  dynamodb:GetItem on table Users     allowed"
            assert proof[1].startswith(
                "iam      Users/ReadUser  dynamodb:DeleteItem on table Users  denied: User: arn:"
            )
            below = descendants(local.pid)
            assert len(below) >= 2  # the embedded AWS and at least one handler
            local.signal(signal.SIGINT)
            assert local.end() == (0, "")
            assert await_gone(below) == set()
        with LocalProcess(shop, "--port", "0") as again:
            url = again.ready()
            assert [line.split()[2] for line in again.lines if line.startswith("deploy")] == ["unchanged", "unchanged"]
            read = subprocess.run(
                [PROGRAM, "call", "GET", f"{url}/users/ada"], capture_output=True, text=True, check=False
            )
            assert (read.returncode, read.stdout) == (0, '{"id": "ada"}\n')
            again.signal(signal.SIGTERM)
            assert again.end() == (0, "")
        port = int((shop / ".local" / "aws-port").read_text())
        with socket.create_server(("127.0.0.1", port)), LocalProcess(shop, "--port", "0") as elsewhere:
            elsewhere.ready()
            note = f"note     URLs in outputs still name port {port}, which is taken; remove .local to have new ones"
            assert note in elsewhere.lines
            elsewhere.signal(signal.SIGTERM)
            assert elsewhere.end() == (0, "")

    def test_killing_it_leaves_no_orphan_and_no_lock(self, shop: Path) -> None:
        with LocalProcess(shop, "--port", "0") as local:
            subprocess.run(["curl", "-s", "-X", "POST", f"{local.ready()}/greet"], check=True, capture_output=True)
            below = descendants(local.pid)
            local.signal(signal.SIGKILL)
            assert local.end()[0] == -signal.SIGKILL
            assert await_gone(below) == set()
        with LocalProcess(shop, "--port", "0") as again:
            again.ready()
            again.signal(signal.SIGINT)
            assert again.end() == (0, "")

    def test_output_is_plain_when_nobody_watches(self, shop: Path) -> None:
        with LocalProcess(shop, "--no-state", "--port", "0", "--iam", "off") as local:
            local.ready()
            assert "\x1b" not in "".join(local.lines)
            assert "iam      off: every call is allowed, whatever the policies say" in local.lines
            local.signal(signal.SIGINT)
            assert local.end() == (0, "")
        assert not (shop / ".local").exists()

    def test_an_embedded_aws_that_ends_by_itself_ends_the_run(self, shop: Path) -> None:
        with LocalProcess(shop, "--port", "0") as local:
            local.ready()
            aws = next(pid for pid in descendants(local.pid) if "emulator_main" in command_of(pid))
            os.kill(aws, signal.SIGKILL)
            code, said = local.end()
        assert code == 1
        assert said == (
            "the embedded AWS has ended by itself\n"
            f"  at:  {shop / '.local' / 'emulator.log'}\n"
            "  fix: run again; if it stays, report what the file says\n"
        )

    def test_pressing_ctrl_c_again_and_again_still_stops_in_order(self, shop: Path) -> None:
        with LocalProcess(shop, "--port", "0") as local:
            local.ready()
            below = descendants(local.pid)
            for _ in range(5):
                local.signal(signal.SIGINT)
                time.sleep(0.02)
            assert local.end() == (0, "")
            assert await_gone(below) == set()

    def test_two_ways_of_stopping_at_once_are_one(self) -> None:
        program = (
            "import os, signal, time\n"
            "from constructs_lib.local.local_run import interruptible\n"
            "with interruptible():\n"
            "    try:\n"
            "        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])\n"
            "        os.kill(os.getpid(), signal.SIGTERM), os.kill(os.getpid(), signal.SIGINT)\n"
            "        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT, signal.SIGTERM])\n"
            "        time.sleep(10)\n"
            "    except KeyboardInterrupt:\n"
            "        os.kill(os.getpid(), signal.SIGHUP)\n"
            "        time.sleep(0.05)\n"
            "        print('stopped')\n"
        )
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "stopped\n", "")

    def test_asking_in_a_moment_in_which_python_drops_it_is_heard_later(self) -> None:
        program = (
            "import os, signal\n"
            "from constructs_lib.local.local_run import interruptible, pause\n"
            "class Finalized:\n"
            "    def __del__(self):\n"
            "        os.kill(os.getpid(), signal.SIGINT)\n"
            "with interruptible():\n"
            "    Finalized()\n"
            "    try:\n"
            "        pause(10)\n"
            "    except KeyboardInterrupt:\n"
            "        print('stopped')\n"
        )
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout) == (0, "stopped\n")
        assert "Exception ignored in" in ended.stderr

    def test_a_hang_up_is_not_heard_below_nohup(self) -> None:
        program = (
            "import os, signal\n"
            "from constructs_lib.local.local_run import interruptible\n"
            "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
            "with interruptible():\n"
            "    os.kill(os.getpid(), signal.SIGHUP)\n"
            "    print('on')\n"
        )
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "on\n", "")

    def test_what_a_handler_has_started_ends_with_it(self, shop: Path) -> None:
        app = ExampleApp(shop / "cdk.out")
        start = (
            "import subprocess\n"
            "def handler(event, context):\n"
            "    sleeper = subprocess.Popen(['sleep', '600'], start_new_session=True, stdout=subprocess.DEVNULL)\n"
            "    return {'statusCode': 200, 'body': str(sleeper.pid)}\n"
        )
        resources = http_api("Shop") | function(app.code(start), "index.handler", statement=None, path="Shop/Start")
        app.add_stack("Shop", {"Resources": {**resources, **route("GET /start", "ShopStart")}})
        for number in (signal.SIGINT, signal.SIGKILL):
            with LocalProcess(shop, "cdk.out", "--no-state", "--port", "0") as local:
                ask = ["curl", "-s", f"{local.ready()}/start"]
                pid = int(subprocess.run(ask, check=True, capture_output=True, text=True).stdout)
                assert Path(f"/proc/{pid}").exists()
                local.signal(number)
                local.end()
                assert await_gone({pid}) == set()

    def test_ctrl_c_while_the_app_synthesizes(self, shop: Path) -> None:
        (shop / "app.py").write_text("open('begun', 'w').close()\nimport time\ntime.sleep(60)")
        with LocalProcess(shop, "--port", "0") as local:
            local.line_with("aws ")
            below = descendants(local.pid)
            local.signal(signal.SIGINT)
            assert local.end() == (0, "")
            assert await_gone(below) == set()


class TestRefusals:
    def run(self, folder: Path, *arguments: str) -> tuple[int, str]:
        ended = subprocess.run(
            [PROGRAM, "local", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
        )
        return ended.returncode, ended.stderr

    def test_a_port_in_use(self, shop: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            code, said = self.run(shop, "--port", str(port))
        assert code == 1
        what, where, fix = said.splitlines()
        assert what.startswith(f"port {port} cannot be opened for the deployed APIs: Address already in use")
        assert where == f"  at:  127.0.0.1:{port}"
        assert fix == "  fix: stop the program that uses the port, or choose another one: --port N, in make PORT=N"

    def test_no_app(self, tmp_path: Path) -> None:
        code, said = self.run(tmp_path)
        assert code == 1
        assert said == (
            f"there is no cdk.json here\n  at:  {tmp_path}\n"
            "  fix: run in the folder of cdk.json, or name an assembly (cdk.out), or pass --app\n"
        )

    def test_an_app_that_fails(self, shop: Path) -> None:
        said = "handler.ts:3:1: cannot find zod\n  at:  Shop/Fn\n  fix: npm install zod"
        (shop / "fails.py").write_text(f"raise SystemExit({said!r})")
        code, complaint = self.run(shop, "--port", "0", "--app", "python fails.py")
        assert code == 1
        assert complaint == f"{said}\neverything the app said is in {shop / '.local' / 'synth.log'}\n"

    def test_a_folder_that_is_no_assembly(self, tmp_path: Path) -> None:
        code, said = self.run(tmp_path, "nothing", "--port", "0")
        assert (code, said.splitlines()[1]) == (1, f"  at:  {tmp_path / 'nothing' / 'manifest.json'}")

    def test_a_second_run_on_the_same_state(self, shop: Path) -> None:
        with LocalProcess(shop, "--port", "0") as local:
            local.line_with("aws ")
            code, said = self.run(shop, "--port", "0")
            local.signal(signal.SIGINT)
            local.end()
        assert (code, said.splitlines()[0]) == (
            1, f"another local run (process {local.pid}) uses this state folder",
        )  # fmt: skip

    def test_a_stack_that_fails_says_which_resource_and_why(self, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path / "cdk.out")
        queue = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 999_999}}
        app.add_stack(
            "Shop", {"Resources": {"Orders": {**queue, "Metadata": {"aws:cdk:path": "Shop/Orders/Resource"}}}}
        )
        code, said = self.run(tmp_path, "cdk.out", "--no-state", "--port", "0")
        assert code == 1
        assert said == (
            "create of AWS::SQS::Queue failed: Invalid value for the parameter VisibilityTimeout. "
            "Value must be between 0 and 43200.\n"
            "  at:  Shop/Orders in stack Shop\n"
            "  fix: mend the resource; if a real account takes it, the embedded AWS lacks it: docs/known-gaps.md\n"
        )

    @pytest.mark.parametrize(
        "arguments", [["--port", "x"], ["--port", "65536"], ["--via", "pigeon"], ["cdk.out", "--app", "x"], ["--state"]]
    )
    def test_arguments_that_make_no_sense(self, tmp_path: Path, arguments: list[str]) -> None:
        code, said = self.run(tmp_path, *arguments)
        assert (code, said.startswith("usage: constructs-lib local")) == (2, True)

    def test_a_reader_that_goes_away_is_no_error(self, shop: Path) -> None:
        line = f"{shlex.quote(str(PROGRAM))} local --no-state --port 0 | head -1; exit ${{PIPESTATUS[0]}}"
        ended = subprocess.run(
            ["bash", "-c", line], cwd=shop, capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.startswith("aws ")
