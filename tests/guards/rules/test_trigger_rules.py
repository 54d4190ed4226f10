"""Rules on who may come in: permissions of functions, policies of what is polled, and of what delivers."""

from __future__ import annotations

from typing import Any

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.finding import Finding
from constructs_lib.guards.rules import rule_of
from tests.guards.rules.judged import arn, function, judged, mapping, queue, ref, resource

TRIGGER, SOURCE, POLLER = "trigger-may-invoke", "permission-names-its-source", "poller-may-read-its-source"
TASKS, WHO, TABLE = "workflow-may-run-its-tasks", "resource-policy-names-who", "global-table-is-encrypted"
URI = "arn:aws:apigateway:${AWS::Region}:lambda:path"
API = "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:"


def permission(principal: str, source: Any = None, called: Any = None, **more: Any) -> dict[str, Any]:
    told = {"Action": "lambda:InvokeFunction", "Principal": principal, **more}
    told["FunctionName"] = ref("Send") if called is None else called
    return resource("AWS::Lambda::Permission", **told, **({} if source is None else {"SourceArn": source}))


def firsts(said: list[str]) -> list[str]:
    return [each.split("\n")[0] for each in said]


RULE = resource("AWS::Events::Rule", Targets=[{"Arn": arn("Send"), "Id": "Send"}])
TRIGGERS: dict[str, tuple[dict[str, Any], str, Any]] = {  # resources, principal, source
    "rule": ({"Rule": RULE}, "events.amazonaws.com", arn("Rule")),
    "topic": (
        {
            "Topic": resource("AWS::SNS::Topic"),
            "Subscription": resource(
                "AWS::SNS::Subscription", TopicArn=ref("Topic"), Endpoint=arn("Send"), Protocol="lambda"
            ),
        },
        "sns.amazonaws.com",
        ref("Topic"),
    ),
    "bucket": (
        {
            "Bucket": resource(
                "AWS::S3::Bucket",
                BucketName="pictures",
                NotificationConfiguration={"LambdaConfigurations": [{"Event": "s3:*", "Function": arn("Send")}]},
            )
        },
        "s3.amazonaws.com",
        "arn:aws:s3:::pictures",
    ),
    "http api": (
        {
            "Api": resource("AWS::ApiGatewayV2::Api", ProtocolType="HTTP"),
            "Integration": resource("AWS::ApiGatewayV2::Integration", ApiId=ref("Api"), IntegrationUri=arn("Send")),
            "Route": resource(
                "AWS::ApiGatewayV2::Route",
                ApiId=ref("Api"),
                RouteKey="GET /users/{id}",
                Target={"Fn::Join": ["", ["integrations/", ref("Integration")]]},
            ),
        },
        "apigateway.amazonaws.com",
        {"Fn::Sub": API + "${Api}/*/GET/users/*"},
    ),
    "rest api": (
        {
            "Api": resource("AWS::ApiGateway::RestApi"),
            "Method": resource(
                "AWS::ApiGateway::Method",
                RestApiId=ref("Api"),
                ResourceId={"Fn::GetAtt": ["Api", "RootResourceId"]},
                HttpMethod="POST",
                Integration={
                    "Type": "AWS_PROXY",
                    "Uri": {"Fn::Sub": f"{URI}/2015-03-31/functions/${{Send.Arn}}/invocations"},
                },
            ),
        },
        "apigateway.amazonaws.com",
        {"Fn::Sub": API + "${Api}/prod/POST/"},
    ),
    "logs": (
        {
            "Logs": resource("AWS::Logs::LogGroup"),
            "Filter": resource("AWS::Logs::SubscriptionFilter", LogGroupName=ref("Logs"), DestinationArn=arn("Send")),
        },
        "logs.amazonaws.com",
        arn("Logs"),
    ),
    "user pool": (
        {"Pool": resource("AWS::Cognito::UserPool", LambdaConfig={"PreSignUp": arn("Send")})},
        "cognito-idp.amazonaws.com",
        arn("Pool"),
    ),
}
TRIGGERS["authorizer"] = (
    {
        "Api": resource("AWS::ApiGateway::RestApi"),
        "Authorizer": resource(
            "AWS::ApiGateway::Authorizer",
            RestApiId=ref("Api"),
            Type="TOKEN",
            AuthorizerUri={"Fn::Sub": f"{URI}/2015-03-31/functions/${{Send.Arn}}/invocations"},
        ),
    },
    "apigateway.amazonaws.com",
    {"Fn::Sub": API + "${Api}/authorizers/${Authorizer}"},
)
TRIGGERS["authorizer of an HTTP API"] = (
    {
        "Api": resource("AWS::ApiGatewayV2::Api", ProtocolType="HTTP"),
        "Authorizer": resource(
            "AWS::ApiGatewayV2::Authorizer",
            ApiId=ref("Api"),
            AuthorizerUri={"Fn::Sub": f"{URI}/2015-03-31/functions/${{Send.Arn}}/invocations"},
        ),
    },
    "apigateway.amazonaws.com",
    {"Fn::Sub": API + "${Api}/*"},
)
EVERY_TRIGGER = pytest.mark.parametrize("kind", TRIGGERS)


