"""What a team, or a stage, says once for every construct below a scope.

An argument of a construct comes first, then the nearest `Defaults`, then what the library does by itself. Our
constructs read them where they are made; an L2 of the CDK has property injectors for the same purpose, and both may be
used in one app. docs/stages.md has the numbers of the three stages, docs/decisions/defaults.md the reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, TypedDict, TypeVar, Unpack
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct

from constructs_lib.wiring.kinds import check_fields
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.stack_key import key_of_stack

Scope = TypeVar("Scope", bound=Construct)

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
REMOVAL_POLICIES = (cdk.RemovalPolicy.DESTROY, cdk.RemovalPolicy.RETAIN, cdk.RemovalPolicy.SNAPSHOT)

# What resources refer to, and of these what no ARN or id names, as it would name anything imported.
REFERRED = ("encryption_key", "vpc")
DEFINED_HERE = kms.Key | ec2.Vpc

# Environments of each hardened function: an account has 1,000 a region, of which 100 stay unreserved.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
HARDENED_CONCURRENCY = 10


# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
LONGEST_TAG, LONGEST_TAG_VALUE = 128, 256
OF_AWS = "aws:"


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


class Overrides(TypedDict, total=False):
    """What a preset takes to be said otherwise; see `Defaults`."""

    log_retention: logs.RetentionDays
    removal_policy: cdk.RemovalPolicy
    deletion_protection: bool
    termination_protection: bool
    encryption_key: kms.IKey
    vpc: ec2.IVpc
    reserved_concurrency: int
    rate_limit: int
    burst_limit: int
    alarms: bool
    hardened: bool
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every default of one place, resolved: what `defaults_of` answers.

    Meaning and units are those of `Defaults`; what is None there is here what the library does by itself.
    """

    log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH
    removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN
    deletion_protection: bool = True
    termination_protection: bool = False
    encryption_key: kms.IKey | None = None
    vpc: ec2.IVpc | None = None
    reserved_concurrency: int | None = None
    rate_limit: int = 100
    burst_limit: int = 200
    alarms: bool = True
    hardened: bool = False
    tags: Mapping[str, str] = field(default_factory=_nothing)
    # Which Defaults said what is not the library's own: the name of a field, and the path of a scope.
    said_at: Mapping[str, str] = field(default_factory=_nothing)

    def reason(self, name: str) -> str:
        """Why a safeguard is off that no argument turned off, for the metadata of the resource."""
        return f"turned off by the Defaults of {self.said_at.get(name, 'the library')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Say once what every construct of ours below a scope does unless its own arguments say otherwise.

    Several scopes may have them: app, stage, stack, any construct. Each field is taken from the nearest scope that
    states it. `Defaults.dev()`, `Defaults.staging()` and `Defaults.prod()` are starting points.

    Args:
        log_retention: How long all logs are kept. Library: one month.
        removal_policy: What becomes of data, and of logs in groups without a name of their own, when its stack, or its
            construct, is removed: RETAIN, DESTROY, or SNAPSHOT, which retains what knows no snapshots. Library: RETAIN.
        deletion_protection: Whether a call that deletes a table or a database is refused by AWS. Library: yes.
        termination_protection: Whether stacks with constructs of ours refuse to be deleted as a whole. Library: no.
        encryption_key: The key of tables, databases, queues, topics, buckets and logs, used by exactly those who use
            them. Library: keys that AWS manages.
        vpc: Where functions get their network interfaces, in its isolated or private subnets. Library: in no VPC.
        reserved_concurrency: Environments set aside for, and the most ever used by, each function. Library: none set.
        rate_limit: Requests a second of each API, on average. Library: 100.
        burst_limit: Requests at once of each API. Library: 200.
        alarms: Whether constructs define their alarms, and APIs measure each route by itself. Library: yes.
        hardened: What auditors ask of all resources alike: own keys, dead letters, reserved concurrency, a VPC; see
            docs/stages.md. Library: no.
        tags: Put on everything below that takes tags, L2s included; the nearest value of a key wins.

    Raises:
        PropError: A value is of another kind, or out of bounds.

    Example:
        >>> team = Defaults(log_retention=logs.RetentionDays.THREE_MONTHS, tags={"team": "payments"})
        >>> _ = team.apply(scope)
        >>> defaults_of(scope).log_retention.name
        'THREE_MONTHS'
    """

    log_retention: logs.RetentionDays | None = None
    removal_policy: cdk.RemovalPolicy | None = None
    deletion_protection: bool | None = None
    termination_protection: bool | None = None
    encryption_key: kms.IKey | None = None
    vpc: ec2.IVpc | None = None
    reserved_concurrency: int | None = None
    rate_limit: int | None = None
    burst_limit: int | None = None
    alarms: bool | None = None
    hardened: bool | None = None
    tags: Mapping[str, str] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        """Refuse values of another kind, and such as no construct could take."""
        refusals = Refusals.at("Defaults(...)")
        check_fields(self, refusals)
        if refusals.are_none:
            self._check_values(refusals)
        refusals.stop_if_any()
        if self.tags is not None:
            object.__setattr__(self, "tags", MappingProxyType(dict(self.tags)))

    @classmethod
    def dev(cls, **overrides: Unpack[Overrides]) -> Defaults:
        """For trying things out: everything goes with its stack, logs stay a week, no alarm rings."""
        return replace(
            cls(
                log_retention=logs.RetentionDays.ONE_WEEK,
                removal_policy=cdk.RemovalPolicy.DESTROY,
                deletion_protection=False,
                termination_protection=False,
                rate_limit=10,
                burst_limit=20,
                alarms=False,
            ),
            **overrides,
        )

    @classmethod
    def staging(cls, **overrides: Unpack[Overrides]) -> Defaults:
        """For the rehearsal: as production in all that a test could notice, and removable."""
        return replace(
            cls(
                log_retention=logs.RetentionDays.ONE_MONTH,
                removal_policy=cdk.RemovalPolicy.DESTROY,
                deletion_protection=False,
                termination_protection=False,
                rate_limit=100,
                burst_limit=200,
                alarms=True,
            ),
            **overrides,
        )

    @classmethod
    def prod(cls, **overrides: Unpack[Overrides]) -> Defaults:
        """For customers: nothing with data can be removed by accident, logs stay a year, alarms ring."""
        return replace(
            cls(
                log_retention=logs.RetentionDays.ONE_YEAR,
                removal_policy=cdk.RemovalPolicy.RETAIN,
                deletion_protection=True,
                termination_protection=True,
                rate_limit=100,
                burst_limit=200,
                alarms=True,
            ),
            **overrides,
        )

    def apply(self, scope: Scope) -> Scope:
        """Put these on a scope, before constructs of ours are made below it.

        A second call on one scope adds what the first has not said: a key or a VPC that lives below the same scope.

        Args:
            scope: An app, stage, stack or any other construct.

        Returns:
            The scope: `Orders(Defaults.dev().apply(cdk.Stage(app, "dev")), "Orders")`.

        Raises:
            PropError: Constructs of ours are below already, or a field was said otherwise here before.
        """
        refusals = Refusals.at("Defaults.apply(scope)")
        if not isinstance(scope, Construct):
            refusals.refuse(
                f"scope is a {type(scope).__name__}, wanted a Construct", fix="pass the app, a stage or a stack"
            )
            refusals.stop_if_any()
        refusals = Refusals(scope)
        if scope in _STATED:
            early = _READERS.get(scope, scope.node.path)
            refusals.refuse(f"{early} was made before these Defaults", fix="apply them first, right after their scope")
        known = _APPLIED.get(scope, Defaults())
        had, now = ({**dict(_stated(each)), **_named_tags(each)} for each in (known, self))
        for name in (each for each in now if each != "tags" and had.get(each, now[each]) != now[each]):
            refusals.refuse(
                f"{name} is {_shown(had[name])} here already, and {_shown(now[name])} now",
                fix="say it once, or apply the second to a scope below",
            )
        if refusals.are_none:
            tags = None if known.tags is self.tags is None else {**(known.tags or {}), **(self.tags or {})}
            together = replace(known, **{**dict(_stated(self)), "tags": tags})
            self._check_reach(scope, together, refusals)
        refusals.stop_if_any()
        _APPLIED[scope] = together
        for key, value in (self.tags or {}).items():
            cdk.Tags.of(scope).add(key, value)
        return scope

    def _check_values(self, refusals: Refusals) -> None:
        for name, least in {"rate_limit": 1, "burst_limit": 1, "reserved_concurrency": 0}.items():
            value = getattr(self, name)
            if value is not None and not cdk.Token.is_unresolved(value) and value < least:
                refusals.refuse(f"{name} is {value}, wanted {least} or more", fix=f"leave {name} out, or raise it")
        if self.removal_policy is not None and self.removal_policy not in REMOVAL_POLICIES:
            refusals.refuse(
                f"removal_policy is {self.removal_policy.name}, wanted DESTROY, RETAIN or SNAPSHOT",
                fix="use cdk.RemovalPolicy.RETAIN, or leave removal_policy out",
            )
        for key, value in (self.tags or {}).items():
            if not key or not isinstance(value, str):
                refusals.refuse(
                    f"tag {key!r} is {_shown(value)}, wanted a name and a string", fix='write tags={"team": "payments"}'
                )
            elif key.lower().startswith(OF_AWS):
                refusals.refuse(f"tag {key!r} begins as those that AWS sets itself", fix=f"leave out {OF_AWS!r}")
            elif len(key) > LONGEST_TAG or (len(value) > LONGEST_TAG_VALUE and not cdk.Token.is_unresolved(value)):
                refusals.refuse(
                    f"tag {key[:20]!r} has {len(key)} characters and its value {len(value)}: AWS takes {LONGEST_TAG} "
                    f"and {LONGEST_TAG_VALUE}",
                    fix="shorten it",
                )

    def _check_reach(self, scope: Construct, together: Defaults, refusals: Refusals) -> None:
        resolved = _look(scope, together)
        if resolved.removal_policy is cdk.RemovalPolicy.DESTROY and resolved.deletion_protection:
            refusals.refuse(
                "removal_policy is DESTROY, and deletion_protection stays on: removing a stack would fail",
                fix="set deletion_protection=False with it, or leave removal_policy out",
            )
        stage = scope if isinstance(scope, cdk.Stage) else cdk.Stage.of(scope)
        for name in REFERRED:
            value = getattr(self, name)
            if isinstance(value, DEFINED_HERE) and stage is not None and cdk.Stage.of(value) is not stage:
                _refuse_reference(name, value, stage, refusals)


# By the scope itself: the CDK knows no place on a construct for what is Python's, and would make a new object for a
# scope that nobody here holds.
_APPLIED: dict[IConstruct, Defaults] = {}
# What was read cannot change any more, so it is read once: each question to the CDK crosses to another process.
_STATED: WeakKeyDictionary[IConstruct, Settings] = WeakKeyDictionary()
_RESOLVED: WeakKeyDictionary[IConstruct, Settings] = WeakKeyDictionary()
_READERS: WeakKeyDictionary[IConstruct, str] = WeakKeyDictionary()  # the first construct that read, below a scope


def defaults_of(scope: IConstruct) -> Settings:
    """What the nearest `Defaults` say at a place, and what the library does by itself where they say nothing.

    For constructs of your own that should follow them too: `defaults_of(self).removal_policy`.

    Args:
        scope: The construct that is being made.
    """
    known = _RESOLVED.get(scope)
    if known is None:
        known = _read(scope, scope)
        if known.hardened:
            known = _hardened(known, scope)
        _RESOLVED[scope] = known
    return known


def _read(scope: IConstruct, reader: IConstruct) -> Settings:
    """What is stated at a scope, which from now on has to stay so."""
    known = _STATED.get(scope)
    if known is not None:
        return known
    above = scope.node.scope
    known = Settings() if above is None else _read(above, reader)
    if scope in _APPLIED:
        known = _within(known, _APPLIED[scope], scope)
    if isinstance(scope, cdk.Stage) and above is not None:
        _check_inherited(known, _APPLIED.get(scope, Defaults()), scope)
    if known.termination_protection and isinstance(scope, cdk.Stack) and scope.nested_stack_parent is None:
        scope.termination_protection = True
    if scope is not reader:
        _READERS[scope] = reader.node.path
    _STATED[scope] = known
    return known


def _check_inherited(known: Settings, own: Defaults, stage: cdk.Stage) -> None:
    """Refuse what a stage inherits and cannot refer to, since it is deployed apart."""
    refusals = Refusals(stage)
    for name in REFERRED:
        value = getattr(known, name)
        if isinstance(value, DEFINED_HERE) and getattr(own, name) is None:
            _refuse_reference(name, value, stage, refusals)
    refusals.stop_if_any()


def _refuse_reference(name: str, value: IConstruct, stage: cdk.Stage, refusals: Refusals) -> None:
    refusals.refuse(
        f"{name} is {value.node.path}, and no stack refers to what another stage defines",
        fix=f"make one in {stage.node.path or 'the app'}, or import it: from_key_arn, from_vpc_attributes",
    )


def _look(scope: IConstruct, own: Defaults | None) -> Settings:
    """What would be stated at a scope with these Defaults; reads nothing."""
    above = scope.node.scope
    around = Settings() if above is None else _look(above, _APPLIED.get(above))
    return around if own is None else _within(around, own, scope)


def _within(around: Settings, own: Defaults, scope: IConstruct) -> Settings:
    """What Defaults make of the settings around their scope."""
    place = scope.node.path or "the app"
    stated = dict(_stated(own))
    said_at = {**around.said_at, **dict.fromkeys(stated, place)}
    stated["tags"] = MappingProxyType({**around.tags, **(own.tags or {})})
    return replace(around, **stated, said_at=MappingProxyType(said_at))


def _hardened(settings: Settings, scope: IConstruct) -> Settings:
    """What hardening fills in where nothing else was said."""
    is_kept = settings.removal_policy is not cdk.RemovalPolicy.DESTROY
    key, concurrency = settings.encryption_key, settings.reserved_concurrency
    return replace(
        settings,
        encryption_key=key_of_stack(scope, is_kept=is_kept) if key is None else key,
        reserved_concurrency=HARDENED_CONCURRENCY if concurrency is None else concurrency,
    )


def _stated(defaults: Defaults) -> Iterator[tuple[str, Any]]:
    for each in fields(defaults):
        value = getattr(defaults, each.name)
        if value is not None:
            yield each.name, value


def _named_tags(defaults: Defaults) -> dict[str, str]:
    return {f"tag {key!r}": value for key, value in (defaults.tags or {}).items()}


def _shown(value: object) -> str:
    return getattr(value, "name", None) or (value.node.path if isinstance(value, Construct) else repr(value))
