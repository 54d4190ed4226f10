"""Deploys an assembly to the embedded AWS without the CDK CLI: about a second instead of half a minute.

It does what the CLI does, no more: assets to their bucket, stacks in dependency order, large templates through the
bucket. A stack whose template stands as it is stays untouched.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from constructs_lib.local.asset_upload import AssetUpload
from constructs_lib.local.made_up_parameters import made_up
from constructs_lib.local.nested_artifacts import NESTED, nested_artifacts
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from constructs_lib.assembly import CloudAssembly, StackArtifact
    from constructs_lib.local.aws_clients import AwsClients

TEMPLATE_BODY_BYTES = 51_200  # above, CloudFormation takes a template only from a bucket
BOOTSTRAP_VERSION = "30"  # what `cdk bootstrap` of the pinned CLI writes
TOOLKIT = "CDKToolkit"  # the stack that `cdk bootstrap` makes
STACK_SECONDS = 300.0
FIRST_WAIT, LONGEST_WAIT = 0.02, 0.25  # between two looks at a stack that is being deployed
STANDS = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
CAPABILITIES: list[Any] = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
LACKS_SDK = re.compile(r"Cannot find (?:module|package) '((?:@aws-sdk|@smithy)/[\w.-]+)")
FOLLOW_UP = "cancelled"  # the reason CloudFormation gives for resources it stopped because of another's failure

Outcome = Literal["created", "updated", "unchanged", "created anew"]


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource that stands.

    Args:
        logical_id: Its id in the template.
        physical_id: Its id in AWS.
        type: Its type.
    """

    logical_id: str
    physical_id: str
    type: str


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """One stack that stands.

    Args:
        artifact: What it was deployed from.
        region: Where it stands.
        outcome: What deploying did.
        outputs: Its outputs by key.
        resources: Its resources by logical id.
        seconds: How long it took.
        nested: The stacks inside it, each in the same way; those whose template the assembly holds.
    """

    artifact: StackArtifact
    region: str
    outcome: Outcome
    outputs: Mapping[str, str]
    resources: Mapping[str, Resource]
    seconds: float = field(compare=False)
    nested: tuple[DeployedStack, ...] = ()

    def of_type(self, *types: str) -> list[Resource]:
        """Return the resources of these types."""
        return [each for each in self.resources.values() if each.type in types]

    def path_of(self, resource: Resource) -> str:
        """Return the path a user knows a construct by that is made of this resource, such as `Users/CreateUser`."""
        return self.artifact.construct_path(resource.logical_id).removesuffix(
            f"/{resource.type.rpartition('::')[2].removeprefix('Global')}"
        )


def deploy(
    assembly: CloudAssembly, clients: AwsClients, report: Callable[[DeployedStack], None]
) -> list[DeployedStack]:
    """Deploy every stack of an assembly.

    Args:
        assembly: What to deploy.
        clients: Where to.
        report: Called with each stack as it stands.

    Raises:
        LocalError: A stack cannot be deployed; one problem for each resource that failed.
    """
    deployment = _Deployment(clients)
    deployed = []
    for artifact in assembly.stacks:
        stack = deployment.deploy(artifact)
        report(stack)
        deployed.append(stack)
    return deployed


def standing(assembly: CloudAssembly, clients: AwsClients) -> list[DeployedStack]:
    """Describe the stacks of an assembly as they stand, however they were deployed."""
    deployment = _Deployment(clients)
    return [deployment.describe(artifact, "unchanged", time.monotonic()) for artifact in assembly.stacks]


def leftovers(assembly: CloudAssembly, clients: AwsClients) -> list[str]:
    """Return the names of stacks that stand from earlier runs and are no part of this assembly."""
    cloudformation = clients.client("cloudformation")
    mine = {artifact.name for artifact in assembly.stacks} | {TOOLKIT}
    for artifact in assembly.stacks:
        if any(each.get("Type") == NESTED for each in artifact.resources.values()):
            mine.update(_nested(cloudformation, artifact.name))
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    return sorted(
        stack["StackName"]
        for page in pages
        for stack in page["Stacks"]
        if stack["StackName"] not in mine and stack["StackStatus"] in STANDS and not stack.get("ParentId")
    )


def _nested(cloudformation: CloudFormationClient, stack: str) -> Iterator[str]:
    """The names of all stacks inside a stack; the base does not say whose they are."""
    if _find(cloudformation, stack) is None:
        return
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack):
        for each in page["StackResourceSummaries"]:
            if each["ResourceType"] == NESTED:
                name = _name_of(each.get("PhysicalResourceId", ""))
                yield name
                yield from _nested(cloudformation, name)


