from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fidelity.behaviour import behaviour
from tests.fidelity.outside import Outside, eventually, policy, refusal

EVENTBRIDGE = "EventBridge"
GUIDE = "eventbridge/latest/userguide/"
API = "eventbridge/latest/APIReference/"
PATTERNS = GUIDE + "eb-create-pattern-operators.html"


@pytest.fixture
def events(aws: Outside) -> Any:
    return aws.client("events")


@pytest.fixture
def bus(aws: Outside, events: Any) -> str:
    name = aws.name("bus")
    events.create_event_bus(Name=name)
    return name


def put(events: Any, bus: str, detail: object, *, kind: str = "Ordered", source: str = "shop") -> str:
    entry = {"EventBusName": bus, "Source": source, "DetailType": kind, "Detail": json.dumps(detail)}
    event_id: str = events.put_events(Entries=[entry])["Entries"][0]["EventId"]
    return event_id


class Rule:
    """A rule that sends to a queue of its own."""

    def __init__(self, aws: Outside, bus: str, pattern: dict[str, Any], **target: Any) -> None:
        self._sqs, events, name = aws.client("sqs"), aws.client("events"), aws.name("rule")
        self.url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        self._sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy(statement)})
        events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn, **target}])

    def hears(self) -> Any:
        """The next event."""
        got = eventually(lambda: self._sqs.receive_message(QueueUrl=self.url).get("Messages"))
        return json.loads(got[0]["Body"])

    def has_heard(self) -> bool:
        return "Messages" in self._sqs.receive_message(QueueUrl=self.url)


@behaviour(EVENTBRIDGE, "a target gets the event with its envelope", GUIDE + "aws-events.html")
def test_envelope(aws: Outside, events: Any, bus: str) -> None:
    rule = Rule(aws, bus, {"source": ["shop"]})
    event_id = put(events, bus, {"n": 1})
    event = rule.hears()
    assert {key: event[key] for key in ("version", "id", "detail-type", "source", "account", "region", "detail")} == {
        "version": "0",
        "id": event_id,
        "detail-type": "Ordered",
        "source": "shop",
        "account": "000000000000",
        "region": "us-east-1",
        "detail": {"n": 1},
    }
    assert {"time", "resources"} <= set(event)


OPERATORS: dict[str, tuple[Any, Any, Any]] = {
    "prefix": ([{"prefix": "a"}], "ab", "ba"),
    "prefix ignoring case": ([{"prefix": {"equals-ignore-case": "A"}}], "ab", "b"),
    "suffix": ([{"suffix": ".png"}], "x.png", "x.jpg"),
    "anything-but": ([{"anything-but": ["a", "b"]}], "c", "a"),
    "anything-but prefix": ([{"anything-but": {"prefix": "a"}}], "b", "ab"),
    "anything-but wildcard": ([{"anything-but": {"wildcard": "*/lib/*"}}], "a/b", "a/lib/b"),
    "numeric": ([{"numeric": [">", 0, "<=", 5]}], 5, 0),
    "numeric equal": ([{"numeric": ["=", 300]}], 3.0e2, 301),
    "wildcard": ([{"wildcard": "a*c"}], "abbc", "abb"),
    "equals-ignore-case": ([{"equals-ignore-case": "Abc"}], "aBC", "ab"),
    "cidr": ([{"cidr": "10.0.0.0/24"}], "10.0.0.255", "10.0.1.1"),
    "exists": ([{"exists": True}], "x", None),
    "null": ([None], None, "x"),
}


def _matches(events: Any, pattern: dict[str, Any], detail: dict[str, Any]) -> bool:
    event = {
        "id": "1",
        "account": "000000000000",
        "source": "shop",
        "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail-type": "Ordered",
        "detail": detail,
    }
    answer: bool = events.test_event_pattern(EventPattern=json.dumps({"detail": pattern}), Event=json.dumps(event))[
        "Result"
    ]
    return answer


def _holds(events: Any, *names: str) -> None:
    for name in names:
        pattern, passes, stays = OPERATORS[name]
        absent = name == "exists"
        assert _matches(events, {"v": pattern}, {"v": passes}), name
        assert not _matches(events, {"v": pattern}, {} if absent else {"v": stays}), name


