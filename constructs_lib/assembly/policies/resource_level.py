"""Whether an action of IAM can be limited to a resource, or must be allowed on every one.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from constructs_lib.assembly.policies.actions import includes

TABLE = Path(__file__).with_name("iam_actions.txt")
# What the reference says can be limited, and in practice cannot: what may be named is an extra that most calls lack.
# The network interfaces of a function are Lambda's to make, on every resource.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
IN_PRACTICE_NOT = frozenset(
    [
        "comprehend:detectentities",
        "ec2:assignprivateipaddresses",
        "ec2:createnetworkinterface",
        "ec2:deletenetworkinterface",
        "ec2:detachnetworkinterface",
        "ec2:unassignprivateipaddresses",
        "polly:startspeechsynthesisstream",
        "polly:startspeechsynthesistask",
        "polly:synthesizespeech",
        "rekognition:detectmoderationlabels",
        "rekognition:startmediaanalysisjob",
        "translate:starttexttranslationjob",
        "translate:translatedocument",
        "translate:translatetext",
    ]
)


class _Service(NamedTuple):
    limited: frozenset[str]
    unlimited: frozenset[str]


@cache
def can_be_limited(pattern: str) -> bool | None:
    """Return whether an action can be limited to a resource; none when nobody can tell.

    Args:
        pattern: The action in lower case. One with wildcards can be limited when one of the actions it means can.

    Example:
        >>> can_be_limited("dynamodb:putitem"), can_be_limited("xray:puttracesegments"), can_be_limited("new:action")
        (True, False, None)
    """
    service_name, colon, _ = pattern.partition(":")
    if not colon:
        return True if pattern == "*" else None
    service = _service(service_name)
    if service is None:
        return None
    if pattern in service.limited:
        return True
    if pattern in service.unlimited:
        return False
    if "*" not in pattern and "?" not in pattern:
        return None
    if any(includes(pattern, action) for action in service.limited):
        return True
    return False if any(includes(pattern, action) for action in service.unlimited) else None


@cache
def _service(name: str) -> _Service | None:
    told = [line.split() for line in _lines() if line.startswith((f"{name} + ", f"{name} - "))]
    if not told:
        return None
    actions = {sign: {f"{name}:{each}" for each in listed} for _, sign, *listed in told}
    limited, unlimited = actions.get("+", set()), actions.get("-", set())
    return _Service(frozenset(limited - IN_PRACTICE_NOT), frozenset(unlimited | (limited & IN_PRACTICE_NOT)))


@cache
def actions_of(service: str) -> tuple[str, ...]:
    """Return the names of a service's actions as AWS writes them; none for a service that the table does not have.

    Example:
        >>> actions_of("execute-api")
        ('InvalidateCache', 'Invoke', 'ManageConnections')
    """
    told = [line.split() for line in TABLE.read_text("utf-8").splitlines() if line.startswith(f"{service} ")]
    return tuple(each for _, _, *listed in told for each in listed)


@cache
def _lines() -> tuple[str, ...]:
    return tuple(TABLE.read_text("utf-8").lower().splitlines())
