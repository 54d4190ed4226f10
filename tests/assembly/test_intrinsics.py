"""What CloudFormation's functions come to, as far as a template decides them."""

from __future__ import annotations

from typing import Any

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.assembly.value import OneOf, Symbol, Text, Unknown, plain

QUEUE = {"Type": "AWS::SQS::Queue"}


def resolved(value: Any, **template: Any) -> Any:
    """What a value is in a stack `App` that has a queue `Queue`, and whatever else is given."""
    probe = {"Type": "Probe", "Properties": {"Value": value}}
    resources = {"Queue": QUEUE, "Probe": probe, **template.pop("Resources", {})}
    assembly = Assembly.of({"App": {"Resources": resources, **template}})
    probe_resource = assembly.find("App/Probe")
    assert probe_resource is not None
    return probe_resource.value("Value")


class TestTexts:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("plain", "plain"),
            ("", ""),
            ({"Ref": "Queue"}, "https://sqs.${AWS::Region}.amazonaws.com/${AWS::AccountId}/${Queue}"),
            ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Queue}"),
            ({"Fn::GetAtt": "Queue.Arn"}, "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Queue}"),
            ({"Fn::Sub": "x-${Queue.QueueName}-${!Kept}"}, "x-${Queue}-${Kept}"),
            ({"Fn::Sub": ["${a}/${b}", {"a": "1", "b": {"Ref": "AWS::StackName"}}]}, "1/App"),
            ({"Fn::Join": ["-", ["a", {"Fn::GetAtt": ["Queue", "QueueName"]}, "b"]]}, "a-${Queue}-b"),
            ({"Fn::Join": ["", []]}, ""),
            ({"Fn::Select": [1, ["a", "b"]]}, "b"),
            ({"Fn::Select": ["1", {"Fn::Split": ["/", "a/b"]}]}, "b"),
            ({"Fn::Select": [5, {"Fn::Split": [":", {"Fn::GetAtt": ["Queue", "Arn"]}]}]}, "${Queue}"),
            ({"Fn::ToJsonString": {"a": [1, True, None, {"Ref": "AWS::StackName"}]}}, '{"a":[1,true,null,"App"]}'),
        ],
    )
    def test_become_one(self, value: Any, expected: str) -> None:
        assert str(resolved(value)) == expected

    def test_are_equal_however_they_were_made(self) -> None:
        by_attribute = resolved({"Fn::GetAtt": ["Queue", "Arn"]})
        by_sub = resolved({"Fn::Sub": "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Queue.QueueName}"})
        by_join = resolved(
            {"Fn::Join": [":", ["arn", {"Ref": "AWS::Partition"}, "sqs", {"Ref": "AWS::Region"},
                                {"Ref": "AWS::AccountId"}, {"Fn::GetAtt": ["Queue", "QueueName"]}]]}
        )  # fmt: skip
        assert by_attribute == by_sub == by_join

    def test_find_in_map_takes_the_row_of_a_known_key(self) -> None:
        mappings = {"Sizes": {"dev": {"size": "1"}, "prod": {"size": "9"}}}
        value = {"Fn::FindInMap": ["Sizes", "prod", "size"]}
        assert resolved(value, Mappings=mappings) == Text.of("9")

    def test_find_in_map_may_be_any_row_when_the_key_is_not_known(self) -> None:
        mappings = {"Sizes": {"eu-west-1": {"size": "1"}, "us-east-1": {"size": "9"}}}
        value = {"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "size"]}
        template = {"App": {"Mappings": mappings, "Resources": {"A": {"Type": "T", "Properties": {"V": value}}}}}
        [resource] = Assembly.of(template).resources
        assert resource.texts("V") == (Text.of("1"), Text.of("9"))


class TestParameters:
    def test_are_their_default(self) -> None:
        assert resolved({"Ref": "P"}, Parameters={"P": {"Type": "String", "Default": "x"}}) == Text.of("x")

    def test_are_a_list_where_their_type_is_one(self) -> None:
        parameters = {"P": {"Type": "CommaDelimitedList", "Default": "a, b"}}
        assert resolved({"Fn::Join": ["+", {"Ref": "P"}]}, Parameters=parameters) == Text.of("a+b")

    def test_are_a_symbol_when_only_a_deployment_knows(self) -> None:
        expected = Text((Symbol("parameter", "App/P"),))
        assert resolved({"Ref": "P"}, Parameters={"P": {"Type": "String"}}) == expected

    def test_are_the_same_symbol_when_they_are_kept_under_the_same_path(self) -> None:
        parameter = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/path"}
        expected = Text((Symbol("parameter", "ssm:/path"),))
        for name in ("P", "Q"):
            assert resolved({"Ref": name}, Parameters={"P": parameter, "Q": parameter}) == expected


class TestConditions:
    PARAMETERS = {"Stage": {"Type": "String", "Default": "dev"}}
    IS_PROD = {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}

    def test_that_a_parameter_turns_leave_both_values_the_default_first(self) -> None:
        value = resolved(
            [{"Fn::If": ["IsProd", "big", "small"]}], Parameters=self.PARAMETERS, Conditions={"IsProd": self.IS_PROD}
        )
        assert value == [OneOf((Text.of("small"), Text.of("big")))]

    def test_that_nothing_turns_leave_one_value(self) -> None:
        conditions = {"Yes": {"Fn::Not": [{"Fn::Equals": ["a", "b"]}]}, "Same": {"Condition": "Yes"}}
        assert resolved([{"Fn::If": ["Same", "a", "b"]}], Conditions=conditions) == [Text.of("a")]

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            ({"Fn::And": [{"Fn::Equals": ["a", "a"]}, {"Fn::Equals": ["a", "b"]}]}, "no"),
            ({"Fn::And": [{"Fn::Equals": ["a", "a"]}, {"Fn::Equals": ["b", "b"]}]}, "yes"),
            ({"Fn::Or": [{"Fn::Equals": ["a", "c"]}, {"Fn::Equals": ["a", "b"]}]}, "no"),
            ({"Fn::Or": [{"Condition": "Never"}, {"Fn::Equals": ["a", "a"]}]}, "yes"),
            ({"Fn::Equals": [1, "1"]}, "yes"),
            ({"Fn::Equals": [True, "true"]}, "yes"),
        ],
    )
    def test_are_evaluated(self, condition: Any, expected: str) -> None:
        assert resolved([{"Fn::If": ["C", "yes", "no"]}], Conditions={"C": condition}) == [Text.of(expected)]

    def test_that_nobody_can_tell_leave_both_values(self) -> None:
        conditions = {"C": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}}
        value = resolved([{"Fn::If": ["C", "a", "b"]}], Conditions=conditions)
        assert value == [OneOf((Text.of("a"), Text.of("b")), is_decided=False)]

    def test_that_need_themselves_are_not_known(self) -> None:
        conditions = {"A": {"Condition": "B"}, "B": {"Fn::Not": [{"Condition": "A"}]}}
        value = resolved([{"Fn::If": ["A", "a", "b"]}], Conditions=conditions)
        assert value == [OneOf((Text.of("a"), Text.of("b")), is_decided=False)]

    def test_no_value_takes_the_property_away(self) -> None:
        assert resolved({"A": {"Ref": "AWS::NoValue"}, "B": ["x", {"Ref": "AWS::NoValue"}]}) == {"B": [Text.of("x")]}

    def test_texts_of_a_choice_are_a_choice_of_texts(self) -> None:
        value = resolved(
            [{"Fn::Sub": ["a-${x}", {"x": {"Fn::If": ["IsProd", "p", "d"]}}]}],
            Parameters=self.PARAMETERS,
            Conditions={"IsProd": self.IS_PROD},
        )
        assert value == [OneOf((Text.of("a-d"), Text.of("a-p")))]


