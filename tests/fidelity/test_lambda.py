from __future__ import annotations

import base64
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.fidelity.behaviour import behaviour
from tests.fidelity.outside import NODE, Outside, allow, eventually, refusal
from tests.local.runtime.functions import zip_of

LAMBDA = "Lambda"
GUIDE = "lambda/latest/dg/"
API = "lambda/latest/api/"
ECHO = "def handler(event, context):\n    return event\n"
ONE_SECOND_MS = 1000


@pytest.fixture
def lambda_(aws: Outside) -> Any:
    return aws.client("lambda")


def run(aws: Outside, function: str, event: object = None, **more: Any) -> tuple[Any, dict[str, Any]]:
    """What the function returned, and the whole answer."""
    answer = aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event), **more)
    text = answer["Payload"].read()
    return json.loads(text) if text else None, answer


def logged(aws: Outside, function: str) -> list[str]:
    """What the function has logged; its group is made with its first line."""
    try:
        return aws.messages(f"/aws/lambda/{function}")
    except aws.client("logs").exceptions.ResourceNotFoundException:
        return []


def tail(answer: dict[str, Any]) -> str:
    return base64.b64decode(answer["LogResult"]).decode()


@behaviour(
    LAMBDA,
    "a Python handler gets an event and a context, and its return value is the answer",
    GUIDE + "python-handler.html",
)
def test_python(aws: Outside) -> None:
    answer, _ = run(aws, aws.function(ECHO), {"a": [1, "ü", None]})
    assert answer == {"a": [1, "ü", None]}


CONTEXT = """
def handler(event, context):
    return {
        "name": context.function_name, "version": context.function_version, "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb, "id": context.aws_request_id, "group": context.log_group_name,
        "stream": context.log_stream_name, "left": context.get_remaining_time_in_millis(),
    }
"""


@behaviour(
    LAMBDA,
    "the Python context tells name, version, ARN, memory, request, log and the time left",
    GUIDE + "python-context.html",
)
def test_python_context(aws: Outside) -> None:
    name = aws.function(CONTEXT, MemorySize=256, Timeout=7)
    context, answer = run(aws, name)
    assert context["name"] == name
    assert context["version"] == "$LATEST"
    assert context["arn"] == f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    assert int(context["memory"]) == 256
    assert context["id"] == answer["ResponseMetadata"]["RequestId"]
    assert context["group"] == f"/aws/lambda/{name}"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", context["stream"])
    assert 6 * ONE_SECOND_MS < context["left"] <= 7 * ONE_SECOND_MS


NODE_CONTEXT = """
exports.handler = async (event, context) => ({
  name: context.functionName, version: context.functionVersion, arn: context.invokedFunctionArn,
  memory: context.memoryLimitInMB, id: context.awsRequestId, left: context.getRemainingTimeInMillis(),
});
"""


@behaviour(LAMBDA, "the Node context tells the same, memory as a text", GUIDE + "nodejs-context.html")
def test_node_context(aws: Outside) -> None:
    name = aws.function(NODE_CONTEXT, **NODE, MemorySize=256, Timeout=7)
    context, answer = run(aws, name)
    assert (context["name"], context["version"], context["memory"]) == (name, "$LATEST", "256")
    assert context["id"] == answer["ResponseMetadata"]["RequestId"]
    assert 6 * ONE_SECOND_MS < context["left"] <= 7 * ONE_SECOND_MS


@behaviour(LAMBDA, "an ES module is a handler, with await at its top", GUIDE + "nodejs-handler.html")
def test_es_modules(aws: Outside) -> None:
    code = "const greeting = await Promise.resolve('hello');\nexport const handler = async () => greeting;\n"
    assert run(aws, aws.function(code, **NODE, File="index.mjs"))[0] == "hello"


@behaviour(LAMBDA, "a Node handler may call back", GUIDE + "nodejs-handler.html#nodejs-handler-callback")
def test_callbacks(aws: Outside) -> None:
    code = "exports.handler = (event, context, callback) => { setTimeout(() => callback(null, event.n + 1), 10); };"
    assert run(aws, aws.function(code, **NODE), {"n": 1})[0] == 2


