"""The process of the embedded AWS: how it starts, what it refuses, and that nothing outlives it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from constructs_lib.local.emulator import Emulator, Settings
from constructs_lib.local.overlay import PATCHES, check_patches, check_version
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.problem import LocalError
from tests.local.runtime.deployed import Deployed
from tests.local.runtime.processes import are_gone

BUSY = "exports.handler = async (busy) => { console.log('pid', process.pid); while (busy) {} return process.pid }"
ROLE = "arn:aws:iam::000000000000:role/any"

PARENT = """
    import json, sys, threading, time
    from pathlib import Path
    from constructs_lib.local.emulator import Emulator, Settings
    from tests.local.runtime.deployed import Deployed
    from tests.local.runtime.functions import zip_of
    emulator = Emulator.start(Settings(iam="off", log_file=Path(sys.argv[1])))
    aws = Deployed(emulator.endpoint)
    code = {"ZipFile": zip_of({"index.js": sys.argv[2]})}
    client = aws.client("lambda")
    client.create_function(FunctionName="busy", Runtime="nodejs22.x", Handler="index.handler", Timeout=60,
                           Role=sys.argv[3], Code=code)
    idle = json.loads(client.invoke(FunctionName="busy", Payload=b"false")["Payload"].read())
    threading.Thread(target=client.invoke, kwargs={"FunctionName": "busy", "Payload": b"true"}, daemon=True).start()
    aws.client("lambda").invoke(FunctionName="busy", Payload=b"true", InvocationType="Event")
    pids = set()
    while len(pids) < 2:
        lines = [json.loads(line)["line"] for line in Path(sys.argv[1]).read_text().splitlines()]
        pids = {int(line.split()[-1]) for line in lines if "pid" in line}
        time.sleep(0.05)
    print(json.dumps({"emulator": emulator.pid, "handlers": [idle, *pids], "work": str(emulator.work)}), flush=True)
    time.sleep(60)
