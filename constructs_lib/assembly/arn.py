"""An Amazon Resource Name in pieces, of which some may be unknown.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from __future__ import annotations

from functools import lru_cache

from constructs_lib.assembly.frozen import frozen
from constructs_lib.assembly.physical_names import naming_of
from constructs_lib.assembly.value import Symbol, Text

FUNCTION = "AWS::Lambda::Function"
PIECES = 6  # arn, partition, service, region, account, resource
# What stands between the last known piece of an ARN and the name, and what may follow the name.
QUALIFIED = {FUNCTION: ":", "AWS::StepFunctions::StateMachine": ":", "AWS::Logs::LogGroup": ":"}
QUALIFIER = "/"
WITH_PATH = frozenset({"AWS::IAM::Role", "AWS::IAM::ManagedPolicy"})  # of which the ARN has the path before the name
SEGMENTED = frozenset({"AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::Kinesis::Stream"})


@frozen
class Arn:
    """An ARN.

    Args:
        service: The service, such as `sqs`.
        region: Its region; empty where the service has none.
        account: Its account; empty where the service has none.
        resource: The rest: `table/Users`, `function:Greet`, or a name alone.
    """

    service: Text
    region: Text
    account: Text
    resource: Text

    @staticmethod
    @lru_cache(maxsize=50_000)
    def parse(text: Text) -> Arn | None:
        """Read an ARN; none if this is something else, or nobody can tell."""
        if not text.startswith("arn:"):
            return None
        pieces = text.split(":", PIECES - 1)
        return Arn(*pieces[2:]) if len(pieces) == PIECES else None


def could_be_one(first: Text, second: Text) -> bool:
    """Whether two regions, or two accounts, may be the same: they are, or one is not known or not told."""
    return first == second or first.literal in {None, ""} or second.literal in {None, ""}


def are_surely_two(one: Text, other: Text) -> bool:
    """Whether two names, or two ARNs of one kind, begin to differ with names that AWS generates.

    Those are unique, and none is the beginning of another: what follows does not matter, a star neither.
    """
    for first, second in zip(one.parts, other.parts, strict=False):
        if first != second:
            return is_generated(first) and is_generated(second)
    return False


def is_generated(part: str | Symbol) -> bool:
    """Whether a piece of a text is a name that AWS generates for a resource."""
    return isinstance(part, Symbol) and part.kind == "name"


def name_in(text: Text, arn: Arn | None, kind: str) -> Text | None:
    """The name of a resource of this type that a text tells; none if it tells of another type."""
    if arn is None:
        if text.startswith("https://"):
            return text.split("/")[-1] if kind == "AWS::SQS::Queue" else None
        return _name_in_part(text) if kind == FUNCTION else text
    shape = naming_of(kind).arn
    if not shape.startswith("arn:"):
        return None
    _, _, service, _, _, resource = shape.split(":", 5)
    before, hole, after = resource.partition("{name}")
    told = arn.resource.parts
    if arn.service.literal != service or not told or not hole or not arn.resource.startswith(before):
        return None
    first, *rest = told
    name = Text.of(str(first)[len(before) :] if before else first, *rest)
    if kind in WITH_PATH:
        return name.split("/")[-1]
    separator = QUALIFIED.get(kind, QUALIFIER if before.endswith("/") and not after and kind in SEGMENTED else "")
    return name.split(separator, 1)[0] if separator else name


def _name_in_part(text: Text) -> Text:
    """The name of a function in a part of its ARN, or in front of an alias or version."""
    pieces = text.split(":")
    is_part = len(pieces) > 2 and pieces[1].literal == "function"  # noqa: PLR2004 - account, `function`, name
    return pieces[2] if is_part else pieces[0]