@behaviour(
    LAMBDA,
    "a raised error is told with message, type and stack; the answer is 200 with FunctionError",
    GUIDE + "python-exceptions.html",
)
def test_python_errors(aws: Outside) -> None:
    code = "class Broken(Exception): pass\ndef handler(event, context):\n    raise Broken('no')\n"
    error, answer = run(aws, aws.function(code))
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert (error["errorMessage"], error["errorType"]) == ("no", "Broken")
    assert "line 3, in handler" in "".join(error["stackTrace"])


@behaviour(LAMBDA, "a thrown error of Node is told with message, type and trace", GUIDE + "nodejs-exceptions.html")
def test_node_errors(aws: Outside) -> None:
    code = "class Broken extends Error { name = 'Broken' }\nexports.handler = async () => { throw new Broken('no'); };"
    error, answer = run(aws, aws.function(code, **NODE))
    assert answer["FunctionError"] == "Unhandled"
    assert (error["errorMessage"], error["errorType"], error["trace"][0]) == ("no", "Broken", "Broken: no")


@behaviour(LAMBDA, "a handler that is not there is told as such", GUIDE + "troubleshooting-execution.html")
def test_no_handler(aws: Outside) -> None:
    error, _ = run(aws, aws.function(ECHO, Handler="index.other"))
    assert error["errorType"] == "Runtime.HandlerNotFound"
    error, _ = run(aws, aws.function(ECHO, Handler="other.handler"))
    assert error["errorType"] == "Runtime.ImportModuleError"


@behaviour(LAMBDA, "a function that takes too long is ended, and says so", GUIDE + "configuration-timeout.html")
def test_timeouts(aws: Outside) -> None:
    code = "import time\ndef handler(event, context):\n    time.sleep(30)\n"
    began = time.monotonic()
    error, answer = run(aws, aws.function(code, Timeout=1))
    assert time.monotonic() - began < 28
    assert answer["FunctionError"] == "Unhandled"
    assert "Task timed out after 1.00 seconds" in error["errorMessage"]


@behaviour(LAMBDA, "a process that ends by itself is Runtime.ExitError", GUIDE + "troubleshooting-invocation.html")
def test_exits(aws: Outside) -> None:
    error, _ = run(aws, aws.function("exports.handler = async () => { process.exit(3); };", **NODE))
    assert error["errorType"] == "Runtime.ExitError"
    assert "Runtime exited with error: exit status 3" in error["errorMessage"]


@behaviour(LAMBDA, "code outside the handler runs once for each environment", GUIDE + "lambda-runtime-environment.html")
def test_environments_are_reused(aws: Outside) -> None:
    name = aws.function("count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return count\n")
    assert [run(aws, name)[0] for _ in range(3)] == [1, 2, 3]


@behaviour(LAMBDA, "each request at the same time has an environment of its own", GUIDE + "lambda-concurrency.html")
def test_environments_are_not_shared(aws: Outside) -> None:
    name = aws.function("import os, time\ndef handler(event, context):\n    time.sleep(0.5)\n    return os.getpid()\n")
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: run(aws, name)[0], range(4)))) == 4


@behaviour(LAMBDA, "LogType=Tail returns the last 4 KB of the log, from START to REPORT", API + "API_Invoke.html")
def test_tail(aws: Outside) -> None:
    name = aws.function("def handler(event, context):\n    print('said')\n")
    _, answer = run(aws, name, LogType="Tail")
    request = answer["ResponseMetadata"]["RequestId"]
    lines = tail(answer).splitlines()
    assert f"START RequestId: {request} Version: $LATEST" in lines
    assert "said" in lines
    assert f"END RequestId: {request}" in lines
    report = next(line for line in lines if line.startswith("REPORT"))
    assert re.match(
        rf"REPORT RequestId: {request}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
        r"Max Memory Used: \d+ MB\tInit Duration: [\d.]+ ms",
        report,
    )


@behaviour(
    LAMBDA,
    "JSON logging writes each line as one object with level and request",
    GUIDE + "monitoring-cloudwatchlogs-logformat.html",
)
def test_json_logs(aws: Outside) -> None:
    code = "exports.handler = async () => { console.warn('careful', {n: 1}); };"
    name = aws.function(code, **NODE, LoggingConfig={"LogFormat": "JSON"})
    _, answer = run(aws, name, LogType="Tail")
    line = next(json.loads(each) for each in tail(answer).splitlines() if "careful" in each)
    assert (line["level"], line["requestId"]) == ("WARN", answer["ResponseMetadata"]["RequestId"])


