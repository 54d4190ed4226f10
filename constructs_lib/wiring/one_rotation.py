"""A secret has one rotation: a second replaces the first, and CloudFormation ends it with whichever is deleted.

https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1813
"""

from __future__ import annotations

from collections.abc import Iterator

import aws_cdk as cdk
import jsii
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct, IConstruct, IValidation

from constructs_lib.problem import Problem
from constructs_lib.wiring.refusals import Refusals

ATTRIBUTE = "_constructs_lib_rotated_secrets"
FIX = "let one function do both, or keep the two in secrets of their own"


def check_only_one(secret: secretsmanager.ISecret, refusals: Refusals) -> None:
    """Note a second rotation of one secret."""
    other = _rotations(secret).get(_place_of(secret)) or next(iter(_schedules_of(secret)), None)
    if other is not None:
        refusals.refuse(_twice(secret, other), fix=FIX)


def note_rotation(secret: secretsmanager.ISecret, bearer: Construct) -> None:
    """Remember who rotates a secret."""
    _rotations(bearer)[_place_of(secret)] = bearer.node.path


@jsii.implements(IValidation)
class OnlyRotation:
    """Looks, when an app is synthesized, whether the CDK was asked for a rotation of the same secret afterwards.

    Args:
        secret: The secret.
        bearer: The rotation of ours.
    """

    def __init__(self, secret: secretsmanager.ISecret, bearer: Construct) -> None:
        self._secret = secret
        self._bearer = bearer

    def validate(self) -> list[str]:
        """Say that there is another; nothing when there is none."""
        ours = f"{self._bearer.node.path}/"
        found = [*_schedules_of(self._secret), *_schedules_beside(self._secret)]
        other = next((each for each in found if not each.startswith(ours)), None)
        if other is None:
            return []
        where = f"{self._bearer.node.path} ({type(self._bearer).__name__})"
        return [str(Problem(_twice(self._secret, other), where, FIX))]


def _twice(secret: secretsmanager.ISecret, other: str) -> str:
    return f"{secret.node.path} is rotated already, by {other}, and a secret has one rotation"


def _schedules_of(secret: secretsmanager.ISecret) -> list[str]:
    """The paths of the schedules in a secret, where the CDK's own `add_rotation_schedule` puts them."""
    below = _whole(secret).node.find_all()
    return [each.node.path for each in below if isinstance(each, secretsmanager.CfnRotationSchedule)]


def _schedules_beside(secret: secretsmanager.ISecret) -> Iterator[str]:
    """The paths of the schedules that rotate a secret from anywhere in its stage."""
    stage = cdk.Stage.of(secret) or secret.node.root
    whole = _whole(secret)
    for each in stage.node.find_all():
        if isinstance(each, secretsmanager.CfnRotationSchedule):
            target = _referred(each.secret_id)
            is_inside = target is not None and f"{target.node.path}/".startswith(f"{whole.node.path}/")
            if is_inside or _told(each, each.secret_id) == _told(secret, secret.secret_arn):
                yield each.node.path


def _referred(secret_id: str) -> IConstruct | None:
    """What a schedule names as its secret; nothing where that is no resource of the app."""
    first = cdk.Tokenization.reverse_string(secret_id).first_token
    return first.target if isinstance(first, cdk.Reference) else None


def _told(where: IConstruct, text: str) -> str:
    stack = cdk.Stack.of(where)
    return f"{stack.node.path} {stack.resolve(text)}"


def _whole(secret: secretsmanager.ISecret) -> IConstruct:
    """The secret itself, also where it was passed as what attaches it to its database."""
    scope = secret.node.scope
    return scope if isinstance(scope, secretsmanager.Secret) else secret


def _place_of(secret: secretsmanager.ISecret) -> str:
    """What tells a secret from all others of an app: one that is imported twice is still one."""
    whole = _whole(secret)
    if isinstance(whole, secretsmanager.Secret):
        return whole.node.path
    place = f"{secret.env.account} {secret.env.region}"
    if cdk.Token.is_unresolved(place):  # the same name in two stages may well be two secrets
        place = cdk.Stack.of(secret).node.path
    return f"{place} {secret.secret_name}"


def _rotations(anything: IConstruct) -> dict[str, str]:
    """The paths of the rotations of an app, by the places of their secrets."""
    root = anything.node.root
    if not hasattr(root, ATTRIBUTE):
        setattr(root, ATTRIBUTE, {})
    known: dict[str, str] = getattr(root, ATTRIBUTE)
    return known
