"""Granted, used and denied, compared; in words, as JSON, and at the end of a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.local import LocalAws
from constructs_lib.local.permissions import PermissionsReport
from constructs_lib.local.permissions_command import as_json, lines_of, run, summary_of
from constructs_lib.local.permissions_record import Granted, Known, PermissionsRecord, keep_permissions
from constructs_lib.local.run_findings import RunFindings
from constructs_lib.local.state_folder import StatePaths
from constructs_lib.problem import LocalError
from tests.local.session.example_app import write_example

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/Users-1A2B"
ROLE = "arn:aws:sts::000000000000:assumed-role/role-of-create"
RECORD = PermissionsRecord(
    [
        Granted(
            "Users-Create-1A",
            "Users/CreateUser",
            "role-of-create",
            (
                ("dynamodb:PutItem", TABLE),
                ("dynamodb:Query", f"{TABLE}/index/*"),
                ("s3:Get*", "arn:aws:s3:::bucket/in/*"),
                ("sqs:ReceiveMessage", "arn:aws:sqs:us-east-1:000000000000:jobs"),
                ("logs:PutLogEvents", "*"),
                ("xray:PutTraceSegments", "*"),
            ),
        ),
        Granted("Users-Idle-1A", "Users/Idle", "role-of-idle", (("dynamodb:Scan", TABLE),)),
    ],
    [
        Known("AWS::DynamoDB::GlobalTable", "Users-1A2B", "Users/Users/Table"),
        Known("AWS::IAM::Role", "role-of-create", "Users/CreateUser/Identity/Role"),
        Known("AWS::SQS::Queue", "http://127.0.0.1:4566/000000000000/jobs", "Users/MailJobs/Queue"),
        Known("AWS::S3::Bucket", "bucket", "Users/Pictures/Bucket"),
        Known("AWS::SNS::Topic", "arn:aws:sns:us-east-1:000000000000:news", "Users/News"),
        Known("AWS::StepFunctions::StateMachine", "arn:aws:states:us-east-1:0:stateMachine:m", "U/Pay/StateMachine"),
        Known("AWS::Lambda::Function", "Users-Create-1A", "Users/CreateUser/Function"),
    ],
)
QUERIED = f"{TABLE}/index/*"
DEAD = "arn:aws:sqs:us-east-1:000000000000:dead"
NEEDING = PermissionsRecord(
    [
        Granted(
            "Users-Create-1A",
            "Users/CreateUser",
            "role-of-create",
            (("dynamodb:PutItem", TABLE), ("sqs:SendMessage", DEAD)),
            (("sqs:SendMessage", DEAD, "its dead letters"),),
        )
    ]
)
RAN = {"kind": "invocation", "function": "Users-Create-1A"}


def entry(action: str, resource: str, *, allowed: bool = True, function: str = "Users-Create-1A", **more: Any) -> Any:
    principal = f"{ROLE}/{function or 'awslambda'}"
    told = {"kind": "authorization", "principal": principal, "function": function, "enforced": True, "count": 1}
    reason = "" if allowed else f"User: x is not authorized to perform: {action} because no identity-based policy a"
    return {**told, "action": action, "resource": resource, "allowed": allowed, "reason": reason, **more}


def report(*journal: Any) -> PermissionsReport:
    return PermissionsReport.of(RECORD, journal)


def used(of: PermissionsReport) -> dict[str, int]:
    return {each.action: each.used for each in of.functions[0].permissions}


class TestUse:
    def test_counts_every_call(self) -> None:
        found = report(RAN, entry("dynamodb:PutItem", TABLE), entry("dynamodb:PutItem", TABLE, count=4))
        assert used(found)["dynamodb:PutItem"] == 5

    def test_one_key_uses_a_wildcard(self) -> None:
        found = report(
            entry("dynamodb:Query", f"{TABLE}/index/by-mail"), entry("s3:GetObject", "arn:aws:s3:::bucket/in/x")
        )
        assert (used(found)["dynamodb:Query"], used(found)["s3:Get*"]) == (1, 1)

    def test_what_a_service_does_with_the_role_counts(self) -> None:
        queue = "arn:aws:sqs:us-east-1:000000000000:jobs"
        assert used(report(entry("sqs:ReceiveMessage", queue, function="")))["sqs:ReceiveMessage"] == 1

    @pytest.mark.parametrize(
        "other",
        [
            entry("dynamodb:PutItem", f"{TABLE}-other"),
            entry("dynamodb:PutItem", TABLE, allowed=False),
            entry("dynamodb:PutItem", TABLE, function="Users-Other-1A"),
            entry("dynamodb:GetItem", TABLE),
            entry("s3:GetObject", "arn:aws:s3:::bucket/out/x"),
        ],
    )
    def test_other_calls_do_not(self, other: Any) -> None:
        assert set(used(report(RAN, other)).values()) == {0}

    def test_never_used_is_said_of_what_ran_alone_and_never_of_logs_and_traces(self) -> None:
        found = report(RAN, entry("dynamodb:PutItem", TABLE))
        assert [(path, each.action) for path, each in found.never_used] == [
            ("Users/CreateUser", "dynamodb:Query"),
            ("Users/CreateUser", "s3:Get*"),
            ("Users/CreateUser", "sqs:ReceiveMessage"),
        ]


class TestFixes:
    @pytest.mark.parametrize(
        ("action", "resource", "fix"),
        [
            ("dynamodb:DeleteItem", TABLE, 'users.grant(create_user, "DeleteItem")'),
            ("sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:jobs", "mail_jobs.grant_send(create_user)"),
            ("s3:GetObject", "arn:aws:s3:::bucket/in/x", 'pictures.grant_read(create_user, prefix="...")'),
            ("s3:PutObject", "arn:aws:s3:::bucket/in/x", 'pictures.grant_write(create_user, prefix="...")'),
            (
                "s3:ListBucket",
                "arn:aws:s3:::bucket",
                'pictures.grant_read(create_user, prefix="...", listing=True)',
            ),
            ("states:StartExecution", "arn:aws:states:us-east-1:0:stateMachine:m", "pay.grant_start(create_user)"),
            (
                "sns:Publish",
                "arn:aws:sns:us-east-1:000000000000:news",
                (
                    "allow it in the role of Users/CreateUser: "
                    '{"Effect": "Allow", "Action": "sns:Publish", '
                    '"Resource": "arn:aws:sns:us-east-1:000000000000:news"}'
                ),
            ),
            (
                "ec2:RunInstances",
                "*",
                (
                    "allow it in the role of Users/CreateUser: "
                    '{"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"}'
                ),
            ),
        ],
    )
    def test_is_the_grant_of_our_construct_or_the_statement(self, action: str, resource: str, fix: str) -> None:
        (denial,) = report(entry(action, resource, allowed=False)).denials
        assert denial.fix == fix

    def test_an_explicit_denial_is_taken_away(self) -> None:
        reason = "User: x is not authorized to perform: a with an explicit deny in a resource-based policy"
        (denial,) = report(entry("sqs:SendMessage", "arn", allowed=False, reason=reason)).denials
        fix = "take the statement that denies it out of a resource-based policy, or leave the call out"
        assert denial.fix == fix

    def test_a_boundary_is_named(self) -> None:
        reason = "User: x is not authorized to perform: a because no permissions boundary allows the a action"
        (denial,) = report(entry("dynamodb:PutItem", TABLE, allowed=False, reason=reason)).denials
        assert denial.fix.startswith("allow it in the permissions boundary that limits Users/CreateUser: {")

    def test_a_service_needs_a_permission_of_the_function(self) -> None:
        told = entry("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:0:function:Users-Create-1A", allowed=False)
        told |= {"principal": "sns.amazonaws.com", "function": "", "reason": "sns.amazonaws.com is ... for the-topic"}
        (denial,) = report(told).denials
        assert (denial.caller, denial.fix) == (
            "sns.amazonaws.com",
            (
                "allow it with an AWS::Lambda::Permission on Users/CreateUser/Function: "
                'Principal "sns.amazonaws.com", SourceArn "the-topic"'
            ),
        )


class TestWords:
    def test_reads_as_a_report(self) -> None:
        found = report(
            RAN,
            entry("dynamodb:PutItem", TABLE, count=2),
            entry("dynamodb:DeleteItem", TABLE, allowed=False, enforced=False),
        )
        assert list(lines_of(found)) == [
            "Users/CreateUser",
            "  used 2 times  dynamodb:PutItem on table/Users-1A2B",
            "  never used    dynamodb:Query on table/Users-1A2B/index/*",
            "  never used    s3:Get* on bucket/in/*",
            "  never used    sqs:ReceiveMessage on jobs",
            "Users/Idle  (has not run)",
            "  not used yet  dynamodb:Scan on table/Users-1A2B",
            "denied",
            "  dynamodb:DeleteItem on table/Users-1A2B  (once, passed)",
            "    at:  Users/CreateUser",
            '    fix: users.grant(create_user, "DeleteItem")',
            "1 permissions used, 3 never used by functions that ran, 1 denied",
        ]

    def test_what_is_needed_is_neither_used_nor_never_used(self) -> None:
        found = PermissionsReport.of(NEEDING, [RAN, entry("dynamodb:PutItem", TABLE)])
        assert list(lines_of(found)) == [
            "Users/CreateUser",
            "  used once  dynamodb:PutItem on table/Users-1A2B",
            "  needed     sqs:SendMessage on dead  (by its dead letters)",
            "1 permissions used, 0 never used by functions that ran, 0 denied",
        ]
        assert found.never_used == []
        used = PermissionsReport.of(NEEDING, [entry("sqs:SendMessage", DEAD, function="")])
        assert list(lines_of(used))[1:3] == [
            "  not used yet  dynamodb:PutItem on table/Users-1A2B",
            "  used once     sqs:SendMessage on dead",
        ]

    def test_a_right_of_a_shared_role_is_needed_by_who_uses_it(self) -> None:
        other = Granted("Users-Other-1A", "Users/Other", "role-of-create", NEEDING.functions[0].allowed)
        third = Granted("Users-Third-1A", "Users/Third", "another-role", NEEDING.functions[0].allowed)
        ran = [{"kind": "invocation", "function": each.function} for each in (other, third)]
        shared = PermissionsRecord([*NEEDING.functions, other, third])
        found = PermissionsReport.of(shared, [RAN, *ran, entry("dynamodb:PutItem", TABLE)])
        assert list(lines_of(found))[3:6] == [
            "Users/Other",
            "  needed  dynamodb:PutItem on table/Users-1A2B  (by Users/CreateUser)",
            "  needed  sqs:SendMessage on dead  (by Users/CreateUser)",
        ]
        assert [path for path, _ in found.never_used] == ["Users/Third"] * 2

    def test_says_of_nothing_that_it_was_never_used_where_nothing_was_checked(self) -> None:
        found = PermissionsReport.of(NEEDING, [RAN])
        assert list(lines_of(found)) == [
            "Users/CreateUser",
            "  not checked  dynamodb:PutItem on table/Users-1A2B",
            "  needed       sqs:SendMessage on dead  (by its dead letters)",
            "no call was checked: nothing has run, or IAM was off",
        ]
        (function,) = json.loads(json.dumps(as_json(found)))["functions"]
        assert [each["never_used"] for each in function["granted"]] == [False, False]

    def test_the_end_of_a_run_says_little(self) -> None:
        found = report(RAN, entry("dynamodb:DeleteItem", TABLE, allowed=False), entry("s3:GetObject", "x"))
        assert summary_of(found)[:2] == [
            "0 permissions used, 4 never used, 1 denied",
            "  denied      Users/CreateUser  dynamodb:DeleteItem on table/Users-1A2B  (once)",
        ]

    def test_the_end_of_a_run_lists_ten_of_what_was_never_used(self) -> None:
        many = tuple((f"s3:Action{number}", "*") for number in range(13))
        record = PermissionsRecord([Granted("Users-Create-1A", "Users/CreateUser", "role-of-create", many)])
        said = summary_of(PermissionsReport.of(record, [RAN, entry("s3:Other", "x")]))
        assert len(said) == 12
        assert said[-1] == "  and 3 more: constructs-lib local permissions"

    @pytest.mark.parametrize("journal", [[], [RAN], [entry("dynamodb:PutItem", TABLE)]])
    def test_the_end_of_a_run_says_nothing_when_nothing_ran_or_was_checked(self, journal: list[Any]) -> None:
        assert summary_of(report(*journal)) == []

    def test_json_holds_the_same(self) -> None:
        told = json.loads(json.dumps(as_json(report(RAN, entry("dynamodb:PutItem", TABLE)))))
        assert told["functions"][0]["granted"][:2] == [
            {"action": "dynamodb:PutItem", "resource": TABLE, "used": 1, "needed_by": [], "never_used": False},
            {"action": "dynamodb:Query", "resource": QUERIED, "used": 0, "needed_by": [], "never_used": True},
        ]
        needing = json.loads(json.dumps(as_json(PermissionsReport.of(NEEDING, [RAN, entry("s3:Other", "x")]))))
        (granted,) = needing["functions"][0]["granted"][1:]
        assert (granted["used"], granted["needed_by"], granted["never_used"]) == (0, ["its dead letters"], False)
        assert told["functions"][1]["ran"] is False
        assert told["denied"] == []


class TestRun:
    def test_compares_what_a_run_granted_with_what_it_used(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        state = tmp_path / "state"
        with LocalAws.from_assembly(write_example(tmp_path / "example"), state=state) as aws:
            findings = RunFindings(aws, StatePaths(state))
            findings.deployed()
            aws.call("POST", "/users", json={"id": "ada"}, signed=True)
            assert aws.client_of("Users/ReadUser", "dynamodb")
            assert list(findings.new()) == []
            summary = findings.summary()
        assert summary[0].startswith("1 permissions used, 0 never used, 0 denied"), summary
        assert run(state, "text") == 0
        said = capsys.readouterr().out
        assert "used once  dynamodb:PutItem on table/" in said
        assert "(has not run)" in said
        assert run(state, "json") == 0
        assert json.loads(capsys.readouterr().out)["denied"] == []

    def test_says_once_what_passed_and_what_was_left_behind(self, tmp_path: Path) -> None:
        state = tmp_path / "state"
        with LocalAws.from_assembly(write_example(tmp_path / "example"), state=state, iam="warn") as aws:
            findings = RunFindings(aws, StatePaths(state))
            findings.deployed()
            client = aws.client_of("Users/ReadUser", "dynamodb")
            table = aws.outputs["Users"]["Table"]
            for _ in range(2):
                client.delete_item(TableName=table, Key={"id": {"S": "ada"}})
            (said,) = findings.new()
            assert said.splitlines()[:2] == [
                f"dynamodb:DeleteItem on table/{table} is denied on AWS, and passed here: --iam is warn",
                "  at:  Users/ReadUser",
            ]
            assert list(findings.new()) == []
            with (state / "journal.jsonl").open("a") as journal:
                left = {"kind": "unfinished", "function": "f", "what": "a \x1b[2Jtimer", "at": "src/a.ts:3:1"}
                for _ in range(2):
                    journal.write(json.dumps(left) + "\n")
            (said,) = findings.new()
            assert said == (
                "a \\x1b[2Jtimer was not finished when the handler returned: Lambda freezes or loses it\n"
                "  at:  src/a.ts:3:1 (f)\n  fix: await it before the handler returns"
            )

    def test_refuses_a_folder_without_a_run(self, tmp_path: Path) -> None:
        with pytest.raises(LocalError, match="no run has deployed anything with the state folder"):
            run(tmp_path, "text")

    def test_keeps_what_was_granted_when_the_aws_is_gone(self, tmp_path: Path) -> None:
        state = tmp_path / "state"
        with LocalAws.from_assembly(write_example(tmp_path / "example"), state=state) as aws:
            kept = keep_permissions(aws, state)
        assert kept is not None
        assert keep_permissions(aws, state) == kept
