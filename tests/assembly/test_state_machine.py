from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.assembly.state_machine import STATE_MACHINE, Definition
from constructs_lib.assembly.value import Symbol, Text, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from constructs_lib.assembly.resource import Resource

CHARGE = Text((Symbol("attribute", "Shop/Charge", "Arn"),))
SIMPLE = {
    "StartAt": "Pay",
    "States": {"Pay": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "End": True}},
}


def machine(properties: Mapping[str, Any], **parameters: Any) -> Resource:
    function = {"Type": "AWS::Custom::Thing"}
    resources = {"Machine": {"Type": STATE_MACHINE, "Properties": properties}, "Charge": function}
    [found] = Assembly.of({"Shop": {"Resources": resources, "Parameters": parameters}}).of_type(STATE_MACHINE)
    return found


def read(properties: Mapping[str, Any], **parameters: Any) -> Definition:
    found = Definition.of(machine(properties, **parameters))
    assert isinstance(found, Definition)
    return found


def refusal(properties: Mapping[str, Any]) -> str:
    found = Definition.of(machine(properties))
    assert isinstance(found, Unknown)
    return found.reason


def text(definition: object) -> dict[str, Any]:
    return {"DefinitionString": json.dumps(definition)}


class TestWhereADefinitionStands:
    def test_text(self) -> None:
        [task] = read(text(SIMPLE)).tasks()
        assert (task.name, task.type, task.path) == ("Pay", "Task", ("States", "Pay"))
        assert task.resource == Text.of("arn:aws:states:::sns:publish")

    def test_an_object(self) -> None:
        states = {"Pay": {"Type": "Task", "Resource": {"Fn::GetAtt": ["Charge", "Arn"]}, "TimeoutSeconds": 30}}
        [task] = read({"Definition": {"StartAt": "Pay", "States": states}}).tasks()
        assert task.resource == CHARGE
        assert task.fields["TimeoutSeconds"] == 30

    def test_symbols_stay_where_they_stood_in_the_text(self) -> None:
        before, after = json.dumps(SIMPLE).split("arn:aws:states:::sns:publish")
        joined = {"Fn::Join": ["", [before, {"Fn::GetAtt": ["Charge", "Arn"]}, ":live", after]]}
        [task] = read({"DefinitionString": joined}).tasks()
        assert task.resource == Text.of(*CHARGE.parts, ":live")

    def test_a_symbol_outside_of_quotes_is_a_value(self) -> None:
        told = '{"States":{"Say \\"hi\\"":{"Type":"Wait","Seconds":${Pause},"Comment":"${Pause}"}}}'
        [state] = read({"DefinitionString": {"Fn::Sub": told}}, Pause={"Type": "Number"}).states
        pause = Text((Symbol("parameter", "Shop/Pause"),))
        assert (state.name, state.fields["Seconds"], state.fields["Comment"]) == ('Say "hi"', pause, pause)

    def test_substitutions_are_put_in(self) -> None:
        told = {"StartAt": "Pay", "States": {"Pay": {"Type": "Task", "Resource": "${Function}", "Comment": "${Other}"}}}
        put = {"Function": {"Fn::GetAtt": ["Charge", "Arn"]}}
        for properties in (text(told), {"Definition": told}):
            [task] = read({**properties, "DefinitionSubstitutions": put}).tasks()
            assert task.resource == CHARGE
            assert task.fields["Comment"] == Text.of("${Other}")

    def test_numbers_are_put_in_without_quotes(self) -> None:
        told = '{"States": {"Wait": {"Type": "Wait", "Seconds": ${Seconds}}}}'
        [state] = read({"DefinitionString": told, "DefinitionSubstitutions": {"Seconds": 5}}).states
        assert state.fields["Seconds"] == 5

    def test_an_asset_of_the_assembly(self, tmp_path: Path) -> None:
        (tmp_path / "asset.json").write_text(json.dumps(SIMPLE))
        (tmp_path / "Shop.assets.json").write_text(
            json.dumps(
                {
                    "version": "53.0.0",
                    "files": {
                        "asset": {
                            "source": {"path": "asset.json", "packaging": "file"},
                            "destinations": {"here": {"bucketName": "assets", "objectKey": "abc.json"}},
                        }
                    },
                }
            )
        )
        location = {"Bucket": "assets", "Key": "abc.json"}
        resource = {"Type": STATE_MACHINE, "Properties": {"DefinitionS3Location": location}}
        template = tmp_path / "Shop.template.json"
        template.write_text(json.dumps({"Resources": {"Machine": resource}}))
        [found] = Assembly.read(template).of_type(STATE_MACHINE)
        definition = Definition.of(found)
        assert isinstance(definition, Definition)
        assert [task.name for task in definition.tasks()] == ["Pay"]

    def test_a_file_beside_the_template(self, tmp_path: Path) -> None:
        (tmp_path / "pay.asl.yaml").write_text("States: {Pay: {Type: Task, Resource: '${Function}'}}")
        resource = {"Type": STATE_MACHINE, "Properties": {"DefinitionS3Location": "pay.asl.yaml"}}
        resource["Properties"]["DefinitionSubstitutions"] = {"Function": "arn:aws:lambda:eu-west-1:1:function:pay"}  # type: ignore[index] # a dict
        template = tmp_path / "Shop.template.json"
        template.write_text(json.dumps({"Resources": {"Machine": resource}}))
        [found] = Assembly.read(template).of_type(STATE_MACHINE)
        definition = Definition.of(found)
        assert isinstance(definition, Definition)
        assert [task.resource for task in definition.tasks()] == [Text.of("arn:aws:lambda:eu-west-1:1:function:pay")]


