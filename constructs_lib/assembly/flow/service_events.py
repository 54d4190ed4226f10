"""What comes of calls that write nothing themselves: AWS tells a bus of them, replays an archive, or rotates a secret.

https://docs.aws.amazon.com/eventbridge/latest/ref/welcome.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from constructs_lib.assembly.arn import Arn
from constructs_lib.assembly.flow.bus_routes import BUS, DEFAULT_BUS, patterns_on
from constructs_lib.assembly.flow.described import event
from constructs_lib.assembly.flow.matching import asked, matched, unchanged
from constructs_lib.assembly.flow.message import ANYTHING, Message, lesser
from constructs_lib.assembly.flow.writes import Write
from constructs_lib.assembly.policies.action_names import spelled
from constructs_lib.assembly.policies.permissions import denies_node, extent_on, has_wildcard
from constructs_lib.assembly.text_set import Extent, TextSet
from constructs_lib.assembly.value import Text, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.event_pattern import Field
    from constructs_lib.assembly.flow.message import Document, NothingElse
    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.policies.permissions import Grant, Permissions

FUNCTION, SECRET = "AWS::Lambda::Function", "AWS::SecretsManager::Secret"
ARCHIVE, ROTATION = "AWS::Events::Archive", "AWS::SecretsManager::RotationSchedule"
REPLAY, ROTATE = ("events:startreplay",), ("secretsmanager:rotatesecret",)
RECORDED = "AWS API Call via CloudTrail"
# The event that a service sends of what an action sets going: its source, its type, and what is known of its detail.
TOLD: Mapping[str, tuple[str, str, Mapping[str, tuple[str, ...]]]] = {
    "athena:startqueryexecution": ("aws.athena", "Athena Query State Change", {}),
    "batch:submitjob": ("aws.batch", "Batch Job State Change", {}),
    "codebuild:startbuild": ("aws.codebuild", "CodeBuild Build State Change", {}),
    "codepipeline:startpipelineexecution": ("aws.codepipeline", "CodePipeline Pipeline Execution State Change", {}),
    "ec2:runinstances": ("aws.ec2", "EC2 Instance State-change Notification", {"state": ("pending", "running")}),
    "ec2:startinstances": ("aws.ec2", "EC2 Instance State-change Notification", {"state": ("pending", "running")}),
    "ec2:stopinstances": ("aws.ec2", "EC2 Instance State-change Notification", {"state": ("stopping", "stopped")}),
    "ec2:terminateinstances": (
        "aws.ec2",
        "EC2 Instance State-change Notification",
        {"state": ("shutting-down", "terminated")},
    ),
    "ecr:putimage": ("aws.ecr", "ECR Image Action", {"action-type": ("PUSH",)}),
    "ecs:runtask": ("aws.ecs", "ECS Task State Change", {}),
    "ecs:starttask": ("aws.ecs", "ECS Task State Change", {}),
    "glue:startcrawler": ("aws.glue", "Glue Crawler State Change", {}),
    "glue:startjobrun": ("aws.glue", "Glue Job State Change", {}),
    "ssm:deleteparameter": ("aws.ssm", "Parameter Store Change", {"operation": ("Delete",)}),
    "ssm:putparameter": ("aws.ssm", "Parameter Store Change", {"operation": ("Create", "Update")}),
    "transcribe:starttranscriptionjob": ("aws.transcribe", "Transcribe Job State Change", {}),
}
# Where the name that CloudTrail has for a call is not that of the action.
PERMITTED_BY = {
    "s3:CompleteMultipartUpload": "s3:putobject",
    "s3:CopyObject": "s3:putobject",
    "s3:DeleteObjects": "s3:deleteobject",
    "lambda:Invoke": "lambda:invokefunction",
}
SERVICES = {"monitoring": "cloudwatch", "email": "ses"}
VERSION = re.compile(r"\d{8}(v\d+)?$")  # behind the names of calls of Lambda


class ServiceEvents:
    """Finds what comes of what roles may call.

    Args:
        assembly: The assembly.
    """

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    def of(self, permissions: Permissions) -> Iterator[Write]:
        """Yield what a role may bring about."""
        for grant in permissions.grants(self._told):
            yield from self._to_bus(permissions, grant, self._event(grant))
        for grant in permissions.grants(tuple(self._recorded)):
            for name in self._recorded[grant.action]:
                for write in self._to_bus(permissions, grant, _record(grant, name)):
                    yield replace(write, extent=lesser(write.extent, Extent.SOME), why="if CloudTrail records it")
        yield from self._replays(permissions)
        yield from self._rotations(permissions)

    def _to_bus(self, permissions: Permissions, grant: Grant, told: Document) -> Iterator[Write]:
        bus = self._assembly.target(DEFAULT_BUS, BUS)
        if bus is not None and _is_allowed(permissions, grant):
            extent = Extent.SOME if grant.is_conditional or not grant.is_sure else Extent.ALL
            yield Write(bus, Message(body=told), extent, f"{_how(grant)}, of which AWS tells")

    def _event(self, grant: Grant) -> Document:
        source, detail_type, detail = TOLD[grant.action]
        known: Document = {("detail", key): TextSet.exactly(*values) for key, values in detail.items()}
        names: Document = {("detail", "name"): _parameters(grant.pattern)} if grant.action.startswith("ssm:") else {}
        return {**event(source, detail_type), **known, **names}

    @cached_property
    def _told(self) -> tuple[str, ...]:
        """The actions whose events a rule may ask for."""
        if not self._patterns:
            return ()
        return tuple(
            action
            for action, (source, detail_type, _) in TOLD.items()
            if matched(self._patterns, Message(body=event(source, detail_type)), unchanged).extent is not Extent.NONE
        )

    @cached_property
    def _recorded(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """The calls that a rule asks CloudTrail for, by service and name, under the action that permits them."""
        found: dict[str, dict[tuple[str, str], None]] = {}
        for pattern in self._patterns:
            told = {path: [str(each) for each in texts] for path, texts in asked(pattern)}
            if RECORDED not in told.get(("detail-type",), ()):
                continue
            sources = told.get(("detail", "eventSource")) or told.get(("source",), [])
            for service in sources:
                for name in told.get(("detail", "eventName"), ()):
                    found.setdefault(_action(service, name), {})[service, name] = None
        return {action: tuple(names) for action, names in found.items()}

    @cached_property
    def _patterns(self) -> tuple[Value, ...]:
        bus = self._assembly.target(DEFAULT_BUS, BUS)
        return () if bus is None else tuple(patterns_on(self._assembly, bus))

    def _replays(self, permissions: Permissions) -> Iterator[Write]:
        """Events that an archive kept come to its bus again."""
        archives = self._assembly.of_type(ARCHIVE)
        for grant in permissions.grants(REPLAY) if archives else ():
            for archive in archives:
                bus = self._assembly.target(archive.value("SourceArn"), BUS)
                extent = extent_on(grant.pattern, (archive.arn,))
                if bus is not None and extent is not Extent.NONE and _is_allowed(permissions, grant):
                    yield Write(bus, ANYTHING, Extent.SOME, _how(grant), "what the archive holds")

    def _rotations(self, permissions: Permissions) -> Iterator[Write]:
        """Who has a secret rotated runs the function that does it."""
        schedules = self._assembly.of_type(ROTATION)
        for grant in permissions.grants(ROTATE) if schedules else ():
            for schedule in schedules:
                secret = self._assembly.target(schedule.value("SecretId"), SECRET)
                function = self._assembly.target(schedule.value("RotationLambdaARN"), FUNCTION)
                if secret is None or function is None:
                    continue
                extent = extent_on(grant.pattern, self._assembly.arns(secret))
                if extent is not Extent.NONE and _is_allowed(permissions, grant):
                    yield Write(function, ANYTHING, extent, f"{_how(grant)}, which {function.path} rotates")


def _is_allowed(permissions: Permissions, grant: Grant) -> bool:
    """Whether nothing surely takes away what a statement allows."""
    denied = any(denies_node(each, grant.pattern) for each in permissions.denials(grant.action, permissions.role))
    return not denied and permissions.is_within_boundary(grant.action, grant.pattern)


def _how(grant: Grant) -> str:
    return f"may {spelled(grant.action)} on {grant.pattern} (allowed by {grant.by})"


def _action(service: str, name: str) -> str:
    """The action that permits a call, by the service that CloudTrail names, or the source of its events."""
    prefix = service.removesuffix(".amazonaws.com").removeprefix("aws.")
    called = f"{SERVICES.get(prefix, prefix)}:{VERSION.sub('', name)}"
    return PERMITTED_BY.get(called, called.lower())


def _record(grant: Grant, called: tuple[str, str]) -> Document:
    """Describe what CloudTrail says of a call."""
    service, name = called
    prefix = service.removesuffix(".amazonaws.com").removeprefix("aws.")
    told: dict[tuple[str, ...], TextSet | Text | Field | NothingElse] = {
        **event(TextSet.exactly(f"aws.{prefix}"), RECORDED),
        ("detail", "eventSource"): TextSet.exactly(f"{prefix}.amazonaws.com"),
        ("detail", "eventName"): TextSet.exactly(name),
    }
    arn = Arn.parse(grant.pattern)
    if prefix == "s3" and arn is not None:
        bucket, *keys = arn.resource.split("/", 1)
        if not has_wildcard(bucket):
            told["detail", "requestParameters", "bucketName"] = bucket
            if keys and keys[0].parts and name != "DeleteObjects":
                told["detail", "requestParameters", "key"] = TextSet.glob(keys[0])
    return told


def _parameters(pattern: Text) -> TextSet:
    """The names of the parameters that a resource pattern means: those of a hierarchy begin with a slash."""
    arn = Arn.parse(pattern)
    name = arn.resource.split("parameter/", 1) if arn is not None else ()
    if len(name) != 2 or name[0].parts:  # noqa: PLR2004 - what is before the name, and the name
        return TextSet.any()
    below_root = TextSet.glob(Text.of("/", name[1]))
    is_deep = any(isinstance(part, str) and "/" in part for part in name[1].parts)
    return below_root if is_deep and not has_wildcard(name[1]) else below_root | TextSet.glob(name[1])
