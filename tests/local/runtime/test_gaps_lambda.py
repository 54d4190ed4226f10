"""Gaps of the base in what Lambda itself answers; see `test_gaps`."""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import re
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.local.runtime.deployed import BUCKET, REGION, App
from tests.local.runtime.event_handlers import att, ref, until
from tests.local.runtime.template import function

TELLS = """
exports.handler = async (event, context) => ({ event, id: context.awsRequestId, client: context.clientContext });
"""
STREAMS = """
const http = require("node:http");
const wait = (url) => new Promise((r) => http.get(url, (answer) => answer.resume().on("end", r)));
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const { mode, url } = event.queryStringParameters ?? event;
  if (mode === "early") throw new RangeError("early");
  const head = { statusCode: 202, headers: { "x-one": "1" }, cookies: ["a=b"] };
  if (mode === "http") stream = awslambda.HttpResponseStream.from(stream, head);
  stream.write("one");
  if (url) await wait(url);
  if (mode === "late") throw new RangeError("late");
  stream.end("two");
});
"""
CALLED_BY = (
    "exports.handler = async (event, context) => console.log(`BY ${context.invokedFunctionArn.split(':').pop()}.`);"
)
VERSION = "exports.handler = async () => process.env.AWS_LAMBDA_FUNCTION_VERSION + process.env.MARK;"


_numbers = itertools.count()


def deployed(app: App, code: str, more: dict[str, Any] | None = None, **properties: Any) -> dict[str, str]:
    """A stack of its own with a function."""
    return update(app, f"Told{next(_numbers)}", code, more, **properties)


def update(app: App, stack: str, code: str, more: dict[str, Any] | None = None, **properties: Any) -> dict[str, str]:
    key = app.aws.upload({stack: {"index.js": code}})[stack]
    resources = {**function("Tells", key, BUCKET, [], **{"Timeout": 20, **properties}), **(more or {})}
    outputs = {"Name": {"Value": ref("Tells")}, "Arn": {"Value": att("Tells")}}
    if "Url" in resources:
        outputs["Url"] = {"Value": att("Url", "FunctionUrl")}
    return app.aws.deploy(stack, {"Resources": resources, "Outputs": outputs})


class Gate:
    """A server that answers when it is told to."""

    def __init__(self) -> None:
        opened = self._opened = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                opened.wait(60)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def open(self) -> None:
        self._opened.set()

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class TestFunctionInvocation:
    def test_tells_the_caller_the_request_id_of_the_function(self, stock: App, mended: App) -> None:
        def is_same(app: App) -> bool:
            name = deployed(app, TELLS)["Name"]
            answer = app.aws.client("lambda").invoke(FunctionName=name)
            told = json.loads(answer["Payload"].read())["id"]
            return bool(told == answer["ResponseMetadata"]["RequestId"])

        assert (is_same(stock), is_same(mended)) == (False, True)

    def test_hands_over_the_client_context(self, stock: App, mended: App) -> None:
        def heard(app: App) -> Any:
            name = deployed(app, TELLS)["Name"]
            sent = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
            answer = app.aws.client("lambda").invoke(FunctionName=name, ClientContext=sent)
            return json.loads(answer["Payload"].read()).get("client")

        assert (heard(stock), heard(mended)) == (None, {"custom": {"k": "v"}})

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            ({"Payload": b"{no"}, "InvalidRequestContentException", "Could not parse request body into json"),
            ({"Payload": b"[NaN]"}, "InvalidRequestContentException", "Unrecognized token 'NaN'"),
            ({"ClientContext": "e30x!"}, "InvalidRequestContentException", "Client context must be a valid"),
            ({"InvocationType": "Sometimes"}, "ValidationException", "Member must satisfy enum value set"),
            (
                {"Payload": b'"' + b"x" * 6_291_456 + b'"'},
                "RequestEntityTooLargeException",
                "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
            ),
            (
                {"Payload": b'"' + b"x" * 1_048_576 + b'"', "InvocationType": "Event"},
                "RequestEntityTooLargeException",
                "1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
            ),
        ],
    )
    def test_refuses_what_lambda_refuses(
        self, stock: App, mended: App, arguments: dict[str, Any], code: str, message: str
    ) -> None:
        stock.aws.client("lambda").invoke(FunctionName=stock.outputs["Echo"], **arguments)
        with pytest.raises(ClientError) as refused:
            mended.aws.client("lambda").invoke(FunctionName=mended.outputs["Echo"], **arguments)
        status = 413 if "TooLarge" in code else 400
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        assert refused.value.response["Error"]["Code"] == code
        assert message in refused.value.response["Error"]["Message"]

    def test_streams_as_the_function_does(self, stock: App, mended: App) -> None:
        told, end = steps(stock, deployed(stock, STREAMS)["Name"], {})
        assert b"awslambda is not defined" in b"".join(told)
        assert end == {}
        with Gate() as gate:
            name = deployed(mended, STREAMS)["Name"]
            answer = mended.aws.client("lambda").invoke_with_response_stream(
                FunctionName=name, Payload=json.dumps({"url": gate.url}), LogType="Tail"
            )
            stream = iter(answer["EventStream"])
            assert next(stream) == {"PayloadChunk": {"Payload": b"one"}}  # the function waits for us now
            gate.open()
            assert next(stream) == {"PayloadChunk": {"Payload": b"two"}}
            end = next(stream)["InvokeComplete"]
            answer["EventStream"].close()
        assert "ErrorCode" not in end
        assert b"platform.report" in base64.b64decode(end["LogResult"])
        assert answer["ExecutedVersion"] == "$LATEST"

    @pytest.mark.parametrize(("mode", "parts"), [("early", []), ("late", [b"one"])])
    def test_tells_of_an_error_at_the_end_of_a_stream(self, mended: App, mode: str, parts: list[bytes]) -> None:
        told, end = steps(mended, deployed(mended, STREAMS)["Name"], {"mode": mode})
        assert told == parts
        assert end["ErrorCode"] == "RangeError"
        assert json.loads(end["ErrorDetails"])["errorMessage"] == mode

    def test_answers_the_stream_of_a_function_that_streams_nothing(self, mended: App) -> None:
        told, end = steps(mended, mended.outputs["Echo"], {})
        assert json.loads(b"".join(told))["statusCode"] == 200
        assert end == {}