"""


class TestStart:
    def test_serves_both_ports_and_ends(self, tmp_path: Path) -> None:
        with Emulator.start(Settings(app_port=0, log_file=tmp_path / "log")) as emulator:
            assert emulator.is_running
            assert emulator.endpoint != emulator.app_url
            assert Deployed(emulator.endpoint).client("sts").get_caller_identity()["Account"] == "000000000000"
        assert are_gone([emulator.pid])
        assert not emulator.work.exists()
        emulator.stop()  # twice does no harm

    def test_has_no_second_port_without_being_asked(self) -> None:
        with Emulator.start(Settings()) as emulator:
            assert emulator.app_url == ""

    def test_runs_beside_another_one(self) -> None:
        with Emulator.start(Settings()) as first, Emulator.start(Settings()) as second:
            Deployed(first.endpoint).client("s3").create_bucket(Bucket="mine")
            assert Deployed(second.endpoint).client("s3").list_buckets()["Buckets"] == []

    def test_listens_on_loopback_only(self) -> None:
        table = Path("/proc/net/tcp")
        if not table.exists():
            pytest.skip("this system does not tell who listens where")
        with Emulator.start(Settings()) as emulator:
            port = f":{int(emulator.endpoint.rpartition(':')[2]):04X}"
            rows = [line.split()[1] for line in table.read_text().splitlines()[1:] if line.split()[3] == "0A"]
            assert [each for each in rows if each.endswith(port)] == [f"0100007F{port}"]

    def test_knows_nothing_of_the_credentials_of_the_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the user")
        monkeypatch.setenv("AWS_PROFILE", "production")
        environment = Path("/proc/self/environ")
        if not environment.exists():
            pytest.skip("this system does not tell the environment of a process")
        with Emulator.start(Settings()) as emulator:
            told = Path(f"/proc/{emulator.pid}/environ").read_text().split("\0")
        assert "AWS_SECRET_ACCESS_KEY=test" in told
        assert not any("of the user" in each or "production" in each for each in told)

    def test_lets_everybody_do_everything_when_iam_is_off(self) -> None:
        with Emulator.start(Settings(iam="off")) as emulator:
            aws = Deployed(emulator.endpoint)
            assert aws.client("dynamodb", key="nobody", secret="none").list_tables()["TableNames"] == []

    def test_refuses_strangers_when_iam_is_on(self) -> None:
        with Emulator.start(Settings()) as emulator:
            stranger = Deployed(emulator.endpoint).client("dynamodb", key="nobody", secret="none")
            with pytest.raises(Exception, match="UnrecognizedClientException"):
                stranger.list_tables()


class TestState:
    def test_keeps_everything_from_run_to_run(self, tmp_path: Path) -> None:
        with Emulator.start(Settings(state=tmp_path)) as emulator:
            aws = Deployed(emulator.endpoint)
            declared = {
                "Resources": {
                    "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": {}}},
                    "Function": {
                        "Type": "AWS::Lambda::Function",
                        "Properties": {
                            "Code": {"ZipFile": "exports.handler = async () => 'kept'"},
                            "Handler": "index.handler",
                            "Role": ROLE,
                            "Runtime": "nodejs22.x",
                        },
                    },
                },
                "Outputs": {"F": {"Value": {"Ref": "Function"}}, "S": {"Value": {"Ref": "Secret"}}},
            }
            outputs = aws.deploy("Kept", declared)
            value = aws.client("secretsmanager").get_secret_value(SecretId=outputs["S"])["SecretString"]
            aws.upload({"asset": {"a": "b"}})
        with Emulator.start(Settings(state=tmp_path)) as emulator:
            aws = Deployed(emulator.endpoint)
            again = aws.client("cloudformation").describe_stacks(StackName="Kept")["Stacks"][0]
            assert again["StackStatus"] == "CREATE_COMPLETE"
            assert aws.client("secretsmanager").get_secret_value(SecretId=outputs["S"])["SecretString"] == value
            answer = aws.client("lambda").invoke(FunctionName=outputs["F"])
            assert json.loads(answer["Payload"].read()) == "kept"
            assert aws.client("s3").list_objects_v2(Bucket="assets")["KeyCount"] == 1


class TestRefusals:
    def test_refuses_a_port_in_use(self) -> None:
        with Emulator.start(Settings()) as emulator:
            port = int(emulator.endpoint.rpartition(":")[2])
            for settings, purpose in [
                (Settings(aws_port=port), "the AWS API"),
                (Settings(app_port=port), "the deployed APIs"),
            ]:
                with pytest.raises(LocalError) as refused:
                    Emulator.start(settings)
                assert str(refused.value) == (
                    f"port {port} cannot be opened for {purpose}: Address already in use\n"
                    f"  at:  127.0.0.1:{port}\n"
                    "  fix: stop the program that uses the port, or choose another one: --port N, in make PORT=N"
                )

    def test_refuses_another_version_of_the_base(self) -> None:
        with pytest.raises(LocalError) as refused:
            check_version("1.5.34")
        assert str(refused.value) == (
            "ministack 1.5.34 is installed, but the embedded AWS is built on ministack 1.5.33 exactly\n"
            "  at:  the Python environment\n"
            "  fix: pip install 'ministack==1.5.33'"
        )

    def test_refuses_a_base_whose_functions_are_others(self) -> None:
        missing = Patch("services.sts", "no_such_function", (), lambda stock: stock)
        changed = Patch("services.sts", "register_session", ("key",), lambda stock: stock)
        with pytest.raises(LocalError) as refused:
            check_patches([missing, changed])
        whats = [problem.what for problem in refused.value.problems]
        assert whats[0] == "ministack 1.5.33 is not as released: services.sts.no_such_function is missing"
        assert whats[1].startswith("ministack 1.5.33 is not as released: services.sts.register_session takes (")

    def test_finds_every_function_it_replaces(self) -> None:
        check_patches(list(PATCHES))

    def test_shows_what_it_said_when_it_does_not_come_up(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program = tmp_path / "python"
        program.write_text("#!/bin/sh\necho something is wrong >&2\nexit 3\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        with pytest.raises(LocalError) as refused:
            Emulator.start(Settings(state=tmp_path / "state"))
        assert str(refused.value) == (
            "the embedded AWS ended with exit code 3 while starting; it said:\n"
            "    something is wrong\n"
            f"  at:  {tmp_path / 'state' / 'emulator.log'}\n"
            "  fix: run again; if it stays, remove the state folder, or report the lines above"
        )


class TestEnd:
    @pytest.mark.parametrize("victim", ["parent", "emulator"])
    def test_leaves_nothing_behind_when_killed(self, tmp_path: Path, victim: str) -> None:
        parent = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PARENT), str(tmp_path / "log"), BUSY, ROLE],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        try:
            assert parent.stdout is not None
            told = json.loads(parent.stdout.readline())
            pids = [told["emulator"], *told["handlers"]]
            assert len(set(pids)) >= 3
            os.kill(parent.pid if victim == "parent" else told["emulator"], signal.SIGKILL)
            if victim == "parent":
                parent.wait()
            assert are_gone(pids)
            assert not Path(told["work"]).exists()
        finally:
            parent.kill()
            parent.wait()
            if parent.stdout is not None:
                parent.stdout.close()
