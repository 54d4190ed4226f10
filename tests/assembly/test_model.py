"""One model of all stacks: whatever names a resource leads to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructs_lib.assembly.json_document import AssemblyError
from constructs_lib.assembly.model import Assembly, External
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.value import Symbol, Text

QUEUE, FUNCTION, TABLE, BUCKET = "AWS::SQS::Queue", "AWS::Lambda::Function", "AWS::DynamoDB::Table", "AWS::S3::Bucket"


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def stack(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


def target_of(assembly: Assembly, value: Any, kind: str, *, of: str = "App") -> str:
    """The id of what a value in a stack denotes."""
    found = assembly.target(next(each for each in assembly.stacks if each.id == of).resolve(value), kind)
    assert found is not None
    return found.id


class TestTargets:
    ASSEMBLY = Assembly.of(
        {
            "App": stack(
                Queue=resource(QUEUE),
                Named=resource(QUEUE, QueueName="orders"),
                Function=resource(FUNCTION),
                Version=resource("AWS::Lambda::Version", FunctionName={"Ref": "Function"}),
                Alias=resource("AWS::Lambda::Alias", FunctionName={"Fn::GetAtt": ["Function", "Arn"]}, Name="live"),
                Table=resource(TABLE),
                Bucket=resource(BUCKET),
            )
        }
    )

    @pytest.mark.parametrize(
        ("value", "kind", "expected"),
        [
            ({"Ref": "Queue"}, QUEUE, "App/Queue"),
            ({"Fn::GetAtt": ["Queue", "Arn"]}, QUEUE, "App/Queue"),
            ({"Fn::GetAtt": ["Queue", "QueueName"]}, QUEUE, "App/Queue"),
            ("orders", QUEUE, "App/Named"),
            ("arn:aws:sqs:eu-west-1:123456789012:orders", QUEUE, "App/Named"),
            ("https://sqs.eu-west-1.amazonaws.com/123456789012/orders", QUEUE, "App/Named"),
            ({"Ref": "Function"}, FUNCTION, "App/Function"),
            ({"Fn::GetAtt": ["Function", "Arn"]}, FUNCTION, "App/Function"),
            ({"Ref": "Version"}, FUNCTION, "App/Function"),
            ({"Ref": "Alias"}, FUNCTION, "App/Function"),
            ({"Fn::Sub": "${Function.Arn}:live"}, FUNCTION, "App/Function"),
            ({"Fn::GetAtt": ["Table", "StreamArn"]}, TABLE, "App/Table"),
            ({"Fn::Sub": "${Table.Arn}/index/by-name"}, TABLE, "App/Table"),
            ({"Fn::GetAtt": ["Bucket", "Arn"]}, BUCKET, "App/Bucket"),
            ({"Ref": "Bucket"}, BUCKET, "App/Bucket"),
        ],
    )
    def test_are_found_by_whatever_names_them(self, value: Any, kind: str, expected: str) -> None:
        assert target_of(self.ASSEMBLY, value, kind) == expected

    def test_are_not_found_under_another_type(self) -> None:
        assert isinstance(self.ASSEMBLY.target(Text.of("orders"), FUNCTION), External)

    def test_in_another_region_are_something_else(self) -> None:
        template = stack(Queue=resource(QUEUE, QueueName="orders"))
        assembly = Assembly()
        assembly._add("App", template, region="eu-west-1", account="1")
        found = assembly.target(Text.of("arn:aws:sqs:us-east-1:1:orders"), QUEUE)
        assert isinstance(found, External)

    def test_that_no_stack_has_are_the_same_external_by_name_arn_and_url(self) -> None:
        texts = ("far", "arn:aws:sqs:eu-west-1:1:far", "https://sqs.eu-west-1.amazonaws.com/1/far")
        found = {self.ASSEMBLY.target(Text.of(each), QUEUE) for each in texts}
        assert found == {External(QUEUE, Text.of("far"))}


class TestStacks:
    def test_see_what_others_export(self) -> None:
        export = {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-arn"}}}
        assembly = Assembly.of({"One": {**stack(Queue=resource(QUEUE)), "Outputs": {"Out": export}}, "App": stack()})
        assert target_of(assembly, {"Fn::ImportValue": "One-arn"}, QUEUE) == "One/Queue"

    def test_have_a_symbol_for_what_no_given_stack_exports(self) -> None:
        assembly = Assembly.of({"App": stack()})
        assert assembly.stacks[0].resolve({"Fn::ImportValue": "x"}) == Text((Symbol("import", "x"),))

    def test_that_need_each_other_s_exports_are_unknown_and_end(self) -> None:
        def needing(mine: str, others: str) -> dict[str, Any]:
            return {**stack(), "Outputs": {"O": {"Value": {"Fn::ImportValue": others}, "Export": {"Name": mine}}}}

        assembly = Assembly.of({"One": needing("a", "b"), "Two": needing("b", "a")})
        assert "it needs its own value" in str(assembly.stacks[0].resolve({"Fn::ImportValue": "a"}))

    def test_nested_ones_pass_parameters_down_and_outputs_up(self, tmp_path: Path) -> None:
        parent = stack(
            Queue=resource(QUEUE),
            Child={
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {"Parameters": {"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}},
                "Metadata": {"aws:asset:path": "child.json", "aws:asset:property": "TemplateURL"},
            },
            Reader=resource("Probe", Value={"Fn::GetAtt": ["Child", "Outputs.Back"]}),
        )
        child = {
            "Parameters": {"Arn": {"Type": "String"}},
            **stack(Function=resource(FUNCTION)),
            "Outputs": {"Back": {"Value": {"Fn::GetAtt": ["Function", "Arn"]}}},
        }
        assembly = Assembly.read(_written(tmp_path, parent, child=child))
        assert [each.id for each in assembly.stacks] == ["App", "App/Child"]
        assert target_of(assembly, {"Ref": "Arn"}, QUEUE, of="App/Child") == "App/Queue"
        assert target_of(assembly, {"Fn::GetAtt": ["Child", "Outputs.Back"]}, FUNCTION) == "App/Child/Function"

    def test_whose_nested_template_is_lost_say_so(self, tmp_path: Path) -> None:
        nested = {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "gone.json"}}
        assembly = Assembly.read(_written(tmp_path, stack(Child=nested)))
        assert [each.what for each in assembly.problems] == ["the template of a nested stack is not there: gone.json"]

    def test_of_several_files_are_one_app(self, tmp_path: Path) -> None:
        (tmp_path / "one.template.json").write_text(json.dumps(stack(Queue=resource(QUEUE, QueueName="orders"))))
        (tmp_path / "two.yaml").write_text("Resources:\n  F:\n    Type: Probe\n    Properties: {Value: orders}\n")
        assembly = Assembly.read(tmp_path / "one.template.json", tmp_path / "two.yaml")
        assert target_of(assembly, "orders", QUEUE, of="two") == "one/Queue"
        assert assembly.find("two/F").source == f"{tmp_path / 'two.yaml'}:2"  # type: ignore[union-attr] # it is there

    def test_that_were_not_synthesized_are_told_how(self, tmp_path: Path) -> None:
        with pytest.raises(AssemblyError) as caught:
            Assembly.read(tmp_path / "cdk.out")
        assert str(caught.value) == (
            "there is no such file or folder\n"
            f"  at:  {tmp_path / 'cdk.out'}\n"
            "  fix: synthesize first (`cdk synth` writes the folder cdk.out), or name a CloudFormation or SAM template"
        )

    @pytest.mark.parametrize("name", ["a" * 5_000, "a" * 5_000 + ".yaml", "a" * 5_000 + ".out"])
    def test_that_no_file_can_be_called_by_are_refused(self, name: str) -> None:
        with pytest.raises(AssemblyError, match=r"File name too long|there is no such file"):
            Assembly.read(name)

    def test_without_resources_are_refused(self) -> None:
        with pytest.raises(AssemblyError, match="no Resources"):
            Assembly.of({"App": {"Resources": []}})


class TestResources:
    def test_that_can_never_exist_are_left_out(self) -> None:
        never = {"Type": QUEUE, "Condition": "Never"}
        template = {**stack(A=never, B=resource(QUEUE)), "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}}}
        assert [each.id for each in Assembly.of({"App": template}).resources] == ["App/B"]

    def test_tell_their_values_by_path(self) -> None:
        variables = {"A": "1", "B": {"Ref": "Gone"}}
        properties = {"Timeout": "30", "Environment": {"Variables": variables}, "Flag": "true", "List": [{"x": 1}, {}]}
        [function] = Assembly.of({"App": stack(F=resource(FUNCTION, **properties))}).resources
        assert function.number("Timeout") == 30
        assert function.text("Environment", "Variables", "A") == "1"
        assert function.is_true("Flag")
        assert function.keys("Environment", "Variables") == ("A", "B")
        assert function.values("List", "*", "x") == (1,)
        assert not function.lacks("Environment", "Variables", "B")
        assert function.lacks("Environment", "Other")

    def test_lack_what_the_default_of_a_parameter_takes_away(self) -> None:
        template = {
            "Parameters": {"Keep": {"Type": "String", "Default": "no"}},
            "Conditions": {"Keep": {"Fn::Equals": [{"Ref": "Keep"}, "yes"]}},
            **stack(Q=resource(QUEUE, RedrivePolicy={"Fn::If": ["Keep", {"a": "b"}, {"Ref": "AWS::NoValue"}]})),
        }
        [queue] = Assembly.of({"App": template}).resources
        assert queue.lacks("RedrivePolicy")
        assert queue.values("RedrivePolicy", "a") == (Text.of("b"),)

    def test_keep_the_construct_path(self) -> None:
        metadata = {"aws:cdk:path": "App/Orders/Queue/Resource"}
        [queue] = Assembly.of({"App": stack(Q={"Type": QUEUE, "Metadata": metadata})}).resources
        assert queue.path == "App/Orders/Queue"


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["A", "B.Arn", "${A}", "AWS::NoValue", "arn:aws:sqs:::A"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::If", "Fn::Select", "Fn::Split",
                         "Fn::FindInMap", "Fn::ImportValue", "Fn::ToJsonString", "Fn::Length", "Condition", "Type",
                         "Value", "x"]),
        inner,
        max_size=3,
    ),
    max_leaves=12,
)  # fmt: skip


class TestHostileTemplates:
    @settings(max_examples=150, deadline=None)
    @given(
        properties=ANY_JSON,
        sections=st.fixed_dictionaries({}, optional={
            "Parameters": ANY_JSON, "Conditions": ANY_JSON, "Mappings": ANY_JSON, "Outputs": ANY_JSON,
        }),
    )  # fmt: skip
    def test_never_raise(self, properties: Any, sections: dict[str, Any]) -> None:
        queue = {"Type": QUEUE, "Properties": properties}
        template = {**sections, **stack(A=queue, B=resource(FUNCTION, V=properties))}
        assembly = Assembly.of({"App": template})
        for each in assembly.resources:
            assert isinstance(each, Resource)
            each.values("V", "*", "x")
            each.value("V")
            assembly.target(each.value("V"))
            str((each.arn, each.name, each.reference, each.attribute("Arn")))
            [stack_] = assembly.stacks
            for name in ("O", "x", "Value"):
                stack_.output(name)

    def test_many_resources_are_read_in_a_time_that_grows_with_them(self) -> None:
        def reads(count: int) -> int:
            many = {f"Q{n}": resource(QUEUE, QueueName={"Fn::Sub": f"q-${{AWS::Region}}-{n}"}) for n in range(count)}
            assembly = Assembly.of({"App": stack(**many)})
            return sum(assembly.target(each.reference, QUEUE) is each for each in assembly.resources)

        assert reads(3000) == 3000


def _written(folder: Path, template: dict[str, Any], **nested: dict[str, Any]) -> Path:
    """A cloud assembly with one stack, `App`, and the templates of nested ones."""
    manifest = {
        "version": "48.0.0",
        "artifacts": {
            "App": {
                "type": "aws:cloudformation:stack",
                "environment": "aws://unknown-account/unknown-region",
                "properties": {"templateFile": "App.template.json"},
            }
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "App.template.json").write_text(json.dumps(template))
    for name, content in nested.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder
