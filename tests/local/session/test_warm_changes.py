"""Whatever changes on the short way of warm requests is heeded by the very next one."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.local.session.warm_api import HANDLER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.session.warm_api import Warm


class TestHeeded:
    """Each test changes something between two requests: the first one went the short way."""

    @pytest.fixture(autouse=True)
    def _begin_warm(self, warm: Warm) -> None:
        warm.is_warm()

    def test_permission(self, warm: Warm) -> None:
        policy = json.loads(warm.functions.get_policy(FunctionName=warm.function)["Policy"])
        sid = policy["Statement"][0]["Sid"]
        warm.functions.remove_permission(FunctionName=warm.function, StatementId=sid)
        refused = warm.ask().status
        warm.functions.add_permission(
            FunctionName=warm.function, StatementId=sid, Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
        )  # fmt: skip
        assert (refused, warm.ask().status) == (500, 200)

    def test_authorization_of_the_route(self, warm: Warm) -> None:
        told = {"ApiId": warm.api, "RouteId": warm.route}
        warm.gateway.update_route(**told, AuthorizationType="AWS_IAM")
        refused = warm.ask().status
        warm.gateway.update_route(**told, AuthorizationType="NONE")
        assert (refused, warm.ask().status) == (403, 200)

    def test_key_of_the_route(self, warm: Warm) -> None:
        told = {"ApiId": warm.api, "RouteId": warm.route}
        warm.gateway.update_route(**told, RouteKey="POST /cold/{id}")
        found = warm.ask().status, warm.ask(path="/cold/x").status
        warm.gateway.update_route(**told, RouteKey="POST /warm/{id}")
        assert (*found, warm.ask().status) == (404, 200, 200)

    def test_better_route_of_the_same_api(self, warm: Warm) -> None:
        arn = warm.functions.get_function(FunctionName=warm.other)["Configuration"]["FunctionArn"]
        target = warm.gateway.create_integration(
            ApiId=warm.api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
        )["IntegrationId"]
        better = warm.gateway.create_route(ApiId=warm.api, RouteKey="POST /warm/x", Target=f"integrations/{target}")
        found = warm.ask().json()["routeKey"]
        warm.gateway.delete_route(ApiId=warm.api, RouteId=better["RouteId"])
        assert (found, warm.seen()["event"]["routeKey"]) == ("POST /warm/x", "POST /warm/{id}")

    def test_same_route_of_another_api(self, warm: Warm) -> None:
        other = warm.gateway.create_api(Name="another", ProtocolType="HTTP")["ApiId"]
        warm.gateway.create_stage(ApiId=other, StageName="$default")
        warm.gateway.create_route(ApiId=other, RouteKey="POST /warm/{id}")
        found = warm.ask().status
        warm.gateway.delete_api(ApiId=other)
        assert (found, warm.ask().status) == (421, 200)

    def test_resource_of_a_rest_api(self, warm: Warm) -> None:
        rest = warm.aws.client("apigateway")
        api = rest.create_rest_api(name="resting")
        root = {"restApiId": api["id"], "resourceId": api["rootResourceId"]}
        rest.put_method(**root, httpMethod="GET", authorizationType="NONE")
        rest.put_integration(**root, httpMethod="GET", type="MOCK")
        rest.create_deployment(restApiId=api["id"], stageName="warm")
        first, before = warm.ask().status, warm.count()
        made = rest.create_resource(restApiId=api["id"], parentId=api["rootResourceId"], pathPart="x")
        rest.put_method(restApiId=api["id"], resourceId=made["id"], httpMethod="POST", authorizationType="NONE")
        second = warm.ask().status
        assert warm.count() == before
        rest.delete_rest_api(restApiId=api["id"])
        assert (first, second, warm.ask().status) == (200, 421, 200)

    def test_integration(self, warm: Warm) -> None:
        told = {"ApiId": warm.api, "IntegrationId": warm.integration}
        warm.gateway.update_integration(**told, PayloadFormatVersion="1.0")
        first = warm.seen()["event"]["version"]
        warm.gateway.update_integration(**told, PayloadFormatVersion="2.0")
        assert (first, warm.seen()["event"]["version"]) == ("1.0", "2.0")

    def test_other_origins_and_stage_variables(self, warm: Warm) -> None:
        origin = "https://other.example"
        assert not warm.ask(origin=origin).header("access-control-allow-origin")
        warm.gateway.update_api(ApiId=warm.api, CorsConfiguration={"AllowOrigins": [origin]})
        assert warm.ask(origin=origin).header("access-control-allow-origin") == origin
        assert "stageVariables" not in warm.seen()["event"]
        warm.gateway.update_stage(ApiId=warm.api, StageName="$default", StageVariables={"a": "b"})
        found = warm.seen()["event"]["stageVariables"]
        warm.gateway.update_stage(ApiId=warm.api, StageName="$default", StageVariables={})
        assert found == {"a": "b"}

    def test_throttling(self, warm: Warm) -> None:
        def limit(rate: float, burst: int) -> None:
            settings = {"ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst}
            warm.gateway.update_stage(ApiId=warm.api, StageName="$default", DefaultRouteSettings=settings)

        limit(0.01, 2)
        found = [warm.ask().status for _ in range(4)]
        limit(10_000, 5_000)
        assert found == [200, 200, 429, 429]

    def test_variables_of_the_function(self, warm: Warm) -> None:
        change = warm.functions.update_function_configuration
        change(FunctionName=warm.function, Environment={"Variables": {"VALUE": "second"}})
        found = warm.seen()["value"]
        change(FunctionName=warm.function, Environment={"Variables": {"VALUE": "first"}})
        assert (found, warm.seen()["value"]) == ("second", "first")

    def test_code_of_the_function(self, warm: Warm, tmp_path: Path) -> None:
        for value in ("one", "two"):
            self._swap(warm, f"def handler(*_): return '{value}'", tmp_path)
            assert warm.ask().text == value
            before = warm.count()
            assert (warm.ask().text, warm.count()) == (value, before + 1)
        self._swap(warm, HANDLER, tmp_path)
        assert warm.seen()["value"] == "first"

    @staticmethod
    def _swap(warm: Warm, source: str, folder: Path) -> None:
        archive = folder / "code.zip"
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr("index.py", source)
        warm.functions.update_function_code(FunctionName=warm.function, ZipFile=archive.read_bytes())

    def test_role_of_the_function(self, warm: Warm) -> None:
        iam, before = warm.aws.client("iam"), warm.functions.get_function_configuration(FunctionName=warm.function)
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        statement = {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}
        documents = [json.dumps({"Version": "2012-10-17", "Statement": [each]}) for each in (trust, statement)]
        other = iam.create_role(RoleName="warm-other", AssumeRolePolicyDocument=documents[0])["Role"]["Arn"]
        iam.put_role_policy(RoleName="warm-other", PolicyName="queues", PolicyDocument=documents[1])
        change = warm.functions.update_function_configuration
        assert warm.ask({"queues": True}).text == "ClientError"
        change(FunctionName=warm.function, Role=other)
        found = warm.ask({"queues": True}).text
        change(FunctionName=warm.function, Role=before["Role"])
        iam.delete_role_policy(RoleName="warm-other", PolicyName="queues")
        iam.delete_role(RoleName="warm-other")
        assert (found, warm.ask({"queues": True}).text) == ("allowed", "ClientError")

    def test_authorizer_of_the_route(self, warm: Warm) -> None:
        issuer = {"Audience": ["warm"], "Issuer": "https://issuer.example"}
        made = warm.gateway.create_authorizer(
            ApiId=warm.api, AuthorizerType="JWT", Name="tokens", IdentitySource=["$request.header.Authorization"],
            JwtConfiguration=issuer,
        )["AuthorizerId"]  # fmt: skip
        told = {"ApiId": warm.api, "RouteId": warm.route}
        warm.gateway.update_route(**told, AuthorizationType="JWT", AuthorizerId=made)
        refused = warm.ask().status
        warm.gateway.update_route(**told, AuthorizationType="NONE")
        warm.gateway.delete_authorizer(ApiId=warm.api, AuthorizerId=made)
        assert (refused, warm.ask().status) == (401, 200)

    def test_stage_that_is_gone(self, warm: Warm) -> None:
        stage = warm.gateway.get_stage(ApiId=warm.api, StageName="$default")
        kept = {name: stage[name] for name in ("StageName", "AutoDeploy", "AccessLogSettings") if name in stage}
        warm.gateway.delete_stage(ApiId=warm.api, StageName="$default")
        found = warm.ask().status
        warm.gateway.create_stage(ApiId=warm.api, **kept)
        assert (found, warm.ask().status) == (404, 200)

    def test_reserved_concurrency(self, warm: Warm) -> None:
        warm.functions.put_function_concurrency(FunctionName=warm.function, ReservedConcurrentExecutions=0)
        refused = warm.ask()
        throttled = len(warm.aws.journal("throttle"))
        warm.functions.delete_function_concurrency(FunctionName=warm.function)
        assert (refused.status, refused.text, warm.ask().status) == (429, '{"message":"Too Many Requests"}', 200)
        assert throttled

    def test_rights_of_the_role(self, warm: Warm) -> None:
        configuration = warm.functions.get_function_configuration(FunctionName=warm.function)
        role, iam = configuration["Role"].rpartition("/")[2], warm.aws.client("iam")
        assert warm.ask({"queues": True}).text == "ClientError"
        statement = {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=role, PolicyName="queues", PolicyDocument=document)
        assert warm.ask({"queues": True}).text == "allowed"
        iam.delete_role_policy(RoleName=role, PolicyName="queues")
        assert warm.ask({"queues": True}).text == "ClientError"

    def test_fault(self, warm: Warm) -> None:
        added = warm.aws.control.ask("faults", add={"kind": "throttle", "function": warm.function})
        found = warm.ask().status
        warm.aws.control.ask("faults", remove=added["added"])
        assert (found, warm.ask().status) == (429, 200)

    def test_alias(self, warm: Warm) -> None:
        one, two = (self._published(warm, value) for value in ("one", "two"))
        alias = warm.functions.create_alias(FunctionName=warm.function, Name="live", FunctionVersion=one)["AliasArn"]
        warm.functions.add_permission(
            FunctionName=warm.function, StatementId="live", Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com", Qualifier="live",
        )  # fmt: skip
        uri = warm.gateway.get_integration(ApiId=warm.api, IntegrationId=warm.integration)["IntegrationUri"]
        told = {"ApiId": warm.api, "IntegrationId": warm.integration}
        warm.gateway.update_integration(**told, IntegrationUri=alias)
        try:
            warm.is_warm()
            assert warm.seen()["version"] == one
            warm.functions.update_alias(FunctionName=warm.function, Name="live", FunctionVersion=two)
            assert warm.seen()["version"] == two
            warm.is_warm()
            weights = {"AdditionalVersionWeights": {one: 1.0}}
            warm.functions.update_alias(FunctionName=warm.function, Name="live", RoutingConfig=weights)
            assert warm.seen()["version"] == one
        finally:
            warm.gateway.update_integration(**told, IntegrationUri=uri)
            warm.functions.delete_alias(FunctionName=warm.function, Name="live")
        assert warm.seen()["version"] == "$LATEST"

    @staticmethod
    def _published(warm: Warm, value: str) -> str:
        change = warm.functions.update_function_configuration
        change(FunctionName=warm.function, Environment={"Variables": {"VALUE": value}})
        version: str = warm.functions.publish_version(FunctionName=warm.function)["Version"]
        change(FunctionName=warm.function, Environment={"Variables": {"VALUE": "first"}})
        return version
