from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.assembly import CloudAssembly
from constructs_lib.local import deploy
from constructs_lib.local.made_up_parameters import made_up_lines
from constructs_lib.local.stand_ins import stand_in_lines
from constructs_lib.problem import LocalError
from tests.local.session.example_app import BUCKET, ExampleApp, function

if TYPE_CHECKING:
    from pathlib import Path

    from constructs_lib.local import LocalAws
    from constructs_lib.local.deploy import DeployedStack

BROKEN = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 999_999}}


def topic(name: str) -> dict[str, Any]:
    return {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": name}}


def deployed(aws: LocalAws, app: ExampleApp) -> list[DeployedStack]:
    told: list[DeployedStack] = []
    found = deploy.deploy(CloudAssembly.read(app.folder), aws.clients, told.append)
    assert told == found
    return found


class TestDeploy:
    def test_what_one_stack_exports_another_imports(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        reader = {"Type": "AWS::SSM::Parameter", "Properties": {
            "Name": "/imports/topic", "Type": "String", "Value": {"Fn::ImportValue": "ExportsTopic"},
        }}  # fmt: skip
        app.add_stack("Imports", {"Resources": {"Reader": reader}}, needs=("Exports",))
        exported = {"Value": {"Ref": "Topic"}, "Export": {"Name": "ExportsTopic"}}
        app.add_stack("Exports", {"Resources": {"Topic": topic("a")}, "Outputs": {"Topic": exported}})
        exports, imports = deployed(aws, app)
        assert (exports.artifact.name, imports.artifact.name) == ("Exports", "Imports")
        found = aws.client("ssm").get_parameter(Name="/imports/topic")["Parameter"]["Value"]
        assert found == exports.outputs["Topic"]

    def test_a_template_too_large_for_a_request_goes_through_the_bucket(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        resources = {f"Topic{number}": topic("x" * 90) for number in range(480)}
        app.add_stack("Large", {"Resources": resources})
        assert (tmp_path / "Large.template.json").stat().st_size > deploy.TEMPLATE_BODY_BYTES
        assert len(deployed(aws, app)[0].resources) == 480
        assert deployed(aws, app)[0].outcome == "unchanged"

    def test_only_what_changed_is_deployed_again(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        app.add_stack("Still", {"Resources": {"Topic": topic("a")}})
        app.add_stack("Moving", {"Resources": {"Topic": topic("a")}}, tags={"team": "one"}, parameters={"Unknown": "1"})
        assert [stack.outcome for stack in deployed(aws, app)] == ["created", "created"]
        assert [stack.outcome for stack in deployed(aws, app)] == ["unchanged", "unchanged"]
        app.add_stack("Moving", {"Resources": {"Topic": topic("b")}}, tags={"team": "one"})
        assert [stack.outcome for stack in deployed(aws, app)] == ["unchanged", "updated"]
        app.add_stack("Moving", {"Resources": {"Topic": topic("b")}}, tags={"team": "two"})
        assert [stack.outcome for stack in deployed(aws, app)] == ["unchanged", "updated"]

    def test_parameters_reach_the_template(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        template = {
            "Parameters": {"Size": {"Type": "String"}},
            "Resources": {"Topic": topic("a")},
            "Outputs": {"Size": {"Value": {"Ref": "Size"}}},
        }
        app.add_stack("Sized", template, parameters={"Size": "3"})
        assert deployed(aws, app)[0].outputs == {"Size": "3"}
        app.add_stack("Sized", template, parameters={"Size": "4"})
        assert [(stack.outcome, stack.outputs) for stack in deployed(aws, app)] == [("updated", {"Size": "4"})]

    def test_assets_are_uploaded_once(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        code = app.code("def handler(event, context): return 'once'")
        app.add_stack("Once", {"Resources": {"Topic": topic("a")}})
        deployed(aws, app)
        bucket = BUCKET.replace("${AWS::AccountId}", aws.clients.account()).replace("${AWS::Region}", "us-east-1")
        first = aws.client("s3").head_object(Bucket=bucket, Key=code["S3Key"])
        app.add_stack("Once", {"Resources": {"Topic": topic("b")}})
        deployed(aws, app)
        assert aws.client("s3").head_object(Bucket=bucket, Key=code["S3Key"])["LastModified"] == first["LastModified"]

    def test_a_stack_bound_to_a_region_stands_there(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        app.add_stack("Abroad", {"Resources": {"Topic": topic("a")}})
        manifest = json.loads((tmp_path / "manifest.json").read_text())
        manifest["artifacts"]["Abroad"]["environment"] = "aws://unknown-account/eu-west-1"
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        [stack] = deployed(aws, app)
        assert (stack.region, stack.resources["Topic"].physical_id.split(":")[3]) == ("eu-west-1", "eu-west-1")

    def test_stacks_of_earlier_runs_are_named(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        app.add_stack("Leftover", {"Resources": {"Topic": topic("a")}})
        deployed(aws, app)
        assert "Leftover" not in deploy.leftovers(CloudAssembly.read(app.folder), aws.clients)
        other = ExampleApp(tmp_path / "other")
        other.add_stack("Current", {"Resources": {"Topic": topic("a")}})
        assert "Leftover" in deploy.leftovers(CloudAssembly.read(other.folder), aws.clients)


class TestFailures:
    def test_every_resource_that_failed_is_named_with_its_reason(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        app.add_stack(
            "Broken", {"Resources": {"Orders": {**BROKEN, "Metadata": {"aws:cdk:path": "Shop/Orders/Queue"}}}}
        )
        with pytest.raises(LocalError) as caught:
            deployed(aws, app)
        assert str(caught.value) == (
            "create of AWS::SQS::Queue failed: Invalid value for the parameter VisibilityTimeout. "
            "Value must be between 0 and 43200.\n"
            "  at:  Shop/Orders/Queue in stack Broken\n"
            "  fix: mend the resource; if a real account takes it, the embedded AWS lacks it: docs/known-gaps.md"
        )

    def test_a_stack_that_failed_is_made_anew_once_mended(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        app.add_stack("Mended", {"Resources": {"Orders": BROKEN}})
        with pytest.raises(LocalError):
            deployed(aws, app)
        app.add_stack("Mended", {"Resources": {"Orders": {"Type": "AWS::SQS::Queue"}}})
        assert [stack.outcome for stack in deployed(aws, app)] == ["created anew"]

    def test_an_update_that_fails_leaves_the_stack_as_it_stood(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        standing = {"Resources": {"Topic": topic("a")}, "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}}}
        app.add_stack("Sturdy", standing)
        [before] = deployed(aws, app)
        app.add_stack("Sturdy", {"Resources": {"Topic": topic("b"), "Orders": BROKEN}})
        with pytest.raises(
            LocalError, match=r"(create|update) of AWS::SQS::Queue failed(.|\n)*at:  Orders in stack Sturdy"
        ):
            deployed(aws, app)
        app.add_stack("Sturdy", standing)
        [after] = deployed(aws, app)
        assert after.outputs == before.outputs

    def test_a_template_cloudformation_refuses(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        app.add_stack("Unknown", {"Resources": {"A": {"Type": "AWS::CloudFormation::Bar"}}})
        with pytest.raises(LocalError) as caught:
            deployed(aws, app)
        assert str(caught.value) == (
            "stack Unknown is refused: Template format error: Unrecognized resource types: [AWS::CloudFormation::Bar]\n"
            f"  at:  {tmp_path / 'Unknown.template.json'}\n"
            "  fix: mend the template's source; CloudFormation in a real account refuses it, too"
        )

    def test_what_fails_is_told_and_not_what_cannot_be_undone(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        code = app.code("def handler(event, context): raise KeyError('no\\nway')")
        fails = function(code, "index.handler", statement=None, path="Fails")
        thing = {"Type": "Custom::Thing", "Properties": {"ServiceToken": {"Fn::GetAtt": ["Fails", "Arn"]}}}
        app.add_stack("Custom", {"Resources": {**fails, "Thing": thing}})
        with pytest.raises(LocalError, match=r"create of Custom::Thing failed: its function \S+ fails: KeyError"):
            deployed(aws, app)

    @pytest.mark.parametrize(
        ("reason", "fix"),
        [
            ("Error: Cannot find module '@aws-sdk/client-s3'", "npm install --save-dev @aws-sdk/client-s3"),
            ("Cannot find package '@smithy/x' imported from", "npm install --save-dev @smithy/x"),
            ("its function F fails: KeyError: a", "mend its function"),
            ("no such thing", "docs/known-gaps.md"),
        ],
    )
    def test_the_fix_follows_from_the_reason(self, reason: str, fix: str) -> None:
        assert fix in deploy.fix_of(reason)


class TestLeftovers:
    def test_a_nested_stack_is_none(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        bucket = BUCKET.replace("${AWS::AccountId}", "000000000000").replace("${AWS::Region}", "us-east-1")
        app.add_stack("Outside", {"Resources": {"Topic": topic("a")}})
        deployed(aws, app)
        aws.client("s3").put_object(Bucket=bucket, Key="in.json", Body=json.dumps({"Resources": {"A": topic("b")}}))
        url = f"{aws.endpoint}/{bucket}/in.json"
        inner = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
        app.add_stack("Outside", {"Resources": {"Inner": inner}})
        deployed(aws, app)
        left = deploy.leftovers(CloudAssembly.read(app.folder), aws.clients)
        assert not [name for name in left if name.startswith("Outside")]


class TestWhatCannotRunHere:
    def test_a_parameter_that_nobody_gives_is_made_up(self, aws: LocalAws, tmp_path: Path) -> None:
        asked = {
            "Stage": {"Type": "String", "AllowedValues": ["dev", "prod"]},
            "Size": {"Type": "Number", "MinValue": 3},
            "BusName": {"Type": "String", "MinLength": 9},
            "Known": {"Type": "String", "Default": "d"},
        }
        app = ExampleApp(tmp_path)
        outputs = {name: {"Value": {"Ref": name}} for name in asked}
        template = {"Parameters": asked, "Resources": {"Topic": topic("a")}, "Outputs": outputs}
        app.add_stack("Asks", template)
        [stack] = deployed(aws, app)
        assert stack.outputs == {"Stage": "dev", "Size": "3", "BusName": "busnamexx", "Known": "d"}
        lines = list(made_up_lines(stack.artifact))
        assert lines[0].startswith("parameter Stage of stack Asks has no default: dev stands in; ")
        assert len(lines) == 3
        assert deployed(aws, app)[0].outcome == "unchanged"

    def test_is_named_and_the_rest_is_deployed(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {
            "Version": "2012-10-17", "Statement": {
                "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"},
            },
        }}}  # fmt: skip
        image = {"ImageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/assets:abc"}
        function = {"PackageType": "Image", "Code": image, "Role": {"Fn::GetAtt": ["Role", "Arn"]}}
        told = {"aws:cdk:path": "Images/Canary/Resource"}
        app.add_stack("Images", {
            "Resources": {
                "Role": role,
                "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
                "Canary": {"Type": "AWS::Synthetics::Canary", "Metadata": told},
                "Uses": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Canary"}}},
            },
            "Outputs": {"Function": {"Value": {"Ref": "Function"}}},
        })  # fmt: skip
        path = tmp_path / "Images.assets.json"
        path.write_text(json.dumps({"files": {}, "dockerImages": {"abc": {}}}))
        [stack] = deployed(aws, app)
        assert list(stand_in_lines(aws.control, [stack])) == [
            "AWS::Synthetics::Canary is not here, the rest works: Images/Canary; a made-up value goes to Uses",
            "the runtime of containers is not here, the rest works: Function",
        ]
        answer = aws.client("lambda").invoke(FunctionName=stack.outputs["Function"])
        told = json.loads(answer["Payload"].read())
        assert told == {
            "errorType": "Runtime.InvalidRuntime",
            "errorMessage": "container images do not run on this machine without Docker; "
            "Node, Python and provided runtimes do",
        }


class TestCdkCli:
    def test_the_real_cdk_cli_deploys_the_same(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        app.add_stack("ByCli", {"Resources": {"Topic": topic("a")}, "Outputs": {"T": {"Value": {"Ref": "Topic"}}}})
        said: list[str] = []
        before = aws.stacks
        try:
            aws.deploy(CloudAssembly.read(app.folder), via="cdk", report_line=said.append)
            assert aws.outputs["ByCli"]["T"].startswith("arn:aws:sns:us-east-1:000000000000:ByCli-Topic")
            [toolkit] = aws.client("cloudformation").describe_stacks(StackName=deploy.TOOLKIT)["Stacks"]
            assert toolkit["StackStatus"] == "CREATE_COMPLETE"
            said.clear()
            aws.deploy(CloudAssembly.read(app.folder), via="cdk", report_line=said.append)
            assert not any("ootstrapping" in line for line in said)
            assert any("ByCli (no changes)" in line for line in said)
        finally:
            aws.stacks = before
        assert [stack.outcome for stack in deployed(aws, app)] == ["unchanged"]

    def test_what_the_cdk_cli_says_is_part_of_the_error(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        app.add_stack("BrokenByCli", {"Resources": {"Orders": BROKEN}})
        with pytest.raises(LocalError, match=r"VisibilityTimeout(.|\n)*`cdk deploy` ended with exit code 1"):
            aws.deploy(CloudAssembly.read(app.folder), via="cdk")
