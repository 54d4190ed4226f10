"""Policies name the resources they allow something on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.arn import Arn
from constructs_lib.assembly.policies.resource_level import can_be_limited
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.identity_statements import allowing, lowered, spelled
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.policies.statement import Statement
    from constructs_lib.assembly.value import Text
    from constructs_lib.guards.finding import Finding, Unknown

EVERY = frozenset({"*", "**", "*/*", "*:*"})
OWN_RULE = frozenset({"iam:passrole"})  # pass-role-names-its-role
# Resources that are AWS's own, or everybody's: there is nothing to protect in naming them.
OF_AWS = ("foundation-model/", "inference-profile/", "layer:")
HARMLESS = ("logs:create", "logs:put")  # writing logs, which AWS's own policy for functions allows everywhere
ONLY_ABOUT = ("describe", "list")  # actions that tell what there is, and nothing that is in it
SOMETIMES = frozenset({"sns:publish"})  # text messages to a telephone have no topic to name
# Kinds that an app defines and could name. Others have names that only a running app makes up, such as those of jobs.
DEFINED = frozenset(
    [
        "cluster", "deliverystream", "event-bus", "function", "parameter", "role", "s3", "secret", "sns", "sqs",
        "stateMachine", "stream", "table", "user",
    ]
)  # fmt: skip
NARROWING = (
    "resourcetag/",
    "resourceaccount",
    "resourceorg",
    "viaservice",
    "encryptioncontext",
    "leadingkeys",
    "namespace",
)


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A policy names the resources it allows an action on, where AWS lets it.

    Why it matters: a function that may read one table has no business in the others; with `*` it reaches those of every
    app in the account, today's and tomorrow's.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege

    Refuses: `*`, or an ARN without a name in it (`arn:aws:dynamodb:*:*:table/*`), for an action that can be limited to
    resources. As a warning: an ARN without a name for what is named while it runs, such as jobs; under a condition; for
    describing and listing, for writing logs and for messages to telephones; in what the CDK brings along itself.

    Accepts: an ARN that names its resource, also with a wildcard behind the name; actions that have no resource, such
    as `xray:PutTraceSegments`; conditions that limit the resource (`aws:ResourceTag`, `kms:ViaService`).
    """
    for statement in allowing(assembly):
        wide = [each for each in statement.resources if _names_nothing(each)]
        if not wide or not statement.actions or _narrows(statement):
            continue
        actions = [each for each in dict.fromkeys(statement.actions) if each not in OWN_RULE]
        untold = [each for each in actions if can_be_limited(each) is None]
        if untold:
            what = f"whether {spelled(statement.source, untold)} can be limited to a resource"
            yield unknown(statement.source, what=what, reason="the table of AWS's actions does not have it")
        for is_grave in (True, False):
            found = [each for each in actions if can_be_limited(each) and _is_grave(statement, each) is is_grave]
            if found:
                severity = Severity.ERROR if is_grave else Severity.WARNING
                yield _found(statement, wide[0], found, lowered(statement.source, severity))


def _found(statement: Statement, resource: Text, actions: list[str], severity: Severity) -> Finding:
    shown, verb = spelled(statement.source, actions), "are" if len(actions) > 1 else "is"
    return finding(
        statement.source,
        at=statement.at,
        detail=shown.replace(", ", ","),
        problem=f"{shown} {verb} allowed on every resource ({resource}), and can be limited to those that are used",
        fix="name the ARN of each resource the code uses; our constructs' grants do",
        severity=severity,
    )


def _is_grave(statement: Statement, action: str) -> bool:
    name = action.partition(":")[2]
    if statement.conditions or action in SOMETIMES or action.startswith(HARMLESS) or name.startswith(ONLY_ABOUT):
        return False
    return any(each.literal in EVERY or _kind_of_all(each) in DEFINED for each in statement.resources)


def _narrows(statement: Statement) -> bool:
    keys = {key for wanted in statement.conditions.values() for key in wanted}
    return any(word in key for key in keys for word in NARROWING)


def _names_nothing(resource: Text) -> bool:
    """Whether a pattern means every resource, or every one of a kind."""
    return resource.literal in EVERY or _kind_of_all(resource) is not None


def _kind_of_all(resource: Text) -> str | None:
    """The kind of which an ARN means every one, having no name: `table` of `arn:aws:dynamodb:*:*:table/*`."""
    arn = Arn.parse(resource)
    told = arn.resource.literal if arn is not None else None
    if arn is None or told is None or told.startswith(OF_AWS):
        return None
    if not told.strip("*:/"):
        return str(arn.service)
    if arn.service.literal == "s3":
        return None if told.partition("/")[0].strip("*") else "s3"
    kind, separator, name = told.replace(":", "/").partition("/")
    return kind if separator and not name.strip("*/") else None