@behaviour(LAMBDA, "what a function prints is in its log group", GUIDE + "monitoring-cloudwatchlogs.html")
def test_log_groups(aws: Outside) -> None:
    name = aws.function("def handler(event, context):\n    print('said')\n")
    run(aws, name)
    assert eventually(lambda: [line for line in logged(aws, name) if line.startswith("said")])


@behaviour(
    LAMBDA,
    "the environment holds what AWS reserves, and what was configured",
    GUIDE + "configuration-envvars.html#configuration-envvars-runtime",
)
def test_variables(aws: Outside) -> None:
    name = aws.function(
        "import os\ndef handler(event, context):\n    return dict(os.environ)\n",
        Environment={"Variables": {"TABLE": "users"}},
    )
    variables, _ = run(aws, name)
    wanted = {
        "TABLE": "users",
        "_HANDLER": "index.handler",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "TZ": ":UTC",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
    }
    assert {key: variables.get(key) for key in wanted} == wanted
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LAMBDA_TASK_ROOT"} <= set(variables)


@behaviour(LAMBDA, "variables of a reserved name are refused", GUIDE + "configuration-envvars.html")
def test_reserved_variables(aws: Outside, lambda_: Any) -> None:
    name = aws.function(ECHO)
    code, _ = refusal(
        lambda_.update_function_configuration, FunctionName=name, Environment={"Variables": {"AWS_REGION": "x"}}
    )
    assert code == "InvalidParameterValueException"


@behaviour(LAMBDA, "variables above 4 KB are refused", GUIDE + "gettingstarted-limits.html")
def test_many_variables(aws: Outside, lambda_: Any) -> None:
    name = aws.function(ECHO)
    code, _ = refusal(
        lambda_.update_function_configuration, FunctionName=name, Environment={"Variables": {"BIG": "x" * 4096}}
    )
    assert code == "InvalidParameterValueException"


@behaviour(LAMBDA, "a function calls AWS with its own role, and no more", GUIDE + "lambda-intro-execution-role.html")
def test_roles(aws: Outside) -> None:
    code = """
import boto3
def handler(event, context):
    s3 = boto3.client("s3")
    s3.put_object(Bucket=event["bucket"], Key="open/a", Body=b"")
    s3.put_object(Bucket=event["bucket"], Key="closed/a", Body=b"")
"""
    bucket = aws.name("bucket")
    aws.client("s3").create_bucket(Bucket=bucket)
    name = aws.function(code, allow("s3:PutObject", f"arn:aws:s3:::{bucket}/open/*"))
    error, _ = run(aws, name, {"bucket": bucket})
    assert "not authorized to perform: s3:PutObject on resource" in error["errorMessage"]
    assert f"arn:aws:s3:::{bucket}/closed/a" in error["errorMessage"]


@behaviour(LAMBDA, "DryRun checks the right and runs nothing: 204", API + "API_Invoke.html")
def test_dry_run(aws: Outside) -> None:
    assert run(aws, aws.function(ECHO), InvocationType="DryRun")[1]["StatusCode"] == 204


@behaviour(LAMBDA, "a payload above 6 MB is refused", GUIDE + "gettingstarted-limits.html")
def test_large_payloads(aws: Outside, lambda_: Any) -> None:
    name = aws.function(ECHO)
    code, _ = refusal(lambda_.invoke, FunctionName=name, Payload=json.dumps("x" * 6_300_000))
    assert code in {"RequestTooLargeException", "RequestEntityTooLargeException"}  # the page says one, AWS the other


@behaviour(LAMBDA, "an answer above 6 MB is Function.ResponseSizeTooLarge", GUIDE + "gettingstarted-limits.html")
def test_large_answers(aws: Outside) -> None:
    error, _ = run(aws, aws.function("def handler(event, context):\n    return 'x' * 6_300_000\n"))
    assert error["errorType"] == "Function.ResponseSizeTooLarge"


@behaviour(LAMBDA, "a payload that is no JSON is InvalidRequestContentException", API + "API_Invoke.html")
def test_bad_payloads(aws: Outside, lambda_: Any) -> None:
    name = aws.function(ECHO)
    assert refusal(lambda_.invoke, FunctionName=name, Payload=b"{no json")[0] == "InvalidRequestContentException"


