from __future__ import annotations

from constructs_lib.assembly.model import Assembly
from constructs_lib.assembly.resource import FUNCTION, Resource
from constructs_lib.assembly.value import Text


def test_an_alias_leads_to_its_function_although_its_own_name_needs_the_function() -> None:
    alias = {"Type": "AWS::Lambda::Alias", "Properties": {"Name": "live", "FunctionName": {"Ref": "Send"}}}
    assembly = Assembly.of({"Shop": {"Resources": {"Live": alias, "Send": {"Type": FUNCTION}}}})
    [live] = assembly.of_type("AWS::Lambda::Alias")
    function = assembly.target(live.reference, FUNCTION)
    assert isinstance(function, Resource)
    assert (function.logical_id, str(live.reference)) == ("Send", f"{function.arn}:live")


def test_a_version_is_the_one_that_an_alias_names() -> None:
    version = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Send"}}}
    told = {"Name": "live", "FunctionName": {"Ref": "Send"}, "FunctionVersion": {"Fn::GetAtt": ["First", "Version"]}}
    alias = {"Type": "AWS::Lambda::Alias", "Properties": told}
    assembly = Assembly.of({"Shop": {"Resources": {"First": version, "Live": alias, "Send": {"Type": FUNCTION}}}})
    [first], [live] = assembly.of_type("AWS::Lambda::Version"), assembly.of_type("AWS::Lambda::Alias")
    assert live.value("FunctionVersion") == first.name
    assert str(first.reference) == f"{assembly.of_type(FUNCTION)[0].arn}:{first.name}"


def test_an_arn_of_nothing_leads_to_nothing_in_the_stacks() -> None:
    assembly = Assembly.of({"Shop": {"Resources": {"Jobs": {"Type": "AWS::SQS::Queue"}}}})
    assert not isinstance(assembly.target(Text.of("arn:aws:sqs:::"), "AWS::SQS::Queue"), Resource)