def steps(app: App, name: str, event: Any) -> tuple[list[bytes], Any]:
    answer = app.aws.client("lambda").invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event))
    parts: list[bytes] = []
    for each in answer["EventStream"]:
        if "InvokeComplete" in each:
            answer["EventStream"].close()
            return parts, each["InvokeComplete"]
        parts.append(each["PayloadChunk"]["Payload"])
    raise AssertionError("a stream without an end")


class TestAliasRouting:
    def test_shares_the_calls_of_an_alias_by_its_weights(self, stock: App, mended: App) -> None:
        def versions(app: App) -> set[str]:
            functions = app.aws.client("lambda")
            name = versioned(app)
            functions.create_alias(
                FunctionName=name,
                Name="both",
                FunctionVersion="1",
                RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
            )
            found = set()
            for _ in range(24):
                answer = functions.invoke(FunctionName=f"{name}:both")
                mark = {"1": "first", "2": "second"}[answer["ExecutedVersion"]]
                assert json.loads(answer["Payload"].read()) == f"{answer['ExecutedVersion']}{mark}"
                found.add(answer["ExecutedVersion"])
            return found

        assert versions(stock) == {"1"}
        assert versions(mended) == {"1", "2"}

    def test_reserves_concurrency_for_all_versions_together(self, stock: App, mended: App) -> None:
        def status(app: App) -> int:
            functions, name = app.aws.client("lambda"), versioned(app)
            functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
            try:
                return int(functions.invoke(FunctionName=name, Qualifier="1")["StatusCode"])
            except functions.exceptions.TooManyRequestsException:
                return 429
            finally:
                functions.delete_function_concurrency(FunctionName=name)

        assert (status(stock), status(mended)) == (200, 429)

    def test_tells_a_function_that_its_alias_was_called(self, stock: App, mended: App) -> None:
        """By a topic; stock tells it of the version, whose failed events nobody keeps."""

        def called(app: App) -> str:
            functions, sns = app.aws.client("lambda"), app.aws.client("sns")
            made = deployed(app, CALLED_BY)
            functions.publish_version(FunctionName=made["Name"])
            alias = functions.create_alias(FunctionName=made["Name"], Name="live", FunctionVersion="1")["AliasArn"]
            topic = sns.create_topic(Name=made["Name"])["TopicArn"]
            functions.add_permission(
                FunctionName=alias,
                StatementId="Topic",
                Action="lambda:InvokeFunction",
                Principal="sns.amazonaws.com",
                SourceArn=topic,
            )
            sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=alias)
            sns.publish(TopicArn=topic, Message="hello")
            group = functions.get_function_configuration(FunctionName=made["Name"])["LoggingConfig"]["LogGroup"]
            return until(lambda: "".join(re.findall(r"BY (\w+)\.", "".join(app.aws.messages(group)))))

        assert (called(stock), called(mended)) == ("1", "live")


def versioned(app: App) -> str:
    """A function with two versions, which have another code and mark than the latest."""
    functions = app.aws.client("lambda")
    name = deployed(app, VERSION, Environment={"Variables": {"MARK": "first"}})["Name"]
    for mark in ("first", "second"):
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": {"MARK": mark}})
        functions.publish_version(FunctionName=name)
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": {"MARK": "latest"}})
    for each in functions.list_aliases(FunctionName=name)["Aliases"]:
        functions.delete_alias(FunctionName=name, Name=each["Name"])
    return name