class TestStates:
    def test_states_inside_of_others_are_told_with_the_way_there(self) -> None:
        def scope(name: str, state: Mapping[str, Any]) -> dict[str, Any]:
            return {"StartAt": name, "States": {name: state}}

        def processor(kind: str, name: str) -> dict[str, Any]:
            return {"Type": "Map", kind: scope(name, {"Type": "Task", "Resource": "x"})}

        branches = [scope("Each", processor("ItemProcessor", "One")), scope("Old", processor("Iterator", "Two"))]
        found = read(text(scope("Both", {"Type": "Parallel", "Branches": branches}))).states
        assert {str(state): state.path for state in found} == {
            "Both": ("States", "Both"),
            "Both / Each": ("States", "Both", "Branches", "0", "States", "Each"),
            "Both / Each / One": (
                "States", "Both", "Branches", "0", "States", "Each", "ItemProcessor", "States", "One",
            ),
            "Both / Old": ("States", "Both", "Branches", "1", "States", "Old"),
            "Both / Old / Two": ("States", "Both", "Branches", "1", "States", "Old", "Iterator", "States", "Two"),
        }  # fmt: skip

    def test_the_query_language_is_that_of_the_state_or_of_what_it_stands_in(self) -> None:
        states = {"One": {"Type": "Pass", "QueryLanguage": "JSONPath"}, "Two": {"Type": "Pass"}}
        found = read(text({"QueryLanguage": "JSONata", "States": states})).states
        assert [state.query_language for state in found] == ["JSONPath", "JSONata"]
        assert [state.query_language for state in read(text({"States": {"One": {}}})).states] == ["JSONPath"]

    def test_what_a_task_passes_is_found_in_both_languages(self) -> None:
        states = {
            "Path": {"Type": "Task", "Parameters": {"FunctionName": "f", "Payload.$": "$"}},
            "Data": {"Type": "Task", "Arguments": {"FunctionName": "g"}},
            "None": {"Type": "Task"},
        }
        path, data, none = read(text({"States": states})).tasks()
        assert (path.argument("FunctionName"), path.argument("Payload")) == (Text.of("f"), Text.of("$"))
        assert data.argument("FunctionName") == Text.of("g")
        assert (none.argument("FunctionName"), path.argument("FunctionName", "deeper")) == (None, None)

    def test_retries_and_catches(self) -> None:
        catch = [{"ErrorEquals": ["States.ALL"], "Next": "Sorry"}, "nonsense"]
        states = {"Pay": {"Type": "Task", "Retry": [{"MaxAttempts": 2}], "Catch": catch}}
        [task] = read(text({"States": states})).tasks()
        assert task.retries == ({"MaxAttempts": 2},)
        assert task.handlers == ("Sorry",)

    def test_what_only_a_catch_leads_to_is_not_surely_reached(self) -> None:
        inner = {"StartAt": "In", "States": {"In": {"Type": "Task"}, "Lost": {"Type": "Task"}}}
        undo = {"StartAt": "Back", "States": {"Back": {"Type": "Task"}}}
        states = {
            "Choose": {"Type": "Choice", "Choices": [{"Next": "Pay"}], "Default": "Both"},
            "Pay": {"Type": "Task", "Next": "Both", "Catch": [{"Next": "Sorry"}]},
            "Both": {"Type": "Parallel", "Branches": [inner], "End": True},
            "Sorry": {"Type": "Parallel", "Branches": [undo], "End": True},
        }
        found = read(text({"StartAt": "Choose", "States": states})).surely_reached()
        assert [str(state) for state in found] == ["Choose", "Pay", "Both", "Both / In"]

    def test_the_first_tasks_are_those_before_which_nothing_was_done(self) -> None:
        inner = {"StartAt": "In", "States": {"In": {"Type": "Task", "Next": "Later"}, "Later": {"Type": "Task"}}}
        idle = {"StartAt": "Idle", "States": {"Idle": {"Type": "Pass"}}}
        states = {
            "Choose": {"Type": "Choice", "Choices": [{"Next": "Pay"}], "Default": "Think"},
            "Pay": {"Type": "Task", "Next": "Mail"},
            "Think": {"Type": "Parallel", "Branches": [idle], "Next": "Both"},
            "Both": {"Type": "Parallel", "Branches": [inner, idle], "Next": "Mail"},
            "Mail": {"Type": "Task", "End": True},
        }
        found = read(text({"StartAt": "Choose", "States": states})).first_tasks()
        assert [str(state) for state in found] == ["Pay", "Both / In"]


