from __future__ import annotations

from typing import Any

import pytest

from constructs_lib.assembly.event_sources import EventSource, SourceKind, event_sources
from constructs_lib.assembly.model import Assembly


def source(told: Any, **options: Any) -> EventSource:
    mapping = {"EventSourceArn": told, "FunctionName": {"Ref": "Send"}, **options}
    resources = {
        "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
        "Send": {"Type": "AWS::Lambda::Function"},
        "Jobs": {"Type": "AWS::SQS::Queue"},
        "Clicks": {"Type": "AWS::Kinesis::Stream"},
        "Users": {"Type": "AWS::DynamoDB::Table"},
    }
    template = {"Resources": resources, "Parameters": {"Source": {"Type": "String"}}}
    [found] = event_sources(Assembly.of({"Shop": template}))
    return found


@pytest.mark.parametrize(
    ("expression", "path", "kind"),
    [
        ("Jobs.Arn", "Jobs", SourceKind.QUEUE),
        ("Clicks.Arn", "Clicks", SourceKind.STREAM),
        ("Users.StreamArn", "Users", SourceKind.STREAM),
    ],
)
def test_a_source_among_the_stacks_is_found(expression: str, path: str, kind: SourceKind) -> None:
    found = source({"Fn::GetAtt": expression})
    assert found.source is not None
    assert found.function is not None
    assert (found.source.path, found.function.path, found.kind) == (path, "Send", kind)


@pytest.mark.parametrize(
    ("told", "options", "kind"),
    [
        ("arn:aws:sqs:eu-west-1:111122223333:jobs", {}, SourceKind.QUEUE),
        ("arn:aws:kinesis:eu-west-1:111122223333:stream/clicks", {}, SourceKind.STREAM),
        ("arn:aws:dynamodb:eu-west-1:111122223333:table/users/stream/2026", {}, SourceKind.STREAM),
        ("arn:aws:kafka:eu-west-1:111122223333:cluster/a/b", {"StartingPosition": "LATEST"}, SourceKind.OTHER),
        ({"Ref": "Source"}, {}, SourceKind.QUEUE),
        ({"Ref": "Source"}, {"StartingPosition": "LATEST"}, SourceKind.STREAM),
        ({"Ref": "Source"}, {"StartingPosition": "LATEST", "Topics": ["a"]}, SourceKind.OTHER),
        ({"Ref": "Source"}, {"Queues": ["a"]}, SourceKind.OTHER),
        ({"Ref": "AWS::NoValue"}, {"SelfManagedEventSource": {}}, SourceKind.OTHER),
    ],
)
def test_the_kind_of_a_source_elsewhere_is_told_by_its_arn_or_its_options(
    told: object, options: dict[str, Any], kind: SourceKind
) -> None:
    found = source(told, **options)
    assert (found.source, found.kind) == (None, kind)
