from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from pydantic import BaseModel

from constructs_lib import (
    Auth,
    Cognito,
    Defaults,
    Iam,
    Public,
    SecureApiFunction,
    SecureRestApi,
    Throttle,
    Waf,
    Waived,
)
from tests.constructs.rest_apis import ENTRY, NEW_USER, api_of, method_of, only, pool_of
from tests.constructs.test_under_the_guards import said
from tests.findings import findings_of
from tests.templates import resources_of, show, template_of


class Tree(BaseModel):
    leaves: int
    branches: list[Tree] = []


class TestDefaults:
    def test_logs_throttles_measures_and_traces(self, stack: cdk.Stack) -> None:
        method_of(stack, Iam())
        stage = only(stack, "AWS::ApiGateway::Stage")
        assert stage["MethodSettings"] == [
            {
                "DataTraceEnabled": False,
                "HttpMethod": "*",
                "LoggingLevel": "ERROR",
                "MetricsEnabled": True,
                "ResourcePath": "/*",
                "ThrottlingBurstLimit": 200,
                "ThrottlingRateLimit": 100,
            }
        ]
        assert stage["TracingEnabled"] is True
        assert {"requestId", "routeKey", "status", "ip"} <= set(json.loads(stage["AccessLogSetting"]["Format"]))

    def test_keeps_the_logs_that_api_gateway_would_make_for_ever(self, stack: cdk.Stack) -> None:
        method_of(stack, Iam())
        groups = [each["Properties"] for each in resources_of(template_of(stack), "AWS::Logs::LogGroup").values()]
        [execution] = [each for each in groups if "API-Gateway" in show(each.get("LogGroupName"))]
        [api] = resources_of(template_of(stack), "AWS::ApiGateway::RestApi")
        assert show(execution["LogGroupName"]) == f"API-Gateway-Execution-Logs_{api}/live"
        assert all(each["RetentionInDays"] == 30 for each in groups)

    def test_the_stage_waits_for_the_logs_it_writes(self, stack: cdk.Stack) -> None:
        method_of(stack, Iam())
        [stage] = resources_of(template_of(stack), "AWS::ApiGateway::Stage").values()
        assert {each.rstrip("0123456789ABCDEF") for each in stage["DependsOn"]} == {
            "ApiExecutionLogs",
            "RestApiLogsAccount",
        }

    def test_the_firewall_asks_three_groups_of_aws_and_counts_each_address(self, stack: cdk.Stack) -> None:
        method_of(stack, Iam())
        rules = only(stack, "AWS::WAFv2::WebACL")["Rules"]
        assert [each["Name"] for each in rules] == [
            "RequestsPerIp",
            "AWSManagedRulesAmazonIpReputationList",
            "AWSManagedRulesCommonRuleSet",
            "AWSManagedRulesKnownBadInputsRuleSet",
        ]
        assert rules[0]["Statement"]["RateBasedStatement"]["Limit"] == 1000
        assert [each.get("OverrideAction") for each in rules[1:]] == [{"None": {}}] * 3
        assert "RuleActionOverrides" not in str(rules)

    def test_the_firewall_stands_before_the_stage_and_logs_what_it_blocks(self, stack: cdk.Stack) -> None:
        method_of(stack, Iam())
        template = template_of(stack)
        [api], [stage] = (resources_of(template, f"AWS::ApiGateway::{each}") for each in ("RestApi", "Stage"))
        assert show(only(stack, "AWS::WAFv2::WebACLAssociation")["ResourceArn"]).endswith(
            f"::/restapis/{api}/stages/{stage}"
        )
        logging = only(stack, "AWS::WAFv2::LoggingConfiguration")
        assert ":log-group:aws-waf-logs-" in show(logging["LogDestinationConfigs"][0])
        assert not show(logging["LogDestinationConfigs"][0]).endswith(":*")
        assert logging["LoggingFilter"]["DefaultBehavior"] == "DROP"
        hidden = [each["SingleHeader"]["Name"] for each in logging["RedactedFields"]]
        assert hidden == ["authorization", "cookie", "x-amz-security-token"]

    def test_one_role_of_the_account_serves_all_apis_of_a_stack_and_stays(self, stack: cdk.Stack) -> None:
        for name in ("One", "Two"):
            api_of(stack, name)
        [account] = resources_of(template_of(stack), "AWS::ApiGateway::Account").values()
        assert account["DeletionPolicy"] == "Retain"

    def test_says_its_url(self, stack: cdk.Stack) -> None:
        SecureApiFunction(stack, "Users", api=SecureRestApi(stack, "Api", auth=Iam()), route="GET /users", entry=ENTRY)
        [output] = template_of(stack)["Outputs"].values()
        assert show(output["Value"]).startswith("https://ApiRestApi")

    def test_takes_what_the_defaults_say(self, app: cdk.App) -> None:
        stack = Defaults(rate_limit=7, burst_limit=9).apply(cdk.Stack(app, "Shop"))
        Defaults(encryption_key=kms.Key(stack, "Key"), hardened=True).apply(stack)
        method_of(stack, Iam())
        stage = only(stack, "AWS::ApiGateway::Stage")
        assert stage["MethodSettings"][0]["ThrottlingRateLimit"] == 7
        assert "ClientCertificateId" in stage
        groups = resources_of(template_of(stack), "AWS::Logs::LogGroup").values()
        assert all("KmsKeyId" in each["Properties"] for each in groups)

    @pytest.mark.parametrize("auth", ["iam", "cognito", "public"])
    def test_auditors_and_guards_find_nothing(self, app: cdk.App, stack: cdk.Stack, auth: str) -> None:
        answers: dict[str, Callable[[], Auth]] = {
            "iam": Iam,
            "cognito": lambda: Cognito(pool_of(stack)),
            "public": lambda: Public("health probe"),
        }
        api = SecureRestApi(stack, "Api", auth=answers[auth](), cors_origins=["https://app.example.com"])
        SecureApiFunction(
            stack, "Create", api=api, route="POST /users", entry=ENTRY, request=NEW_USER, throttle=Throttle(5)
        )
        SecureApiFunction(stack, "Files", api=api, route="ANY /files/{path+}", entry=ENTRY)
        assert findings_of(stack) == []
        assert said(app) == []


