from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.assembly.json_document import AssemblyError
from constructs_lib.assembly.sam import is_sam, read_deployable, translate
from constructs_lib.assembly.template_file import TemplateFile
from tests.assembly.template_files import read, write

FUNCTION = {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "app.handler", "Runtime": "python3.13"}}
SHOP = """\
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: python3.13, Timeout: 10}
Resources:
  Orders:
    Type: AWS::Serverless::SimpleTable
  Buy:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/buy/
      Handler: app.handler
      Policies:
        - AWSXRayDaemonWriteAccess
        - DynamoDBReadPolicy: {TableName: !Ref Orders}
      Events:
        Post: {Type: Api, Properties: {Path: /buy, Method: post}}
  Plain: {Type: AWS::SNS::Topic}
"""


def sam(**resources: Any) -> TemplateFile:
    return TemplateFile(Path("shop.yaml"), "shop", {"Resources": resources})


def function(**properties: Any) -> dict[str, Any]:
    return {**FUNCTION, "Properties": {**FUNCTION["Properties"], **properties}}  # type: ignore[dict-item] # it is a dict


def translated(**resources: Any) -> dict[str, Any]:
    found: dict[str, Any] = translate(sam(**resources)).template["Resources"]
    return found


def refusal(file: TemplateFile) -> str:
    with pytest.raises(AssemblyError) as caught:
        translate(file)
    return str(caught.value)


