"""Whether an action of IAM can be limited to a resource, or must be allowed on every one.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from constructs_lib.assembly.policies.actions import includes

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    service = _services().get(service_name)
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
def _services() -> Mapping[str, _Service]:
    found: dict[str, dict[str, set[str]]] = {}
    for line in TABLE.read_text("utf-8").lower().splitlines():
        if not line.startswith("#"):
            service, sign, *actions = line.split()
            names = {f"{service}:{each}" for each in actions}
            found.setdefault(service, {"+": set(), "-": set()})[sign] |= names
    return {
        service: _Service(frozenset(told["+"] - IN_PRACTICE_NOT), frozenset(told["-"] | (told["+"] & IN_PRACTICE_NOT)))
        for service, told in found.items()
    }
