from __future__ import annotations

import pytest

from constructs_lib.assembly.policies.resource_level import TABLE, can_be_limited


@pytest.mark.parametrize(
    "action",
    [
        "dynamodb:putitem",
        "s3:getobject",
        "sqs:sendmessage",
        "lambda:invokefunction",
        "kms:decrypt",
        "logs:putlogevents",
    ],
)
def test_actions_that_have_a_resource_can_be_limited(action: str) -> None:
    assert can_be_limited(action) is True


@pytest.mark.parametrize(
    "action",
    [
        "xray:puttracesegments",
        "xray:puttelemetryrecords",
        "cloudwatch:putmetricdata",
        "logs:createlogdelivery",
        "ec2:describenetworkinterfaces",
        "ec2:createnetworkinterface",
        "kms:createkey",
        "states:sendtasksuccess",
        "ecr:getauthorizationtoken",
        "translate:translatetext",
    ],
)
def test_actions_without_one_cannot(action: str) -> None:
    assert can_be_limited(action) is False


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("*", True), ("dynamodb:*", True), ("s3:list*", True), ("ec2:describenetwork*", False), ("s3:listall*", False)],
)
def test_a_wildcard_can_be_limited_when_one_of_its_actions_can(pattern: str, expected: bool) -> None:
    assert can_be_limited(pattern) is expected


@pytest.mark.parametrize("pattern", ["newservice:doit", "s3:nosuchaction", "s3:nosuch*", "putitem"])
def test_nobody_can_tell_what_is_not_in_the_table(pattern: str) -> None:
    assert can_be_limited(pattern) is None


def test_the_table_has_each_action_once() -> None:
    lines = [line.split() for line in TABLE.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert all(sign in {"+", "-"} for _, sign, *_ in lines)
    actions = [f"{service}:{action}" for service, _, *listed in lines for action in listed]
    assert len(actions) == len(set(actions)) > 7_000