class TestKinds:
    @pytest.mark.parametrize(
        ("template", "expected"),
        [
            ({"Transform": "AWS::Serverless-2016-10-31", "Resources": {}}, True),
            ({"Transform": ["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"], "Resources": {}}, True),
            ({"Transform": {"Name": "AWS::Serverless-2016-10-31"}, "Resources": {}}, True),
            ({"Resources": {"A": FUNCTION}}, True),
            ({"Transform": "Mine", "Resources": {"A": {"Type": "AWS::SNS::Topic"}}}, False),
            ({"Transform": [1, {}], "Resources": {}}, False),
        ],
    )
    def test_a_template_is_sam_when_it_says_so_or_needs_it(self, template: dict[str, Any], *, expected: bool) -> None:
        assert is_sam(template) is expected

    def test_a_template_is_read_as_it_is_deployed(self, tmp_path: Path) -> None:
        assert "BuyRole" in read_deployable(write(tmp_path, SHOP, "shop.yaml")).template["Resources"]
        plain = write(tmp_path, '{"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}')
        assert read_deployable(plain).template == {"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}


class TestTranslation:
    def test_serverless_resources_become_what_they_stand_for(self, tmp_path: Path) -> None:
        file = translate(read(tmp_path, SHOP))
        types = {key: each["Type"] for key, each in file.template["Resources"].items()}
        [deployment] = [key for key in types if key.startswith("ServerlessRestApiDeployment")]
        assert types == {
            "Orders": "AWS::DynamoDB::Table",
            "Buy": "AWS::Lambda::Function",
            "BuyRole": "AWS::IAM::Role",
            "BuyPostPermissionProd": "AWS::Lambda::Permission",
            "Plain": "AWS::SNS::Topic",
            "ServerlessRestApi": "AWS::ApiGateway::RestApi",
            "ServerlessRestApiProdStage": "AWS::ApiGateway::Stage",
            deployment: "AWS::ApiGateway::Deployment",
        }
        role = file.template["Resources"]["BuyRole"]["Properties"]
        assert "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess" in role["ManagedPolicyArns"]
        assert file.stack_name == "shop"
        assert "Transform" not in file.template

    def test_macros_that_are_not_sam_stay(self, tmp_path: Path) -> None:
        text = SHOP.replace("Transform: A", "Transform: [AWS::LanguageExtensions, Mine, A").replace(
            "-31\n", "-31]\n", 1
        )
        file = translate(read(tmp_path, text))
        assert file.template["Transform"] == ["AWS::LanguageExtensions", "Mine"]
        assert list(file.unread) == ["Transform Mine"]

    def test_what_is_generated_has_the_line_of_what_it_comes_from(self, tmp_path: Path) -> None:
        file = translate(read(tmp_path, SHOP))
        assert file.origins == {"BuyRole": "Buy", "BuyPostPermissionProd": "Buy"}
        assert file.lines == {"Orders": 5, "Buy": 7, "Plain": 17, "BuyRole": 7, "BuyPostPermissionProd": 7}

    def test_the_template_read_stays_as_it_was_and_metadata_comes_along(self) -> None:
        file = sam(A={**function(CodeUri="s3://b/k"), "Metadata": {"mine": 1}})
        before = json.dumps(file.template)
        resources = translate(file).template["Resources"]
        assert json.dumps(file.template) == before
        assert [each["Metadata"] for each in resources.values()] == [{"mine": 1}] * 2
        assert all("Metadata" not in each for each in translated(A=function()).values())

    def test_a_template_without_resources_is_left_alone(self) -> None:
        assert translate(sam()).template == {"Resources": {}}

    def test_policies_that_the_translator_does_not_know_stay_names(self) -> None:
        role = translated(A=function(Policies=["NobodyKnowsThisOne"]))["ARole"]
        assert "NobodyKnowsThisOne" in role["Properties"]["ManagedPolicyArns"]


class TestLocalCode:
    @pytest.mark.parametrize("path", ["src/buy/", ".", "../shared", "a b?c#d%2F", "/abs/olute", "ä"])
    def test_code_is_where_it_was(self, path: str) -> None:
        layer = {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": path}}
        found = translated(A=function(CodeUri=path, AutoPublishAlias="live"), Layer=layer)
        assert found["A"]["Properties"]["Code"] == path
        [content] = [e["Properties"]["Content"] for e in found.values() if e["Type"] == "AWS::Lambda::LayerVersion"]
        assert content == path

    def test_code_in_s3_and_inline_code_stay(self) -> None:
        found = translated(A=function(CodeUri="s3://b/k"), B=function(InlineCode="x"))
        assert found["A"]["Properties"]["Code"] == {"S3Bucket": "b", "S3Key": "k"}
        assert found["B"]["Properties"]["Code"] == {"ZipFile": "x"}

    def test_code_that_is_not_named_is_in_the_templates_folder(self) -> None:
        assert translated(A=function())["A"]["Properties"]["Code"] == "."

    def test_code_named_for_all_functions(self) -> None:
        file = sam(A=function(), B=function(CodeUri="b"))
        file.template["Globals"] = {"Function": {"CodeUri": "all"}}
        found = translate(file).template["Resources"]
        assert [found[key]["Properties"]["Code"] for key in "AB"] == ["all", "b"]

    def test_an_image_that_is_still_to_be_built(self) -> None:
        image = {"Type": "AWS::Serverless::Function", "Properties": {"PackageType": "Image"}}
        assert set(translated(A=image)["A"]["Properties"]["Code"]) == {"ImageUri"}

    def test_an_application_of_the_repository_is_not_looked_up(self) -> None:
        location = {"ApplicationId": "arn:aws:serverlessrepo:us-east-1:1:applications/x", "SemanticVersion": "1.0.0"}
        app = {"Type": "AWS::Serverless::Application", "Properties": {"Location": location}}
        found = translated(A=app)["A"]
        assert (found["Type"], found["Properties"]["TemplateURL"]) == ("AWS::CloudFormation::Stack", location)

    def test_a_nested_template_keeps_its_path(self) -> None:
        app = {"Type": "AWS::Serverless::Application", "Properties": {"Location": "nested/app.yaml"}}
        assert translated(A=app)["A"]["Properties"]["TemplateURL"] == "nested/app.yaml"


class TestDefinitions:
    MACHINE = textwrap.dedent("""\
        Resources:
          Pay:
            Type: AWS::Serverless::StateMachine
            Properties: {DefinitionUri: pay.asl.json, DefinitionSubstitutions: {F: x}}
        """)

    def test_a_state_machine_beside_the_template_is_read(self, tmp_path: Path) -> None:
        write(tmp_path, '{"StartAt": "${F}"}', "pay.asl.json")
        [pay] = [e for e in resources_of(tmp_path, self.MACHINE) if e["Type"] == "AWS::StepFunctions::StateMachine"]
        assert pay["Properties"]["Definition"] == {"StartAt": "${F}"}
        assert pay["Properties"]["DefinitionSubstitutions"] == {"F": "x"}
        assert "DefinitionS3Location" not in pay["Properties"]

    def test_one_that_is_json_only_with_its_substitutions_is_text(self, tmp_path: Path) -> None:
        write(tmp_path, '{"TimeoutSeconds": ${F}}', "pay.asl.json")
        [pay] = [e for e in resources_of(tmp_path, self.MACHINE) if e["Type"] == "AWS::StepFunctions::StateMachine"]
        assert pay["Properties"]["DefinitionString"] == '{"TimeoutSeconds": ${F}}'

    def test_one_that_is_missing_keeps_its_path_and_is_named(self, tmp_path: Path) -> None:
        file = translate(read(tmp_path, self.MACHINE))
        assert file.template["Resources"]["Pay"]["Properties"]["DefinitionS3Location"] == "pay.asl.json"
        assert file.unread == {"Definition of Pay": "there is no such file"}

    def test_one_outside_of_the_folder_is_not_read(self, tmp_path: Path) -> None:
        write(tmp_path, '{"secret": 1}', "secret.json")
        (tmp_path / "shop").mkdir()
        (tmp_path / "shop" / "link.json").symlink_to(tmp_path / "secret.json")
        for name in ("../secret.json", str(tmp_path / "secret.json"), "link.json"):
            text = self.MACHINE.replace("pay.asl.json", name)
            file = translate(read(tmp_path / "shop", text))
            assert file.unread == {"Definition of Pay": "the file is outside of the template's folder"}
            assert "secret: 1" not in str(file.template)

    @pytest.mark.parametrize("kind", ["Api", "HttpApi"])
    def test_an_api_beside_the_template_is_read(self, tmp_path: Path, kind: str) -> None:
        write(tmp_path, "openapi: 3.0.1\npaths:\n  /a: !Ref A\n", "api.yaml")
        properties = "{StageName: x, DefinitionUri: api.yaml}"
        text = f"Resources:\n  Web: {{Type: AWS::Serverless::{kind}, Properties: {properties}}}"
        [body] = [e["Properties"]["Body"] for e in resources_of(tmp_path, text) if "Body" in e["Properties"]]
        assert body["paths"] == {"/a": {"Ref": "A"}}

    def test_an_api_included_from_s3_can_have_authorizers(self, tmp_path: Path) -> None:
        text = """\
        Resources:
          Web:
            Type: AWS::Serverless::Api
            Properties:
              StageName: prod
              DefinitionBody: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://b/k}}}
              Auth: {DefaultAuthorizer: AWS_IAM}
        """
        [body] = [e["Properties"]["Body"] for e in resources_of(tmp_path, text) if "Body" in e["Properties"]]
        assert body["Fn::Transform"]["Name"] == "AWS::Include"


def resources_of(folder: Path, text: str) -> list[dict[str, Any]]:
    return list(translate(read(folder, text)).template["Resources"].values())


class TestRefusals:
    def test_what_is_not_valid_sam_is_said_in_the_translators_words(self, tmp_path: Path) -> None:
        text = """\
        Resources:
          A: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.13, Events: {E: {Type: S3}}}}
          B: {Type: AWS::Serverless::Api}
        """
        file = read(tmp_path, text)
        fix = "  fix: mend it as the SAM specification says, and try `sam validate`"
        what = refusal(file).split("\n")
        assert what[0] == "not valid SAM: resource with id [AE] is invalid. Missing required property 'Bucket'"
        assert what[1:3] == [f"  at:  {tmp_path / 'shop.yaml'}:2", fix]
        assert what[3] == "not valid SAM: resource with id [B] is invalid. Missing required property 'StageName'"
        assert what[4:] == [f"  at:  {tmp_path / 'shop.yaml'}:3", fix]

    @pytest.mark.parametrize(
        "resource",
        [
            function(Events=5),
            function(Events={"E": 5}),
            function(Policies={"a": {"b": [1]}}),
            function(Handler={"Ref": []}),
            function(CodeUri=[1]),
            function(AutoPublishAlias={"Fn::If": "x"}),
            function(Events={"E": {"Type": "Api", "Properties": {"Path": 1, "Method": []}}}),
            {"Type": "AWS::Serverless::Api", "Properties": {"StageName": [], "DefinitionBody": 5}},
            {"Type": "AWS::Serverless::StateMachine", "Properties": {"Definition": [1]}},
            {"Type": "AWS::Serverless::Connector", "Properties": {"Source": 1}},
            {"Type": "AWS::Serverless::Nonsense"},
        ],
    )
    def test_strange_values_are_translated_or_refused(self, resource: dict[str, Any]) -> None:
        file = sam(A=resource, B={"Type": "AWS::SNS::Topic"})
        try:
            text = str(translate(file).template)
        except AssemblyError as error:
            text = str(error)
        assert "'B': {" in text or "\n  at:  shop.yaml\n  fix: mend it as the SAM specification says" in text

    def test_a_generated_id_that_would_leave_its_line(self) -> None:
        events = {"E\n  at:  elsewhere": {"Type": "SNS", "Properties": {"Topic": "arn:aws:sns:us-east-1:1:t"}}}
        [what, where, _] = refusal(sam(A=function(Events=events))).split("\n")
        assert what == (
            "not valid SAM: resource with id [AE at: elsewhere] is invalid. Logical ids must be alphanumeric"
        )
        assert where == "  at:  shop.yaml"

    def test_so_many_routes_that_it_would_take_minutes(self) -> None:
        events = {f"E{n}": {"Type": "Api", "Properties": {"Path": f"/{n}", "Method": "get"}} for n in range(400)}
        begin = time.process_time()
        assert refusal(sam(A=function(Events=events))) == (
            "400 events add routes to APIs of 0 values: the translator would take minutes\n"
            "  at:  shop.yaml\n"
            "  fix: split the template"
        )
        assert time.process_time() - begin < 1

    def test_an_api_so_large_that_it_would_take_minutes(self) -> None:
        paths: dict[str, Any] = {f"/{n}": {"get": {"responses": {}}} for n in range(20_000)}
        api = {"Type": "AWS::Serverless::Api", "Properties": {"StageName": "x", "DefinitionBody": {"paths": paths}}}
        assert refusal(sam(A=api)).startswith("0 events add routes to APIs of 60,002 values: the translator would take")

    def test_more_values_than_cloudformation_takes(self) -> None:
        assert refusal(sam(A=function(Tags=[1] * 500_000))).startswith(
            "the file holds 500,008 values: as SAM, at most 500,000 are translated\n"
        )


ALONE = """
import socket, sys
from pathlib import Path
def no(*args, **kwargs):
    raise SystemExit("asked for the network")
class Socket(socket.socket):
    connect = connect_ex = sendto = no
socket.socket, socket.create_connection, socket.getaddrinfo = Socket, no, no
from constructs_lib.assembly.json_document import AssemblyError
from constructs_lib.assembly.sam import translate
from constructs_lib.assembly.template_file import read_template
assert not {"aws_cdk", "samtranslator", "boto3"} & set(sys.modules)
"""


def run(code: str, path: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", ALONE + textwrap.dedent(code), str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "HOME": str(path.parent), **environment},
        cwd=Path(__file__).parents[2],
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_translating_reads_no_configuration_asks_no_network_and_is_silent(tmp_path: Path) -> None:
    location = "{ApplicationId: 'arn:aws:serverlessrepo:us-east-1:1:applications/x', SemanticVersion: 1.0.0}"
    app = f"  App: {{Type: AWS::Serverless::Application, Properties: {{Location: {location}}}}}\n"
    code = "print(len(translate(read_template(sys.argv[1])).template['Resources']))"
    assert run(code, write(tmp_path, SHOP + app, "shop.yaml"), AWS_PROFILE="nobody", AWS_REGION="mars") == "9\n"


def test_without_the_translator_the_extra_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, SHOP, "shop.yaml")
    code = """
    sys.modules["samtranslator"] = None
    try:
        translate(read_template(sys.argv[1]))
    except AssemblyError as error:
        print(error)
    """
    assert run(code, path) == (
        "the file is a SAM template, and AWS's translator is not installed\n"
        f"  at:  {path}\n"
        '  fix: pip install "constructs-lib[check]"\n'
    )