def _resources(cloudformation: CloudFormationClient, stack: str) -> Mapping[str, Resource]:
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    return {
        each["LogicalResourceId"]: Resource(
            each["LogicalResourceId"], each.get("PhysicalResourceId", ""), each["ResourceType"]
        )
        for page in pages
        for each in page["StackResourceSummaries"]
    }


def _name_of(stack_id: str) -> str:
    return stack_id.rpartition(":stack/")[2].partition("/")[0]


class _Deployment:
    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients
        self._account = clients.account()
        self._assets = AssetUpload(clients, self._account)

    def deploy(self, artifact: StackArtifact) -> DeployedStack:
        began = time.monotonic()
        region = self._region_of(artifact)
        cloudformation: CloudFormationClient = self._clients.client("cloudformation", region)
        before = _find(cloudformation, artifact.name)
        stands = before is not None and before["StackStatus"] in STANDS
        if stands and before is not None and _is_same(cloudformation, before, artifact):
            return self.describe(artifact, "unchanged", began)
        outcome: Outcome = "updated" if stands else "created"
        if before is not None and not stands:
            # left behind by a failed or interrupted run; CloudFormation updates no such stack
            _delete(cloudformation, before)
            outcome = "created anew"
        self._bootstrap(artifact, region)
        for manifest in artifact.assets:
            self._assets.upload(manifest, region)
        stack_id = self._submit(cloudformation, artifact, region, update=stands)
        if stack_id is None:
            return self.describe(artifact, "unchanged", began)
        status = _await_end(cloudformation, artifact.name, stack_id)
        if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            raise _failure(cloudformation, artifact, stack_id, status)
        return self.describe(artifact, outcome, began)

    def describe(self, artifact: StackArtifact, outcome: Outcome, began: float) -> DeployedStack:
        region = self._region_of(artifact)
        cloudformation: CloudFormationClient = self._clients.client("cloudformation", region)
        stack = _find(cloudformation, artifact.name)
        if stack is None:
            raise AssertionError(f"stack {artifact.name} was deployed, so it stands")
        resources = _resources(cloudformation, artifact.name)
        return DeployedStack(
            artifact=artifact,
            region=region,
            outcome=outcome,
            outputs={each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])},
            resources=resources,
            seconds=time.monotonic() - began,
            nested=tuple(self._inside(cloudformation, artifact, resources, region, outcome)),
        )

    def _inside(
        self,
        cloudformation: CloudFormationClient,
        artifact: StackArtifact,
        resources: Mapping[str, Resource],
        region: str,
        outcome: Outcome,
    ) -> Iterator[DeployedStack]:
        for logical_id, inner in nested_artifacts(artifact):
            if logical_id not in resources:  # its condition is false
                continue
            own = _resources(cloudformation, _name_of(resources[logical_id].physical_id))
            deeper = tuple(self._inside(cloudformation, inner, own, region, outcome))
            yield DeployedStack(inner, region, outcome, {}, own, 0.0, deeper)

    def _region_of(self, artifact: StackArtifact) -> str:
        return self._clients.region if artifact.region is None else artifact.region

    def _bootstrap(self, artifact: StackArtifact, region: str) -> None:
        """Stand in for `cdk bootstrap`, of which a stack only checks the version."""
        if artifact.bootstrap_parameter is None:
            return
        ssm = self._clients.client("ssm", region)
        with contextlib.suppress(ssm.exceptions.ParameterAlreadyExists):
            ssm.put_parameter(Name=artifact.bootstrap_parameter, Value=BOOTSTRAP_VERSION, Type="String")

    def _submit(
        self, cloudformation: CloudFormationClient, artifact: StackArtifact, region: str, *, update: bool
    ) -> str | None:
        """Hand the template in; returns the stack's id, or none when there is nothing to update."""
        body = json.dumps(artifact.template)
        if len(body.encode()) <= TEMPLATE_BODY_BYTES:
            template = {"TemplateBody": body}
        else:
            url = self._assets.put_text(body, f"templates/{artifact.name}.json", region)
            template = {"TemplateURL": url}
        order: dict[str, Any] = {
            "StackName": artifact.name,
            "Capabilities": CAPABILITIES,
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in _parameters(artifact)],
            "Tags": [{"Key": key, "Value": value} for key, value in artifact.tags.items()],
            **template,
        }
        try:
            answer = cloudformation.update_stack(**order) if update else cloudformation.create_stack(**order)
        except ClientError as error:
            message = error.response["Error"]["Message"]
            if update and message.startswith("No updates are to be performed"):
                return None
            problem = Problem(
                what=f"stack {artifact.name} is refused: {message}",
                where=str(artifact.template_path),
                fix="mend the template's source; CloudFormation in a real account refuses it, too",
            )
            raise LocalError(problem) from error
        return answer["StackId"]


