from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.cli.background_run import BackgroundRun
from tests.cli.local_process import PROGRAM
from tests.cli.work_app import write_work

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackgroundRun]:
    """One run in the background; tests change only what is theirs."""
    folder = tmp_path_factory.mktemp("work")
    write_work(folder / "cdk.out")
    with BackgroundRun(folder, "cdk.out") as run:
        assert run.started.stderr == ""
        yield run


class TestStatus:
    def test_as_text(self, run: BackgroundRun) -> None:
        ended = run.command("status")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.startswith(f"run      ready, process {run.pid}, for ")
        aws = run.aws()
        assert f"\napis     {aws.url}\n" in ended.stdout
        assert f"\naws      {aws.endpoint}  (region us-east-1, root key test/test, iam enforce)\n" in ended.stdout
        assert "\nstack    Greeting\nstack    Users\nstack    Work\n" in ended.stdout
        assert "\nfunction Users/CreateUser  Users-UsersCreateUser-" in ended.stdout

    def test_names_the_page_which_lets_its_user_in(self, run: BackgroundRun) -> None:
        page = json.loads(run.command("status", "--format", "json").stdout)["page"]
        assert f"page     {page}" in run.started.stdout.splitlines()
        with urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(page) as answer:
            assert answer.status == 200

    def test_a_reader_that_goes_away_is_no_error(self, run: BackgroundRun) -> None:
        line = f"'{PROGRAM}' local status | head -1; exit ${{PIPESTATUS[0]}}"
        ended = subprocess.run(["bash", "-c", line], cwd=run.folder, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")

    def test_as_json_without_the_key(self, run: BackgroundRun) -> None:
        ended = run.command("status", "--format", "json")
        told = json.loads(ended.stdout)
        aws = run.aws()
        assert (told["running"], told["ready"], told["pid"]) == (True, True, run.pid)
        assert (told["endpoint"], told["url"], told["region"], told["iam"]) == (
            aws.endpoint, aws.url, "us-east-1", "enforce",
        )  # fmt: skip
        assert told["stacks"] == [{"name": name, "region": "us-east-1"} for name in ("Greeting", "Users", "Work")]
        assert {each["path"]: each["name"] for each in told["functions"]} == {
            path: name for name, path in aws.function_paths().items()
        }
        assert aws.record.key
        assert aws.record.key not in ended.stdout


class TestInvoke:
    def test_the_answer_is_printed_and_the_log_beside_it(self, run: BackgroundRun) -> None:
        ended = run.command("invoke", "Work/Echo", '{"id": "ada"}')
        assert (ended.returncode, json.loads(ended.stdout)) == (0, {"id": "ada"})
        assert ended.stdout.endswith("}\n")
        assert "\necho {'id': 'ada'}\n" in ended.stderr
        assert ended.stderr.splitlines()[-1].startswith("REPORT RequestId: ")

    def test_the_event_comes_from_a_file_from_standard_input_or_is_empty(self, run: BackgroundRun) -> None:
        (run.folder / "event.json").write_text('["from a file"]')
        assert run.command("invoke", "Echo", "@event.json").stdout == '["from a file"]\n'
        assert run.command("invoke", "Echo", "-", given=b'"given"').stdout == '"given"\n'
        assert run.command("invoke", "Echo").stdout == "{}\n"

    def test_a_function_that_fails_is_exit_code_1(self, run: BackgroundRun) -> None:
        ended = run.command("invoke", "Work/Fail")
        assert ended.returncode == 1
        assert json.loads(ended.stdout)["errorMessage"] == "no such luck"
        assert "about to fail" in ended.stderr

    def test_an_asynchronous_call_does_not_wait(self, run: BackgroundRun) -> None:
        ended = run.command("invoke", "Work/Echo", '"later"', "--async")
        assert (ended.returncode, ended.stdout, ended.stderr) == (
            0, "", "accepted; constructs-lib local logs Work/Echo shows what comes of it\n",
        )  # fmt: skip
        assert any("echo later" in line for line in run.aws().logs("Work/Echo", until="echo later"))

    def test_a_misspelt_name_is_met_with_the_nearest(self, run: BackgroundRun) -> None:
        ended = run.command("invoke", "Users/CraeteUser")
        assert (ended.returncode, ended.stderr) == (
            1,
            (
                "no deployed function is called Users/CraeteUser: did you mean Users/CreateUser?\n"
                "  at:  Greeting, Users, Work\n"
                "  fix: name one of: Greeting/Greet, Users/CreateUser, Users/ReadUser, Work/Echo, Work/Fail\n"
            ),
        )

    @pytest.mark.parametrize("event", ["{", "nothing", "@broken.json"])
    def test_an_event_that_is_no_json_is_refused(self, run: BackgroundRun, event: str) -> None:
        (run.folder / "broken.json").write_text("{")
        ended = run.command("invoke", "Work/Echo", event)
        assert ended.returncode == 1
        assert ended.stderr.startswith("the event is no JSON: ")
        assert ended.stderr.splitlines()[1] == f"  at:  {event if event.startswith('@') else 'EVENT'}"

    def test_a_file_that_is_not_there(self, run: BackgroundRun) -> None:
        ended = run.command("invoke", "Work/Echo", "@nothing.json")
        assert ended.stderr == (
            "the event cannot be read: [Errno 2] No such file or directory: 'nothing.json'\n"
            "  at:  nothing.json\n  fix: name a file that exists\n"
        )


class TestSend:
    def test_the_message_is_in_the_queue_with_its_attributes(self, run: BackgroundRun) -> None:
        ended = run.command("send", "Work/Jobs", "résumé", "--attribute", "kind=welcome=1")
        assert (ended.returncode, ended.stderr) == (0, "")
        message = received(run, "Jobs")
        assert (message["MessageId"], message["Body"]) == (ended.stdout.strip(), "résumé")
        assert message["MessageAttributes"] == {"kind": {"DataType": "String", "StringValue": "welcome=1"}}

    def test_a_fifo_queue_takes_the_same_message_twice_in_one_group(self, run: BackgroundRun) -> None:
        for _ in range(2):
            assert run.command("send", "Steps", "step", "--group", "a").returncode == 0
        assert [received(run, "Steps")["Body"] for _ in range(2)] == ["step", "step"]

    def test_a_deduplication_id_is_used_once(self, run: BackgroundRun) -> None:
        for _ in range(2):
            assert run.command("send", "Steps", "once", "--group", "b", "--deduplication", "same").returncode == 0
        assert received(run, "Steps")["Body"] == "once"
        assert receive(run, "Steps") == []

    @pytest.mark.parametrize(
        ("arguments", "what"),
        [
            (["Steps", "x"], "Work/Steps is a FIFO queue, and wants a message group"),
            (["Jobs", "x", "--deduplication", "y"], "Work/Jobs is no FIFO queue, and knows no deduplication"),
            (["Jobs", "x", "--attribute", "kind"], "'kind' is no attribute"),
            (["DeadLettres"], "no deployed queue is called DeadLettres: did you mean DeadLetters?"),
        ],
    )
    def test_what_cannot_be_sent_is_refused(self, run: BackgroundRun, arguments: list[str], what: str) -> None:
        ended = run.command("send", *arguments)
        assert (ended.returncode, ended.stderr.splitlines()[0]) == (1, what)
        assert receive(run, "Jobs") == []


class TestUpload:
    def test_the_object_is_in_the_bucket(self, run: BackgroundRun) -> None:
        (run.folder / "cat.png").write_bytes(b"\x89PNG")
        ended = run.command("upload", "Work/Files", "cat.png")
        bucket = ended.stdout.removeprefix("s3://").removesuffix("/cat.png\n")
        found = run.aws().client("s3").get_object(Bucket=bucket, Key="cat.png")
        assert (found["Body"].read(), found["ContentType"]) == (b"\x89PNG", "image/png")

    def test_a_key_of_its_own_and_standard_input(self, run: BackgroundRun) -> None:
        ended = run.command("upload", "Files", "-", "a folder/über.bin", given=b"\0\1")
        assert ended.stdout.endswith("/a folder/über.bin\n")
        bucket = ended.stdout.split("/")[2]
        assert run.aws().client("s3").get_object(Bucket=bucket, Key="a folder/über.bin")["Body"].read() == b"\0\1"

    def test_refusals(self, run: BackgroundRun) -> None:
        assert run.command("upload", "Files", "-").stderr == (
            "what comes from standard input has no name to go by\n  at:  KEY\n"
            "  fix: name the key: upload BUCKET - KEY\n"
        )
        assert run.command("upload", "Files", "dog.png").stderr.splitlines()[0].startswith("the file cannot be read: ")
        (run.folder / "cat.png").write_bytes(b"\x89PNG")
        assert run.command("upload", "Jobs", "cat.png").stderr.splitlines()[0] == "no deployed bucket is called Jobs"


class TestLogs:
    def test_of_one_function_since_a_moment(self, run: BackgroundRun) -> None:
        run.command("invoke", "Work/Echo", '"first"')
        run.command("invoke", "Greeting/Greet", "{}")
        run.aws().logs("Work/Echo", until="echo first")
        everything = run.command("logs")
        assert " Work/Echo echo first\n" in everything.stdout
        assert " Greeting/Greet greeting None\n" in everything.stdout
        mine = run.command("logs", "Echo", "--since", "1h").stdout.splitlines()
        assert {line.split()[1] for line in mine} == {"Work/Echo"}
        assert run.command("logs", "--since", "2999-01-01T00:00").stdout == ""

    def test_following_goes_on_until_the_reader_stops(self, run: BackgroundRun) -> None:
        command = [str(PROGRAM), "local", "logs", "Work/Echo", "--follow"]
        following = subprocess.Popen(command, cwd=run.folder, stdout=subprocess.PIPE, text=True)
        seen = threading.Event()
        assert following.stdout is not None

        def read() -> None:
            assert following.stdout is not None
            for line in following.stdout:
                if line.endswith("echo while it follows\n"):
                    seen.set()

        reader = threading.Thread(target=read)
        reader.start()
        time.sleep(0.5)
        run.command("invoke", "Work/Echo", '"while it follows"')
        is_seen = seen.wait(60)
        following.terminate()
        following.wait()
        reader.join()
        following.stdout.close()
        assert is_seen

    def test_a_time_that_is_none_is_refused(self, run: BackgroundRun) -> None:
        assert run.command("logs", "--since", "yesterday").stderr == (
            "'yesterday' is no time\n  at:  --since\n  fix: write 30s, 5m, 2h, or a time such as 2026-11-23T12:00\n"
        )


class TestReset:
    def test_the_data_is_gone_and_the_stacks_stay(self, run: BackgroundRun) -> None:
        run.command("send", "Work/Jobs", "to be forgotten")
        bucket = run.command("upload", "Files", "-", "to-be-forgotten", given=b"x").stdout.split("/")[2]
        ended = run.command("reset")
        assert (ended.returncode, ended.stderr) == (0, "")
        told = "reset    the data is that of the last deployment; 3 stacks stay as they are  "
        assert ended.stdout.startswith(told)
        assert receive(run, "Jobs") == []
        assert "Contents" not in run.aws().client("s3").list_objects_v2(Bucket=bucket)
        assert run.command("invoke", "Work/Echo", "1").stdout == "1\n"


class TestPermissions:
    def test_of_the_run_as_text_and_as_json(self, run: BackgroundRun) -> None:
        text, as_json = run.command("permissions"), run.command("permissions", "--format", "json")
        assert (text.returncode, as_json.returncode) == (0, 0)
        assert "Users/CreateUser" in text.stdout
        assert "Users/CreateUser" in json.dumps(json.loads(as_json.stdout))


class TestNothingRuns:
    @pytest.mark.parametrize(
        "arguments", [["invoke", "X"], ["send", "X"], ["upload", "X", "cdk.json"], ["logs"], ["reset"]]
    )
    def test_every_command_says_how_to_start_one(self, tmp_path: Path, arguments: list[str]) -> None:
        (tmp_path / "cdk.json").write_text("{}")
        ended = subprocess.run(
            [PROGRAM, "local", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (
            1,
            "",
            (
                "no local run holds .local\n"
                f"  at:  {tmp_path / '.local'}\n"
                "  fix: start one with constructs-lib local --detach, or name its folder with --state\n"
            ),
        )


def received(run: BackgroundRun, queue: str) -> dict[str, object]:
    """Take one message out of a queue."""
    messages = receive(run, queue)
    assert len(messages) == 1
    return messages[0]


def receive(run: BackgroundRun, queue: str) -> list[dict[str, object]]:
    aws = run.aws()
    url = next(
        each.physical_id for stack in aws.stacks for each in stack.resources.values() if each.logical_id == queue
    )
    client = aws.client("sqs")
    messages = client.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages", [])
    for each in messages:
        client.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    return messages  # type: ignore[no-any-return] # the clients of this library are not typed by service
