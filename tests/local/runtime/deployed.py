"""A stack deployed to an embedded AWS with boto3 alone."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from tests.local.runtime.functions import zip_of

REGION = "us-east-1"
BUCKET = "assets"
MOST_IN_REQUEST = 51_200  # bytes of a template; a longer one is read from a bucket


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, list[str]]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        return ", ".join(self.headers.get(name.lower(), []))


@dataclass(frozen=True)
class Deployed:
    endpoint: str

    def client(
        self,
        service: str,
        key: str = "test",
        secret: str = "test",
        token: str | None = None,
        config: Config | None = None,
    ) -> Any:
        return boto3.client(  # type: ignore[call-overload]  # the service is a variable
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=60).merge(config or Config()),
        )

    def upload(self, code: dict[str, dict[str, str]]) -> dict[str, str]:
        s3 = self.client("s3")
        if BUCKET not in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
            s3.create_bucket(Bucket=BUCKET)
        for name, files in code.items():
            s3.put_object(Bucket=BUCKET, Key=f"{name}.zip", Body=zip_of(files))
        return {name: f"{name}.zip" for name in code}

    def deploy(self, stack: str, template: dict[str, Any]) -> dict[str, str]:
        cloudformation, body = self.client("cloudformation"), json.dumps(template)
        arguments = {"StackName": stack, "TemplateBody": body, "Capabilities": ["CAPABILITY_NAMED_IAM"]}
        if len(body) > MOST_IN_REQUEST:
            self.client("s3").put_object(Bucket=BUCKET, Key=f"{stack}.json", Body=body)
            arguments["TemplateURL"] = f"{self.endpoint}/{BUCKET}/{stack}.json"
            del arguments["TemplateBody"]
        try:
            cloudformation.create_stack(**arguments)
        except cloudformation.exceptions.AlreadyExistsException:
            cloudformation.update_stack(**arguments)
        cloudformation.get_waiter("stack_exists").wait(StackName=stack)
        while True:
            described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
            if not described["StackStatus"].endswith("_IN_PROGRESS"):
                break
            time.sleep(0.02)
        if described["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
            failed = [each for each in events if each["ResourceStatus"].endswith("FAILED")]
            raise AssertionError([(each["LogicalResourceId"], each.get("ResourceStatusReason")) for each in failed])
        return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}

    def remove(self, stack: str) -> str:
        """Delete a stack; the reason why not, if not."""
        cloudformation = self.client("cloudformation")
        stack_id = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=stack)
        while True:
            status = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
            if status == "DELETE_COMPLETE":
                return ""
            if status == "DELETE_FAILED":
                events = cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
                return str([each.get("ResourceStatusReason") for each in events])
            time.sleep(0.02)

    def messages(self, group: str) -> list[str]:
        events = self.client("logs").filter_log_events(logGroupName=group)["events"]
        return [each["message"] for each in events]

    def call(
        self,
        api: str,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        credentials: Credentials | None = None,
        stage: str = "$default",
    ) -> Answer:
        url = f"{self.endpoint}/_aws/execute-api/{api}/{stage}{path}"
        request = AWSRequest(method=method, url=url, data=body, headers=headers or {})
        if credentials is not None:
            SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
        sent = urllib.request.Request(url, data=body, method=method, headers=dict(request.headers.items()))
        try:
            with urllib.request.urlopen(sent, timeout=60) as response:
                return _answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.headers, error.read())


def _answer(status: int, headers: Any, body: bytes) -> Answer:
    found: dict[str, list[str]] = {}
    for name, value in headers.items():
        found.setdefault(name.lower(), []).append(value)
    return Answer(status, found, body)


@dataclass(frozen=True)
class App:
    """The stack of the template, deployed."""

    aws: Deployed
    outputs: dict[str, str]

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        credentials: Credentials | None = None,
    ) -> Answer:
        api = self.outputs["ApiId"]
        return self.aws.call(api, method, path, body=body, headers=headers, credentials=credentials)

    def act(self, service: str, operation: str, **arguments: Any) -> Any:
        """Let the function `Read` call the AWS API with its own role."""
        return self.invoke("Read", {"action": [service, operation, arguments]})

    def invoke(self, function: str, event: Any) -> Any:
        client = self.aws.client("lambda")
        answer = client.invoke(FunctionName=self.outputs[function], Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())
