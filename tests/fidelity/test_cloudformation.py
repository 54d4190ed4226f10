from __future__ import annotations

import contextlib
import json
from typing import Any

from botocore.exceptions import ClientError

from tests.fidelity.behaviour import behaviour
from tests.fidelity.outside import Outside, eventually, refusal

CLOUDFORMATION = "CloudFormation"
GUIDE = "AWSCloudFormation/latest/UserGuide/"
REFERENCE = "AWSCloudFormation/latest/TemplateReference/"
API = "AWSCloudFormation/latest/APIReference/"
QUEUE = {"Type": "AWS::SQS::Queue"}

ANSWERS = """
import json, urllib.request
def handler(event, context):
    told = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    told |= {"Status": "SUCCESS", "PhysicalResourceId": "mine", "Reason": "no"}
    told |= {"Data": {"Doubled": int(event["ResourceProperties"]["N"]) * 2}}
    request = urllib.request.Request(event["ResponseURL"], data=json.dumps(told).encode(), method="PUT")
    urllib.request.urlopen(request)
"""


class Stack:
    """A stack that is made, changed and removed."""

    def __init__(self, aws: Outside, template: dict[str, Any], **more: Any) -> None:
        self.name, self._client = aws.name("stack"), aws.client("cloudformation")
        self._client.create_stack(StackName=self.name, TemplateBody=json.dumps(template), **more)
        self.status = self._ended()

    def update(self, template: dict[str, Any], **more: Any) -> None:
        self._client.update_stack(StackName=self.name, TemplateBody=json.dumps(template), **more)
        self.status = self._ended()

    def delete(self) -> str:
        stack = self._described()["StackId"]
        self._client.delete_stack(StackName=self.name)
        self.name = stack
        return self._ended()

    def outputs(self) -> dict[str, str]:
        return {each["OutputKey"]: each["OutputValue"] for each in self._described().get("Outputs", [])}

    def physical_id(self, logical_id: str) -> str:
        resource = self._client.describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        name: str = resource["StackResourceDetail"]["PhysicalResourceId"]
        return name

    def reasons(self) -> str:
        events = self._client.describe_stack_events(StackName=self.name)["StackEvents"]
        return "\n".join(each.get("ResourceStatusReason", "") for each in events)

    def _described(self) -> dict[str, Any]:
        described: dict[str, Any] = self._client.describe_stacks(StackName=self.name)["Stacks"][0]
        return described

    def _ended(self) -> str:
        return eventually(
            lambda: "" if (status := str(self._described()["StackStatus"])).endswith("_IN_PROGRESS") else status
        )


