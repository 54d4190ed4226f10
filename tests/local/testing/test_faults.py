"""What goes wrong on request, seen by handlers, SDKs and callers."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from constructs_lib.local import LocalAws
from constructs_lib.local.faults import Fault, Faults
from constructs_lib.local.synth import wheel_node
from constructs_lib.problem import LocalError
from tests.local.testing.work_stack import write_work

ROOT = Path(__file__).parents[3]
CALLS = """
const { DynamoDBClient, ListTablesCommand } = require("@aws-sdk/client-dynamodb");
const { S3Client, ListBucketsCommand } = require("@aws-sdk/client-s3");
const { SQSClient, ListQueuesCommand } = require("@aws-sdk/client-sqs");
const { SFNClient, ListStateMachinesCommand } = require("@aws-sdk/client-sfn");
const credentials = { accessKeyId: "test", secretAccessKey: "test" };
const told = { endpoint: process.argv[2], region: "us-east-1", credentials };
const calls = [
  new DynamoDBClient(told).send(new ListTablesCommand({})),
  new S3Client(told).send(new ListBucketsCommand({})),
  new SQSClient(told).send(new ListQueuesCommand({})),
  new SFNClient(told).send(new ListStateMachinesCommand({})),
];
Promise.all(calls).then((answers) => console.log(JSON.stringify(answers.map((each) => each.$metadata.attempts))));
"""
Eventually = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("reset")


def name_of(aws: LocalAws, path: str) -> str:
    return next(name for name, each in aws.function_paths().items() if each == path)


def invoke(aws: LocalAws, purpose: str = "call", *, path: str = "Work/Recorder", **told: Any) -> dict[str, Any]:
    """Invoke a function and return what it answered, with `failed` if it failed."""
    payload = json.dumps({"for": purpose, **told})
    answer = aws.client("lambda").invoke(FunctionName=name_of(aws, path), Payload=payload)
    return {"failed": "FunctionError" in answer, **json.loads(answer["Payload"].read())}


def runs(aws: LocalAws, of: str) -> list[dict[str, Any]]:
    found = aws.client("dynamodb").scan(TableName=aws.outputs["Work"]["Items"])["Items"]
    return [each for each in found if each["id"]["S"].startswith(of)]


class TestThrottling:
    def test_a_function_answers_429_as_lambda_does(self, local_app: LocalAws, faults: Faults) -> None:
        with faults.throttle("Work/Recorder") as throttled:
            with pytest.raises(ClientError) as refused:
                invoke(local_app)
            assert refused.value.response["Error"]["Code"] == "TooManyRequestsException"
            assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
            assert throttled.count >= 1
        assert not invoke(local_app)["failed"]

    def test_the_sdk_of_a_handler_tries_again(self, local_app: LocalAws, faults: Faults) -> None:
        with faults.throttle("dynamodb:PutItem", by="Work/Recorder", times=2) as throttled:
            assert invoke(local_app, "patient") == {"failed": False, "ran": 1}
        assert throttled.count == 2
        assert len(runs(local_app, "patient")) == 1

    @pytest.mark.parametrize(
        ("service", "call", "told"),
        [
            ("dynamodb", "list_tables", ("ProvisionedThroughputExceededException", 400)),
            ("s3", "list_buckets", ("SlowDown", 503)),
            ("sqs", "list_queues", ("RequestThrottled", 400)),
            ("sns", "list_topics", ("Throttling", 400)),
            ("lambda", "list_functions", ("TooManyRequestsException", 429)),
            ("ssm", "describe_parameters", ("ThrottlingException", 400)),
            ("events", "list_event_buses", ("ThrottlingException", 400)),
            ("stepfunctions", "list_state_machines", ("ThrottlingException", 400)),
        ],
    )
    def test_each_service_says_it_in_its_own_words(
        self, service: str, call: str, told: tuple[str, int], local_app: LocalAws, faults: Faults
    ) -> None:
        prefix = {"stepfunctions": "states"}.get(service, service)
        with faults.throttle(f"{prefix}:*", by="*", times=20), pytest.raises(ClientError) as refused:
            getattr(local_app.client(service), call)()
        answer = refused.value.response
        assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == told

    def test_the_sdk_for_javascript_tries_again(self, local_app: LocalAws, faults: Faults) -> None:
        throttled = [
            faults.throttle(f"{service}:*", by="*", times=1) for service in ("dynamodb", "s3", "sqs", "states")
        ]
        node = wheel_node()
        assert node is not None
        said = subprocess.run(
            [node, "-e", CALLS, "x", local_app.endpoint], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert json.loads(said.stdout) == [2, 2, 2, 2]
        assert [each.count for each in throttled] == [1, 1, 1, 1]


class TestErrors:
    def test_a_call_fails_with_the_code_and_message_that_were_asked_for(
        self, local_app: LocalAws, faults: Faults
    ) -> None:
        with faults.error("dynamodb:PutItem", code="ConditionalCheckFailedException", message="taken"):
            answer = invoke(local_app)
        assert answer["failed"]
        assert answer["errorType"] == "ConditionalCheckFailedException"
        assert answer["errorMessage"].endswith("calling the PutItem operation: taken")

    def test_a_service_fails_itself_where_no_code_is_given(self, local_app: LocalAws, faults: Faults) -> None:
        with faults.error("s3:*", by="*"), pytest.raises(ClientError) as refused:
            local_app.client("s3").list_buckets()
        assert refused.value.response["Error"]["Code"] == "InternalError"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500

    def test_a_function_fails_before_its_handler_runs(self, local_app: LocalAws, faults: Faults) -> None:
        with faults.error("Work/Recorder", code="OutOfStock"):
            assert invoke(local_app, "before")["errorType"] == "OutOfStock"
        assert runs(local_app, "before") == []

    def test_a_function_fails_after_its_handler_has_run(self, local_app: LocalAws, faults: Faults) -> None:
        with faults.error("Work/Recorder", when="after"):
            assert invoke(local_app, "after")["failed"]
        assert len(runs(local_app, "after")) == 1

    def test_only_the_function_that_is_named_meets_it(self, local_app: LocalAws, faults: Faults) -> None:
        with faults.error("dynamodb:PutItem", by="Work/Worker") as failed:
            assert not invoke(local_app)["failed"]
            assert failed.count == 0

    def test_the_test_itself_meets_it_only_when_asked(self, local_app: LocalAws, faults: Faults) -> None:
        with faults.error("dynamodb:Scan"):
            assert runs(local_app, "nothing") == []
        with faults.error("dynamodb:Scan", by="*", code="AccessDenied"), pytest.raises(ClientError):
            runs(local_app, "nothing")


class TestWithoutIam:
    def test_calls_of_functions_are_met_but_nobody_knows_which_function_calls(self, tmp_path: Path) -> None:
        with LocalAws.from_assembly(write_work(tmp_path), iam="off") as aws:
            with aws.faults.error("dynamodb:*", code="Refused") as failed:
                assert invoke(aws)["errorType"] == "ClientError"
                assert runs(aws, "call") == []
                assert failed.count == 1
            with pytest.raises(LocalError, match="with IAM off nobody knows which function makes a call"):
                aws.faults.throttle("dynamodb:PutItem", by="Work/Recorder")


class TestDelays:
    def test_a_call_takes_longer(self, local_app: LocalAws, faults: Faults) -> None:
        invoke(local_app)
        with faults.delay("dynamodb:PutItem", 0.4):
            began = time.monotonic()
            invoke(local_app)
        assert time.monotonic() - began >= 0.4

    def test_a_function_starts_later(self, local_app: LocalAws, faults: Faults) -> None:
        with faults.delay("Work/Recorder", 0.4):
            began = time.monotonic()
            invoke(local_app)
        assert time.monotonic() - began >= 0.4


class TestDuplicates:
    def test_messages_of_a_queue_come_twice(self, local_app: LocalAws, faults: Faults, eventually: Eventually) -> None:
        with faults.duplicate("Work/Jobs", times=1) as doubled:
            for purpose in ("doubled", "single"):
                told = json.dumps({"for": purpose})
                local_app.client("sqs").send_message(QueueUrl=local_app.outputs["Work"]["Jobs"], MessageBody=told)
                eventually(lambda purpose=purpose: runs(local_app, purpose))
            eventually(lambda: len(runs(local_app, "doubled")) + len(runs(local_app, "single")) == 3)
        assert doubled.count == 1

    def test_records_of_a_table_come_twice(self, local_app: LocalAws, faults: Faults, eventually: Eventually) -> None:
        with faults.duplicate("Work/Source"):
            local_app.client("dynamodb").put_item(
                TableName=local_app.outputs["Work"]["Source"], Item={"id": {"S": "one"}}
            )
            eventually(lambda: len(runs(local_app, "record")) == 2)

    def test_a_function_runs_twice_under_the_same_request(self, local_app: LocalAws, faults: Faults) -> None:
        with faults.duplicate("Work/Recorder"):
            invoke(local_app, "twice")
        first, second = runs(local_app, "twice")
        assert first["request"] == second["request"]


class TestKills:
    def test_one_that_has_done_everything_is_not_heard_of(self, local_app: LocalAws, faults: Faults) -> None:
        with faults.kill("Work/Recorder"):
            answer = invoke(local_app, "done")
        assert answer["errorType"] == "Runtime.ExitError"
        assert answer["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
        assert len(runs(local_app, "done")) == 1

    def test_one_is_killed_at_a_call_which_is_not_made(self, local_app: LocalAws, faults: Faults) -> None:
        with faults.kill("Work/Recorder", at="dynamodb:PutItem") as killed:
            assert invoke(local_app, "at")["errorType"] == "Runtime.ExitError"
        assert killed.count == 1
        assert runs(local_app, "at") == []

    def test_one_is_killed_after_a_while(self, local_app: LocalAws, faults: Faults) -> None:
        with faults.kill("Work/Recorder", after=0.3):
            assert invoke(local_app, "slow", sleep=5)["errorType"] == "Runtime.ExitError"
        assert runs(local_app, "slow") == []

    def test_the_next_run_is_a_cold_start(self, local_app: LocalAws, faults: Faults) -> None:
        invoke(local_app)
        with faults.kill("Work/Recorder"):
            invoke(local_app)
        before = len(starts(local_app))
        invoke(local_app)
        assert len(starts(local_app)) == before + 1

    def test_a_message_of_a_killed_function_is_handled_again(
        self, local_app: LocalAws, faults: Faults, eventually: Eventually
    ) -> None:
        with faults.kill("Work/Worker", times=1) as killed:
            told = json.dumps({"for": "again"})
            local_app.client("sqs").send_message(QueueUrl=local_app.outputs["Work"]["Jobs"], MessageBody=told)
            eventually(lambda: killed.count == 1 and len(runs(local_app, "again")) == 1)
            time.sleep(0.2)
            local_app.clock.advance(minutes=15)
            eventually(lambda: len(runs(local_app, "again")) == 2)


def starts(aws: LocalAws) -> list[str]:
    return [each for each in aws.logs("Work/Recorder", until="REPORT") if each.startswith("INIT_START")]


class TestOccasions:
    def met(self, aws: LocalAws, fault: Callable[[], Fault]) -> list[bool]:
        with fault():
            return [invoke(aws)["failed"] for _ in range(12)]

    def test_the_same_seed_meets_the_same_ones(self, local_app: LocalAws, faults: Faults) -> None:
        first = self.met(local_app, lambda: faults.error("Work/Recorder", rate=0.5, seed=7))
        again = self.met(local_app, lambda: faults.error("Work/Recorder", rate=0.5, seed=7))
        other = self.met(local_app, lambda: faults.error("Work/Recorder", rate=0.5, seed=8))
        assert first == again != other
        assert 2 <= sum(first) <= 10

    def test_they_are_told_in_the_journal(self, local_app: LocalAws, faults: Faults) -> None:
        with faults.error("Work/Recorder", times=1):
            invoke(local_app)
        [told] = local_app.journal("fault")
        assert (told["where"], told["what"]) == (f"function {name_of(local_app, 'Work/Recorder')}", "error")

    def test_they_end_with_the_with(self, local_app: LocalAws, faults: Faults) -> None:
        with faults.error("Work/Recorder") as ended:
            invoke(local_app)
        assert not invoke(local_app)["failed"]
        ended.end()
        assert ended.count == 1


class TestRefusals:
    @pytest.mark.parametrize(
        ("ask", "told"),
        [
            (lambda faults: faults.error("Work/Recorder", rate=0), "rate is 0 instead of a share up to 1"),
            (lambda faults: faults.error("Work/Recorder", times=0), "times is 0, so it never happens"),
            (lambda faults: faults.error("Work/Recorder", when="now"), "when is 'now' instead of 'before' or 'after'"),
            (lambda faults: faults.error("s3:*", when="after"), "a call fails before anything is done, never after"),
            (lambda faults: faults.error("Work/Recorder", by="*"), "Work/Recorder is no action, so nobody calls it"),
            (lambda faults: faults.error("Work/Recoder"), "no deployed function is called Work/Recoder"),
            (lambda faults: faults.delay("Work/Recorder", 0), "a delay of 0 s is none"),
            (lambda faults: faults.kill("Work/Recorder", at="PutItem"), "PutItem is no action"),
            (lambda faults: faults.kill("Work/Recorder", at="s3:*", after=1), "kill has both `at` and `after`"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, ask: Callable[[Faults], Fault], told: str, faults: Faults) -> None:
        with pytest.raises(LocalError) as refused:
            ask(faults)
        assert str(refused.value).startswith(told)
        assert "\n  at:  " in str(refused.value)
        assert "\n  fix: " in str(refused.value)
