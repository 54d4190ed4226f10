"""What AWS calls a resource: its name, its ARN, and what `Ref` and `Fn::GetAtt` give.

One line a type. What is not listed has a name and attributes that only a deployment knows; equal ones still are equal.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from constructs_lib.assembly.value import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HOLE = re.compile(r"\{(\w+)\}")
REGIONAL = "arn:{partition}:%s:{region}:{account}:%s"
GLOBAL = "arn:{partition}:%s::{account}:%s"


@dataclass(frozen=True, slots=True)
class Naming:
    """How one type of resource is called.

    Args:
        name: The property that names it; empty when AWS alone does.
        arn: The shape of its ARN; empty when it has none that can be told.
        ref: What `Ref` gives: a shape, like `arn`. Default: the name.
        attributes: What `Fn::GetAtt` gives, by attribute; shapes too.
    """

    name: str = ""
    arn: str = ""
    ref: str = "{name}"
    attributes: Mapping[str, str] = field(default_factory=dict)

    def shape(self, attribute: str) -> str | None:
        """The shape of what `Fn::GetAtt` gives; none when only a deployment knows."""
        told = self.attributes.get(attribute)
        return told if told is not None else (self.arn or None) if attribute == "Arn" else None


QUEUE_URL = "https://sqs.{region}.{suffix}/{account}/{name}"
API_URL = "https://{name}.execute-api.{region}.{suffix}"

NAMINGS: Mapping[str, Naming] = {
    "AWS::ApiGateway::RestApi": Naming(
        arn="arn:{partition}:apigateway:{region}::/restapis/{name}", attributes={"RestApiId": "{name}"}
    ),
    "AWS::ApiGateway::Stage": Naming("StageName"),
    "AWS::ApiGatewayV2::Api": Naming(
        arn="arn:{partition}:apigateway:{region}::/apis/{name}",
        attributes={"ApiId": "{name}", "ApiEndpoint": API_URL},
    ),
    "AWS::ApiGatewayV2::Stage": Naming("StageName"),
    "AWS::DynamoDB::GlobalTable": Naming(
        "TableName", REGIONAL % ("dynamodb", "table/{name}"), attributes={"StreamArn": "{arn}/stream/{StreamArn}"}
    ),
    "AWS::DynamoDB::Table": Naming(
        "TableName", REGIONAL % ("dynamodb", "table/{name}"), attributes={"StreamArn": "{arn}/stream/{StreamArn}"}
    ),
    "AWS::Events::EventBus": Naming("Name", REGIONAL % ("events", "event-bus/{name}"), attributes={"Name": "{name}"}),
    "AWS::Events::Rule": Naming("Name", REGIONAL % ("events", "rule/{name}")),
    "AWS::IAM::Group": Naming("GroupName", GLOBAL % ("iam", "group/{name}")),
    "AWS::IAM::ManagedPolicy": Naming(
        "ManagedPolicyName",
        GLOBAL % ("iam", "policy/{name}"),
        ref="{arn}",
        attributes={"PolicyArn": "{arn}"},
    ),
    "AWS::IAM::Role": Naming("RoleName", GLOBAL % ("iam", "role/{name}")),
    "AWS::IAM::User": Naming("UserName", GLOBAL % ("iam", "user/{name}")),
    "AWS::KMS::Key": Naming(arn=REGIONAL % ("kms", "key/{name}"), attributes={"KeyId": "{name}"}),
    "AWS::Kinesis::Stream": Naming("Name", REGIONAL % ("kinesis", "stream/{name}")),
    "AWS::KinesisFirehose::DeliveryStream": Naming(
        "DeliveryStreamName", REGIONAL % ("firehose", "deliverystream/{name}")
    ),
    "AWS::Lambda::Alias": Naming("Name", "{FunctionName}:{name}", ref="{arn}", attributes={"AliasArn": "{arn}"}),
    "AWS::Lambda::Function": Naming("FunctionName", REGIONAL % ("lambda", "function:{name}")),
    "AWS::Lambda::Url": Naming("", ref="{FunctionName}", attributes={"FunctionArn": "{FunctionName}"}),
    "AWS::Lambda::Version": Naming(
        "", "{FunctionName}:{name}", ref="{arn}", attributes={"FunctionArn": "{arn}", "Version": "{name}"}
    ),
    "AWS::Logs::LogGroup": Naming(
        "LogGroupName", REGIONAL % ("logs", "log-group:{name}:*"), attributes={"LogGroupName": "{name}"}
    ),
    "AWS::Pipes::Pipe": Naming("Name", REGIONAL % ("pipes", "pipe/{name}")),
    "AWS::RDS::DBCluster": Naming(
        "DBClusterIdentifier",
        REGIONAL % ("rds", "cluster:{name}"),
        attributes={"DBClusterArn": REGIONAL % ("rds", "cluster:{name}")},
    ),
    "AWS::RDS::DBInstance": Naming(
        "DBInstanceIdentifier",
        REGIONAL % ("rds", "db:{name}"),
        attributes={"DBInstanceArn": REGIONAL % ("rds", "db:{name}")},
    ),
    "AWS::S3::Bucket": Naming(
        "BucketName",
        "arn:{partition}:s3:::{name}",
        attributes={
            "DomainName": "{name}.s3.amazonaws.com",
            "RegionalDomainName": "{name}.s3.{region}.{suffix}",
        },
    ),
    "AWS::SNS::Topic": Naming(
        "TopicName",
        REGIONAL % ("sns", "{name}"),
        ref="{arn}",
        attributes={"TopicArn": "{arn}", "TopicName": "{name}"},
    ),
    "AWS::SQS::Queue": Naming(
        "QueueName",
        REGIONAL % ("sqs", "{name}"),
        ref=QUEUE_URL,
        attributes={"QueueName": "{name}", "QueueUrl": QUEUE_URL},
    ),
    "AWS::SSM::Parameter": Naming("Name", REGIONAL % ("ssm", "parameter/{name}")),
    "AWS::Scheduler::Schedule": Naming("Name", REGIONAL % ("scheduler", "schedule/{GroupName}/{name}")),
    "AWS::Scheduler::ScheduleGroup": Naming("Name", REGIONAL % ("scheduler", "schedule-group/{name}")),
    "AWS::SecretsManager::Secret": Naming(
        "Name", REGIONAL % ("secretsmanager", "secret:{name}-{Suffix}"), ref="{arn}", attributes={"Id": "{arn}"}
    ),
    "AWS::StepFunctions::Activity": Naming(
        "Name", REGIONAL % ("states", "activity:{name}"), ref="{arn}", attributes={"Name": "{name}"}
    ),
    "AWS::StepFunctions::StateMachine": Naming(
        "StateMachineName", REGIONAL % ("states", "stateMachine:{name}"), ref="{arn}", attributes={"Name": "{name}"}
    ),
    "AWS::StepFunctions::StateMachineAlias": Naming("Name", ref="{arn}"),
    "AWS::StepFunctions::StateMachineVersion": Naming("", "{StateMachineArn}:{name}", ref="{arn}"),
}
ANONYMOUS = Naming()


def naming_of(kind: str) -> Naming:
    """Return how resources of this type are called."""
    return NAMINGS.get(kind, ANONYMOUS)


def fill(shape: str, hole: Callable[[str], Text]) -> Text:
    """Put into each hole of a shape what is asked for it by name."""
    return Text.of(*[hole(each) if is_hole else each for is_hole, each in _pieces(shape)])


def half_filled(shape: str, known: Mapping[str, Text]) -> Iterator[Text | str]:
    """Yield a shape in as few pieces as there can be: texts where all is known, and the names of the other holes."""
    text = Text(())
    for is_hole, each in _pieces(shape):
        if not is_hole or each in known:
            text = Text.of(text, known[each] if is_hole else each)
            continue
        if text.parts:
            yield text
        yield each
        text = Text(())
    if text.parts:
        yield text


@lru_cache(maxsize=1_000)
def _pieces(shape: str) -> tuple[tuple[bool, str], ...]:
    """The pieces of a shape, and whether each is the name of a hole."""
    return tuple((odd % 2 == 1, each) for odd, each in enumerate(HOLE.split(shape)) if each)