@behaviour(EVENTBRIDGE, "patterns compare beginnings and ends of texts", PATTERNS + "#eb-filtering-prefix-matching")
def test_beginnings(events: Any) -> None:
    _holds(events, "prefix", "prefix ignoring case", "suffix")


@behaviour(
    EVENTBRIDGE,
    "patterns exclude: anything-but values, prefixes and wildcards",
    PATTERNS + "#eb-filtering-anything-but",
)
def test_exclusions(events: Any) -> None:
    _holds(events, "anything-but", "anything-but prefix", "anything-but wildcard")


@behaviour(EVENTBRIDGE, "patterns compare numbers", PATTERNS + "#filtering-numeric-matching")
def test_numbers(events: Any) -> None:
    _holds(events, "numeric", "numeric equal")


@behaviour(
    EVENTBRIDGE, "patterns match wildcards and ignore case where asked to", PATTERNS + "#eb-filtering-wildcard-matching"
)
def test_wildcards(events: Any) -> None:
    _holds(events, "wildcard", "equals-ignore-case")


@behaviour(EVENTBRIDGE, "patterns match ranges of addresses", PATTERNS + "#eb-filtering-ip-matching")
def test_addresses(events: Any) -> None:
    _holds(events, "cidr")


@behaviour(
    EVENTBRIDGE,
    "patterns ask whether a field is there, and null is a value",
    PATTERNS + "#eb-filtering-exists-matching",
)
def test_existence(events: Any) -> None:
    _holds(events, "exists", "null")
    assert _matches(events, {"v": [{"exists": False}]}, {})


@behaviour(EVENTBRIDGE, "$or matches when one of its patterns does", PATTERNS + "#eb-filtering-complex-example-or")
def test_or(events: Any) -> None:
    pattern = {"$or": [{"a": ["x"]}, {"b": [{"numeric": [">", 1]}]}]}
    assert [_matches(events, pattern, each) for each in ({"a": "x"}, {"b": 2}, {"a": "y", "b": 1})] == [
        True,
        True,
        False,
    ]


@behaviour(EVENTBRIDGE, "an array matches when one of its elements does", GUIDE + "eb-event-patterns-arrays.html")
def test_arrays(events: Any) -> None:
    assert _matches(events, {"v": ["b"]}, {"v": ["a", "b"]})
    assert not _matches(events, {"v": ["c"]}, {"v": ["a", "b"]})


@behaviour(EVENTBRIDGE, "a pattern that is none is InvalidEventPatternException", API + "API_PutRule.html")
def test_bad_patterns(events: Any, bus: str) -> None:
    code, _ = refusal(events.put_rule, Name="bad", EventBusName=bus, EventPattern='{"source": "shop"}')
    assert code == "InvalidEventPatternException"


@behaviour(EVENTBRIDGE, "what a rule does not match does not reach its target", GUIDE + "eb-rules.html")
def test_filters(aws: Outside, events: Any, bus: str) -> None:
    paid, every = Rule(aws, bus, {"detail": {"status": ["paid"]}}), Rule(aws, bus, {"source": ["shop"]})
    put(events, bus, {"status": "new"})
    assert every.hears()["detail"] == {"status": "new"}
    assert not paid.has_heard()


@behaviour(
    EVENTBRIDGE,
    "an input transformer makes the target's input of parts of the event",
    GUIDE + "eb-transform-target-input.html",
)
def test_transforms(aws: Outside, events: Any, bus: str) -> None:
    transformer = {
        "InputPathsMap": {"id": "$.detail.id", "all": "$.detail"},
        "InputTemplate": '{"order": <id>, "text": "order <id>", "rule": <aws.events.rule-name>, "all": <all>}',
    }
    rule = Rule(aws, bus, {"source": ["shop"]}, InputTransformer=transformer)
    put(events, bus, {"id": "o-1"})
    heard = rule.hears()
    assert (heard["order"], heard["text"], heard["all"]) == ("o-1", "order o-1", {"id": "o-1"})


