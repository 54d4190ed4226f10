"""An API of its own, most of whose requests may take the short way, and what tests ask of it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly import CloudAssembly
from constructs_lib.local import LocalAws, deploy
from constructs_lib.local.function_logs import FunctionLogs
from tests.local.session.example_app import ExampleApp, function, http_api, route

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from constructs_lib.local.signed_call import Answer

HANDLER = """
import json, os, signal, time
def handler(event, context):
    told = json.loads(event.get("body") or "{}") if event.get("headers", {}).get("x-told") else {}
    time.sleep(told.get("sleep", 0))
    if told.get("print"):
        print("x" * told["print"])
    if told.get("stuck"):
        signal.signal(signal.SIGALRM, lambda *_: time.sleep(told["stuck"]))
        signal.setitimer(signal.ITIMER_REAL, 0.05)
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
        until = time.monotonic() + 60
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


def deploy_warm(aws: LocalAws, folder: Path) -> Warm:
    """Deploy an API with a route to a function, one to a function that streams, and a function that has none."""
    app = ExampleApp(folder)
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
