"""Custom and default buses: who may put which events, and the rules that pick some.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-bus-to-bus.html
"""

import json
from typing import Any

from tests.guards.recursion.parts import (
    Json,
    Resources,
    allow,
    att,
    bus,
    deny,
    mapping,
    queue,
    ref,
    resource,
    role,
    rule,
    sub,
    writer,
)
from tests.guards.recursion.topology import guarded, loop, risk, silent

PUT = "events:PutEvents"
EVERY: Json = {"source": [{"prefix": ""}]}
ORDERS: Json = {"source": ["orders"]}
DEFAULT = sub("arn:aws:events:${AWS::Region}:${AWS::AccountId}:event-bus/default")


def puts(pattern: Any, *, to: Any = None, on: Any = None, state: str = "ENABLED", **condition: Any) -> Resources:
    """A function that a rule of a bus runs, and that may put events on it."""
    target = att("Bus") if to is None else to
    of = ref("Bus") if on is None else on
    return writer(allow(PUT, target, **condition)) | bus() | rule(att("Writer"), pattern, on=of, State=state)


def puts_source(pattern: Json, *sources: str, operator: str = "StringEquals") -> Resources:
    condition: dict[str, Any] = {operator: {"events:source": list(sources)}}
    return puts(pattern, **condition)


def puts_on_default(pattern: Any, **condition: Any) -> Resources:
    return writer(allow(PUT, DEFAULT, **condition)) | rule(att("Writer"), pattern)


def forwarded(first: Any, second: Any, **condition: Any) -> Resources:
    """What is put on one bus goes on to another, which runs the function."""
    return (
        writer(allow(PUT, att("Bus"), **condition))
        | bus()
        | bus("Inner")
        | {"Forwarder": role(allow(PUT, att("Inner")), service="events")}
        | rule(att("Inner"), first, "Forward", on=ref("Bus"))
        | rule(att("Writer"), second, on=ref("Inner"))
    )


def forwarded_twice() -> Resources:
    """EventBridge does not send on to a third bus what came from another."""
    return (
        writer(allow(PUT, att("Bus")))
        | bus()
        | bus("Inner")
        | bus("Innermost")
        | rule(att("Inner"), EVERY, "Forward", on=ref("Bus"))
        | rule(att("Innermost"), EVERY, "ForwardAgain", on=ref("Inner"))
        | rule(att("Writer"), EVERY, on=ref("Innermost"))
    )


def in_a_circle() -> Resources:
    """Two buses that send to each other, and nobody else."""
    return (
        bus()
        | bus("Inner")
        | rule(att("Inner"), EVERY, "Forward", on=ref("Bus"))
        | rule(att("Bus"), EVERY, "Back", on=ref("Inner"))
    )


def by_queue(*wanted: Json, **condition: Any) -> Resources:
    return (
        writer(allow(PUT, att("Bus"), **condition))
        | bus()
        | queue()
        | rule(att("Queue"), EVERY, on=ref("Bus"))
        | mapping(att("Queue"), "Writer", *wanted)
    )


def undelivered(queue_read: str) -> Resources:
    targets = [
        {
            "Id": "T",
            "Arn": "arn:aws:lambda:eu-west-1:111111111111:function:elsewhere",
            "DeadLetterConfig": {"Arn": att("Dead")},
        }
    ]
    dead = resource("AWS::Events::Rule", EventBusName=ref("Bus"), EventPattern=EVERY, Targets=targets)
    return (
        writer(allow(PUT, att("Bus")))
        | bus()
        | queue("Dead")
        | queue("Other")
        | {"Rule": dead}
        | mapping(att(queue_read))
    )


def let_in(principal: Any, **condition: Any) -> Resources:
    statement = {"Sid": "In", "Effect": "Allow", "Principal": principal, "Action": PUT, "Resource": att("Bus")}
    told = statement | ({"Condition": condition} if condition else {})
    policy = resource("AWS::Events::EventBusPolicy", EventBusName=ref("Bus"), StatementId="In", Statement=told)
    return writer() | bus() | rule(att("Writer"), EVERY, on=ref("Bus")) | {"BusPolicy": policy}


FOR_ALL = "ForAllValues:StringEquals"
TYPE = "events:detail-type"
EITHER: Json = {"$or": [{"source": ["orders"]}, {"detail-type": ["Placed"]}]}


def older_policy(principal: str) -> Resources:
    """A policy of a bus that has an account and an action, rather than a statement."""
    told = {"EventBusName": "bus", "StatementId": "In", "Action": PUT, "Principal": principal}
    policy = resource("AWS::Events::EventBusPolicy", **told)
    return writer() | bus() | rule(att("Writer"), EVERY, on=ref("Bus")) | {"BusPolicy": policy}


