"""Where a function's invocations go on to without its doing: its destinations, its dead letters.

Destinations and dead letters are for asynchronous invocations alone: who polls a queue or calls an API waits for the
answer, and a function invoked so leaves nothing there.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.flow.addressed import node_at
from constructs_lib.assembly.flow.described import event, kept_objects
from constructs_lib.assembly.flow.message import Message, Passage
from constructs_lib.assembly.flow.route import Filter, Route
from constructs_lib.assembly.text_set import Extent
from constructs_lib.assembly.value import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly, Node

FUNCTION, CONFIG = "AWS::Lambda::Function", "AWS::Lambda::EventInvokeConfig"
BUCKET, BUS = "AWS::S3::Bucket", "AWS::Events::EventBus"
OUTCOMES = (("OnSuccess", "Success", "each success"), ("OnFailure", "Failure", "each failure"))


def function_routes(assembly: Assembly) -> Iterator[Route]:
    """Yield the ways from functions to their destinations and dead letters."""
    for config in assembly.of_type(CONFIG):
        function = assembly.target(config.value("FunctionName"), FUNCTION)
        for name, outcome, when in OUTCOMES if function is not None else ():
            target = node_at(assembly, config.value("DestinationConfig", name, "Destination"))
            if function is not None and target is not None:
                yield Route(
                    function,
                    target,
                    config,
                    f"reports {when} to",
                    _result(outcome, when, function, target),
                    is_asynchronous=True,
                    only_asynchronous=True,
                )
    for function in assembly.of_type(FUNCTION):
        target = node_at(assembly, function.value("DeadLetterConfig", "TargetArn"))
        if target is not None:
            yield Route(
                function, target, function, "leaves failed events in", _always("each failure"), only_asynchronous=True
            )


def _result(outcome: str, when: str, function: Node, target: Node) -> Filter:
    """An invocation's result: on a bus it is an event of its own, in a bucket an object, elsewhere a document."""
    if target.type == BUCKET:
        kept = kept_objects(Text.of("aws/lambda/async/", function.name, "/"))
        return lambda _: Passage(Extent.ALL, when, message=kept)
    if target.type != BUS:
        return _always(when)
    told = event("lambda", f"Lambda Function Invocation Result - {outcome}", target)
    return lambda _: Passage(Extent.ALL, when, message=Message(body=told))


def _always(why: str) -> Filter:
    return lambda _: Passage(Extent.ALL, why)