class TestUnknown:
    def test_says_so_when_the_text_is_no_json(self) -> None:
        reason = (
            "the definition is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
        )
        assert refusal({"DefinitionString": "{States"}) == reason

    @pytest.mark.parametrize("told", [[], {"StartAt": "A"}, {"States": []}, 5, "text"])
    def test_says_so_when_it_is_no_definition(self, told: object) -> None:
        assert refusal(text(told)) == "the definition is no object with States"

    def test_says_so_when_it_is_in_a_bucket(self) -> None:
        location = {"Bucket": "elsewhere", "Key": "machine.json"}
        assert refusal({"DefinitionS3Location": location}) == "the definition is not known: it is in a bucket"

    def test_says_so_when_there_is_none(self) -> None:
        assert refusal({}) == "the definition is not known: the state machine has none"

    def test_says_so_when_it_is_nested_too_deep(self) -> None:
        told = '{"States":{"A":' * 100_000
        assert refusal({"DefinitionString": told}) == "the definition is nested too deep"

    def test_never_raises_on_states_of_the_wrong_type(self) -> None:
        states = {"A": 1, "B": {"Type": ["Task"], "Branches": 5, "Iterator": []}, "C": {"Branches": [3, {"States": 4}]}}
        found = read(text({"States": states, "QueryLanguage": 5, "StartAt": {}}))
        assert [(state.name, state.type) for state in found.states] == [("B", ""), ("C", "")]
        assert list(found.tasks()) == []
        assert [state.name for state in found.surely_reached()] == ["B", "C"]

    def test_text_with_private_characters_is_read_as_it_is(self) -> None:
        told = {"States": {"\ue0000\ue000": {"Type": "Pass", "Comment": "\ue001"}}}
        [state] = read({"DefinitionString": json.dumps(told, ensure_ascii=False)}).states
        assert (state.name, state.fields["Comment"]) == ("\ue0000\ue000", Text.of("\ue001"))