@behaviour(EVENTBRIDGE, "InputPath passes a part of the event", API + "API_Target.html")
def test_input_paths(aws: Outside, events: Any, bus: str) -> None:
    rule = Rule(aws, bus, {"source": ["shop"]}, InputPath="$.detail")
    put(events, bus, {"id": "o-1"})
    assert rule.hears() == {"id": "o-1"}


@behaviour(EVENTBRIDGE, "nobody but AWS says aws.*", API + "API_PutEventsRequestEntry.html")
def test_reserved_sources(events: Any, bus: str) -> None:
    entry = {"EventBusName": bus, "Source": "aws.s3", "DetailType": "x", "Detail": "{}"}
    answer = events.put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"


@behaviour(EVENTBRIDGE, "a detail that is no JSON object is refused, the others go on", API + "API_PutEvents.html")
def test_bad_details(aws: Outside, events: Any, bus: str) -> None:
    rule = Rule(aws, bus, {"source": ["shop"]})
    good = {"EventBusName": bus, "Source": "shop", "DetailType": "x", "Detail": '{"n": 1}'}
    answer = events.put_events(Entries=[{**good, "Detail": "no json"}, good])
    assert [each.get("ErrorCode") for each in answer["Entries"]] == ["MalformedDetail", None]
    assert rule.hears()["detail"] == {"n": 1}


@behaviour(EVENTBRIDGE, "a rule is deleted only after its targets", API + "API_DeleteRule.html")
def test_rules_with_targets(aws: Outside, events: Any, bus: str) -> None:
    Rule(aws, bus, {"source": ["shop"]})
    name = events.list_rules(EventBusName=bus)["Rules"][0]["Name"]
    assert refusal(events.delete_rule, Name=name, EventBusName=bus)[0] == "ValidationException"


@behaviour(EVENTBRIDGE, "a disabled rule sends nothing", API + "API_DisableRule.html")
def test_disabled(aws: Outside, events: Any, bus: str) -> None:
    off = Rule(aws, bus, {"source": ["shop"]})
    events.disable_rule(Name=events.list_rules(EventBusName=bus)["Rules"][0]["Name"], EventBusName=bus)
    on = Rule(aws, bus, {"source": ["shop"]})
    put(events, bus, {})
    on.hears()
    assert not off.has_heard()


@behaviour(EVENTBRIDGE, "a rule hands events to another bus", GUIDE + "eb-bus-to-bus.html")
def test_bus_to_bus(aws: Outside, events: Any, bus: str) -> None:
    other = aws.name("bus")
    arn = events.create_event_bus(Name=other)["EventBusArn"]
    iam, role = aws.client("iam"), aws.name("role")
    trust = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role_arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    iam.put_role_policy(
        RoleName=role,
        PolicyName="own",
        PolicyDocument=policy({"Effect": "Allow", "Action": "events:PutEvents", "Resource": arn}),
    )
    events.put_rule(Name="on", EventBusName=bus, EventPattern='{"source": ["shop"]}')
    events.put_targets(Rule="on", EventBusName=bus, Targets=[{"Id": "bus", "Arn": arn, "RoleArn": role_arn}])
    rule = Rule(aws, other, {"source": ["shop"]})
    put(events, bus, {"n": 1})
    assert rule.hears()["detail"] == {"n": 1}


@behaviour(EVENTBRIDGE, "an archive replays what it has kept", GUIDE + "eb-archive.html")
def test_replays(aws: Outside, events: Any, bus: str) -> None:
    source = events.describe_event_bus(Name=bus)["Arn"]
    archive = events.create_archive(ArchiveName=aws.name("archive"), EventSourceArn=source)["ArchiveArn"]
    put(events, bus, {"n": 1})
    rule = Rule(aws, bus, {"source": ["shop"]})
    events.start_replay(
        ReplayName=aws.name("replay"),
        EventSourceArn=archive,
        Destination={"Arn": source},
        EventStartTime="2020-01-01T00:00:00Z",
        EventEndTime="2100-01-01T00:00:00Z",
    )
    heard = rule.hears()
    assert heard["detail"] == {"n": 1}
    assert heard["replay-name"].startswith("replay")