class TestTriggers:
    @EVERY_TRIGGER
    def test_refuses_a_trigger_that_nobody_lets_in(self, kind: str) -> None:
        resources, principal, _ = TRIGGERS[kind]
        assert firsts(judged(TRIGGER, {"Send": function(), **resources})) == [
            f"error: no permission lets {principal} invoke the latest version of Send"
        ]

    @EVERY_TRIGGER
    def test_passes_one_that_is_let_in_from_there(self, kind: str) -> None:
        resources, principal, source = TRIGGERS[kind]
        assert judged(TRIGGER, {"Send": function(), **resources, "Permission": permission(principal, source)}) == []

    @EVERY_TRIGGER
    def test_passes_one_that_is_let_in_from_everywhere(self, kind: str) -> None:
        resources, principal, _ = TRIGGERS[kind]
        assert judged(TRIGGER, {"Send": function(), **resources, "Permission": permission(principal)}) == []

    @pytest.mark.parametrize("kind", [each for each in TRIGGERS if each != "user pool"])  # nobody knows a pool's id
    def test_refuses_one_that_is_let_in_from_elsewhere(self, kind: str) -> None:
        resources, principal, _ = TRIGGERS[kind]
        elsewhere = "arn:aws:elsewhere:eu-west-1:111122223333:nothing/of/that/kind"
        let_in = {"Permission": permission(principal, elsewhere)}
        [found] = judged(TRIGGER, {"Send": function(), **resources, **let_in})
        assert found.startswith(f"error: Permission lets {principal} invoke Send from {elsewhere}, not arn:aws:")

    @EVERY_TRIGGER
    def test_refuses_one_that_another_service_is_let_in_for(self, kind: str) -> None:
        resources, _, _ = TRIGGERS[kind]
        let_in = {"Permission": permission("scheduler.amazonaws.com")}
        assert len(judged(TRIGGER, {"Send": function(), **resources, **let_in})) == 1

    def test_says_what_to_add(self) -> None:
        assert judged(TRIGGER, {"Send": function(), "Rule": RULE}) == [
            (
                "error: no permission lets events.amazonaws.com invoke the latest version of Send\n"
                "  at:  Shop/Rule (AWS::Events::Rule) Targets.*.Arn\n"
                "  fix: add an AWS::Lambda::Permission with Principal events.amazonaws.com and SourceArn "
                "arn:aws:events:${AWS::Region}:${AWS::AccountId}:rule/${Rule}"
            )
        ]

    def test_refuses_a_permission_for_another_rule(self) -> None:
        let_in = {"Other": RULE, "Permission": permission("events.amazonaws.com", arn("Other"))}
        assert firsts(judged(TRIGGER, {"Send": function(), "Rule": RULE, **let_in})) == [
            (
                "error: Permission lets events.amazonaws.com invoke Send from "
                "arn:aws:events:${AWS::Region}:${AWS::AccountId}:rule/${Other}, not "
                "arn:aws:events:${AWS::Region}:${AWS::AccountId}:rule/${Rule}"
            )
        ]

    def test_refuses_a_permission_for_another_method(self) -> None:
        resources, principal, _ = TRIGGERS["http api"]
        let_in = {"Permission": permission(principal, {"Fn::Sub": API + "${Api}/*/POST/users/*"})}
        start = "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"
        assert firsts(judged(TRIGGER, {"Send": function(), **resources, **let_in})) == [
            (
                f"error: Permission lets apigateway.amazonaws.com invoke Send from {start}/POST/users/*, not "
                f"{start}/GET/users/*"
            )
        ]

    @pytest.mark.parametrize(
        "path", ["*/GET/users/*", "*/GET/users/{id}", "*/*/users/*", "*/*", "*/*/*", "prod/GET/users/*", "*"]
    )
    def test_passes_every_way_to_write_a_route(self, path: str) -> None:
        resources, principal, _ = TRIGGERS["http api"]
        let_in = {"Permission": permission(principal, {"Fn::Sub": API + "${Api}/" + path})}
        assert judged(TRIGGER, {"Send": function(), **resources, **let_in}) == []

    @pytest.mark.parametrize("path", ["*/GET/users", "*/GET/orders/*"])
    def test_refuses_a_permission_for_another_path(self, path: str) -> None:
        resources, principal, _ = TRIGGERS["http api"]
        let_in = {"Permission": permission(principal, {"Fn::Sub": API + "${Api}/" + path})}
        assert len(judged(TRIGGER, {"Send": function(), **resources, **let_in})) == 1

    def test_refuses_a_permission_for_another_api(self) -> None:
        resources, principal, _ = TRIGGERS["http api"]
        other = {"Other": resource("AWS::ApiGatewayV2::Api", ProtocolType="HTTP")}
        let_in = {"Permission": permission(principal, {"Fn::Sub": API + "${Other}/*/GET/users/*"})}
        assert len(judged(TRIGGER, {"Send": function(), **resources, **other, **let_in})) == 1

    def test_refuses_a_permission_for_the_function_when_an_alias_is_called(self) -> None:
        alias = resource("AWS::Lambda::Alias", FunctionName=ref("Send"), Name="live")
        rule = resource("AWS::Events::Rule", Targets=[{"Arn": ref("Live"), "Id": "Send"}])
        resources = {"Send": function(), "Live": alias, "Rule": rule}
        let_in = {"Permission": permission("events.amazonaws.com", arn("Rule"))}
        assert firsts(judged(TRIGGER, {**resources, **let_in})) == [
            (
                "error: Permission lets events.amazonaws.com invoke the latest version of Send, called is version or "
                "alias live"
            )
        ]
        let_in = {"Permission": permission("events.amazonaws.com", arn("Rule"), ref("Live"))}
        assert judged(TRIGGER, {**resources, **let_in}) == []

    def test_passes_a_target_and_an_integration_with_a_role(self) -> None:
        rule = resource(
            "AWS::Events::Rule", Targets=[{"Arn": arn("Send"), "Id": "a", "RoleArn": "arn:aws:iam::1:role/x"}]
        )
        assert judged(TRIGGER, {"Send": function(), "Rule": rule}) == []
        resources, _, _ = TRIGGERS["http api"]
        integration = resource(
            "AWS::ApiGatewayV2::Integration",
            ApiId=ref("Api"),
            IntegrationUri=arn("Send"),
            CredentialsArn="arn:aws:iam::1:role/x",
        )
        assert judged(TRIGGER, {"Send": function(), **resources, "Integration": integration}) == []

    def test_passes_a_rule_of_a_bus_of_its_own(self) -> None:
        rule = resource(
            "AWS::Events::Rule", Name="placed", EventBusName="orders", Targets=[{"Arn": arn("Send"), "Id": "a"}]
        )
        source = {"Fn::Sub": "arn:aws:events:${AWS::Region}:${AWS::AccountId}:rule/orders/placed"}
        let_in = {"Permission": permission("events.amazonaws.com", source)}
        assert judged(TRIGGER, {"Send": function(), "Rule": rule, **let_in}) == []

    def test_does_not_ask_for_one_where_lambda_polls(self) -> None:
        assert judged(TRIGGER, {"Send": function(), "Queue": queue(), "Mapping": mapping("Queue")}) == []

    def test_says_what_it_cannot_tell(self) -> None:
        let_in = {"Permission": permission("events.amazonaws.com", arn("Rule"), {"Fn::ImportValue": "function"})}
        assert judged(TRIGGER, {"Send": function(), "Rule": RULE, **let_in}) == [
            (
                "unknown: whether events.amazonaws.com may invoke Send\n"
                "  at:  Shop/Rule (AWS::Events::Rule)\n"
                "  why: which function Permission is for is not known"
            )
        ]


