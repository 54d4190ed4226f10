"""Who lets a service of AWS in says for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import FUNCTION
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.identity_statements import lowered
from constructs_lib.guards.invoke_permissions import PERMISSION
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.guards.finding import Finding, Unknown

URL = "lambda:InvokeFunctionUrl"
# A target group cannot exist before the permission that would name it.
BEFORE_ITS_SOURCE = frozenset({"elasticloadbalancing.amazonaws.com"})
SERVICE, ACCOUNT = 2, 4  # which piece of an ARN
OWN_IDS = frozenset({"execute-api"})  # whose names AWS makes up, no two alike in any account
LIMITS = ("SourceArn", "SourceAccount", "PrincipalOrgID", "EventSourceToken")


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A permission to invoke a function names whose bucket, topic, rule or API may do it.

    Why it matters: `sns.amazonaws.com` is the SNS of every account there is; without a source anybody's topic may send
    events to the function, which takes them for its own.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html

    Refuses: a permission for a service with neither SourceArn nor SourceAccount, with a SourceArn that names nothing
    (`*`, or any account), or for everybody (`*`) without an organization. As a warning, one for S3 without
    SourceAccount, since the ARN of a bucket does not tell the account, and whoever makes a deleted bucket again has
    its name; one for a load balancer, whose target group cannot be named before it is there.

    Accepts: SourceArn, SourceAccount or PrincipalOrgID; an account or a role as principal; the public URL of a
    function, which has a rule of its own.
    """
    for permission in assembly.of_type(PERMISSION):
        for principal in permission.texts("Principal"):
            if permission.text("Action") == URL or permission.is_true("InvokedViaFunctionUrl"):
                continue
            service = str(principal)
            if service == "*" or service.endswith((".amazonaws.com", ".amazon.com")):
                yield from _open(permission, service, assembly.target(permission.value("FunctionName"), FUNCTION))


def _open(permission: Resource, service: str, function: Node | None) -> Iterator[Finding]:
    arns = permission.texts("SourceArn")
    names_nothing = bool(arns) and all(_names_nothing(str(each)) for each in arns)
    given = [each for each in LIMITS if not permission.lacks(each) and not (each == "SourceArn" and names_nothing)]
    whose = "everybody" if service == "*" else f"{service} of any account"
    if not given:
        severity = Severity.WARNING if service in BEFORE_ITS_SOURCE else Severity.ERROR
        yield finding(
            permission,
            problem=f"{whose} may invoke {function}: the permission names no source",
            fix="set SourceArn to the ARN of what calls the function, or SourceAccount to the account",
            severity=lowered(permission, severity),
        )
    elif service == "s3.amazonaws.com" and "SourceAccount" not in given:
        yield finding(
            permission,
            problem=f"{whose} may invoke {function}, if a bucket has this name there some day",
            fix="set SourceAccount beside SourceArn: the ARN of a bucket does not tell the account",
            severity=lowered(permission, Severity.WARNING),
        )


def _names_nothing(arn: str) -> bool:
    """Whether an ARN means what is in any account: anybody can call a rule or a topic as they like."""
    pieces = arn.split(":", 5)
    if len(pieces) <= ACCOUNT + 1:
        return not arn.strip("*")
    account, name = pieces[ACCOUNT], pieces[ACCOUNT + 1]
    is_one = pieces[SERVICE] in OWN_IDS and "*" not in name.split("/", 1)[0]
    return not name.strip("*:/") if not account else not account.strip("*?") and not is_one
