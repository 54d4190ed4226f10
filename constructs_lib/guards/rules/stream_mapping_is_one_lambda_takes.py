"""A stream is there to be read, and a mapping says from where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.event_sources import STREAMS, event_sources
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

START, STREAM = "StartingPosition", "StreamSpecification"
TABLES = frozenset({"AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"})


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A mapping of a stream says where it begins, and the table that it reads has a stream.

    Why it matters: Lambda refuses the one, and CloudFormation finds no stream for the other; both fail the deployment.
    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html

    Refuses: a mapping of a Kinesis stream or of a table without `StartingPosition`; one of a table without
    `StreamSpecification`.

    Accepts: `TRIM_HORIZON`, `LATEST` and, for Kinesis, `AT_TIMESTAMP`; queues, which have no position.
    """
    for each in event_sources(assembly):
        if each.source is None or each.source.type not in STREAMS:
            continue
        if each.mapping.lacks(START):
            yield finding(
                each.mapping,
                problem=f"it does not say from where it reads {each.source}, and Lambda refuses it",
                fix=f"set {START} to LATEST, or to TRIM_HORIZON for what is there already",
                at=(START,),
            )
        if each.source.type in TABLES and each.source.lacks(STREAM):
            yield finding(
                each.source,
                problem=f"{each.mapping} reads its stream, and it has none",
                fix=f"set {STREAM}, with StreamViewType NEW_AND_OLD_IMAGES perhaps",
                at=(STREAM,),
                through=(each.mapping,),
            )