class TestAuth:
    def test_iam(self, stack: cdk.Stack) -> None:
        assert method_of(stack, Iam())["AuthorizationType"] == "AWS_IAM"

    def test_cognito_makes_one_authorizer_and_one_client(self, stack: cdk.Stack) -> None:
        api = SecureRestApi(stack, "Api", auth=Cognito(cognito.UserPool(stack, "Pool")))
        for verb in ("GET", "POST"):
            SecureApiFunction(stack, verb, api=api, route=f"{verb} /users", entry=ENTRY)
        template = template_of(stack)
        methods = resources_of(template, "AWS::ApiGateway::Method").values()
        assert {each["Properties"]["AuthorizationType"] for each in methods} == {"COGNITO_USER_POOLS"}
        assert len(resources_of(template, "AWS::ApiGateway::Authorizer")) == 1
        assert len(resources_of(template, "AWS::Cognito::UserPoolClient")) == 1

    def test_routes_with_other_clients_of_one_pool(self, stack: cdk.Stack) -> None:
        pool = cognito.UserPool(stack, "Pool")
        api = SecureRestApi(stack, "Api", auth=Iam())
        for name in ("Web", "Phone"):
            auth = Cognito(pool, clients=[pool.add_client(name)], scopes=["users/read"])
            SecureApiFunction(stack, f"For{name}", api=api, route=f"GET /{name}", entry=ENTRY, auth=auth)
        for name in ("One", "Two"):
            SecureApiFunction(stack, name, api=api, route=f"GET /{name}", entry=ENTRY, auth=Cognito(pool))
        template = template_of(stack)
        assert len(resources_of(template, "AWS::ApiGateway::Authorizer")) == 1
        assert len(resources_of(template, "AWS::Cognito::UserPoolClient")) == 3

    def test_a_route_asks_for_scopes(self, stack: cdk.Stack) -> None:
        pool = cognito.UserPool(stack, "Pool")
        auth = Cognito(pool, clients=[pool.add_client("Web")], scopes=["users/read"])
        method = method_of(stack, auth, scopes=["users/write"])
        assert method["AuthorizationScopes"] == ["users/read", "users/write"]

    def test_public_keeps_its_reason_with_the_method(self, stack: cdk.Stack) -> None:
        method_of(stack, Public("health probe"))
        [method] = resources_of(template_of(stack), "AWS::ApiGateway::Method").values()
        assert method["Properties"]["AuthorizationType"] == "NONE"
        assert method["Metadata"]["constructs-lib:waived"] == {"auth": "health probe"}


