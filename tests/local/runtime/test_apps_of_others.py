"""Apps of others: what their own kinds of functions and resources meet here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.runtime.deployed import BUCKET, App
from tests.local.runtime.event_handlers import deploy, ref
from tests.local.runtime.template import function
from tests.local.runtime.test_gaps_stand_ins import custom

CDK_ANSWERS = """
const https = require('https');
exports.handler = async (event) => {
  const { hostname, pathname } = new URL(event.ResponseURL);
  const { StackId, RequestId, LogicalResourceId } = event;
  const who = { PhysicalResourceId: 'HOW', StackId, RequestId, LogicalResourceId };
  const answer = JSON.stringify({ Status: 'SUCCESS', ...who });
  const headers = { 'content-type': '', 'content-length': answer.length };
  await new Promise((resolve, reject) => {
    const request = https.request(WHERE, (response) => response.on('end', resolve).resume());
    request.on('error', reject);
    request.end(answer);
  });
};
"""
BY_PARTS = "{ hostname, port: 443, path: pathname, method: 'PUT', headers }"  # as the CDK does, and cfn-response
BY_URL = "`https://${hostname}${pathname}`, { method: 'PUT', headers }"


class TestCustomResourceAnswers:
    @pytest.mark.parametrize(("how", "where"), [("parts", BY_PARTS), ("url", BY_URL)])
    def test_arrive_although_they_are_sent_to_port_443(self, mended: App, how: str, where: str) -> None:
        assert custom(mended, CDK_ANSWERS.replace("HOW", how).replace("WHERE", where), 60) == {"Thing": how}


class TestRefusedFunctions:
    def test_what_cannot_run_here_fails(self, stock: App, mended: App) -> None:
        def ends(app: App) -> Any:
            key = app.aws.upload({"java": {"a.txt": "a"}})["java"]
            resources = function("Java", key, BUCKET, [], Runtime="java21", Handler="a.B::c")
            name = deploy(app, "Java", resources, "Java")["Java"]
            answer = app.aws.client("lambda").invoke(FunctionName=name)
            return answer.get("FunctionError"), json.loads(answer["Payload"].read())

        assert ends(stock)[0] is None
        why = "java21 does not run on this machine; Node, Python and provided runtimes do"
        assert ends(mended) == ("Unhandled", {"errorType": "Runtime.InvalidRuntime", "errorMessage": why})


class TestProgramsOfLayers:
    """As `BucketDeployment` starts the AWS CLI of its layer."""

    CODE = """
import os, subprocess
def handler(event, context):
    call = subprocess.run([event, "told"], capture_output=True, text=True)
    return [call.returncode, call.stdout.strip(), call.stderr.strip()]
"""
    OURS = "#!/var/lang/bin/python\nimport sys\nprint('python', sys.argv[1])\n"

    def test_are_found_below_opt_and_started_by_the_python_that_is_here(self, mended: App) -> None:
        keys = mended.aws.upload({"starts": {"index.py": self.CODE}, "tools": {"tool/ours": self.OURS}})
        content = {"Content": {"S3Bucket": BUCKET, "S3Key": keys["tools"]}}
        layer = {"Layer": {"Type": "AWS::Lambda::LayerVersion", "Properties": content}}
        told = {"Runtime": "python3.13", "Handler": "index.handler", "Layers": [ref("Layer")]}
        resources = {**layer, **function("Starts", keys["starts"], BUCKET, [], **told)}
        name = deploy(mended, "Starts", resources, "Starts")["Starts"]

        def starts(path: str) -> Any:
            answer = mended.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(path))
            return json.loads(answer["Payload"].read())

        assert starts("/opt/tool/ours") == [0, "python told", ""]
        assert starts("/opt/tool/none")["errorType"] == "FileNotFoundError"
        assert starts("/bin/echo") == [0, "told", ""]