def _parameters(artifact: StackArtifact) -> list[tuple[str, str]]:
    declared = artifact.template.get("Parameters", {})
    given = {**artifact.parameters, **made_up(artifact)}
    return [(key, value) for key, value in given.items() if key in declared]


def _find(cloudformation: CloudFormationClient, name: str) -> StackTypeDef | None:
    try:
        stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # how CloudFormation says there is none
            return None
        raise
    return next((each for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"), None)


def _is_same(cloudformation: CloudFormationClient, stack: StackTypeDef, artifact: StackArtifact) -> bool:
    stands: Any = cloudformation.get_template(StackName=artifact.name, TemplateStage="Original")["TemplateBody"]
    if isinstance(stands, str):
        return False  # the CDK CLI writes YAML; CloudFormation will find out whether anything differs
    given = {each["ParameterKey"]: each.get("ParameterValue", "") for each in stack.get("Parameters", [])}
    tags = {each["Key"]: each["Value"] for each in stack.get("Tags", [])}
    return bool(
        stands == artifact.template
        and all(given.get(key) == value for key, value in _parameters(artifact))
        and tags == dict(artifact.tags)
    )


def _delete(cloudformation: CloudFormationClient, stack: StackTypeDef) -> None:
    cloudformation.delete_stack(StackName=stack["StackName"])
    status = _await_end(cloudformation, stack["StackName"], stack["StackId"])
    if status != "DELETE_COMPLETE":
        problem = Problem(
            what=f"stack {stack['StackName']} was left half-made by an earlier run and cannot be removed ({status})",
            where=stack["StackId"],
            fix="remove the state folder (.local) and run again; its data goes with it",
        )
        raise LocalError(problem)


def _await_end(cloudformation: CloudFormationClient, name: str, stack_id: str) -> str:
    deadline = time.monotonic() + STACK_SECONDS
    wait = FIRST_WAIT
    while True:
        status = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            return status.removesuffix("_CLEANUP")
        if time.monotonic() > deadline:
            problem = Problem(
                what=f"stack {name} is still {status} after {STACK_SECONDS:g} s",
                where=stack_id,
                fix="a resource waits for something that never comes; see emulator.log in the state folder",
            )
            raise LocalError(problem)
        time.sleep(wait)
        wait = min(wait * 1.5, LONGEST_WAIT)


def _failure(cloudformation: CloudFormationClient, artifact: StackArtifact, stack_id: str, status: str) -> LocalError:
    """The resources that failed, each with the reason CloudFormation gives."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    problems: dict[str, Problem] = {}
    undoing: dict[str, Problem] = {}
    for event in (event for page in pages for event in page["StackEvents"]):
        logical_id = event.get("LogicalResourceId", "")
        reason = (event.get("ResourceStatusReason", "").splitlines() or [""])[0]  # the rest is where in the code
        if not event.get("ResourceStatus", "").endswith("_FAILED") or FOLLOW_UP in reason.lower():
            continue
        verb = event["ResourceStatus"].removesuffix("_FAILED").lower()
        found = undoing if verb == "delete" else problems
        if logical_id in found or logical_id == artifact.name:
            continue
        found[logical_id] = Problem(
            what=f"{verb} of {event.get('ResourceType', 'a resource')} failed: {reason}",
            where=f"{artifact.construct_path(logical_id)} in stack {artifact.name}",
            fix=fix_of(reason),
        )
    causes = [*(problems or undoing).values()]  # what cannot be undone is news where nothing else has failed
    if causes:
        return LocalError(*causes)
    what = f"stack {artifact.name} ended as {status}, and no resource says why"
    return LocalError(Problem(what=what, where=stack_id, fix="see emulator.log in the state folder"))


def fix_of(reason: str) -> str:
    """Return how to mend a resource that failed for this reason."""
    lacks = LACKS_SDK.search(reason)
    if lacks is not None:
        return f"Lambda's runtime brings it; here your app's node_modules do: npm install --save-dev {lacks[1]}"
    if reason.startswith("its function "):
        return "mend its function; what it has logged is in functions.jsonl in the state folder"
    return "mend the resource; if a real account takes it, the embedded AWS lacks it: docs/known-gaps.md"
