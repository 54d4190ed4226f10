"""Gaps in what a template may hold: what stock does, and what the mended one does instead."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.runtime.deployed import BUCKET, App
from tests.local.runtime.event_handlers import att, deploy, ref
from tests.local.runtime.template import function

_numbers = itertools.count()
FAILS = "exports.handler = async () => { throw new RangeError('no way') }"
ANSWERS = """
exports.handler = async (event) => {
  const { StackId, RequestId, LogicalResourceId } = event;
  const answer = { Status: 'SUCCESS', PhysicalResourceId: 'mine', StackId, RequestId, LogicalResourceId };
  await fetch(event.ResponseURL, { method: 'PUT', body: JSON.stringify(answer) });
  throw new Error('after it has answered');
}
"""


def custom(app: App, code: str, seconds: int, **told: str) -> dict[str, str]:
    """Deploy a custom resource with this function, which may take that long to answer."""
    stack = f"Custom{next(_numbers)}"
    key = app.aws.upload({stack: {"index.js": code}})[stack]
    answered = {
        "Type": "Custom::Thing",
        "Properties": {"ServiceToken": att("Fails"), "ServiceTimeout": seconds, **told},
    }
    return deploy(app, stack, {**function("Fails", key, BUCKET, []), "Thing": answered}, Thing=ref("Thing"))


class TestZonesElsewhere:
    def test_a_record_there_stops_nothing(self, stock: App, mended: App) -> None:
        def record(address: str) -> dict[str, Any]:
            told = {"HostedZoneId": "Z0123", "Name": "api.example.com.", "Type": "A", "TTL": "60"}
            return {"Type": "AWS::Route53::RecordSet", "Properties": {**told, "ResourceRecords": [address]}}

        with pytest.raises(AssertionError, match="No hosted zone with id 'Z0123'"):
            deploy(stock, "Elsewhere", {"Record": record("192.0.2.1")})
        for address in ("192.0.2.1", "192.0.2.2"):  # made, and changed
            outputs = deploy(mended, "Elsewhere", {"Record": record(address)}, Name=ref("Record"))
            assert outputs["Name"] == "api.example.com."


class TestStandIns:
    GATEWAY: dict[str, Any] = {"Type": "AWS::EC2::NatGateway"}

    def resources(self, text: str) -> dict[str, Any]:
        value = {
            "Fn::Join": ["|", [text, ref("Nat"), att("Nat"), att("Nat", "Endpoint.Address"), att("Nat", "A.Port")]]
        }
        parameter = {"Name": "/who/uses/it", "Type": "String", "Value": value}
        return {"Nat": self.GATEWAY, "Uses": {"Type": "AWS::SSM::Parameter", "Properties": parameter}}

    def test_the_rest_is_deployed(self, stock: App, mended: App) -> None:
        with pytest.raises(ClientError, match=r"Unrecognized resource types: \[AWS::EC2::NatGateway\]"):
            deploy(stock, "Lacking", self.resources("a"))
        for text in ("a", "b"):  # made, and changed
            deploy(mended, "Lacking", self.resources(text))
            told = mended.aws.client("ssm").get_parameter(Name="/who/uses/it")["Parameter"]["Value"].split("|")
            made_up = told[1]
            assert told[0] == text
            assert re.fullmatch(r"Lacking-Nat-[0-9a-f]{8}", made_up)
            arn = f"arn:aws:ec2:us-east-1:000000000000:natgateway/{made_up}"
            assert told[2:] == [arn, f"{made_up.lower()}.invalid", "1"]
        assert mended.aws.remove("Lacking") == ""

    def test_an_attribute_that_repeats_a_property_is_there(self, stock: App, mended: App) -> None:
        network = {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.7.0.0/16"}}}
        with pytest.raises(AssertionError):
            deploy(stock, "Network", network, Block=att("Vpc", "CidrBlock"))
        assert deploy(mended, "Network", network, Block=att("Vpc", "CidrBlock")) == {"Block": "10.7.0.0/16"}

    def test_in_a_nested_stack(self, mended: App) -> None:
        nested = json.dumps({"Resources": self.resources("n")})
        mended.aws.client("s3").put_object(Bucket=BUCKET, Key="nested.json", Body=nested)
        url = f"{mended.aws.endpoint}/{BUCKET}/nested.json"
        inner = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
        deploy(mended, "Outer", {"Inner": inner})
        told = mended.aws.client("ssm").get_parameter(Name="/who/uses/it")["Parameter"]["Value"]
        assert told.startswith("n|Outer-Inner-")
        assert mended.aws.remove("Outer") == ""

    @pytest.mark.parametrize("type_", ["AWS::CloudFormation::Nonsense", "AWS::Serverless::Function", "Queue", "A::B"])
    def test_what_is_no_resource_is_refused(self, mended: App, type_: str) -> None:
        with pytest.raises(ClientError, match="Unrecognized resource types"):
            deploy(mended, "Wrong", {"Wrong": {"Type": type_}})


class TestNestedUpdates:
    def test_keep_the_attributes_of_what_does_not_change(self, stock: App, mended: App) -> None:
        def changed(app: App) -> str:
            for text in ("a", "b"):
                group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/who/stays"}}
                value = {"Fn::Join": ["|", [text, att("Group", "Arn")]]}
                parameter = {"Name": "/who/changes", "Type": "String", "Value": value}
                uses = {"Type": "AWS::SSM::Parameter", "Properties": parameter}
                body = json.dumps({"Resources": {"Group": group, "Uses": uses}})
                app.aws.client("s3").put_object(Bucket=BUCKET, Key=f"{text}.json", Body=body)
                url = f"{app.aws.endpoint}/{BUCKET}/{text}.json"
                inner = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
                deploy(app, "Around", {"Inner": inner})
            told = str(app.aws.client("ssm").get_parameter(Name="/who/changes")["Parameter"]["Value"])
            return told.partition(":log-group:")[2] if told.startswith("b|arn:") else ""

        with pytest.raises(AssertionError, match="Requested attribute Arn does not exist"):
            changed(stock)
        assert changed(mended).startswith("/who/stays")
        assert mended.aws.remove("Around") == ""


class TestCustomResourceFailure:
    def test_is_told_at_once(self, stock: App, mended: App) -> None:
        with pytest.raises(AssertionError, match="timed out after 1s"):
            custom(stock, FAILS, 1)
        with pytest.raises(AssertionError, match=r"its function \S+Fails\S* fails: RangeError: no way"):
            custom(mended, FAILS, 60)

    def test_an_answer_counts_whatever_comes_after_it(self, mended: App) -> None:
        assert custom(mended, ANSWERS, 60) == {"Thing": "mine"}

    def test_installs_nothing_from_the_network(self, mended: App) -> None:
        code = ANSWERS.replace("'mine'", "event.ResourceProperties.InstallLatestAwsSdk")
        assert custom(mended, code, 60, InstallLatestAwsSdk="true") == {"Thing": "false"}


class TestAlarmExpressions:
    def test_an_alarm_on_several_metrics_is_there_and_can_be_set_off(self, stock: App, mended: App) -> None:
        stat = {"Metric": {"Namespace": "AWS/DynamoDB", "MetricName": "SystemErrors"}, "Period": 300, "Stat": "Sum"}
        alarm = {
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "EvaluationPeriods": 1,
            "Threshold": 5,
            "Metrics": [
                {"Id": "all", "Expression": "SUM([one])"},
                {"Id": "one", "MetricStat": stat, "ReturnData": False},
            ],
        }
        resources = {"Broken": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm}}
        with pytest.raises(AssertionError, match="metric math"):
            deploy(stock, "Alarmed", resources)
        name = deploy(mended, "Alarmed", resources, Name=ref("Broken"))["Name"]
        cloudwatch = mended.aws.client("cloudwatch")
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a try")
        [found] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        assert found["StateValue"] == "ALARM"
        assert mended.aws.remove("Alarmed") == ""
