"""Saying no to a safeguard: a reason that stays with the resource in the template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from constructs import IConstruct

from constructs_lib.problem import Problem, PropError
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.resource import resource_of

WAIVED = "constructs-lib:waived"  # the key in a resource's CloudFormation metadata
# What a finding is about stands in brackets, and may be the key of an object. There the CDK turns each space into a
# hyphen, after which the id is not the finding's any more, and takes no bracket without its partner.
CHANGED_IN_IDS = frozenset(" ()[]{}")


@dataclass(frozen=True, slots=True)
class Waived:
    """Turn one safeguard off, and say why.

    The reason is written into the metadata of the resource that loses the safeguard, so that whoever reads the template
    or the deployed stack finds it there.

    Args:
        reason: Why this is right here; shown to auditors, so a sentence rather than a ticket number.

    Raises:
        PropError: The reason is empty.

    Example:
        >>> from constructs_lib import Waived
        >>> Waived("a cache: rebuilt from S3 every night")
        Waived(reason='a cache: rebuilt from S3 every night')
    """

    reason: str

    def __post_init__(self) -> None:
        """Refuse an empty reason."""
        if not isinstance(self.reason, str) or not self.reason.strip():
            raise PropError(
                Problem(
                    "a safeguard is waived without a reason",
                    "Waived(reason)",
                    "say in a sentence why this is right here",
                )
            )


def check_safeguards(safeguards: Mapping[str, object], refusals: Refusals) -> None:
    """Note each safeguard that is neither kept nor waived with a reason."""
    for safeguard, value in safeguards.items():
        if value is not True and not isinstance(value, Waived):
            refusals.refuse(f"{safeguard} is {value!r}", fix=f'say why: {safeguard}=Waived("...")')


def record_waiver(resource: IConstruct, safeguard: str, waiver: Waived, *findings: str) -> None:
    """Leave the reason in the template, and acknowledge the findings that losing the safeguard causes.

    Args:
        resource: The construct whose CloudFormation resource loses the safeguard.
        safeguard: The prop that was waived.
        waiver: The user's reason.
        findings: Finding ids of cdk-nag that say the safeguard is missing.
    """
    cfn = resource_of(resource, cdk.CfnResource)
    waived = cfn.get_metadata(WAIVED) or {}
    cfn.add_metadata(WAIVED, {**waived, safeguard: waiver.reason})
    acknowledge(resource, waiver.reason, *findings)


def acknowledge(resource: IConstruct, reason: str, *findings: str) -> None:
    """Acknowledge exact cdk-nag findings at one resource, never wider.

    By the finding's own id, which both a synth with the pack and `validate_scope` in a unit test honour.
    """
    for finding in findings:
        if CHANGED_IN_IDS & set(finding.partition("[")[2][:-1]):
            resource.node.add_metadata(
                cdk.Validations.ACKNOWLEDGED_RULES_METADATA_KEY, {f"Annotation::{finding}": reason}
            )
        else:
            cdk.Validations.of(resource).acknowledge(cdk.Acknowledgment(id=finding, reason=reason))
