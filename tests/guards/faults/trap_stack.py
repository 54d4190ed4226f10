"""Sixteen classic mistakes of serverless apps, in one stack of plain CDK constructs, as a newcomer writes them."""

from __future__ import annotations

from dataclasses import dataclass

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
from aws_cdk.aws_apigatewayv2_authorizers import HttpIamAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct


@dataclass(frozen=True, slots=True)
class Trap:
    """One mistake.

    Args:
        says: What is wrong.
        rule: The rule that has to name it.
        at: The construct it has to be named at.
    """

    says: str
    rule: str
    at: str


TRAPS = {
    "bucket": Trap("a picture is written where pictures are taken from", "recursion", "Thumbnails"),
    "queue": Trap("a worker sends to its own queue", "recursion", "Work"),
    "wildcard": Trap("a function may do everything to every table", "resources-are-named", "Thumbnails"),
    "administrator": Trap("a function is an administrator", "policies-are-ones-own", "Deploy"),
    "password": Trap("a password stands in the environment", "environment-holds-no-secret", "Work"),
    "visibility": Trap("messages come back while they are worked on", "queue-visibility-covers-timeout", "Jobs"),
    "dead letters": Trap("failed messages go nowhere", "queue-keeps-failed-messages", "Jobs"),
    "batch": Trap("one bad message brings back its batch", "batches-report-their-failures", "WorkMapping"),
    "stream": Trap("one bad record stops the stream", "stream-retries-end", "Follow"),
    "permission": Trap("a rule calls a function that does not let it in", "trigger-may-invoke", "Nightly"),
    "slow": Trap("a function takes longer than its API waits", "api-function-answers-in-time", "Report"),
    "fat": Trap("one function serves every route", "no-function-serves-every-route", "Router"),
    "open": Trap("anybody may call the API", "api-route-asks-who-calls", "Shop"),
    "warm": Trap("warm environments are never called", "provisioned-concurrency-is-called", "AliasLive"),
    "connections": Trap("each request opens a connection", "function-reaches-database-by-proxy", "Report"),
    "retry": Trap("a workflow gives up at the first throttling", "tasks-are-tried-again", "Fulfil"),
}


class TrapStack(cdk.Stack):
    """Everything that the guides warn of.

    Args:
        scope: Where.
        id: What it is called.
        mended: The one mistake that is not made.
    """

    def __init__(self, scope: Construct, id: str, *, mended: str | None = None) -> None:  # noqa: A002 - the CDK's word
        super().__init__(scope, id)
        self._mended = mended
        orders = dynamodb.Table(
            self,
            "Orders",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            stream=dynamodb.StreamViewType.NEW_IMAGE,
        )
        self._pictures(orders)
        self._jobs()
        self._changes(orders)
        self._deployments()
        self._reports()
        self._everything()
        self._workflow()

    def _is(self, trap: str) -> bool:
        """Whether this mistake is made."""
        assert trap in TRAPS
        return trap != self._mended

    def _function(self, name: str, **more: object) -> lambda_.Function:
        told: dict[str, object] = {
            "runtime": lambda_.Runtime.NODEJS_24_X,
            "handler": "index.handler",
            "code": lambda_.Code.from_inline("exports.handler = async () => ({});"),
            "timeout": cdk.Duration.seconds(10),
        }
        return lambda_.Function(self, name, **{**told, **more})  # type: ignore[arg-type]  # props by name, for short

    def _pictures(self, orders: dynamodb.Table) -> None:
        pictures, thumbnails = s3.Bucket(self, "Pictures"), self._function("Thumbnails")
        filters = [] if self._is("bucket") else [s3.NotificationKeyFilter(prefix="incoming/")]
        pictures.add_event_notification(
            s3.EventType.OBJECT_CREATED, notifications.LambdaDestination(thumbnails), *filters
        )
        pictures.grant_put(thumbnails, "*" if self._is("bucket") else "thumbnails/*")
        everything = iam.PolicyStatement(actions=["dynamodb:*"], resources=["*"])
        one = iam.PolicyStatement(actions=["dynamodb:PutItem"], resources=[orders.table_arn])
        thumbnails.add_to_role_policy(everything if self._is("wildcard") else one)

    def _jobs(self) -> None:
        kept = sqs.DeadLetterQueue(max_receive_count=5, queue=sqs.Queue(self, "DeadJobs"))
        jobs = sqs.Queue(
            self,
            "Jobs",
            dead_letter_queue=None if self._is("dead letters") else kept,
            visibility_timeout=None if self._is("visibility") else cdk.Duration.minutes(6),
        )
        environment = {"DB_PASSWORD": "hunter2"} if self._is("password") else {"DB_USER": "shop"}
        work = self._function("Work", timeout=cdk.Duration.seconds(60), environment=environment)
        lambda_.EventSourceMapping(
            self,
            "WorkMapping",
            target=work,
            event_source_arn=jobs.queue_arn,
            report_batch_item_failures=not self._is("batch"),
        )
        jobs.grant_consume_messages(work)
        if self._is("queue"):
            jobs.grant_send_messages(work)

    def _changes(self, orders: dynamodb.Table) -> None:
        self._function("Follow").add_event_source(
            event_sources.DynamoEventSource(
                orders,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                retry_attempts=None if self._is("stream") else 3,
            )
        )

    def _deployments(self) -> None:
        deploy = self._function("Deploy")
        if self._is("administrator") and deploy.role is not None:
            deploy.role.add_managed_policy(iam.ManagedPolicy.from_aws_managed_policy_name("AdministratorAccess"))
        nightly = events.CfnRule(
            self,
            "Nightly",
            schedule_expression="rate(1 day)",
            targets=[events.CfnRule.TargetProperty(arn=deploy.function_arn, id="Deploy")],
        )
        if not self._is("permission"):
            principal = iam.ServicePrincipal("events.amazonaws.com")
            deploy.add_permission("ByNightly", principal=principal, source_arn=nightly.attr_arn)

    def _reports(self) -> None:
        vpc = ec2.Vpc(self, "Vpc", max_azs=2)
        engine = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_16)
        database = rds.DatabaseInstance(self, "Database", engine=engine, vpc=vpc)
        host = database.db_instance_endpoint_address
        if not self._is("connections") and database.secret is not None:
            host = database.add_proxy("Proxy", secrets=[database.secret], vpc=vpc).endpoint
        report = self._function(
            "Report",
            timeout=cdk.Duration.minutes(5) if self._is("slow") else cdk.Duration.seconds(29),
            environment={"DB_HOST": host},
        )
        live = report.add_alias("Live", provisioned_concurrent_executions=5)
        apigatewayv2.HttpApi(self, "Shop").add_routes(
            path="/reports",
            methods=[apigatewayv2.HttpMethod.GET],
            integration=HttpLambdaIntegration("Reports", report if self._is("warm") else live),
            authorizer=None if self._is("open") else HttpIamAuthorizer(),
        )

    def _everything(self) -> None:
        router = self._function("Router")
        api = apigateway.LambdaRestApi(self, "Everything", handler=router, proxy=self._is("fat"))
        if not self._is("fat"):
            api.root.add_resource("orders").add_method("GET")

    def _workflow(self) -> None:
        card = self._function("ChargeCard")
        charge = tasks.LambdaInvoke(
            self, "Charge", lambda_function=card, retry_on_service_exceptions=not self._is("retry")
        )
        sfn.StateMachine(self, "Fulfil", definition_body=sfn.DefinitionBody.from_chainable(charge))