def template(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


@behaviour(
    CLOUDFORMATION, "names that a template leaves out hold stack and logical id", REFERENCE + "aws-properties-name.html"
)
def test_names(aws: Outside) -> None:
    stack = Stack(aws, template(Orders=QUEUE))
    assert stack.status == "CREATE_COMPLETE"
    assert stack.physical_id("Orders").rpartition("/")[2].startswith(f"{stack.name}-Orders-")


@behaviour(
    CLOUDFORMATION,
    "Ref, GetAtt, Sub, Join, Select, Split and If are resolved",
    REFERENCE + "intrinsic-function-reference.html",
)
def test_intrinsics(aws: Outside) -> None:
    body = template(Orders=QUEUE) | {
        "Parameters": {"Stage": {"Type": "String", "Default": "dev"}},
        "Conditions": {"IsDev": {"Fn::Equals": [{"Ref": "Stage"}, "dev"]}},
        "Mappings": {"Sizes": {"dev": {"n": "1"}}},
        "Outputs": {
            "Arn": {"Value": {"Fn::GetAtt": ["Orders", "Arn"]}},
            "Sub": {
                "Value": {
                    "Fn::Sub": ["${AWS::Region}-${Stage}-${X}", {"X": {"Fn::Select": [1, {"Fn::Split": [",", "a,b"]}]}}]
                }
            },
            "If": {"Value": {"Fn::If": ["IsDev", "yes", "no"]}},
            "Map": {"Value": {"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "n"]}},
        },
    }
    outputs = Stack(aws, body).outputs()
    assert outputs["Arn"].startswith("arn:aws:sqs:us-east-1:000000000000:")
    assert (outputs["Sub"], outputs["If"], outputs["Map"]) == ("us-east-1-dev-b", "yes", "1")


@behaviour(
    CLOUDFORMATION, "a resource that fails rolls back what was made before it", GUIDE + "stack-failure-options.html"
)
def test_rolls_back(aws: Outside) -> None:
    name = aws.name("queue")
    function = aws.function(ANSWERS.replace("SUCCESS", "FAILED"))
    token = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    bad = {"Type": "Custom::Bad", "DependsOn": "Good", "Properties": {"ServiceToken": token, "N": "1"}}
    stack = Stack(aws, template(Good={**QUEUE, "Properties": {"QueueName": name}}, Bad=bad))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert refusal(aws.client("sqs").get_queue_url, QueueName=name)[0] == "AWS.SimpleQueueService.NonExistentQueue"


@behaviour(
    CLOUDFORMATION, "a name that is taken fails the resource that wants it", REFERENCE + "aws-properties-name.html"
)
def test_taken_names(aws: Outside) -> None:
    name = aws.name("queue")
    aws.client("sqs").create_queue(QueueName=name, Attributes={"VisibilityTimeout": "5"})
    stack = Stack(aws, template(Orders={**QUEUE, "Properties": {"QueueName": name}}))
    assert stack.status == "ROLLBACK_COMPLETE"


@behaviour(
    CLOUDFORMATION, "an update changes what differs and keeps the rest", GUIDE + "using-cfn-updating-stacks.html"
)
def test_updates(aws: Outside) -> None:
    stack = Stack(aws, template(Orders=QUEUE))
    before = stack.physical_id("Orders")
    stack.update(template(Orders={**QUEUE, "Properties": {"VisibilityTimeout": 99}}, More=QUEUE))
    assert (stack.status, stack.physical_id("Orders")) == ("UPDATE_COMPLETE", before)
    attributes = aws.client("sqs").get_queue_attributes(QueueUrl=before, AttributeNames=["VisibilityTimeout"])
    assert attributes["Attributes"] == {"VisibilityTimeout": "99"}


@behaviour(
    CLOUDFORMATION,
    "an update that changes nothing is refused: No updates are to be performed",
    API + "API_UpdateStack.html",
)
def test_no_updates(aws: Outside) -> None:
    stack, same = Stack(aws, template(Orders=QUEUE)), json.dumps(template(Orders=QUEUE))
    code, message = refusal(aws.client("cloudformation").update_stack, StackName=stack.name, TemplateBody=same)
    assert (code, message) == ("ValidationError", "No updates are to be performed.")


@behaviour(
    CLOUDFORMATION,
    "what leaves a template is deleted, unless it is retained",
    REFERENCE + "aws-attribute-deletionpolicy.html",
)
def test_retains(aws: Outside) -> None:
    names = [aws.name("queue") for _ in range(2)]
    gone, kept = ({**QUEUE, "Properties": {"QueueName": name}} for name in names)
    stack = Stack(aws, template(Gone=gone, Kept={**kept, "DeletionPolicy": "Retain"}))
    assert stack.delete() == "DELETE_COMPLETE"
    sqs = aws.client("sqs")
    assert refusal(sqs.get_queue_url, QueueName=names[0])[0] == "AWS.SimpleQueueService.NonExistentQueue"
    assert sqs.get_queue_url(QueueName=names[1])


@behaviour(
    CLOUDFORMATION,
    "a value one stack exports another imports, and it cannot go before",
    GUIDE + "using-cfn-stack-exports.html",
)
def test_exports(aws: Outside) -> None:
    export = aws.name("export")
    giving = Stack(aws, template(Orders=QUEUE) | {"Outputs": {"Url": {"Value": "u", "Export": {"Name": export}}}})
    taking = Stack(aws, template(Mail=QUEUE) | {"Outputs": {"Got": {"Value": {"Fn::ImportValue": export}}}})
    assert taking.outputs() == {"Got": "u"}
    with contextlib.suppress(ClientError):  # refused at once, or as soon as it is tried
        giving.delete()
    assert aws.client("sqs").get_queue_attributes(QueueUrl=giving.physical_id("Orders"))


@behaviour(
    CLOUDFORMATION,
    "a change set says what it would do before it does it",
    GUIDE + "using-cfn-updating-stacks-changesets.html",
)
def test_change_sets(aws: Outside) -> None:
    client, stack = aws.client("cloudformation"), Stack(aws, template(Orders=QUEUE))
    body = json.dumps(template(Orders={**QUEUE, "Properties": {"VisibilityTimeout": 9}}, More=QUEUE))
    client.create_change_set(StackName=stack.name, ChangeSetName="next", TemplateBody=body)
    changes = eventually(lambda: client.describe_change_set(StackName=stack.name, ChangeSetName="next").get("Changes"))
    told = {each["ResourceChange"]["LogicalResourceId"]: each["ResourceChange"]["Action"] for each in changes}
    assert told == {"Orders": "Modify", "More": "Add"}


@behaviour(
    CLOUDFORMATION, "a parameter outside its allowed values is refused", REFERENCE + "parameters-section-structure.html"
)
def test_parameters(aws: Outside) -> None:
    body = template(Orders=QUEUE) | {"Parameters": {"Stage": {"Type": "String", "AllowedValues": ["dev", "prod"]}}}
    parameters = [{"ParameterKey": "Stage", "ParameterValue": "other"}]
    code, _ = refusal(
        aws.client("cloudformation").create_stack,
        StackName=aws.name("stack"),
        TemplateBody=json.dumps(body),
        Parameters=parameters,
    )
    assert code == "ValidationError"


@behaviour(
    CLOUDFORMATION,
    "{{resolve:ssm:...}} and {{resolve:secretsmanager:...}} are read at deploy",
    GUIDE + "dynamic-references.html",
)
def test_dynamic_references(aws: Outside) -> None:
    parameter = f"/app/{aws.name()}"
    aws.client("ssm").put_parameter(Name=parameter, Value="77", Type="String")
    stack = Stack(
        aws, template(Orders={**QUEUE, "Properties": {"VisibilityTimeout": f"{{{{resolve:ssm:{parameter}}}}}"}})
    )
    attributes = aws.client("sqs").get_queue_attributes(
        QueueUrl=stack.physical_id("Orders"), AttributeNames=["VisibilityTimeout"]
    )
    assert attributes["Attributes"] == {"VisibilityTimeout": "77"}


@behaviour(CLOUDFORMATION, "a circle of references is refused", GUIDE + "troubleshooting.html")
def test_circles(aws: Outside) -> None:
    one = {**QUEUE, "Properties": {"QueueName": {"Fn::GetAtt": ["Two", "QueueName"]}}}
    two = {**QUEUE, "Properties": {"QueueName": {"Fn::GetAtt": ["One", "QueueName"]}}}
    code, message = refusal(
        aws.client("cloudformation").create_stack,
        StackName=aws.name("stack"),
        TemplateBody=json.dumps(template(One=one, Two=two)),
    )
    assert code == "ValidationError"
    assert "Circular dependency" in message


@behaviour(CLOUDFORMATION, "a custom resource gets its properties and gives attributes", GUIDE + "crpg-ref.html")
def test_custom_resources(aws: Outside) -> None:
    function = aws.function(ANSWERS)
    custom = {
        "Type": "Custom::Doubled",
        "Properties": {"ServiceToken": f"arn:aws:lambda:us-east-1:000000000000:function:{function}", "N": "21"},
    }
    stack = Stack(aws, template(Custom=custom) | {"Outputs": {"N": {"Value": {"Fn::GetAtt": ["Custom", "Doubled"]}}}})
    assert stack.status == "CREATE_COMPLETE", stack.reasons()
    assert (stack.outputs(), stack.physical_id("Custom")) == ({"N": "42"}, "mine")


@behaviour(CLOUDFORMATION, "termination protection keeps a stack", GUIDE + "using-cfn-protect-stacks.html")
def test_protection(aws: Outside) -> None:
    stack = Stack(aws, template(Orders=QUEUE), EnableTerminationProtection=True)
    code, message = refusal(aws.client("cloudformation").delete_stack, StackName=stack.name)
    assert code == "ValidationError"
    assert "cannot be deleted while TerminationProtection is enabled" in message
