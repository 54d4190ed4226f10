"""The short way of warm requests: it answers as the usual way does, and heeds every change with the next request."""

from __future__ import annotations

import contextlib
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from constructs_lib.assembly import CloudAssembly
from constructs_lib.local import LocalAws, deploy, overlay
from constructs_lib.local.function_logs import FunctionLogs
from tests.local.session.example_app import ExampleApp, function, http_api, route

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.local.signed_call import Answer

HANDLER = """
import json, os, time
def handler(event, context):
    told = json.loads(event.get("body") or "{}") if event.get("headers", {}).get("x-told") else {}
    time.sleep(told.get("sleep", 0))
    if told.get("print"):
        print("x" * told["print"])
    if told.get("exit"):
        os._exit(1)
    if told.get("raise"):
        raise ValueError("as told")
    if told.get("queues"):
        import boto3
        try:
            boto3.client("sqs").list_queues()
        except Exception as error:
            return type(error).__name__
        return "allowed"
    if "answer" in told:
        return told["answer"]
    seen = {"event": event, "value": os.environ.get("VALUE"), "version": context.function_version,
            "trace": os.environ["_X_AMZN_TRACE_ID"], "id": context.aws_request_id}
    return {"statusCode": 200, "body": json.dumps(seen)}
"""
OTHER = """
import json
def handler(event, context): return {"statusCode": 200, "body": json.dumps(event)}
"""
STREAM = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write("first, ")
  await new Promise((go) => setTimeout(go, JSON.parse(event.body).pause))
  stream.end("last")
})
"""
JSON = {"content-type": "application/json"}
TOLD = {**JSON, "x-told": "1"}
CHANGING = re.compile(r"requestId|time|timeEpoch|id|trace|apigw-requestid|Date|date|content-length|Content-Length")


class Warm:
    """The API, and what a test changes of it."""

    def __init__(self, aws: LocalAws, outputs: Mapping[str, str]) -> None:
        self.aws = aws
        self.api = outputs["ApiId"]
        self.integration, self.function, self.other = outputs["Integration"], outputs["Function"], outputs["Other"]
        self.gateway, self.functions = aws.client("apigatewayv2"), aws.client("lambda")
        routes = {each["RouteKey"]: each["RouteId"] for each in self.gateway.get_routes(ApiId=self.api)["Items"]}
        self.route = routes["POST /warm/{id}"]

    def ask(self, told: object = None, *, path: str = "/warm/x", **headers: str) -> Answer:
        """Ask the API; `told` is what the handler is to do."""
        return self.aws.call("POST", path, json=told or {}, headers={**TOLD, **headers})

    def lines(self) -> list[str]:
        """What the function has logged."""
        self.count()
        return [
            each.line
            for each in FunctionLogs(self.aws.paths.function_log).new_lines()
            if each.function == self.function
        ]

    def count(self) -> int:
        """How many requests have gone the short way."""
        found: int = self.aws.control.ask("settle")["warm"]
        return found

    def is_warm(self) -> None:
        """Ask until the short way is taken; twice is enough, unless something was unusual half a second ago."""
        until = time.monotonic() + 5
        while time.monotonic() < until:
            before = self.count()
            assert self.ask().status == 200
            if self.count() == before + 1:
                return
            time.sleep(0.05)
        raise AssertionError("the short way is not taken")

    def seen(self) -> Any:
        """What the function has seen of one more request."""
        answer = self.ask()
        assert answer.status == 200, answer.text
        return answer.json()

    @contextlib.contextmanager
    def usual(self) -> Iterator[None]:
        """Let everything go the usual way: a fault that meets nobody is enough."""
        added = self.aws.control.ask("faults", add={"kind": "delay", "function": "nobody", "options": {"seconds": 0}})
        try:
            yield
        finally:
            self.aws.control.ask("faults", remove=added["added"])


@pytest.fixture(scope="session")
def warm(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Warm:
    """An API with one route to a function, and a function that has none."""
    app = ExampleApp(tmp_path_factory.mktemp("warm"))
    resources = http_api("Warm", CorsConfiguration={"AllowOrigins": ["https://shop.example"], "AllowMethods": ["POST"]})
    resources |= function(app.code(HANDLER), "index.handler", statement=None, path="Warm/Main", VALUE="first")
    resources |= function(app.code(OTHER), "index.handler", statement=None, path="Warm/Other")
    resources |= route("POST /warm/{id}", "WarmMain")
    resources |= function({"ZipFile": STREAM}, "index.handler", statement=None, path="Warm/Stream")
    resources["WarmStream"]["Properties"]["Runtime"] = "nodejs22.x"
    resources |= route("POST /streams/{id}", "WarmStream")
    resources["OtherPermission"] = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Fn::GetAtt": ["WarmOther", "Arn"]},
            "Principal": "apigateway.amazonaws.com",
        },
    }
    resources["AccessLogs"] = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "warm-access"}}
    formats = "$context.routeKey $context.status $context.path $context.integrationStatus $context.responseLength"
    arn = {"Fn::GetAtt": ["AccessLogs", "Arn"]}
    resources["Stage"]["Properties"]["AccessLogSettings"] = {"DestinationArn": arn, "Format": formats}
    names = {"ApiId": "Api", "Integration": "WarmMainIntegration"}
    names |= {"Function": "WarmMain", "Other": "WarmOther"}
    outputs = {name: {"Value": {"Ref": each}} for name, each in names.items()}
    app.add_stack("Warm", {"Resources": resources, "Outputs": outputs})
    stacks = deploy.deploy(CloudAssembly.read(app.folder), aws.clients, lambda _: None)
    return Warm(aws, stacks[0].outputs)


def steady(value: Any) -> Any:
    """The value without what no two requests have in common."""
    if isinstance(value, dict):
        return {name: steady(each) for name, each in value.items() if not CHANGING.fullmatch(name)}
    return [steady(each) for each in value] if isinstance(value, list) else value


class TestTheSame:
    @pytest.mark.parametrize(
        ("path", "headers", "body"),
        [
            ("/warm/x", JSON, b'{"name": "Ada \xc3\xa9\\u2028\\""}'),
            ("/warm/x", JSON, b"\xff\x00"),
            ("/warm/x", {"content-type": "image/png"}, b"\x89PNG"),
            ("/warm/x", {}, b""),
            ("/warm/x?a=1&a=2&b=%20c&empty=", {"content-type": "text/plain"}, b"text"),
            ("/warm/x", {**JSON, "cookie": "a=1; b=2", "X-Own": "A, b"}, b"{}"),
            ("/warm/x", {**JSON, "authorization": "Bearer abc", "user-agent": "me"}, b"{}"),
            ("/warm/~a.b-c_d", {**JSON, "x-forwarded-for": "1.2.3.4"}, b"{}"),
        ],
    )
    def test_function_sees_the_same(self, warm: Warm, path: str, headers: dict[str, str], body: bytes) -> None:
        def ask() -> Any:
            answer = warm.aws.call("POST", path, body=body, headers=headers)
            assert answer.status == 200, answer.text
            return answer.json(), {name: value for name, value in answer.headers if not CHANGING.fullmatch(name)}

        with warm.usual():
            usual = ask()
        warm.is_warm()
        ask()
        before = warm.count()
        short = ask()
        assert warm.count() == before + 1
        assert steady(short[0]) == steady(usual[0])
        assert short[1] == usual[1]
        assert list(short[0]["event"]) == list(usual[0]["event"])
        assert list(short[0]["event"]["requestContext"]) == list(usual[0]["event"]["requestContext"])

    @pytest.mark.parametrize(
        "answer",
        [
            {"statusCode": 201, "headers": {"X-A": "b"}, "body": "text"},
            {"statusCode": 204},
            {"statusCode": 304, "body": "none"},
            {"statusCode": "200", "cookies": ["a=1", "b=2"], "headers": {"set-cookie": "c=3"}, "body": "b"},
            {"statusCode": 200, "isBase64Encoded": True, "body": "AAEC"},
            {"statusCode": 200, "isBase64Encoded": True, "body": "no base64"},
            {"statusCode": 200, "headers": {"content-length": "2"}, "body": "ok"},
            {"statusCode": 200, "headers": {"Date": "yesterday"}, "body": "ok"},
            {"statusCode": 101},
            {"statusCode": 200, "headers": {"bad name": "x"}},
            {"statusCode": 200, "headers": {"x": 1, "y": True}},
            "only text \u00e9",
            {"no": "status"},
            [1, None],
        ],
    )
    def test_answer_is_the_same(self, warm: Warm, answer: Any) -> None:
        def ask() -> tuple[int, dict[str, str], bytes]:
            found = warm.ask({"answer": answer}, origin="https://shop.example")
            return (
                found.status,
                {name: value for name, value in found.headers if name not in {"date", "apigw-requestid"}},
                found.body,
            )

        with warm.usual():
            usual = ask()
        warm.is_warm()
        ask()
        before = warm.count()
        assert ask() == usual
        assert warm.count() == before + 1

    def test_each_call_has_ids_of_its_own_and_one_trace(self, warm: Warm) -> None:
        warm.is_warm()
        first, second = warm.seen(), warm.seen()
        assert first["id"] != second["id"]
        assert first["event"]["requestContext"]["requestId"] != second["event"]["requestContext"]["requestId"]
        assert first["trace"] != second["trace"]
        root = "1-12345678-123456789012345678901234"
        asked = {"x-amzn-trace-id": f"Root={root};Parent=1234567890123456;Sampled=1"}
        for _ in range(2):
            found = warm.ask(**asked).json()
        assert root in found["trace"]
        entries = [each for each in warm.aws.journal() if each.get("trace") == root]
        assert [each["kind"] for each in entries] == ["invocation", "request"] * 2

    def test_told_in_journal_and_log_and_access_log(self, warm: Warm) -> None:
        def told() -> tuple[Any, ...]:
            entries, lines = len(warm.aws.journal()), len(warm.lines())
            warm.ask({"print": 3})
            new = [each for each in warm.aws.journal()[entries:] if each["kind"] in {"request", "invocation"}]
            logged = [re.sub(r"[0-9a-f-]{36}|[\d.]+ ms", "?", each) for each in warm.lines()[lines:]]
            logs = warm.aws.client("logs")
            stored = logs.filter_log_events(logGroupName="warm-access")["events"][-1]["message"]
            kept = [{name: each[name] for name in each if name not in {"time", "trace", "request_id", "milliseconds"}}
                    for each in new]  # fmt: skip
            return sorted(kept, key=str), logged, stored, [sorted(each) for each in new]

        with warm.usual():
            warm.ask({"print": 3})
            usual = told()
        warm.is_warm()
        before = warm.count()
        assert told() == usual
        assert warm.count() > before
        assert usual[1] == ["START RequestId: ? Version: $LATEST", "xxx", "END RequestId: ?", usual[1][3]]
        assert usual[2].startswith("POST /warm/{id} 200 /warm/x 200 ")

    def test_error_of_the_function(self, warm: Warm) -> None:
        warm.is_warm()
        assert (warm.ask({"raise": True}).status, warm.ask({"raise": True}).text) == (
            500, '{"message":"Internal Server Error"}')  # fmt: skip
        failed = warm.aws.journal("invocation")[-1]
        assert (failed["error"], failed["message"]) == ("ValueError", "as told")


class TestSlow:
    def test_what_takes_longer_is_waited_for(self, warm: Warm) -> None:
        warm.is_warm()
        before = warm.count()
        began = time.monotonic()
        assert warm.ask({"sleep": 0.15, "answer": "late"}).text == "late"
        assert time.monotonic() - began >= 0.15
        assert warm.count() == before + 1
        assert warm.ask().status == 200

    @pytest.mark.parametrize("pause", [0, 50])
    def test_function_that_streams_is_answered_whole(self, warm: Warm, pause: int) -> None:
        with warm.usual():
            usual = warm.ask({"pause": pause}, path="/streams/x")
        before = warm.count()
        found = warm.ask({"pause": pause}, path="/streams/x")
        assert warm.count() == before + 1
        assert (found.status, found.text) == (usual.status, usual.text) == (200, "first, last")

    def test_process_that_ends(self, warm: Warm) -> None:
        warm.is_warm()
        assert warm.ask({"exit": True}).status == 500
        assert any("exit status 1" in each for each in warm.lines())
        assert warm.ask().status == 200

    def test_much_that_is_printed(self, warm: Warm) -> None:
        warm.is_warm()
        assert warm.ask({"print": 1 << 18, "answer": "done"}).text == "done"
        assert any(len(each) > 200_000 for each in warm.lines())

    def test_integration_that_takes_too_long(self, warm: Warm) -> None:
        warm.gateway.update_integration(ApiId=warm.api, IntegrationId=warm.integration, TimeoutInMillis=500)
        try:
            warm.is_warm()
            answer = warm.ask({"sleep": 0.9})
            assert (answer.status, answer.text) == (503, '{"message":"Service Unavailable"}')
        finally:
            warm.gateway.update_integration(ApiId=warm.api, IntegrationId=warm.integration, TimeoutInMillis=30_000)

    def test_function_that_takes_too_long(self, warm: Warm) -> None:
        warm.functions.update_function_configuration(FunctionName=warm.function, Timeout=1)
        try:
            warm.is_warm()
            began = time.monotonic()
            assert warm.ask({"sleep": 5}).status == 500
            assert 1 <= time.monotonic() - began < 3
            assert any("Task timed out after 1.00 seconds" in each for each in warm.lines())
        finally:
            warm.functions.update_function_configuration(FunctionName=warm.function, Timeout=10)

    def test_many_at_once(self, warm: Warm) -> None:
        warm.is_warm()
        with ThreadPoolExecutor(8) as pool:
            found = list(
                pool.map(lambda number: warm.ask({"sleep": number % 3 / 100, "answer": str(number)}).text, range(64))
            )
        assert found == [str(number) for number in range(64)]


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

    def test_variables_and_code_of_the_function(self, warm: Warm) -> None:
        change = warm.functions.update_function_configuration
        change(FunctionName=warm.function, Environment={"Variables": {"VALUE": "second"}})
        found = warm.seen()["value"]
        change(FunctionName=warm.function, Environment={"Variables": {"VALUE": "first"}})
        assert (found, warm.seen()["value"]) == ("second", "first")

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


class TestUsualWay:
    """What the short way leaves out is known; whoever adds to it has to tell the short way, and then this table."""

    KNOWN: ClassVar[dict[str, set[str]]] = {
        "_handle_execute_api_request": {"api_access_log"},
        "_enforce_execute_api": {"api_access_log", "http_api_refusals", "rest_api_answers"},
        "_handle_execute_in_scope": {"http_api_limits", "http_api_refusals", "http_api_sendable", "rest_api_answers"},
        "_invoke_lambda_proxy": {"http_api_integration"},
        "_execute_function_with_config_scope": {"custom_resource_failure"},
        "_execute_function": set(),
        "_execute_function_dispatch": {"faults_in_runs", "lambda_executor"},
    }  # fmt: skip

    def test_patches_around_it_are_those_the_short_way_knows(self) -> None:
        found: dict[str, set[str]] = {name: set() for name in self.KNOWN}
        for file in Path(overlay.__file__).parent.glob("*.py"):
            for name in re.findall(r'Patch\(\s*[\w".]+,\s*"(\w+)"', file.read_text()):
                if name in found:
                    found[name].add(file.stem)
        assert found == self.KNOWN