class TestSources:
    def test_refuses_a_service_of_any_account(self) -> None:
        assert judged(SOURCE, {"Send": function(), "Permission": permission("sns.amazonaws.com")}) == [
            (
                "error: sns.amazonaws.com of any account may invoke Send: the permission names no source\n"
                "  at:  Shop/Permission (AWS::Lambda::Permission)\n"
                "  fix: set SourceArn to the ARN of what calls the function, or SourceAccount to the account"
            )
        ]

    @pytest.mark.parametrize("source", ["*", "arn:aws:sns:*:*:*"])
    def test_refuses_a_source_that_names_nothing(self, source: str) -> None:
        assert len(judged(SOURCE, {"Send": function(), "Permission": permission("sns.amazonaws.com", source)})) == 1

    def test_refuses_everybody(self) -> None:
        assert firsts(judged(SOURCE, {"Send": function(), "Permission": permission("*")})) == [
            "error: everybody may invoke Send: the permission names no source"
        ]

    def test_warns_of_a_bucket_without_its_account(self) -> None:
        let_in = permission("s3.amazonaws.com", "arn:aws:s3:::pictures")
        assert judged(SOURCE, {"Send": function(), "Permission": let_in}) == [
            (
                "warning: s3.amazonaws.com of any account may invoke Send, if a bucket has this name there some day\n"
                "  at:  Shop/Permission (AWS::Lambda::Permission)\n"
                "  fix: set SourceAccount beside SourceArn: the ARN of a bucket does not tell the account"
            )
        ]

    def test_warns_of_a_load_balancer(self) -> None:
        let_in = permission("elasticloadbalancing.amazonaws.com")
        [found] = judged(SOURCE, {"Send": function(), "Permission": let_in})
        assert found.startswith("warning: elasticloadbalancing.amazonaws.com of any account may invoke Send")

    @pytest.mark.parametrize(
        "let_in",
        [
            permission("sns.amazonaws.com", "arn:aws:sns:eu-west-1:111122223333:placed"),
            permission("ses.amazonaws.com", SourceAccount="111122223333"),
            permission("s3.amazonaws.com", "arn:aws:s3:::pictures", SourceAccount="111122223333"),
            permission("events.amazonaws.com", "arn:aws:events:*:111122223333:rule/*"),
            permission("*", PrincipalOrgID="o-1234567890"),
            permission("*", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE"),
            permission("*", InvokedViaFunctionUrl=True),
            permission("111122223333"),
            permission("arn:aws:iam::111122223333:role/caller"),
        ],
    )
    def test_passes_who_is_named(self, let_in: dict[str, Any]) -> None:
        assert judged(SOURCE, {"Send": function(), "Permission": let_in}) == []


def role(*statements: tuple[Any, Any], managed: tuple[str, ...] = ()) -> dict[str, Any]:
    told = [{"Effect": "Allow", "Action": action, "Resource": on} for action, on in statements]
    policy = {"PolicyName": "p", "PolicyDocument": {"Statement": told}}
    return resource("AWS::IAM::Role", Policies=[policy], ManagedPolicyArns=list(managed))


READ_QUEUE = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
READ_STREAM = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
STREAM = {"Fn::GetAtt": ["Table", "StreamArn"]}


class TestPollers:
    def said(self, source: Any, given: dict[str, Any]) -> list[str]:
        resources = {
            "Queue": queue(),
            "Table": resource("AWS::DynamoDB::Table", StreamSpecification={"StreamViewType": "NEW_IMAGE"}),
            "Stream": resource("AWS::Kinesis::Stream"),
            "Send": function(Role=arn("Role")),
            "Role": given,
            "Mapping": mapping(source),
        }
        return judged(POLLER, resources)

    def test_refuses_a_role_that_may_not_read_the_queue(self) -> None:
        assert self.said("Queue", role((["sqs:ReceiveMessage"], arn("Queue")))) == [
            (
                "error: Role may not read arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Queue} for Send: it lacks "
                "sqs:DeleteMessage, sqs:GetQueueAttributes\n"
                "  at:  Shop/Mapping (AWS::Lambda::EventSourceMapping) EventSourceArn\n"
                "  fix: allow sqs:DeleteMessage, sqs:GetQueueAttributes on "
                "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Queue} in a policy of the role"
            )
        ]

    def test_refuses_a_role_that_may_read_another(self) -> None:
        assert len(self.said("Queue", role((READ_QUEUE, "arn:aws:sqs:eu-west-1:111122223333:other")))) == 1

    @pytest.mark.parametrize(
        ("source", "given"),
        [
            ("Queue", role((READ_QUEUE, arn("Queue")))),
            ("Queue", role(("sqs:*", "*"))),
            ("Queue", role(managed=("arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole",))),
            (STREAM, role((READ_STREAM, STREAM))),
            (STREAM, role((READ_STREAM, {"Fn::Sub": "${Table.Arn}/stream/*"}))),
            ("Stream", role((["kinesis:DescribeStreamSummary", "kinesis:Get*"], arn("Stream")))),
        ],
    )
    def test_passes_one_that_may(self, source: Any, given: dict[str, Any]) -> None:
        assert self.said(source, given) == []

    def test_asks_the_same_of_a_pipe(self) -> None:
        pipe = resource("AWS::Pipes::Pipe", Source=arn("Queue"), Target="arn:aws:x", RoleArn=arn("Role"))
        resources = {"Queue": queue(), "Pipe": pipe}
        assert judged(POLLER, {**resources, "Role": role((READ_QUEUE, arn("Queue")))}) == []
        [found] = judged(POLLER, {**resources, "Role": role()})
        assert found.startswith(
            "error: Role may not read arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Queue} for Pipe"
        )

    @pytest.mark.parametrize("source", [STREAM, "Stream"])
    def test_refuses_streams_too(self, source: Any) -> None:
        assert len(self.said(source, role())) == 1

    def test_says_what_it_cannot_tell(self) -> None:
        managed = ("arn:aws:iam::111122223333:policy/reads-queues",)
        assert self.said("Queue", role(managed=managed)) == [
            (
                "unknown: whether Role may read arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Queue}\n"
                "  at:  Shop/Mapping (AWS::Lambda::EventSourceMapping)\n"
                "  why: what the managed policy arn:aws:iam::111122223333:policy/reads-queues allows is not in any "
                "of the "
                "templates"
            )
        ]


class TestTasks:
    def said(self, task: dict[str, Any], given: dict[str, Any], **more: Any) -> list[str]:
        definition = {"StartAt": "Charge", "States": {"Charge": {"Type": "Task", "End": True, **task}}}
        machine = resource("AWS::StepFunctions::StateMachine", Definition=definition, RoleArn=arn("Role"))
        others = {"Send": function(), "Queue": queue(), "Table": resource("AWS::DynamoDB::Table")}
        return judged(TASKS, {"Machine": machine, "Role": given, **others, **more})

    def test_refuses_a_task_whose_function_may_not_be_invoked(self) -> None:
        assert self.said({"Resource": arn("Send")}, role()) == [
            (
                "error: task Charge needs lambda:InvokeFunction on Send, which Role does not allow\n"
                "  at:  Shop/Machine (AWS::StepFunctions::StateMachine) Definition.States.Charge\n"
                "  fix: allow lambda:InvokeFunction on Send in a policy of the role"
            )
        ]

    @pytest.mark.parametrize(
        ("task", "action", "on"),
        [
            ({"Resource": arn("Send")}, "lambda:InvokeFunction", arn("Send")),
            (
                {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": arn("Send")}},
                "lambda:InvokeFunction",
                {"Fn::Sub": "${Send.Arn}"},
            ),
            (
                {
                    "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                    "Parameters": {"FunctionName": ref("Send")},
                },
                "lambda:Invoke*",
                {"Fn::Sub": "${Send.Arn}*"},
            ),
            (
                {"Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"QueueUrl": ref("Queue")}},
                "sqs:SendMessage",
                arn("Queue"),
            ),
            (
                {"Resource": "arn:aws:states:::dynamodb:putItem", "Arguments": {"TableName": ref("Table")}},
                "dynamodb:PutItem",
                arn("Table"),
            ),
            (
                {"Resource": "arn:aws:states:::aws-sdk:dynamodb:query", "Parameters": {"TableName": ref("Table")}},
                "dynamodb:Query",
                arn("Table"),
            ),
            ({"Resource": "arn:aws:states:::events:putEvents"}, "events:PutEvents", "*"),
            ({"Resource": "arn:aws:states:::aws-sdk:s3:headObject"}, "s3:GetObject", "arn:aws:s3:::pictures/*"),
            ({"Resource": "arn:aws:states:::ecs:runTask.sync"}, "ecs:RunTask", "*"),
            ({"Resource": "arn:aws:states:::aws-sdk:eventbridge:putEvents"}, "events:PutEvents", "*"),
        ],
    )
    def test_passes_a_role_that_allows_it_and_refuses_one_that_does_not(
        self, task: dict[str, Any], action: str, on: Any
    ) -> None:
        assert self.said(task, role((action, on))) == []
        [found] = self.said(task, role((action.replace(":", ":Not"), on)))
        assert found.startswith("error: task Charge needs ")
        assert len(self.said(task, role())) == 1

    def test_refuses_a_role_that_allows_it_on_another(self) -> None:
        task = {"Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"QueueUrl": ref("Queue")}}
        assert len(self.said(task, role(("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:other")))) == 1

    @pytest.mark.parametrize(
        "task",
        [
            {"Resource": "arn:aws:states:eu-west-1:111122223333:activity:pack"},
            {"Resource": "arn:aws:states:::aws-sdk:newservice:doIt"},
            {"Resource": "arn:aws:lambda:eu-west-1:111122223333:function:theirs"},
        ],
    )
    def test_asks_nothing_of_what_it_does_not_know(self, task: dict[str, Any]) -> None:
        assert self.said(task, role(("lambda:InvokeFunction", "*"))) == []

    def test_says_what_it_cannot_tell(self) -> None:
        [found] = self.said({"Resource": arn("Send")}, role(managed=("arn:aws:iam::111122223333:policy/theirs",)))
        assert found.startswith("unknown: whether Role allows lambda:InvokeFunction on Send for task Charge\n")
        states = {"A": {"Type": "Task", "Resource": arn("Send"), "End": True}}
        machine = resource(
            "AWS::StepFunctions::StateMachine", Definition={"StartAt": "A", "States": states}, RoleArn=ref("Given")
        )
        given = {"Given": {"Type": "String"}}
        assert judged(TASKS, {"Machine": machine, "Send": function()}, Parameters=given) == [
            (
                "unknown: whether the state machine may run its tasks\n"
                "  at:  Shop/Machine (AWS::StepFunctions::StateMachine)\n"
                "  why: its role is not in the templates"
            )
        ]


def guarded(kind: str, principal: Any, action: Any = "sqs:SendMessage", **more: Any) -> dict[str, Any]:
    told = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}
    return {"Policy": resource(kind, PolicyDocument={"Statement": [told]}, KeyPolicy={"Statement": [told]})}


QUEUE_POLICY, KEY = "AWS::SQS::QueuePolicy", "AWS::KMS::Key"


class TestResourcePolicies:
    @pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["*", "111122223333"]}])
    def test_refuses_everybody(self, principal: Any) -> None:
        assert judged(WHO, guarded(QUEUE_POLICY, principal)) == [
            (
                "error: everybody in the world is allowed sqs:SendMessage (Principal *)\n"
                "  at:  Shop/Policy (AWS::SQS::QueuePolicy) PolicyDocument\n"
                "  fix: name accounts, roles or services in Principal, or add a condition on who it is"
            )
        ]

    @pytest.mark.parametrize(
        "kind",
        [
            "AWS::S3::BucketPolicy",
            "AWS::SNS::TopicPolicy",
            "AWS::KMS::Key",
        ],
    )
    def test_refuses_everybody_elsewhere(self, kind: str) -> None:
        assert len(judged(WHO, guarded(kind, "*"))) == 1

    def test_refuses_a_layer_for_everybody(self) -> None:
        kind = "AWS::Lambda::LayerVersionPermission"
        assert firsts(judged(WHO, {"Layer": resource(kind, Principal="*")})) == [
            "error: everybody in the world is allowed lambda:GetLayerVersion (Principal *)"
        ]
        assert judged(WHO, {"Layer": resource(kind, Principal="*", OrganizationId="o-1234567890")}) == []

    def test_refuses_everybody_but_one(self) -> None:
        told = {
            "Effect": "Allow",
            "NotPrincipal": {"AWS": "111122223333"},
            "Action": "sqs:SendMessage",
            "Resource": "*",
        }
        policy = resource(QUEUE_POLICY, PolicyDocument={"Statement": [told]})
        assert firsts(judged(WHO, {"Policy": policy})) == [
            "error: everybody in the world is allowed sqs:SendMessage (NotPrincipal 111122223333)"
        ]

    def test_refuses_both_forms_of_a_bus_for_everybody(self) -> None:
        kind, expected = (
            "AWS::Events::EventBusPolicy",
            "error: everybody in the world is allowed events:PutEvents (Principal *)",
        )
        statement = {"Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": "*"}
        assert firsts(judged(WHO, {"Bus": resource(kind, Statement=statement)})) == [expected]
        assert firsts(judged(WHO, {"Bus": resource(kind, Principal="*", Action="events:PutEvents")})) == [expected]
        limited = {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1234567890"}
        assert judged(WHO, {"Bus": resource(kind, Principal="*", Condition=limited)}) == []
        assert judged(WHO, {"Bus": resource(kind, Principal="111122223333")}) == []

    def test_refuses_a_replica_for_everybody(self) -> None:
        document = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "dynamodb:GetItem", "Resource": "*"}}
        replica = {"Region": "eu-west-1", "ResourcePolicy": {"PolicyDocument": document}}
        assert len(judged(WHO, {"Table": resource("AWS::DynamoDB::GlobalTable", Replicas=[replica])})) == 1

    def test_refuses_everybody_who_uses_tls(self) -> None:
        condition = {"Bool": {"aws:SecureTransport": "true"}}
        assert len(judged(WHO, guarded(QUEUE_POLICY, "*", Condition=condition))) == 1

    def test_warns_of_addresses(self) -> None:
        condition = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
        assert firsts(judged(WHO, guarded(QUEUE_POLICY, "*", Condition=condition))) == [
            (
                "warning: everybody in the world is allowed sqs:SendMessage (Principal *), from the addresses of "
                "aws:sourceip"
            )
        ]

    def test_warns_of_a_service_of_any_account(self) -> None:
        assert judged(WHO, guarded(QUEUE_POLICY, {"Service": "sns.amazonaws.com"})) == [
            (
                "warning: sns.amazonaws.com of any account is allowed sqs:SendMessage: the statement names no source\n"
                "  at:  Shop/Policy (AWS::SQS::QueuePolicy) PolicyDocument\n"
                "  fix: add a condition on aws:SourceArn or aws:SourceAccount"
            )
        ]

    @pytest.mark.parametrize(
        "policy",
        [
            guarded(QUEUE_POLICY, "*", Condition={"ArnEquals": {"aws:SourceArn": "arn:aws:sns:eu-west-1:1:placed"}}),
            guarded(QUEUE_POLICY, "*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}),
            guarded(QUEUE_POLICY, {"AWS": "arn:aws:iam::111122223333:root"}),
            guarded(QUEUE_POLICY, "*", Effect="Deny"),
            guarded(KEY, {"Service": "sns.amazonaws.com"}, "kms:Decrypt"),
            guarded(
                QUEUE_POLICY, {"Service": "sns.amazonaws.com"}, Condition={"StringEquals": {"AWS:SourceAccount": "1"}}
            ),
        ],
    )
    def test_passes_who_is_named(self, policy: dict[str, Any]) -> None:
        assert judged(WHO, policy) == []

    def test_says_what_it_cannot_tell(self) -> None:
        hidden = {"Policy": resource(QUEUE_POLICY, PolicyDocument={"Fn::Transform": {"Name": "Macro"}})}
        assert judged(WHO, hidden) == [
            (
                "unknown: whom the policy allows something\n"
                "  at:  Shop/Policy (AWS::SQS::QueuePolicy)\n"
                "  why: Fn::Transform is decided while deploying"
            )
        ]


class TestGlobalTables:
    @pytest.mark.parametrize("told", [{}, {"SSESpecification": {"SSEEnabled": False}}])
    def test_warns_of_a_key_that_nobody_controls(self, told: dict[str, Any]) -> None:
        assert judged(TABLE, {"Table": resource("AWS::DynamoDB::GlobalTable", **told)}) == [
            (
                "warning: the items of the table are encrypted under a key that the account does not control\n"
                "  at:  Shop/Table (AWS::DynamoDB::GlobalTable) SSESpecification.SSEEnabled\n"
                "  fix: set SSEEnabled to true (TableV2: encryption=TableEncryptionV2.aws_managed_key())"
            )
        ]

    def test_passes_a_key_of_the_account(self) -> None:
        table = resource("AWS::DynamoDB::GlobalTable", SSESpecification={"SSEEnabled": "true", "SSEType": "KMS"})
        assert judged(TABLE, {"Table": table}) == []

    def test_says_what_it_cannot_tell(self) -> None:
        told = {"SSEEnabled": {"Fn::Transform": {"Name": "Macro"}}}
        [found] = judged(TABLE, {"Table": resource("AWS::DynamoDB::GlobalTable", SSESpecification=told)})
        assert found.startswith("unknown: whether the table is encrypted\n")


def test_lets_in_across_stacks() -> None:
    exported = {"Function": {"Value": arn("Send"), "Export": {"Name": "send"}}}
    rule = resource("AWS::Events::Rule", Targets=[{"Arn": {"Fn::ImportValue": "send"}, "Id": "Send"}])
    let_in = permission("events.amazonaws.com", arn("Rule"), {"Fn::ImportValue": "send"})
    functions = {"Resources": {"Send": function()}, "Outputs": exported}
    without = Assembly.of({"Functions": functions, "Rules": {"Resources": {"Rule": rule}}})
    with_it = Assembly.of({"Functions": functions, "Rules": {"Resources": {"Rule": rule, "Permission": let_in}}})
    assert len([each for each in rule_of(TRIGGER)(without) if isinstance(each, Finding)]) == 1
    assert list(rule_of(TRIGGER)(with_it)) == []
