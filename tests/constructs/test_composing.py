"""Our constructs among others: stacks that refer to each other, aspects of a team, L2s of the CDK on either side."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import IConstruct

from constructs_lib import (
    DynamoTable,
    EventBus,
    Iam,
    PropError,
    QueueWorker,
    Schedule,
    SecretField,
    SecretSource,
    SecureApi,
    SecureApiFunction,
    SecureFunction,
    Topic,
    UploadBucket,
    Workflow,
    assert_guarded,
    step,
)
from tests.templates import permissions_of, resources_of, statements_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"
ACCOUNT = "111122223333"


def grant_everything(home: cdk.Stack, function: SecureFunction) -> None:
    """Give a function of one stack something of every kind in another."""
    DynamoTable(home, "Users", partition_key="id").grant(function, "GetItem", env="USERS_TABLE")
    UploadBucket(home, "Photos").grant_read(function, prefix="raw/", env="PHOTOS_BUCKET")
    Topic(home, "Orders").grant_publish(function, env="ORDERS_TOPIC")
    EventBus(home, "Shop").grant_put_events(function, sources=["orders"], env="SHOP_BUS")
    QueueWorker(home, "Emails", entry=ENTRY).grant_send(function, env="EMAILS_QUEUE")
    inner = SecureFunction(home, "Inner", entry=ENTRY)
    Workflow(home, "Fulfil", steps=[step("Do", inner)]).grant_start(function, env="FULFIL")


GRANTED = {
    "dynamodb:GetItem",
    "events:PutEvents",
    "s3:GetObject",
    "sns:Publish",
    "sqs:SendMessage",
    "states:StartExecution",
}


def granted(stack: cdk.Stack, prefix: str) -> set[str]:
    return {
        action for action, _ in permissions_of(template_of(stack), prefix) if not action.startswith(("logs:", "xray:"))
    }


class TestStacks:
    def test_a_function_uses_what_another_stack_made(self, app: cdk.App) -> None:
        home, away = cdk.Stack(app, "Home"), cdk.Stack(app, "Away")
        function = SecureFunction(away, "Read", entry=ENTRY)
        grant_everything(home, function)
        assert granted(away, "Read") == GRANTED
        [read] = resources_of(template_of(away), "AWS::Lambda::Function").values()
        variables = read["Properties"]["Environment"]["Variables"]
        assert [name for name, value in variables.items() if "Fn::ImportValue" in str(value)] == [
            *("USERS_TABLE", "PHOTOS_BUCKET", "ORDERS_TOPIC", "SHOP_BUS", "EMAILS_QUEUE", "FULFIL")
        ]

    def test_a_function_uses_what_another_region_made(self, app: cdk.App) -> None:
        home, away = (
            cdk.Stack(app, name, env=cdk.Environment(account=ACCOUNT, region=region), cross_region_references=True)
            for name, region in (("Home", "eu-central-1"), ("Away", "us-east-1"))
        )
        function = SecureFunction(away, "Read", entry=ENTRY)
        grant_everything(home, function)
        app.synth()
        template = template_of(away)
        assert granted(away, "Read") == GRANTED
        [reader] = resources_of(template, "Custom::CrossRegionExportReader")
        [read] = [
            each for name, each in resources_of(template, "AWS::Lambda::Function").items() if name.startswith("Read")
        ]
        variables = read["Properties"]["Environment"]["Variables"]
        assert variables["USERS_TABLE"]["Fn::GetAtt"][0] == reader
        assert_guarded(away)

    @pytest.mark.parametrize("of", ["grant", "secret", "field"])
    def test_what_another_region_has_is_refused_where_cdk_would_not_carry_its_name_over(
        self, app: cdk.App, of: str
    ) -> None:
        home, away = (
            cdk.Stack(app, name, env=cdk.Environment(account=ACCOUNT, region=region))
            for name, region in (("Home", "eu-central-1"), ("Away", "us-east-1"))
        )
        secret = secretsmanager.Secret(home, "Secret")
        sources: dict[str, SecretSource] = {"secret": secret, "field": SecretField(secret, "key")}
        read = {"KEY": sources[of]} if of in sources else None
        with pytest.raises(PropError) as caught:
            DynamoTable(home, "Users", partition_key="id").grant(
                SecureFunction(away, "Read", entry=ENTRY, secrets=read), "GetItem"
            )
        owner, at = (
            ("Home/Users", "Home/Users (DynamoTable)")
            if of == "grant"
            else ("Home/Secret", "Away/Read (SecureFunction)")
        )
        assert str(caught.value) == (
            f"Away/Read is in 111122223333/us-east-1, {owner} in 111122223333/eu-central-1: "
            "CDK carries names and ARNs to another region only where its stacks ask for it\n"
            f"  at:  {at}\n"
            "  fix: give both stacks an env and cross_region_references=True, or put both into one region"
        )

    @pytest.mark.parametrize("of", ["grant", "secret", "topic", "schedule"])
    def test_what_another_stage_defines_is_refused(self, app: cdk.App, of: str) -> None:
        dev, prod = (cdk.Stack(cdk.Stage(app, name), "Shop") for name in ("dev", "prod"))
        secret = secretsmanager.Secret(dev, "Owner")
        uses: dict[str, Callable[[], object]] = {
            "grant": lambda: DynamoTable(dev, "Table", partition_key="id").grant(read(), "GetItem"),
            "secret": lambda: read(secrets={"KEY": secret}),
            "topic": lambda: Topic(dev, "Topic").subscribe(read()),
            "schedule": lambda: Schedule(dev, "Nightly", expression="rate(1 day)", target=read()),
        }

        def read(**more: Any) -> SecureFunction:
            return SecureFunction(prod, "Read", entry=ENTRY, **more)

        with pytest.raises(PropError) as caught:
            uses[of]()
        what, _, fix = str(caught.value).splitlines()
        assert what.startswith("prod/Shop/Read is in the stage prod, dev/Shop/")
        assert what.endswith(
            " in the stage dev: a stage is deployed by itself, and no stack refers to what another stage defines"
        )
        assert fix == "  fix: define both in one stage, or name there what is deployed already: from_existing"

    def test_what_was_imported_is_named_in_any_stage(self, app: cdk.App) -> None:
        dev, prod = (cdk.Stack(cdk.Stage(app, name), "Shop") for name in ("dev", "prod"))
        users = DynamoTable.from_existing(dev, "Users", dynamodb.Table.from_table_name(dev, "L2", "users"))
        secret = secretsmanager.Secret.from_secret_name_v2(dev, "Secret", "shop/key")
        users.grant(SecureFunction(prod, "Read", entry=ENTRY, secrets={"KEY": secret}), "GetItem")
        app.synth()
        assert granted(prod, "Read") == {"dynamodb:GetItem", "secretsmanager:GetSecretValue"}

    def test_what_has_a_name_of_its_own_is_known_everywhere(self, app: cdk.App) -> None:
        home, away = (
            cdk.Stack(app, name, env=cdk.Environment(account=ACCOUNT, region=region))
            for name, region in (("Home", "eu-central-1"), ("Away", "us-east-1"))
        )
        named = sqs.Queue(home, "Jobs", queue_name="jobs")
        QueueWorker.from_existing(home, "Known", named).grant_send(SecureFunction(away, "Send", entry=ENTRY))
        assert ("sqs:SendMessage", f"arn:AWS::Partition:sqs:eu-central-1:{ACCOUNT}:jobs") in permissions_of(
            template_of(away), "Send"
        )

    def test_a_route_of_an_api_in_another_region_is_refused(self, app: cdk.App) -> None:
        home, away = (
            cdk.Stack(app, name, env=cdk.Environment(account=ACCOUNT, region=region), cross_region_references=True)
            for name, region in (("Home", "eu-central-1"), ("Away", "us-east-1"))
        )
        with pytest.raises(PropError) as caught:
            SecureApiFunction(away, "Read", api=SecureApi(home, "Api", auth=Iam()), route="GET /", entry=ENTRY)
        assert str(caught.value) == (
            "Away/Read is in 111122223333/us-east-1, Home/Api in 111122223333/eu-central-1: "
            "a route stands beside its function, and belongs to an API of the same account and region\n"
            "  at:  Away/Read (SecureApiFunction)\n"
            "  fix: make an API in each region: SecureApi(stack, ...)"
        )

    def test_a_grant_to_another_account_is_refused_in_three_lines(self, app: cdk.App) -> None:
        home, away = (
            cdk.Stack(app, name, env=cdk.Environment(account=account, region="eu-central-1"))
            for name, account in (("Home", ACCOUNT), ("Away", "999988887777"))
        )
        function = SecureFunction(away, "Read", entry=ENTRY)
        with pytest.raises(PropError) as caught:
            DynamoTable(home, "Users", partition_key="id").grant(function, "GetItem")
        assert str(caught.value) == (
            "dynamodb:GetItem cannot be granted to a role of another account (999988887777, this is 111122223333)\n"
            "  at:  Home/Users (DynamoTable)\n"
            "  fix: grant it to a function or role of this account, or write a resource policy on the L2"
        )


def shop(stack: cdk.Stack) -> None:
    """One of everything that an aspect could reach."""
    function = SecureFunction(stack, "Read", entry=ENTRY)
    grant_everything(stack, function)


@jsii.implements(cdk.IAspect)
class OwnKeyForQueues:
    """A team's rule: every queue is encrypted with the team's key."""

    def __init__(self, key: kms.IKey) -> None:
        self._key = key

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, sqs.CfnQueue):
            node.sqs_managed_sse_enabled = None
            node.kms_master_key_id = self._key.key_arn


class TestAspects:
    def test_tags_reach_everything_that_takes_tags(self, stack: cdk.Stack) -> None:
        shop(stack)
        cdk.Tags.of(stack).add("team", "shop")
        template = template_of(stack)
        for kind in (
            *("AWS::DynamoDB::Table", "AWS::IAM::Role", "AWS::Lambda::Function", "AWS::Logs::LogGroup"),
            *("AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::StepFunctions::StateMachine"),
        ):
            found = resources_of(template, kind)
            assert found
            for each in found.values():
                assert {"Key": "team", "Value": "shop"} in each["Properties"]["Tags"], kind

    def test_a_permissions_boundary_is_on_every_role(self, stack: cdk.Stack) -> None:
        shop(stack)
        boundary = iam.ManagedPolicy.from_managed_policy_name(stack, "Boundary", "developers")
        iam.PermissionsBoundary.of(stack).apply(boundary)
        roles = resources_of(template_of(stack), "AWS::IAM::Role")
        assert len(roles) >= 4
        assert all("developers" in str(each["Properties"]["PermissionsBoundary"]) for each in roles.values())

    def test_a_removal_policy_from_outside_wins(self, stack: cdk.Stack) -> None:
        shop(stack)
        cdk.RemovalPolicies.of(stack).destroy()
        template = template_of(stack)
        for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket"):
            for each in resources_of(template, kind).values():
                assert each["DeletionPolicy"] == "Delete", kind

    def test_a_key_from_outside_is_on_every_queue(self, stack: cdk.Stack) -> None:
        shop(stack)
        key = kms.Key(stack, "Key")
        cdk.Aspects.of(stack).add(OwnKeyForQueues(key))
        queues = resources_of(template_of(stack), "AWS::SQS::Queue")
        assert queues
        for each in queues.values():
            assert each["Properties"]["KmsMasterKeyId"] == stack.resolve(key.key_arn)
            assert "SqsManagedSseEnabled" not in each["Properties"]

    def test_an_escape_hatch_changes_what_no_argument_does(self, stack: cdk.Stack) -> None:
        table = DynamoTable(stack, "Users", partition_key="id")
        cfn = table.table.node.default_child
        assert isinstance(cfn, dynamodb.CfnTable)
        cfn.table_class = "STANDARD_INFREQUENT_ACCESS"
        [found] = resources_of(template_of(stack), "AWS::DynamoDB::Table").values()
        assert found["Properties"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"


@pytest.fixture
def plain(stack: cdk.Stack) -> lambda_.Function:
    """A function as the CDK makes it."""
    return lambda_.Function(
        stack,
        "Plain",
        runtime=lambda_.Runtime.NODEJS_24_X,
        handler="index.handler",
        code=lambda_.Code.from_inline("exports.handler = async () => 1"),
    )


# How each of ours lets a plain function of the CDK in, and what that is.
LETS_IN: dict[str, tuple[Callable[[cdk.Stack, iam.IGrantable], object], set[str]]] = {
    "DynamoTable": (lambda s, f: DynamoTable(s, "It", partition_key="id").grant(f, "GetItem"), {"dynamodb:GetItem"}),
    "EventBus": (lambda s, f: EventBus(s, "It").grant_put_events(f, sources=["orders"]), {"events:PutEvents"}),
    "QueueWorker": (lambda s, f: QueueWorker(s, "It", entry=ENTRY).grant_send(f), {"sqs:SendMessage"}),
    "SecureFunction": (lambda s, f: SecureFunction(s, "It", entry=ENTRY).grant_invoke(f), {"lambda:InvokeFunction"}),
    "Topic": (lambda s, f: Topic(s, "It").grant_publish(f), {"sns:Publish"}),
    "UploadBucket": (lambda s, f: UploadBucket(s, "It").grant_read(f, prefix="a/"), {"s3:GetObject"}),
}


class TestPlainConstructs:
    @pytest.mark.parametrize("name", LETS_IN)
    def test_a_plain_function_gets_the_same_exact_grant(
        self, stack: cdk.Stack, plain: lambda_.Function, name: str
    ) -> None:
        grant, actions = LETS_IN[name]
        grant(stack, plain)
        policies = resources_of(template_of(stack), "AWS::IAM::Policy").items()
        [document] = [each["Properties"]["PolicyDocument"] for name, each in policies if name.startswith("Plain")]
        assert {statement["Action"] for statement in document["Statement"]} == actions
        assert all(statement["Resource"] != "*" for statement in document["Statement"])

    def test_a_function_that_was_imported_takes_it_with_its_role(self, stack: cdk.Stack) -> None:
        table, arn = DynamoTable(stack, "Users", partition_key="id"), "arn:aws:lambda:eu-west-1:111122223333:function:a"
        role = iam.Role.from_role_name(stack, "Role", "role-of-old")
        known = lambda_.Function.from_function_attributes(
            stack, "Known", function_arn=arn, role=role, same_environment=True
        )
        table.grant(known, "GetItem")
        [policy] = resources_of(template_of(stack), "AWS::IAM::Policy").values()
        assert policy["Properties"]["Roles"] == ["role-of-old"]
        with pytest.raises(PropError) as caught:
            table.grant(lambda_.Function.from_function_arn(stack, "Unknown", arn), "GetItem")
        assert str(caught.value) == (
            "dynamodb:GetItem cannot be granted to Shop/Unknown, which was imported without its role\n"
            "  at:  Shop/Users (DynamoTable)\n"
            "  fix: import it with its role: lambda_.Function.from_function_attributes(..., role=..., "
            "same_environment=True)"
        )

    def test_our_function_takes_the_grants_of_plain_l2s(self, stack: cdk.Stack) -> None:
        function = SecureFunction(stack, "Read", entry=ENTRY)
        queue = sqs.Queue(stack, "Queue")
        queue.grant_send_messages(function)
        assert {"sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"} == granted(stack, "Read")

    def test_our_function_is_run_by_a_plain_event_source(self, stack: cdk.Stack) -> None:
        function = SecureFunction(stack, "Read", entry=ENTRY)
        queue = sqs.Queue(stack, "Queue", visibility_timeout=cdk.Duration.minutes(1))
        function.function.add_event_source(sources.SqsEventSource(queue))
        [mapping] = resources_of(template_of(stack), "AWS::Lambda::EventSourceMapping").values()
        assert any("ReadGrants" in each for each in mapping["DependsOn"]), "Lambda tries the permissions at once"

    def test_our_topic_takes_plain_subscriptions(self, stack: cdk.Stack) -> None:
        topic = Topic(stack, "Orders", encryption_key=kms.Key(stack, "Key"))
        topic.topic.add_subscription(subscriptions.SqsSubscription(sqs.Queue(stack, "Queue")))
        [found] = resources_of(template_of(stack), "AWS::SNS::Subscription").values()
        assert found["Properties"]["Protocol"] == "sqs"

    def test_our_bucket_and_table_take_the_grants_of_their_l2s(self, stack: cdk.Stack) -> None:
        function = SecureFunction(stack, "Read", entry=ENTRY)
        UploadBucket(stack, "Photos").bucket.grant_delete(function, "raw/*")
        DynamoTable(stack, "Users", partition_key="id").table.grant(function, "dynamodb:DescribeTable")
        assert granted(stack, "Read") == {"s3:DeleteObject*", "dynamodb:DescribeTable"}

    def test_metrics_of_the_l2s_are_there_for_dashboards_of_others(self, stack: cdk.Stack) -> None:
        function = SecureFunction(stack, "Read", entry=ENTRY)
        function.function.metric_errors().create_alarm(stack, "Mine", threshold=1, evaluation_periods=1)
        worker = QueueWorker(stack, "Emails", entry=ENTRY)
        worker.queue.metric_approximate_age_of_oldest_message().create_alarm(
            stack, "Old", threshold=600, evaluation_periods=1
        )
        alarms = resources_of(template_of(stack), "AWS::CloudWatch::Alarm")
        assert {"Mine", "Old"} <= {name[:-8] for name in alarms}

    def test_nothing_of_ours_names_its_policies_after_a_plain_role(self, stack: cdk.Stack) -> None:
        role = iam.Role(stack, "Team", assumed_by=iam.AccountRootPrincipal())
        DynamoTable(stack, "Users", partition_key="id").grant(role, "GetItem")
        assert not list(statements_of(template_of(stack)))
        assert "dynamodb:GetItem" in json.dumps(resources_of(template_of(stack), "AWS::IAM::Policy"))


def test_a_stage_of_a_pipeline_holds_them(app: cdk.App) -> None:
    stage = cdk.Stage(app, "Prod", env=cdk.Environment(account=ACCOUNT, region="eu-central-1"))
    stack = cdk.Stack(stage, "Shop")
    shop(stack)
    found: Any = stage.synth().stacks[0].template
    assert resources_of(found, "AWS::DynamoDB::Table")