@behaviour(LAMBDA, "a function that is not there is ResourceNotFoundException", API + "API_Invoke.html")
def test_no_function(lambda_: Any) -> None:
    code, message = refusal(lambda_.invoke, FunctionName="nothing")
    assert code == "ResourceNotFoundException"
    assert message == "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nothing"


@behaviour(
    LAMBDA,
    "a reserved concurrency of 0 stops a function: TooManyRequestsException",
    GUIDE + "configuration-concurrency.html",
)
def test_switched_off(aws: Outside, lambda_: Any) -> None:
    name = aws.function(ECHO)
    lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert refusal(lambda_.invoke, FunctionName=name, Payload=b"{}")[0] == "TooManyRequestsException"


@behaviour(LAMBDA, "no more than the reserved concurrency runs at once", GUIDE + "configuration-concurrency.html")
def test_reserved_concurrency(aws: Outside, lambda_: Any) -> None:
    name = aws.function("import time\ndef handler(event, context):\n    time.sleep(1)\n    return 'ran'\n")
    lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)

    def outcome(_: int) -> str:
        try:
            return str(run(aws, name)[0])
        except lambda_.exceptions.TooManyRequestsException as error:
            return str(error.response["Reason"])

    with ThreadPoolExecutor(3) as pool:
        outcomes = sorted(pool.map(outcome, range(3)))
    assert outcomes == ["ReservedFunctionConcurrentInvocationLimitExceeded"] * 2 + ["ran"]


@behaviour(LAMBDA, "a version stays as it was published, an alias points to it", GUIDE + "configuration-versions.html")
def test_versions(aws: Outside, lambda_: Any) -> None:
    name = aws.function("def handler(event, context):\n    return ['one', context.function_version]\n")
    version = lambda_.publish_version(FunctionName=name)["Version"]
    lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    code = zip_of({"index.py": "def handler(event, context):\n    return ['two', context.function_version]\n"})
    lambda_.update_function_code(FunctionName=name, ZipFile=code)
    assert run(aws, name)[0] == ["two", "$LATEST"]
    assert run(aws, name, Qualifier="live")[0] == ["one", version]
    assert run(aws, f"{name}:live")[1]["ExecutedVersion"] == version


@behaviour(LAMBDA, "new code is what the next request runs", API + "API_UpdateFunctionCode.html")
def test_updates(aws: Outside, lambda_: Any) -> None:
    name = aws.function("def handler(event, context):\n    return 1\n")
    assert run(aws, name)[0] == 1
    lambda_.update_function_code(FunctionName=name, ZipFile=zip_of({"index.py": "def handler(*_):\n    return 2\n"}))
    assert run(aws, name)[0] == 2


@behaviour(LAMBDA, "nobody may invoke whom no policy allows", GUIDE + "access-control-resource-based.html")
def test_rights_to_invoke(aws: Outside) -> None:
    name = aws.function(ECHO)
    ada, bob = (
        aws.user("lambda"),
        aws.user("lambda", allow("lambda:InvokeFunction", f"arn:aws:lambda:*:*:function:{name}")),
    )
    assert refusal(ada.invoke, FunctionName=name)[0] == "AccessDeniedException"
    assert bob.invoke(FunctionName=name, Payload=b"1")["Payload"].read() == b"1"


@behaviour(LAMBDA, "a layer is at /opt: its Python packages can be imported", GUIDE + "python-layers.html")
def test_layers(aws: Outside, lambda_: Any) -> None:
    layer = lambda_.publish_layer_version(
        LayerName=aws.name("layer"), Content={"ZipFile": zip_of({"python/shared.py": "WORD = 'from the layer'\n"})}
    )["LayerVersionArn"]
    name = aws.function("import shared\ndef handler(event, context):\n    return shared.WORD\n", Layers=[layer])
    assert run(aws, name)[0] == "from the layer"


@behaviour(LAMBDA, "the trace of a request is in the handler's environment", GUIDE + "services-xray.html")
def test_traces(aws: Outside) -> None:
    code = "import os\ndef handler(event, context):\n    return os.environ['_X_AMZN_TRACE_ID']\n"
    header = run(aws, aws.function(code, TracingConfig={"Mode": "Active"}))[0]
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=1(;Lineage=.*)?", header)
