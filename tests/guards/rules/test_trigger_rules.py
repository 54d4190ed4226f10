"""Rules on who may come in: permissions of functions."""

from __future__ import annotations

from typing import Any

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.finding import Finding
from constructs_lib.guards.rules import rule_of
from tests.guards.rules.judged import arn, function, judged, mapping, queue, ref, resource

TRIGGER, SOURCE = "trigger-may-invoke", "permission-names-its-source"
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

    @pytest.mark.parametrize(
        "source",
        [
            "arn:aws:sns:*:*:orders",
            "arn:aws:events:*:*:rule/*",
            "arn:aws:execute-api:*:*:*/GET/x",
            "*",
            "arn:aws:sns:*:*:*",
        ],
    )
    def test_refuses_a_source_that_names_nothing(self, source: str) -> None:
        assert len(judged(SOURCE, {"Send": function(), "Permission": permission("sns.amazonaws.com", source)})) == 1

    @pytest.mark.parametrize("source", ["arn:aws:execute-api:*:*:a1b2c3/*", "arn:aws:sns:*:111122223333:*"])
    def test_passes_a_source_that_is_one_or_in_one_account(self, source: str) -> None:
        assert judged(SOURCE, {"Send": function(), "Permission": permission("sns.amazonaws.com", source)}) == []

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


def test_lets_in_across_stacks() -> None:
    exported = {"Function": {"Value": arn("Send"), "Export": {"Name": "send"}}}
    rule = resource("AWS::Events::Rule", Targets=[{"Arn": {"Fn::ImportValue": "send"}, "Id": "Send"}])
    let_in = permission("events.amazonaws.com", arn("Rule"), {"Fn::ImportValue": "send"})
    functions = {"Resources": {"Send": function()}, "Outputs": exported}
    without = Assembly.of({"Functions": functions, "Rules": {"Resources": {"Rule": rule}}})
    with_it = Assembly.of({"Functions": functions, "Rules": {"Resources": {"Rule": rule, "Permission": let_in}}})
    assert len([each for each in rule_of(TRIGGER)(without) if isinstance(each, Finding)]) == 1
    assert list(rule_of(TRIGGER)(with_it)) == []