class TestUnknowns:
    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ({"Ref": "Nobody"}, "there is no Nobody"),
            ({"Ref": ["Queue"]}, "Ref takes a name"),
            ({"Fn::GetAtt": ["Nobody", "Arn"]}, "there is no resource Nobody"),
            ({"Fn::GetAtt": ["Queue"]}, "Fn::GetAtt takes the name of a resource and of an attribute"),
            ({"Fn::GetAtt": 5}, "Fn::GetAtt takes the name of a resource and of an attribute"),
            ({"Fn::Sub": 5}, "Fn::Sub takes a text, and perhaps variables"),
            ({"Fn::Sub": ["a", {}, 1]}, "Fn::Sub takes a text, and perhaps variables"),
            ({"Fn::Join": "a"}, "Fn::Join takes a delimiter and a list"),
            ({"Fn::Join": ["-", "text"]}, "what Fn::Join joins is not known"),
            ({"Fn::Select": ["x", ["a"]]}, "which item Fn::Select takes is not known"),
            ({"Fn::Select": [4, ["a"]]}, "there is no item 4"),
            ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "what Fn::Select takes from is not known"),
            ({"Fn::Split": ["", "a"]}, "Fn::Split takes a delimiter and a text"),
            ({"Fn::Split": ["-", {"Ref": "Queue"}]}, "${AWS::Region} may hold the delimiter itself"),
            ({"Fn::If": ["C", 1]}, "Fn::If takes a condition and two values"),
            ({"Fn::FindInMap": ["Nowhere", "a", "b"]}, "there is no such mapping"),
            ({"Fn::Transform": {"Name": "AWS::Include"}}, "Fn::Transform is decided while deploying"),
            ({"Fn::ImportValue": ["x"]}, "of what, is not known"),
        ],
    )
    def test_say_why(self, value: Any, reason: str) -> None:
        found = resolved(value)
        assert isinstance(found, Unknown)
        assert found.reason == reason

    def test_are_equal_when_their_expressions_are(self) -> None:
        value = {"Fn::Base64": "x"}
        assert resolved({"Fn::Sub": ["${a}", {"a": value}]}) == resolved({"Fn::Join": ["", [value]]})

    def test_functions_in_mappings_are_not_followed(self) -> None:
        mappings = {"M": {"k": {"v": {"Fn::Sub": "x"}}}}
        found = resolved({"Fn::FindInMap": ["M", "k", "v"]}, Mappings=mappings)
        assert isinstance(found, Unknown)
        assert found.reason == "a mapping holds no functions"

    @pytest.mark.parametrize("begins", ["x" * 1000, {"Ref": "AWS::AccountId"}])
    def test_texts_that_double_are_given_up(self, begins: Any) -> None:
        queues: dict[str, Any] = {"Q0": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": begins}}}
        for n in range(1, 70):
            before = {"Fn::GetAtt": [f"Q{n - 1}", "QueueName"]}
            queues[f"Q{n}"] = {
                "Type": "AWS::SQS::Queue",
                "Properties": {"QueueName": {"Fn::Join": ["", [before, before]]}},
            }
        found = resolved({"Fn::GetAtt": ["Q69", "QueueName"]}, Resources=queues)
        assert len(str(found)) < 2_000_000

    def test_nesting_ends(self) -> None:
        deep: Any = "x"
        for _ in range(400):
            deep = {"Fn::Join": ["", [deep]]}
        assert "nested deeper than 100 levels" in str(plain(resolved([deep]))) + str(_reasons(resolved([deep])))


def _reasons(value: Any) -> list[str]:
    if isinstance(value, list):
        return [reason for each in value for reason in _reasons(each)]
    if isinstance(value, Text):
        return [symbol.reason for symbol in value.symbols]
    return [value.reason] if isinstance(value, Unknown) else []
