"""Sixteen classic mistakes of serverless apps, in one stack of plain CDK constructs, as a newcomer writes them."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

# Each mistake, the rule that has to name it, and the construct that it has to be named at.
TRAPS = {
    "a picture is written where pictures are taken from": ("recursion", "Thumbnails"),
    "a worker sends to its own queue": ("recursion", "Work"),
    "a function may do everything to every table": ("resources-are-named", "Thumbnails"),
    "a function is an administrator": ("policies-are-ones-own", "Deploy"),
    "a password stands in the environment": ("environment-holds-no-secret", "Work"),
    "messages come back while they are worked on": ("queue-visibility-covers-timeout", "Jobs"),
    "failed messages go nowhere": ("queue-keeps-failed-messages", "Jobs"),
    "one bad message brings back the whole batch": ("batches-report-their-failures", "WorkMapping"),
    "one bad record stops the stream": ("stream-retries-end", "Follow"),
    "a rule calls a function that does not let it in": ("trigger-may-invoke", "Nightly"),
    "a function takes longer than its API waits": ("api-function-answers-in-time", "Report"),
    "one function serves every route": ("no-function-serves-every-route", "Router"),
    "anybody may call the API": ("api-route-asks-who-calls", "Shop"),
    "warm environments are paid for and never called": ("provisioned-concurrency-is-called", "AliasLive"),
    "each concurrent request opens a connection of its own": ("function-reaches-database-by-proxy", "Report"),
    "a workflow gives up at the first throttling": ("tasks-are-tried-again", "Fulfil"),
}


class TrapStack(cdk.Stack):
    """Everything that the guides warn of."""

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - the CDK's own name
        super().__init__(scope, id)
        self._loop_over_a_bucket()
        table = dynamodb.Table(
            self,
            "Orders",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            stream=dynamodb.StreamViewType.NEW_IMAGE,
        )
        self._loop_over_a_queue()
        self._stream(table)
        self._administrator()
        self._apis()
        self._workflow()

    def _function(self, name: str, **more: object) -> lambda_.Function:
        told: dict[str, object] = {
            "runtime": lambda_.Runtime.NODEJS_24_X,
            "handler": "index.handler",
            "code": lambda_.Code.from_inline("exports.handler = async () => ({});"),
            "timeout": cdk.Duration.seconds(10),
        }
        return lambda_.Function(self, name, **{**told, **more})  # type: ignore[arg-type]  # props by name, for short

    def _loop_over_a_bucket(self) -> None:
        pictures = s3.Bucket(self, "Pictures")
        thumbnails = self._function("Thumbnails")
        pictures.add_event_notification(s3.EventType.OBJECT_CREATED, notifications.LambdaDestination(thumbnails))
        pictures.grant_read_write(thumbnails)
        thumbnails.add_to_role_policy(iam.PolicyStatement(actions=["dynamodb:*"], resources=["*"]))

    def _loop_over_a_queue(self) -> None:
        jobs = sqs.Queue(self, "Jobs")
        work = self._function("Work", timeout=cdk.Duration.seconds(60), environment={"DB_PASSWORD": "hunter2"})
        lambda_.EventSourceMapping(self, "WorkMapping", target=work, event_source_arn=jobs.queue_arn)
        jobs.grant_consume_messages(work)
        jobs.grant_send_messages(work)

    def _stream(self, table: dynamodb.Table) -> None:
        follow = self._function("Follow")
        follow.add_event_source(
            event_sources.DynamoEventSource(table, starting_position=lambda_.StartingPosition.TRIM_HORIZON)
        )

    def _administrator(self) -> None:
        deploy = self._function("Deploy")
        if deploy.role is not None:
            deploy.role.add_managed_policy(iam.ManagedPolicy.from_aws_managed_policy_name("AdministratorAccess"))
        events.CfnRule(
            self,
            "Nightly",
            schedule_expression="rate(1 day)",
            targets=[events.CfnRule.TargetProperty(arn=deploy.function_arn, id="Deploy")],
        )

    def _apis(self) -> None:
        database = rds.DatabaseInstance(
            self,
            "Database",
            engine=rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_16),
            vpc=ec2.Vpc(self, "Vpc", max_azs=2),
        )
        report = self._function(
            "Report",
            timeout=cdk.Duration.minutes(5),
            environment={"DB_HOST": database.db_instance_endpoint_address},
        )
        live = report.add_alias("Live", provisioned_concurrent_executions=5)
        cdk.CfnOutput(self, "LiveArn", value=live.function_arn)
        shop = apigatewayv2.HttpApi(self, "Shop")
        shop.add_routes(
            path="/reports",
            methods=[apigatewayv2.HttpMethod.GET],
            integration=HttpLambdaIntegration("Reports", report),
        )
        apigateway.LambdaRestApi(self, "Everything", handler=self._function("Router"))

    def _workflow(self) -> None:
        charge = tasks.LambdaInvoke(
            self, "Charge", lambda_function=self._function("ChargeCard"), retry_on_service_exceptions=False
        )
        sfn.StateMachine(self, "Fulfil", definition_body=sfn.DefinitionBody.from_chainable(charge))
