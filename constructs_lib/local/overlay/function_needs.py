"""What the configuration of a function asks of its role, whether or not a run ever comes to it.

Lambda acts with the role when an event is given up, a queue is polled, a network joined. Most of it is asked for when
the configuration is deployed, which is refused without.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.delivery import ACTIONS, service_of
from constructs_lib.local.overlay.mapping_permissions import QUEUE_ACTIONS, STREAM_ACTIONS

# Beyond what a mapping is refused without. https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
# https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html
LISTING = {"dynamodb": ("ListStreams",), "kinesis": ("DescribeStreamSummary", "ListShards", "ListStreams")}
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
NETWORK = (
    "AssignPrivateIpAddresses",
    "CreateNetworkInterface",
    "DeleteNetworkInterface",
    "DescribeNetworkInterfaces",
    "DescribeSubnets",
    "UnassignPrivateIpAddresses",
)
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-filesystem-efs.html
MOUNT = ("ClientMount", "ClientWrite")
OUTCOMES = {"OnFailure": "on-failure destination", "OnSuccess": "on-success destination"}
ANYWHERE = "*"  # a resource that nobody could name: wherever the role is granted the action


@dataclass(frozen=True, slots=True)
class Need:
    """Something the role of a function has to allow.

    Args:
        action: The action.
        resource: The ARN of what it acts on, or `*`.
        by: What of the function needs it: `its dead letters`.
    """

    action: str
    resource: str
    by: str


def needs_of(function: Mapping[str, Any]) -> list[dict[str, str]]:
    """What a function of the base needs, as JSON."""
    found = [*_of_configuration(function.get("config") or {}), *_of_events(function), *_of_mappings(function)]
    return [asdict(each) for each in dict.fromkeys(found)]


def _of_configuration(configuration: Mapping[str, Any]) -> Iterator[Need]:
    yield from _telling((configuration.get("DeadLetterConfig") or {}).get("TargetArn") or "", "its dead letters")
    if (configuration.get("VpcConfig") or {}).get("SubnetIds"):
        yield from (Need(f"ec2:{each}", ANYWHERE, "its network") for each in NETWORK)
    if (configuration.get("TracingConfig") or {}).get("Mode") == "Active":
        for each in ("PutTelemetryRecords", "PutTraceSegments"):
            yield Need(f"xray:{each}", ANYWHERE, "its tracing")
    if configuration.get("KMSKeyArn"):
        yield Need("kms:Decrypt", configuration["KMSKeyArn"], "the key of its variables")
    if configuration.get("FileSystemConfigs"):  # which name an access point, and policies name its file system
        yield from (Need(f"elasticfilesystem:{each}", ANYWHERE, "its file system") for each in MOUNT)


def _of_events(function: Mapping[str, Any]) -> Iterator[Need]:
    """For the events of the function and of each of its aliases and versions."""
    for told in [*(function.get("event_invoke_configs") or {}).values(), function.get("event_invoke_config")]:
        yield from _of_destinations(told or {}, "its")


def _of_mappings(function: Mapping[str, Any]) -> Iterator[Need]:
    arn = (function.get("config") or {}).get("FunctionArn") or ""
    for _, _, mapping in base("services.lambda_svc")._iter_all_esms():
        if ":".join(mapping["FunctionArn"].split(":")[:7]) != arn:
            continue
        source = mapping.get("EventSourceArn") or ""
        service, by = service_of(source), "its event source"
        if service == "sqs":
            yield from (Need(f"sqs:{each}", source, by) for each in QUEUE_ACTIONS)
            yield from _of_key(source, by)
        for each in (*STREAM_ACTIONS, *LISTING[service]) if service in LISTING else ():
            yield Need(f"{service}:{each}", source.partition("/consumer/")[0], by)
        if service == "kinesis":
            yield Need("kinesis:SubscribeToShard", source, by)
        yield from _of_destinations(mapping, "its event source's")


def _of_key(queue_arn: str, by: str) -> Iterator[Need]:
    queue = base("services.sqs")._queue_by_arn(queue_arn) or {}
    key = queue.get("attributes", {}).get("KmsMasterKeyId") or ""
    if key and not key.startswith("alias/aws/") and (found := base("services.kms")._resolve_key(key)):
        yield Need("kms:Decrypt", found["Arn"], by)


def _of_destinations(told: Mapping[str, Any], whose: str) -> Iterator[Need]:
    destinations = told.get("DestinationConfig") or {}
    for outcome, name in OUTCOMES.items():
        yield from _telling((destinations.get(outcome) or {}).get("Destination") or "", f"{whose} {name}")


def _telling(target: str, by: str) -> Iterator[Need]:
    """What telling a queue, topic, function, bus or bucket needs."""
    if service_of(target) == "s3":
        yield Need("s3:ListBucket", target, by)
        yield Need("s3:PutObject", f"{target}/aws/lambda/", by)  # where Lambda puts it
    elif action := ACTIONS.get(service_of(target), ""):
        yield Need(action, target, by)