class TestFunctionUrl:
    def test_refuses_everybody_where_no_policy_lets_them_in(self, stock: App, mended: App) -> None:
        def status(app: App) -> int:
            return int(get(app, deployed(app, TELLS, url_of(granted=False))["Url"]).status)

        assert (status(stock), status(mended)) == (200, 403)

    def test_has_an_address_of_this_machine(self, stock: App, mended: App) -> None:
        assert deployed(stock, TELLS, url_of(granted=False))["Url"].endswith(".on.aws/")
        url = deployed(mended, TELLS, url_of(granted=False))["Url"]
        port = mended.aws.endpoint.rpartition(":")[2]
        assert url.endswith(f".lambda-url.us-east-1.localhost:{port}/")

    def test_answers_what_the_function_returns(self, mended: App) -> None:
        answer = get(mended, deployed(mended, TELLS, url_of())["Url"] + "users?name=ada")
        told = json.loads(answer.read())
        assert told["event"]["rawPath"] == "/users"
        assert told["event"]["queryStringParameters"] == {"name": "ada"}
        assert told["event"]["requestContext"]["requestId"] == told["id"] == answer.headers["x-amzn-requestid"]

    def test_asks_for_a_signature_and_for_both_grants(self, mended: App) -> None:
        url = deployed(mended, TELLS, url_of(auth="AWS_IAM", granted=False))["Url"]
        name = f"caller-{next(_numbers)}"
        users = mended.aws.client("iam")
        users.create_user(UserName=name)
        key = users.create_access_key(UserName=name)["AccessKey"]
        caller = Credentials(key["AccessKeyId"], key["SecretAccessKey"])

        def status(*actions: str) -> int:
            statement = {"Effect": "Allow", "Action": ["sts:GetCallerIdentity", *actions], "Resource": "*"}
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            users.put_user_policy(UserName=name, PolicyName="call", PolicyDocument=document)
            return int(get(mended, url, caller).status)

        assert get(mended, url).status == 403
        assert get(mended, url, Credentials("test", "test")).status == 200
        assert status() == 403
        assert status("lambda:InvokeFunctionUrl") == 403
        assert status("lambda:InvokeFunctionUrl", "lambda:InvokeFunction") == 200
        assert get(mended, url, Credentials(caller.access_key, "guessed")).status == 403

    def test_streams_with_status_headers_and_cookies(self, stock: App, mended: App) -> None:
        assert get(stock, deployed(stock, STREAMS, url_of(mode="RESPONSE_STREAM"))["Url"]).status >= 500
        url = deployed(mended, STREAMS, url_of(mode="RESPONSE_STREAM"))["Url"]
        with Gate() as gate:
            answer = get(mended, f"{url}?mode=http&url={gate.url}")
            assert (answer.status, answer.headers["x-one"], answer.headers["set-cookie"]) == (202, "1", "a=b")
            assert answer.read(3) == b"one"
            gate.open()
            assert answer.read() == b"two"

    @pytest.mark.parametrize(
        "result",
        [
            "{ statusCode: 'x' }",
            "{ statusCode: 200, headers: { 'a b': 'c' } }",
            "{ statusCode: 200, headers: { a: 'b\\r\\nc: d' } }",
        ],
    )
    def test_answers_502_to_what_no_answer_can_be(self, mended: App, result: str) -> None:
        whole = f"exports.handler = async () => ({result})"
        assert get(mended, deployed(mended, whole, url_of())["Url"]).status == 502
        streamed = f"""exports.handler = awslambda.streamifyResponse(async (event, stream) => {{
            stream = awslambda.HttpResponseStream.from(stream, {result}); stream.write("a"); stream.end() }})"""
        url = deployed(mended, streamed, url_of(mode="RESPONSE_STREAM"))["Url"]
        assert get(mended, url).status == 502

    def test_hides_an_error_and_cuts_a_stream_off(self, mended: App) -> None:
        url = deployed(mended, STREAMS, url_of(mode="RESPONSE_STREAM"))["Url"]
        early = get(mended, f"{url}?mode=early")
        assert (early.status, early.read()) == (502, b"Internal Server Error")
        late = get(mended, f"{url}?mode=late")
        assert late.status == 200
        with pytest.raises(http.client.IncompleteRead):
            late.read()


def url_of(*, mode: str = "BUFFERED", auth: str = "NONE", granted: bool = True) -> dict[str, Any]:
    url = {"TargetFunctionArn": att("Tells"), "AuthType": auth, "InvokeMode": mode}
    common = {"FunctionName": att("Tells"), "Principal": "*"}
    on_url = {**common, "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"}
    behind = {**common, "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True}
    grants = {
        "OnUrl": {"Type": "AWS::Lambda::Permission", "Properties": on_url},
        "Behind": {"Type": "AWS::Lambda::Permission", "Properties": behind},
    }
    return {"Url": {"Type": "AWS::Lambda::Url", "Properties": url}, **(grants if granted else {})}


def get(app: App, url: str, credentials: Credentials | None = None) -> Any:
    """Ask under the name of the URL, at the address of the embedded AWS: not every resolver knows `*.localhost`."""
    host, _, path = url.partition("://")[2].partition("/")
    signed = AWSRequest("GET", url, headers={"Host": host})
    if credentials is not None:
        SigV4Auth(credentials, "lambda", REGION).add_auth(signed)
    request = urllib.request.Request(f"{app.aws.endpoint}/{path}", headers=dict(signed.headers.items()))
    try:
        return urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        return error
