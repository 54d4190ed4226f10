"""The example stacks, whole: what is deployed, what may be done, what the auditors say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import cdk_nag
import pytest
from syrupy.extensions.json import JSONSnapshotExtension

from app import compose
from tests.templates import permissions_of, resources_of, statements_of

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

STACKS = ["Greeting", "Ledger", "Media", "Orders", "Users"]
ASSET = re.compile(r"[0-9a-f]{64}(?=\.(zip|json))")

NO_RESOURCE_LEVEL = (
    "X-Ray has no resource-level permissions: PutTraceSegments and PutTelemetryRecords accept only the resource *, "
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html"
)
SYNCHRONOUS = (
    "API Gateway invokes this function synchronously and answers the caller with its failure; a dead-letter queue "
    "receives asynchronous events only, https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
)
DESTINATION_KEEPS = (
    "failed asynchronous events go to the on-failure destination, which gets the event, the error and the context "
    "where a dead-letter queue gets the event alone, "
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
)
STREAM_POLLED = (
    "Lambda reads the stream and invokes this function synchronously: what fails for good goes to the on-failure "
    "destination of the mapping, https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html"
)
QUEUE_POLLED = (
    "Lambda polls the queue and invokes this function synchronously: what fails stays in the queue until its redrive "
    "policy moves it to the dead-letter queue, https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"
)
QUEUE_KEEPS = (
    "an event source mapping of SQS has no on-failure destination: the queue's redrive policy keeps what fails, "
    "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html"
)
BY_WORKFLOW = (
    "Step Functions invokes this function synchronously: what fails is retried, caught or undone by the workflow, and "
    "stands in its history, https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html"
)
WORKFLOW_HAS_NO_RESOURCE_LEVEL = (
    "log delivery and X-Ray have no resource-level permissions for what a state machine needs: both accept only the "
    "resource *, https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html and "
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html"
)
SHORT_LIVED = "remembers for a while which messages were handled: each record expires by itself"
NOT_ROTATED = (
    "the key is a payment provider's: Secrets Manager rotates what is not AWS's own by a function written for that "
    "provider, https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html"
)
LAST_STOP = (
    "this is a dead-letter queue: messages end here for somebody to look at, and a redrive policy of its own would "
    "move them on, https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html"
)
NOT_OF_A_QUEUE = (
    "this is the dead-letter queue of a subscription, rule, schedule, stream or asynchronous function, not of a queue, "
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
)
KEYS_ARE_NAMED_BY_PREFIX = (
    "objects come after the policy does, so their keys are granted by prefix or suffix, with the wildcard that the ARN "
    "of an object has for this, https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html"
)

BY_CLOUDFORMATION = (
    "CloudFormation calls this function and waits for its answer, which tells every failure; Secrets Manager tries a "
    "rotation that failed again, https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html"
)
INTERFACES_HAVE_NO_ARN_YET = (
    "Lambda makes the function's network interfaces with its role, before they have an ARN, and describing them has no "
    "resource-level permissions; the function's own code is denied all of it, "
    "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions"
)
FIXED_PORT = (
    "RDS Proxy listens on the default port of its engine and nowhere else, and the cluster lets nobody in but the "
    "proxy: another port would hide it from nobody, "
    "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy.html"
)

# Each with the reason why it has no dead-letter queue of its own.
FUNCTIONS = {
    "Greeting/Greet": SYNCHRONOUS,
    "Ledger/Ledger/SetupFunction": BY_CLOUDFORMATION,
    "Ledger/PostTransfer": SYNCHRONOUS,
    "Ledger/ReadBalance": SYNCHRONOUS,
    "Media/Index/Function": STREAM_POLLED,
    "Media/Thumbnail": DESTINATION_KEEPS,
    "Orders/ChargeCard": BY_WORKFLOW,
    "Orders/CountSales/Function": QUEUE_POLLED,
    "Orders/Intake/Function": QUEUE_POLLED,
    "Orders/PackingSlip": DESTINATION_KEEPS,
    "Orders/PlaceOrder": SYNCHRONOUS,
    "Orders/PutBackStock": BY_WORKFLOW,
    "Orders/ReadOrder": SYNCHRONOUS,
    "Orders/RefundCard": BY_WORKFLOW,
    "Orders/SendEmail": BY_WORKFLOW,
    "Orders/TakeStock": BY_WORKFLOW,
    "Users/CreateUser": SYNCHRONOUS,
    "Users/DeleteUser": SYNCHRONOUS,
    "Users/ListUsers": SYNCHRONOUS,
    "Users/ReadUser": SYNCHRONOUS,
}
DEAD_LETTERS_OF_NO_QUEUE = [
    "Media/Index/FailedBatches",
    "Media/Thumbnail/FailedEvents",
    "Media/Thumbnail/Media/Undelivered",
    "Orders/CountSales/OrderPlaced/Undelivered",
    "Orders/PackingSlip/FailedEvents",
    "Orders/PackingSlip/OrderPlaced/Undelivered",
]
IN_VPC = ["PostTransfer", "ReadBalance"]
WORKERS = ["Orders/CountSales", "Orders/Intake"]

# All that may be allowed on the resource *: what functions and workflows need of X-Ray, workflows of log delivery, and
# functions in a VPC of its interfaces.
WITHOUT_RESOURCE = [
    ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
    [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ],
    ["xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments"],
    [
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
    ],
]

# Every acknowledged finding of the examples: where, which, why. Nothing is acknowledged anywhere else.
ACKNOWLEDGED = {
    ("Greeting/Greet/Route", "AwsSolutions-APIG4", "a demonstration: it greets anybody and keeps nothing"),
    *((f"{path}/Identity/Base", "AwsSolutions-IAM5[Resource::*]", NO_RESOURCE_LEVEL) for path in FUNCTIONS),
    *((f"{path}/Function", "Serverless-LambdaDLQ", why) for path, why in FUNCTIONS.items()),
    *((f"{path}/Queue", "Serverless-SQSRedrivePolicy", LAST_STOP) for path in DEAD_LETTERS_OF_NO_QUEUE),
    *((f"{path}/Queue", "AwsSolutions-SQS3", NOT_OF_A_QUEUE) for path in DEAD_LETTERS_OF_NO_QUEUE),
    *(
        (
            "Media/Thumbnail/Grants",
            f"AwsSolutions-IAM5[Resource::<MediaBucket4022EBBF.Arn>/{keys}]",
            KEYS_ARE_NAMED_BY_PREFIX,
        )
        for keys in ("uploads/*", "thumbnails/*")
    ),
    *((f"{path}/DeadLetters/Queue", "Serverless-SQSRedrivePolicy", LAST_STOP) for path in WORKERS),
    *((f"{path}/Mapping", "Serverless-LambdaEventSourceMappingDestination", QUEUE_KEEPS) for path in WORKERS),
    *((f"{path}/Idempotency/Table", "AwsSolutions-DDB3", SHORT_LIVED) for path in WORKERS),
    ("Orders/Fulfilment/Identity/Base", "AwsSolutions-IAM5[Resource::*]", WORKFLOW_HAS_NO_RESOURCE_LEVEL),
    ("Orders/PaymentKey", "AwsSolutions-SMG4", NOT_ROTATED),
    ("Orders/PaymentKey", "HIPAA.Security-SecretsManagerRotationEnabled", NOT_ROTATED),
    ("Orders/PaymentKey", "NIST.800.53.R5-SecretsManagerRotationEnabled", NOT_ROTATED),
    ("Ledger/Ledger/Cluster/Cluster", "AwsSolutions-RDS11", FIXED_PORT),
    (  # the CDK's own, of whoever spreads subnets over zones
        "Ledger",
        "CloudFormation-Validate::W3010",
        "Literal AZs in template are the result of accessing stack.availabilityZones, this is expected and safe",
    ),
    *(
        (f"Ledger/{each}/Identity/Base", "AwsSolutions-IAM5[Resource::*]", INTERFACES_HAVE_NO_ARN_YET)
        for each in IN_VPC
    ),
}


@pytest.mark.parametrize("name", STACKS)
def test_template_is_as_it_was_reviewed(
    templates: dict[str, dict[str, Any]], name: str, snapshot: SnapshotAssertion
) -> None:
    normalised = json.loads(ASSET.sub("[asset]", json.dumps(templates[name])))
    assert normalised == snapshot(extension_class=JSONSnapshotExtension)


def test_templates_are_the_same_without_the_recommended_flags(
    templates: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    bare = cdk.App(outdir=str(tmp_path), analytics_reporting=False)
    compose(bare)
    bare.synth()
    for name, template in templates.items():
        assert json.loads((tmp_path / f"{name}.template.json").read_text()) == template


def test_every_stack_has_a_snapshot(templates: dict[str, dict[str, Any]]) -> None:
    assert sorted(templates) == STACKS


@pytest.mark.parametrize("pack", [cdk_nag.AwsSolutionsChecks, cdk_nag.ServerlessChecks])
@pytest.mark.parametrize("name", STACKS)
def test_cdk_nag_finds_nothing(example_app: cdk.App, name: str, pack: type[Any]) -> None:
    report = pack().validate_scope(example_app.node.find_child(name))
    assert [violation.rule_name for violation in report.violations] == []


def test_the_packs_see_what_is_acknowledged() -> None:
    """The twin of the test above: without the acknowledgement the same pack does complain."""
    app = cdk.App(analytics_reporting=False)
    stack = cdk.Stack(app, "Bare")
    cdk.aws_iam.ManagedPolicy(
        stack,
        "Policy",
        statements=[cdk.aws_iam.PolicyStatement(actions=["xray:PutTraceSegments"], resources=["*"])],
    )
    report = cdk_nag.AwsSolutionsChecks().validate_scope(stack)
    assert [violation.rule_name for violation in report.violations] == ["AwsSolutions-IAM5[Resource::*]"]


def test_acknowledgements_stand_in_one_list_each_at_its_resource(example_app: cdk.App) -> None:
    found = {
        (node.node.path, str(finding).removeprefix("Annotation::"), str(reason))
        for node in example_app.node.find_all()
        for entry in node.node.metadata
        if entry.type == "aws:cdk:acknowledged-rules"
        for finding, reason in entry.data.items()
    }
    assert found == ACKNOWLEDGED


def test_each_route_of_the_users_app_may_do_one_thing_to_the_table(templates: dict[str, dict[str, Any]]) -> None:
    template = templates["Users"]
    [table] = resources_of(template, "AWS::DynamoDB::Table")
    for function, action in {
        "CreateUser": "PutItem",
        "ReadUser": "GetItem",
        "ListUsers": "Scan",
        "DeleteUser": "DeleteItem",
    }.items():
        [logs] = [each for each in resources_of(template, "AWS::Logs::LogGroup") if each.startswith(f"{function}Logs")]
        assert permissions_of(template, f"{function}IdentityRole") == {
            (f"dynamodb:{action}", f"{table}.Arn"),
            ("logs:CreateLogStream", f"{logs}.Arn"),
            ("logs:PutLogEvents", f"{logs}.Arn"),
            ("xray:PutTelemetryRecords", "*"),
            ("xray:PutTraceSegments", "*"),
        }


def test_the_functions_of_the_media_app_may_do_what_they_are_for(templates: dict[str, dict[str, Any]]) -> None:
    template = templates["Media"]
    [images] = [each for each in resources_of(template, "AWS::DynamoDB::Table") if each.startswith("Images")]
    [search] = [each for each in resources_of(template, "AWS::DynamoDB::Table") if each.startswith("Search")]
    [bucket] = [each for each in resources_of(template, "AWS::S3::Bucket") if each.startswith("MediaBucket")]
    queues = resources_of(template, "AWS::SQS::Queue")
    [failed_events] = [each for each in queues if each.startswith("ThumbnailFailedEvents")]
    [failed_batches] = [each for each in queues if each.startswith("IndexFailedBatches")]
    for role, wanted in {
        "ThumbnailIdentityRole": {
            ("dynamodb:PutItem", f"{images}.Arn"),
            ("s3:GetObject", f"{bucket}.Arn/uploads/*"),
            ("s3:PutObject", f"{bucket}.Arn/thumbnails/*"),
            ("sqs:SendMessage", f"{failed_events}.Arn"),
        },
        "IndexFunctionIdentityRole": {
            ("dynamodb:DeleteItem", f"{search}.Arn"),
            ("dynamodb:DescribeStream", f"{images}.StreamArn"),
            ("dynamodb:GetRecords", f"{images}.StreamArn"),
            ("dynamodb:GetShardIterator", f"{images}.StreamArn"),
            ("dynamodb:ListStreams", f"{images}.StreamArn"),
            ("dynamodb:PutItem", f"{search}.Arn"),
            ("sqs:SendMessage", f"{failed_batches}.Arn"),
        },
    }.items():
        [logs] = [
            each
            for each in resources_of(template, "AWS::Logs::LogGroup")
            if each.startswith(role.removesuffix("IdentityRole") + "Logs")
        ]
        assert permissions_of(template, role) == wanted | {
            ("logs:CreateLogStream", f"{logs}.Arn"),
            ("logs:PutLogEvents", f"{logs}.Arn"),
            ("xray:PutTelemetryRecords", "*"),
            ("xray:PutTraceSegments", "*"),
        }


def test_the_greeting_may_do_nothing_but_log_and_trace(templates: dict[str, dict[str, Any]]) -> None:
    template = templates["Greeting"]
    [logs] = [each for each in resources_of(template, "AWS::Logs::LogGroup") if each.startswith("GreetLogs")]
    assert permissions_of(template, "GreetIdentityRole") == {
        ("logs:CreateLogStream", f"{logs}.Arn"),
        ("logs:PutLogEvents", f"{logs}.Arn"),
        ("xray:PutTelemetryRecords", "*"),
        ("xray:PutTraceSegments", "*"),
    }


@pytest.mark.parametrize("name", STACKS)
def test_no_statement_has_a_wildcard_action_or_shares_a_wildcard_resource(
    templates: dict[str, dict[str, Any]], name: str
) -> None:
    for statement in statements_of(templates[name]):
        assert "*" not in json.dumps(statement["Action"])
        if statement["Resource"] == "*":
            assert statement["Action"] in WITHOUT_RESOURCE


@pytest.mark.parametrize("name", STACKS)
def test_no_custom_resource_and_no_policy_of_aws(templates: dict[str, dict[str, Any]], name: str) -> None:
    template = templates[name]
    kinds = {each["Type"] for each in template["Resources"].values()}
    custom = [kind for kind in kinds if kind.startswith(("Custom::", "AWS::CloudFormation::CustomResource"))]
    # Users and tables are nothing CloudFormation knows; a function of our own makes them.
    assert custom == (["AWS::CloudFormation::CustomResource"] if name == "Ledger" else [])
    assert "AWS::IAM::Policy" not in kinds
    assert ":iam::aws:policy/" not in json.dumps(template)