def scheduled() -> Resources:
    """A rule of the default bus that asks for no event."""
    targets = [{"Id": "T", "Arn": att("Writer")}]
    told = resource("AWS::Events::Rule", ScheduleExpression="rate(1 hour)", Targets=targets)
    return writer(allow(PUT, DEFAULT)) | {"Rule": told}


TWO_FORMS: Json = {"source": ["orders", {"prefix": "bill"}]}
BILLING: Json = {"StringEquals": {"events:source": "billing"}}


def dead_of_bus(queue_read: str) -> Resources:
    dead = bus(DeadLetterConfig={"Arn": att("Queue")})
    return writer(allow(PUT, att("Bus"))) | dead | queue() | queue("Other") | mapping(att(queue_read))


ALL, ANY = "ForAllValues:StringEquals", "ForAnyValue:StringEquals"


def denied(pattern: Json, operator: str, source: str, on: str = "Bus") -> Resources:
    """It may put everything, less what is denied by its source."""
    less = deny(PUT, att(on), **{operator: {"events:source": [source]}})
    return writer(allow(PUT, att("Bus")), less) | bus() | rule(att("Writer"), pattern, on=ref("Bus"))


def constant(said: Json) -> Resources:
    """A rule says the same of every event to a queue, of which the function reads one kind."""
    told = said if "Ref" in said else json.dumps(said)
    target = {"Targets": [{"Id": "T", "Arn": att("Queue"), "Input": told}]}
    asked = resource("AWS::Events::Rule", EventPattern=ORDERS, EventBusName=ref("Bus"), **target)
    read = mapping(att("Queue"), "Writer", {"body": {"kind": ["again"]}})
    return writer(allow(PUT, att("Bus"))) | bus() | queue() | {"Rule": asked} | read


