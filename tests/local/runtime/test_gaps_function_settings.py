"""Gaps of the base in the settings of functions; see `test_gaps`."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.runtime.deployed import App
from tests.local.runtime.event_handlers import ref
from tests.local.runtime.test_gaps_lambda import TELLS, deployed, update


class TestFunctionSettings:
    def test_reserves_what_the_template_says(self, stock: App, mended: App) -> None:
        def reserved(app: App) -> Any:
            name = deployed(app, TELLS, ReservedConcurrentExecutions=0)["Name"]
            told = app.aws.client("lambda").get_function_concurrency(FunctionName=name)
            return told.get("ReservedConcurrentExecutions")

        assert (reserved(stock), reserved(mended)) == (None, 0)
        functions = mended.aws.client("lambda")
        name = update(mended, "Reserved", TELLS, ReservedConcurrentExecutions=0)["Name"]
        with pytest.raises(functions.exceptions.TooManyRequestsException) as refused:
            functions.invoke(FunctionName=name)
        assert refused.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        assert refused.value.response["Error"]["Message"] == "Rate Exceeded."
        update(mended, "Reserved", TELLS)
        assert functions.invoke(FunctionName=name)["StatusCode"] == 200

    @pytest.mark.parametrize(
        ("settings", "problem"),
        [
            ({"Environment": {"Variables": {"L": "x" * 4096}}}, r"exceeded the 4KB limit. String measured: {"),
            ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, r"Reserved keys used in this request: AWS_REGION"),
            ({"Timeout": 901}, r"Value '901' at 'timeout' .*: Member must have value less than or equal to 900"),
            ({"MemorySize": 10_241}, r"Value '10241' at 'memorySize' .* less than or equal to 10240"),
            ({"Runtime": "nodejs99.x"}, r"Value nodejs99.x at 'runtime' failed .* nodejs22.x"),
        ],
    )
    def test_refuses_what_lambda_refuses(self, stock: App, mended: App, settings: dict[str, Any], problem: str) -> None:
        deployed(stock, TELLS, **settings)
        with pytest.raises(AssertionError, match=problem):
            deployed(mended, TELLS, **settings)
        with pytest.raises(ClientError, match=problem):
            mended.aws.client("lambda").update_function_configuration(FunctionName=mended.outputs["Echo"], **settings)

    def test_takes_what_is_just_within_the_limits(self, mended: App) -> None:
        variables = {"Variables": {"LONG": "x" * 4092}}
        deployed(mended, TELLS, Environment=variables, Timeout=900, MemorySize=10_240, ReservedConcurrentExecutions=1)

    def test_leaves_the_account_a_hundred(self, stock: App, mended: App) -> None:
        def reserve(app: App) -> int:
            functions, name = app.aws.client("lambda"), app.outputs["Echo"]
            answer = functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=901)
            functions.delete_function_concurrency(FunctionName=name)
            return int(answer["ReservedConcurrentExecutions"])

        assert reserve(stock) == 901
        with pytest.raises(ClientError, match=r"UnreservedConcurrentExecution below its minimum value of \[100\]"):
            reserve(mended)

    def test_refuses_an_alias_of_a_version_that_is_not_there(self, stock: App, mended: App) -> None:
        alias = {"FunctionName": ref("Tells"), "FunctionVersion": "7", "Name": "x"}
        deployed(stock, TELLS, {"Alias": {"Type": "AWS::Lambda::Alias", "Properties": alias}})
        with pytest.raises(AssertionError, match=r"Function not found: arn:.*:7"):
            deployed(mended, TELLS, {"Alias": {"Type": "AWS::Lambda::Alias", "Properties": alias}})
        with pytest.raises(ClientError, match=r"Function not found: arn:.*:7"):
            mended.aws.client("lambda").create_alias(
                FunctionName=mended.outputs["Echo"], Name="none", FunctionVersion="7"
            )

    def test_refuses_to_lead_an_alias_to_a_version_that_is_not_there(self, stock: App, mended: App) -> None:
        def lead(app: App) -> None:
            functions, name = app.aws.client("lambda"), app.outputs["Create"]
            version = functions.publish_version(FunctionName=name)["Version"]
            functions.create_alias(FunctionName=name, Name="leads", FunctionVersion=version)
            routing = {"AdditionalVersionWeights": {"77": 0.1}}
            functions.update_alias(FunctionName=name, Name="leads", RoutingConfig=routing)

        lead(stock)
        with pytest.raises(ClientError, match=r"Function not found: arn:.*:77"):
            lead(mended)

    def test_refuses_provisioned_concurrency_of_the_latest(self, mended: App) -> None:
        with pytest.raises(ClientError, match="cannot be applied to unpublished function versions"):
            mended.aws.client("lambda").put_provisioned_concurrency_config(
                FunctionName=mended.outputs["Echo"], Qualifier="$LATEST", ProvisionedConcurrentExecutions=1
            )