class TestRequests:
    def test_a_body_is_checked_whatever_kind_it_says_it_is(self, stack: cdk.Stack) -> None:
        method = method_of(stack, Iam(), request=NEW_USER)
        [model] = resources_of(template_of(stack), "AWS::ApiGateway::Model")
        assert method["RequestModels"] == {"$default": {"Ref": model}}
        assert only(stack, "AWS::ApiGateway::RequestValidator") == {
            "RestApiId": {"Ref": "ApiRestApiE35FEAFE"},
            "ValidateRequestBody": True,
            "ValidateRequestParameters": True,
        }

    def test_routes_with_the_same_body_share_a_model(self, stack: cdk.Stack) -> None:
        api = SecureRestApi(stack, "Api", auth=Iam())
        for verb in ("PUT", "POST"):
            SecureApiFunction(stack, verb, api=api, route=f"{verb} /users", entry=ENTRY, request=dict(NEW_USER))
        assert len(resources_of(template_of(stack), "AWS::ApiGateway::Model")) == 1

    def test_another_body_is_another_model_and_another_deployment(self, tmp_path: Path) -> None:
        def ids(name: str, schema: dict[str, Any]) -> list[set[str]]:
            app = cdk.App(outdir=str(tmp_path / name), analytics_reporting=False)
            stack = cdk.Stack(app, "Shop")
            stack.node.set_context("aws:cdk:bundling-stacks", [])
            method_of(stack, Iam(), request=schema)
            template = template_of(stack)
            return [set(resources_of(template, f"AWS::ApiGateway::{each}")) for each in ("Model", "Deployment")]

        before, after = ids("Before", NEW_USER), ids("After", {**NEW_USER, "additionalProperties": False})
        assert [one & other for one, other in zip(before, after, strict=True)] == [set(), set()]

    def test_a_model_that_refers_to_itself_has_its_name(self, stack: cdk.Stack) -> None:
        method_of(stack, Iam(), request=Tree)
        model = only(stack, "AWS::ApiGateway::Model")
        assert (model["Name"][:4], model["Schema"]["title"]) == ("Tree", "Tree")

    def test_a_zod_schema_of_the_handlers(self, stack: cdk.Stack) -> None:
        method_of(stack, Iam(), request="lambda_src/users/user.ts:NewUser")
        schema = only(stack, "AWS::ApiGateway::Model")["Schema"]
        assert schema["required"] == ["name", "email"]
        assert schema["additionalProperties"] is False
        assert schema["properties"]["id"] == {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"}

    def test_a_method_has_limits_of_its_own(self, stack: cdk.Stack) -> None:
        method_of(stack, Iam(), route="GET /users/{id}", throttle=Throttle(5, 7))
        [every, one] = only(stack, "AWS::ApiGateway::Stage")["MethodSettings"]
        assert (one["HttpMethod"], one["ResourcePath"]) == ("GET", "/~1users~1{id}")
        assert (one["ThrottlingRateLimit"], one["ThrottlingBurstLimit"]) == (5, 7)
        kept = ("DataTraceEnabled", "LoggingLevel", "MetricsEnabled")
        assert [one[name] for name in kept] == [every[name] for name in kept]

    @pytest.mark.parametrize(("origins", "verbs"), [([], 7), (["https://app.example.com"], 6)])
    def test_limits_of_the_root_and_of_every_verb(self, stack: cdk.Stack, origins: list[str], verbs: int) -> None:
        """A stage has settings for real verbs alone, and calls the root a slash."""
        api = SecureRestApi(stack, "Api", auth=Iam(), cors_origins=origins)
        SecureApiFunction(stack, "Root", api=api, route="GET /", entry=ENTRY, throttle=Throttle(5))
        SecureApiFunction(stack, "Any", api=api, route="ANY /x/{y}", entry=ENTRY, throttle=Throttle(5))
        _, *limits = only(stack, "AWS::ApiGateway::Stage")["MethodSettings"]
        assert [each["HttpMethod"] for each in limits if each["ResourcePath"] == "/"] == ["GET"]
        every = {each["HttpMethod"] for each in limits if each["ResourcePath"] == "/~1x~1{y}"}
        assert (len(every), every & {"*", "ANY"}) == (verbs, set())

    @pytest.mark.parametrize(
        ("origins", "told"),
        [(["https://a.example.com"], "'https://a.example.com'"), (["https://a.example.com", "https://b.com"], "'*'")],
    )
    def test_pages_read_what_api_gateway_refuses(self, stack: cdk.Stack, origins: list[str], told: str) -> None:
        """A page whose request is refused without the header learns nothing of it, not even the status."""
        api_of(stack, cors_origins=origins)
        answers = resources_of(template_of(stack), "AWS::ApiGateway::GatewayResponse").values()
        assert {each["Properties"]["ResponseType"]: each["Properties"]["ResponseParameters"] for each in answers} == {
            kind: {"gatewayresponse.header.Access-Control-Allow-Origin": told}
            for kind in ("DEFAULT_4XX", "DEFAULT_5XX")
        }

    def test_browsers_are_answered_where_there_are_methods(self, stack: cdk.Stack) -> None:
        api = SecureRestApi(stack, "Api", auth=Iam(), cors_origins=["https://app.example.com"])
        for verb in ("GET", "DELETE"):
            SecureApiFunction(stack, verb, api=api, route=f"{verb} /shops/{{id}}", entry=ENTRY)
        methods = resources_of(template_of(stack), "AWS::ApiGateway::Method").values()
        assert sorted(each["Properties"]["HttpMethod"] for each in methods) == ["DELETE", "GET", "OPTIONS"]


class TestGrants:
    def test_the_method_alone_may_invoke_its_function(self, stack: cdk.Stack) -> None:
        method_of(stack, Iam(), route="GET /users/{id}")
        [api] = resources_of(template_of(stack), "AWS::ApiGateway::RestApi")
        permission = only(stack, "AWS::Lambda::Permission")
        assert show(permission["SourceArn"]) == (
            f"arn:AWS::Partition:execute-api:AWS::Region:AWS::AccountId:{api}/*/GET/users/*"
        )

    def test_grant_call_names_the_method(self, stack: cdk.Stack) -> None:
        api = SecureRestApi(stack, "Api", auth=Iam())
        read = SecureApiFunction(stack, "Read", api=api, route="GET /users/{id}", entry=ENTRY)
        read.grant_call(iam.Role(stack, "Partner", assumed_by=iam.AccountPrincipal("111122223333")))
        [statement] = only(stack, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
        assert statement["Action"] == "execute-api:Invoke"
        assert show(statement["Resource"]).endswith("/*/GET/users/*")

    def test_the_role_of_the_account_writes_logs_and_nothing_else(self, stack: cdk.Stack) -> None:
        api_of(stack)
        policies = resources_of(template_of(stack), "AWS::IAM::ManagedPolicy")
        [policy] = [each for name, each in policies.items() if name.startswith("RestApiLogs")]
        [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
        assert {each.partition(":")[0] for each in statement["Action"]} == {"logs"}
        assert len(statement["Action"]) == 7

    @pytest.mark.parametrize("nested", [True, False])
    def test_a_function_may_know_the_address_of_its_api(self, app: cdk.App, stack: cdk.Stack, nested: bool) -> None:
        api = SecureRestApi(stack, "Api", auth=Iam(), nest_functions=nested)
        url = {"API_URL": api.url}
        SecureApiFunction(stack, "Greet", api=api, route="POST /greet", entry=ENTRY, environment=url)
        app.synth()  # it says that the function may call itself, and refuses no circle
        [told] = template_of(stack)["Outputs"].values()
        assert show(told["Value"]).endswith(".execute-api.AWS::Region.AWS::URLSuffix/live")

    def test_a_function_in_another_stack_than_its_api(self, app: cdk.App) -> None:
        front, back = cdk.Stack(app, "Front"), cdk.Stack(app, "Back")
        api = SecureRestApi(front, "Api", auth=Iam())
        SecureApiFunction(back, "Greet", api=api, route="POST /greet", entry=ENTRY)
        SecureApiFunction(front, "Read", api=api, route="GET /greet", entry=ENTRY)
        assert len(resources_of(template_of(front), "AWS::ApiGateway::Method")) == 2
        assert len(resources_of(template_of(front), "AWS::Lambda::Permission")) == 2
        assert len(resources_of(template_of(back), "AWS::Lambda::Function")) == 1
        assert said(app) == []

    def test_a_nested_function_in_another_stack_than_its_api(self, app: cdk.App) -> None:
        front, back = cdk.Stack(app, "Front"), cdk.Stack(app, "Back")
        api = SecureRestApi(front, "Api", auth=Iam(), nest_functions=True)
        SecureApiFunction(back, "Greet", api=api, route="POST /greet", entry=ENTRY)
        assert len(resources_of(template_of(front), "AWS::Lambda::Permission")) == 1
        assert resources_of(template_of(back), "AWS::Lambda::Function") == {}
        assert said(app) == []


class TestEscapeHatches:
    def test_every_l2_is_reachable(self, stack: cdk.Stack) -> None:
        api = SecureRestApi(stack, "Api", auth=Iam())
        greet = SecureApiFunction(stack, "Greet", api=api, route="POST /greet", entry=ENTRY)
        assert isinstance(api.rest_api, apigateway.RestApi)
        assert isinstance(greet.rest_method, apigateway.Method)
        with pytest.raises(TypeError, match="use rest_method"):
            _ = greet.http_route

    def test_two_apis_share_one_firewall(self, stack: cdk.Stack) -> None:
        api_of(stack, "Second", waf=api_of(stack, "First").web_acl)
        template = template_of(stack)
        assert len(resources_of(template, "AWS::WAFv2::WebACL")) == 1
        assert len(resources_of(template, "AWS::WAFv2::WebACLAssociation")) == 2

    def test_what_is_waived_says_why(self, stack: cdk.Stack) -> None:
        why = Waived("tried in a test")
        api = SecureRestApi(stack, "Api", auth=Iam(), waf=why, tracing=why, account_logs=why)
        SecureApiFunction(stack, "Greet", api=api, route="POST /greet", entry=ENTRY)
        assert findings_of(stack) == []
        [stage] = resources_of(template_of(stack), "AWS::ApiGateway::Stage").values()
        assert set(stage["Metadata"]["constructs-lib:waived"]) == {"waf", "tracing", "account_logs"}
        assert resources_of(template_of(stack), "AWS::WAFv2::WebACL") == {}

    def test_large_bodies_and_groups_that_only_count(self, stack: cdk.Stack) -> None:
        group = "AWSManagedRulesSQLiRuleSet"
        api_of(stack, waf=Waf(rule_groups=[group], counted=[group], large_bodies=True))
        rules = {each["Name"]: each for each in only(stack, "AWS::WAFv2::WebACL")["Rules"]}
        assert rules[group]["OverrideAction"] == {"Count": {}}
        common = rules["AWSManagedRulesCommonRuleSet"]["Statement"]["ManagedRuleGroupStatement"]
        assert common["RuleActionOverrides"] == [{"ActionToUse": {"Count": {}}, "Name": "SizeRestrictions_BODY"}]