TOPOLOGIES = (
    loop("everything on the bus", puts(EVERY)),
    loop("everything of the account", puts({"account": [ref("AWS::AccountId")]})),
    risk("everything of an account that may be its own", puts({"account": ["999999999999"]})),
    guarded("only what says where it was made by a key that events do not have", puts({"origin": ["here"]})),
    risk("one source of those it may name", puts(ORDERS)),
    loop("the only source it may name", puts_source(ORDERS, "orders")),
    loop("the only source it may name, as AWS advises to write it", puts_source(ORDERS, "orders", operator=FOR_ALL)),
    guarded("another source than the one it may name", puts_source(ORDERS, "billing")),
    risk("one of two sources it may name", puts_source(ORDERS, "orders", "billing")),
    loop("both of the sources it may name", puts_source({"source": ["orders", "billing"]}, "orders", "billing")),
    guarded("anything but the source it may name", puts_source({"source": [{"anything-but": "billing"}]}, "billing")),
    loop("anything but another source", puts_source({"source": [{"anything-but": "orders"}]}, "billing")),
    loop(
        "sources it may name by a wildcard",
        puts_source({"source": [{"prefix": "shop."}]}, "shop.*", operator="StringLike"),
    ),
    guarded("sources it may not name, by a wildcard", puts_source(ORDERS, "shop.*", operator="StringLike")),
    guarded("sources it may not name, by what it may not", puts_source(ORDERS, "orders", operator="StringNotEquals")),
    guarded("the source in other letters", puts_source(ORDERS, "Orders")),
    loop(
        "the source in other letters, which the pattern does not mind",
        puts_source({"source": [{"equals-ignore-case": "ORDERS"}]}, "Orders"),
    ),
    loop("the only type it may name", puts({"detail-type": ["Placed"]}, StringEquals={TYPE: "Placed"})),
    guarded("another type than it may name", puts({"detail-type": ["Placed"]}, StringEquals={TYPE: "Paid"})),
    guarded(
        "the right source with another type",
        puts({"source": ["orders"], "detail-type": ["Placed"]}, StringEquals={"events:source": "orders", TYPE: "Paid"}),
    ),
    risk("some detail", puts(ORDERS | {"detail": {"kind": ["again"]}}, StringEquals={"events:source": "orders"})),
    guarded("only what AWS says", puts({"source": ["aws.s3"]})),
    guarded("only what AWS says, whoever", puts({"source": [{"prefix": "aws."}]})),
    guarded("on the default bus, only what AWS says", puts_on_default({"source": ["aws.ec2"]})),
    loop("on the default bus, its own source", puts_on_default(ORDERS, StringEquals={"events:source": "orders"})),
    risk("on the default bus, one source of many", puts_on_default(ORDERS)),
    silent("it puts on the default bus, and reads another", puts(EVERY, to=DEFAULT)),
    silent("it puts on its own bus, and reads the default one", puts(EVERY, on="default")),
    silent("the rule is off", puts(EVERY, state="DISABLED")),
    silent("the rule is only a schedule", scheduled()),
    risk("it puts on every bus", puts(EVERY, to="*")),
    risk(
        "it puts on every bus of the account",
        puts(EVERY, to=sub("arn:aws:events:${AWS::Region}:${AWS::AccountId}:event-bus/*")),
    ),
    loop(
        "the bus by its name",
        puts(EVERY, to=sub("arn:aws:events:${AWS::Region}:${AWS::AccountId}:event-bus/bus"), on="bus"),
    ),
    guarded(
        "the role is denied to put",
        writer(allow(PUT, att("Bus")), deny(PUT, att("Bus"))) | bus() | rule(att("Writer"), EVERY, on=ref("Bus")),
    ),
    loop("forwarded to another bus", forwarded(EVERY, EVERY)),
    loop("forwarded by its source", forwarded(ORDERS, ORDERS, StringEquals={"events:source": "orders"})),
    guarded("forwarded, for another source", forwarded(ORDERS, {"source": ["billing"]})),
    guarded("forwarded twice", forwarded_twice()),
    guarded("two buses forward to each other", in_a_circle(), ("Bus", "Inner")),
    loop("by a queue", by_queue()),
    guarded(
        "by a queue, of which it reads another source",
        by_queue({"body": ORDERS}, StringEquals={"events:source": "billing"}),
    ),
    risk("what a target does not take", undelivered("Dead")),
    silent("what a target does not take runs nobody", undelivered("Other")),
    loop("the bus lets its reader in", let_in({"AWS": att("WriterRole")})),
    risk("the bus lets everybody in", let_in("*")),
    silent("the bus lets somebody else in", let_in({"AWS": "arn:aws:iam::111111111111:role/other"})),
    risk("the bus lets everybody in, in the older form", older_policy("*")),
    silent("the bus lets another account in, in the older form", older_policy("999999999999")),
    guarded("forwarded from one region, for another", forwarded({"region": ["eu-west-1"]}, {"region": ["us-east-1"]})),
    loop("one of two patterns in one", puts_source(EITHER, "orders")),
    risk("one of the events it puts has the other source", puts_source(ORDERS, "billing", operator=ANY)),
    guarded("all of the events it puts have the other source", puts_source(ORDERS, "billing", operator=ALL)),
    guarded("its source is denied", denied(ORDERS, "StringEquals", "orders")),
    guarded("every source but another is denied", denied(ORDERS, "StringNotEquals", "billing")),
    guarded("its source is denied for any of the events", denied(ORDERS, ANY, "orders")),
    risk("its source is denied for all of the events at once", denied(ORDERS, ALL, "orders")),
    risk("another source is denied", denied(ORDERS, "StringEquals", "billing")),
    risk("its source is denied on another bus", denied(ORDERS, "StringEquals", "orders", on="Other") | bus("Other")),
    risk("its source is denied if it has no key", denied(ORDERS, "Null", "true")),
    risk("by a queue, of which it reads what its rule always says", constant({"kind": "again", "n": [1, 2]})),
    guarded("by a queue, of which it reads what its rule never says", constant({"kind": "once"})),
    guarded("by a queue, to which its rule says nothing of the kind", constant({"n": None})),
    risk("by a queue, to which its rule says what cannot be told", constant({"Ref": "Input"})),
    risk("a bus leaves what it cannot encrypt in a queue it reads", dead_of_bus("Queue")),
    silent("a bus leaves what it cannot encrypt in another queue", dead_of_bus("Other")),
    guarded("neither of two patterns in one", puts(EITHER, StringEquals={"events:source": "billing", TYPE: "Paid"})),
    guarded(
        "sources it may not name, by a wildcard of what it may not",
        puts_source(ORDERS, "ord*", operator="StringNotLike"),
    ),
    risk("sources but those of a wildcard", puts_source(ORDERS, "bill*", operator="StringNotLike")),
    loop(
        "the only source it may name, in whatever letters",
        puts_source({"source": [{"equals-ignore-case": "orders"}]}, "Orders", operator="StringEqualsIgnoreCase"),
    ),
    guarded(
        "another source than it may name, in whatever letters",
        puts_source(ORDERS, "Billing", operator="StringEqualsIgnoreCase"),
    ),
    loop(
        "the only source it may name, if it names one", puts_source(ORDERS, "orders", operator="StringEqualsIfExists")
    ),
    guarded("a source that looks like a wildcard, and is none", puts_source(ORDERS, "ord*")),
    risk("it has to name a source", puts(ORDERS, Null={"events:source": "false"})),
    loop("forwarded by one of two forms, and picked by the same", forwarded(TWO_FORMS, TWO_FORMS, **BILLING)),
    guarded("forwarded by one of two forms, and picked by the other", forwarded(TWO_FORMS, ORDERS, **BILLING)),
)
