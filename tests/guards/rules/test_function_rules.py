"""The rules about functions by themselves, their logs and their stacks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import arn, function, judged, ref, resource

AT = "  at:  Shop/Send (AWS::Lambda::Function)"
PROVIDER = "CustomS3AutoDeleteObjectsCustomResourceProviderHandler9D90184F"


def said(rule_id: str, /, **properties: Any) -> list[str]:
    return judged(rule_id, {"Send": function(**properties)}, Parameters={"Value": {"Type": "String"}})


def waived(made: dict[str, Any], safeguard: str) -> dict[str, Any]:
    return {**made, "Metadata": {"constructs-lib:waived": {safeguard: "there is a reason"}}}


class TestFunctionEndsWithin15Minutes:
    ID = "function-ends-within-15-minutes"

    def test_refuses_more(self) -> None:
        assert said(self.ID, Timeout=1800) == [
            (
                "error: Timeout is 1,800 s, and Lambda gives 900 s (15 minutes) at most\n"
                f"{AT} Timeout\n"
                "  fix: split the work into steps of a Step Functions workflow, or run it as an ECS task"
            )
        ]
        assert len(said(self.ID, Timeout=901)) == 1

    @pytest.mark.parametrize("timeout", [900, 3, ref("Value")])
    def test_accepts_the_rest(self, timeout: object) -> None:
        assert said(self.ID, Timeout=timeout) == []


class TestFunctionStatesItsLimits:
    ID = "function-states-its-limits"

    def test_tells_what_is_left_over(self) -> None:
        assert said(self.ID) == [
            (
                "warning: Timeout is not set: the function gets 3 s\n"
                f"{AT} Timeout\n"
                "  fix: set Timeout to what it needs, as its REPORT lines tell"
            ),
            (
                "info: MemorySize is not set: the function gets 128 MiB, with a fourteenth of a processor\n"
                f"{AT} MemorySize\n"
                "  fix: set MemorySize to what it needs, as its REPORT lines tell"
            ),
        ]

    def test_accepts_what_is_chosen(self) -> None:
        assert said(self.ID, Timeout=3, MemorySize=ref("Value")) == []

    def test_is_silent_about_functions_of_the_cdk(self) -> None:
        assert judged(self.ID, {PROVIDER: function()}) == []


class TestRuntimeIsSupported:
    ID = "runtime-is-supported"

    def test_warns_of_a_deprecated_runtime(self) -> None:
        assert said(self.ID, Runtime="nodejs18.x") == [
            (
                "warning: Runtime nodejs18.x has been deprecated since 2025-09-01: it gets no security fixes\n"
                f"{AT} Runtime\n"
                "  fix: set Runtime to nodejs24.x"
            )
        ]

    def test_refuses_a_runtime_that_no_new_function_may_use(self) -> None:
        assert said(self.ID, Runtime="python3.7") == [
            (
                "error: Runtime python3.7 has been deprecated since 2023-12-04: no function can be created with it\n"
                f"{AT} Runtime\n"
                "  fix: set Runtime to python3.14"
            )
        ]

    @pytest.mark.parametrize("properties", [{"Runtime": "python3.11"}, {"Runtime": ref("Value")}, {}])
    def test_accepts_the_rest(self, properties: dict[str, Any]) -> None:
        assert said(self.ID, **properties) == []


class TestVpcFunctionHasAReasonToBeThere:
    ID = "vpc-function-has-a-reason-to-be-there"
    SUBNET = resource("AWS::EC2::Subnet")

    def said(self, inside: object = ref("Subnet"), /, **more: Any) -> list[str]:
        send = function(VpcConfig={"SubnetIds": [inside]}, **more.pop("properties", {}))
        return judged(self.ID, {"Send": send, "Subnet": self.SUBNET, **more})

    def test_warns_when_nothing_there_is_private(self) -> None:
        assert self.said() == [
            (
                "warning: the function is in a VPC, and nothing in its stacks is private there\n"
                f"{AT} VpcConfig\n"
                "  fix: remove VpcConfig; IAM, not the network, decides what the function may call"
            )
        ]

    def test_a_gateway_endpoint_is_no_reason(self) -> None:
        kind = "AWS::EC2::VPCEndpoint"
        assert len(self.said(Endpoint=resource(kind, VpcEndpointType="Gateway"))) == 1
        assert len(self.said(Endpoint=resource(kind))) == 1
        assert self.said(Endpoint=resource(kind, VpcEndpointType="Interface")) == []

    @pytest.mark.parametrize("kind", ["AWS::RDS::DBCluster", "AWS::ElastiCache::CacheCluster", "AWS::EFS::FileSystem"])
    def test_accepts_a_reason(self, kind: str) -> None:
        assert self.said(Private=resource(kind)) == []

    def test_accepts_a_file_system_of_its_own(self) -> None:
        assert self.said(properties={"FileSystemConfigs": [{"Arn": "a"}]}) == []

    def test_accepts_a_function_outside_of_any(self) -> None:
        assert judged(self.ID, {"Other": function()}) == []

    def test_says_when_the_vpc_is_elsewhere(self) -> None:
        assert self.said("subnet-12345678") == [
            f"unknown: whether it needs its VPC\n{AT}\n  why: its subnets are in no given stack"
        ]
        [found] = said(self.ID, VpcConfig={"SubnetIds": ref("Value")})
        assert found.startswith("unknown: whether it needs its VPC\n")


class TestWorkIsTraced:
    ID = "work-is-traced"

    @pytest.mark.parametrize("properties", [{}, {"TracingConfig": {"Mode": "PassThrough"}}])
    def test_warns_of_a_function(self, properties: dict[str, Any]) -> None:
        assert said(self.ID, **properties) == [
            (
                "warning: TracingConfig.Mode is not Active: nobody can see afterwards where a request went and what "
                "was "
                "slow\n"
                f"{AT} TracingConfig.Mode\n"
                "  fix: set it to Active, and let the role call xray:PutTraceSegments and xray:PutTelemetryRecords"
            )
        ]

    def test_warns_of_a_workflow_and_of_a_stage(self) -> None:
        resources = {
            "Machine": resource("AWS::StepFunctions::StateMachine", TracingConfiguration={"Enabled": False}),
            "Stage": resource("AWS::ApiGateway::Stage"),
        }
        assert [each.split("\n")[1:] for each in judged(self.ID, resources)] == [
            [
                "  at:  Shop/Machine (AWS::StepFunctions::StateMachine) TracingConfiguration.Enabled",
                "  fix: set it to true, and let the role call xray:PutTraceSegments and xray:PutTelemetryRecords",
            ],
            ["  at:  Shop/Stage (AWS::ApiGateway::Stage) TracingEnabled", "  fix: set it to true"],
        ]

    def test_accepts_tracing_and_reasons(self) -> None:
        machine = resource("AWS::StepFunctions::StateMachine", TracingConfiguration={"Enabled": True})
        resources = {
            "Send": function(TracingConfig={"Mode": "Active"}),
            "Quiet": waived(function(), "tracing"),
            "Machine": machine,
            "Stage": resource("AWS::ApiGateway::Stage", TracingEnabled=True),
            PROVIDER: function(),
        }
        assert judged(self.ID, resources) == []

    def test_is_silent_when_the_mode_is_not_known(self) -> None:
        assert said(self.ID, TracingConfig={"Mode": ref("Value")}) == []
        resources = {
            "Machine": resource("AWS::StepFunctions::StateMachine", TracingConfiguration={"Enabled": ref("Value")}),
            "Stage": resource("AWS::ApiGateway::Stage", TracingEnabled=ref("Value")),
        }
        assert judged(self.ID, resources, Parameters={"Value": {"Type": "String"}}) == []

    def test_warns_of_what_is_switched_off(self) -> None:
        assert len(judged(self.ID, {"Stage": resource("AWS::ApiGateway::Stage", TracingEnabled=False)})) == 1
        machine = resource("AWS::StepFunctions::StateMachine")
        assert len(judged(self.ID, {"Machine": machine})) == 1
        assert judged(self.ID, {"Machine": waived(machine, "tracing")}) == []


class TestLogsExpire:
    ID = "logs-expire"
    GROUP = "AWS::Logs::LogGroup"

    def test_warns_of_a_group_without_a_retention(self) -> None:
        assert judged(self.ID, {"Logs": resource(self.GROUP)}) == [
            (
                "warning: the log group keeps logs for ever\n"
                "  at:  Shop/Logs (AWS::Logs::LogGroup) RetentionInDays\n"
                "  fix: set RetentionInDays, to 30 perhaps"
            )
        ]
        assert judged(self.ID, {"Logs": resource(self.GROUP, RetentionInDays=1)}) == []

    def test_tells_of_a_function_without_a_group(self) -> None:
        assert said(self.ID) == [
            (
                "info: the function has no log group in its stacks: Lambda makes one that keeps logs for ever\n"
                f"{AT} LoggingConfig.LogGroup\n"
                "  fix: add an AWS::Logs::LogGroup with RetentionInDays, and name it in LoggingConfig.LogGroup"
            )
        ]

    def test_accepts_a_group_of_its_own(self) -> None:
        named = resource(self.GROUP, LogGroupName={"Fn::Sub": "/aws/lambda/${Send}"}, RetentionInDays=30)
        assert judged(self.ID, {"Send": function(), "Logs": named}) == []
        assert said(self.ID, LoggingConfig={"LogGroup": ref("Logs")}) == []
        older = resource("Custom::LogRetention", LogGroupName={"Fn::Join": ["", ["/aws/lambda/", ref("Send")]]})
        assert judged(self.ID, {"Send": function(), "Retention": older}) == []


class TestRecursionStopStaysOn:
    ID = "recursion-stop-stays-on"

    def test_refuses_to_let_a_loop_run(self) -> None:
        assert said(self.ID, RecursiveLoop="Allow") == [
            (
                "error: RecursiveLoop is Allow: Lambda lets a loop through this function run for ever\n"
                f"{AT} RecursiveLoop\n"
                "  fix: set RecursiveLoop to Terminate; or acknowledge this, and say what ends the loop"
            )
        ]

    def test_accepts_the_default_and_a_reason(self) -> None:
        assert said(self.ID) == said(self.ID, RecursiveLoop="Terminate") == []
        assert judged(self.ID, {"Send": waived(function(RecursiveLoop="Allow"), "recursion_stop")}) == []


class TestStackStaysBelowTheResourceLimit:
    ID = "stack-stays-below-the-resource-limit"

    def said(self, number: int) -> list[str]:
        return judged(self.ID, {f"Topic{index}": resource("AWS::SNS::Topic") for index in range(number)})

    def test_warns_from_400_on(self) -> None:
        assert self.said(399) == []
        assert self.said(400) == [
            (
                "warning: the stack has 400 of 500 resources\n"
                "  at:  Shop (Stack)\n"
                "  fix: split it: what holds data into one stack, what changes often into another"
            )
        ]

    def test_refuses_more_than_500(self) -> None:
        assert self.said(500)[0].startswith("warning: ")
        assert self.said(501)[0].startswith("error: the stack has 501 of 500 resources\n")


class TestProvisionedConcurrencyIsCalled:
    ID = "provisioned-concurrency-is-called"
    WARM = {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 5}}

    def said(self, *called: object, alias: dict[str, Any] | None = None, **more: Any) -> list[str]:
        version = resource("AWS::Lambda::Version", FunctionName=ref("Send"), **more)
        told = self.WARM if alias is None else alias
        first = {"Fn::GetAtt": ["First", "Version"]}
        live = resource("AWS::Lambda::Alias", Name="live", FunctionName=ref("Send"), FunctionVersion=first, **told)
        rules = {
            f"Rule{index}": resource("AWS::Events::Rule", Targets=[{"Id": "T", "Arn": each}])
            for index, each in enumerate(called)
        }
        parameters = {"Alias": {"Type": "String"}}
        return judged(self.ID, {"Send": function(), "First": version, "Live": live, **rules}, Parameters=parameters)

    def test_refuses_what_is_kept_warm_for_nobody(self) -> None:
        assert self.said(arn("Send")) == [
            (
                "error: 5 environments are kept warm, and Rule0 (AWS::Events::Rule) does not call them: it calls Send "
                "($LATEST), which starts cold\n"
                "  at:  Shop/Live (AWS::Lambda::Alias) ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions\n"
                "  fix: let every trigger call Live, not the function"
            )
        ]

    def test_warns_when_one_of_two_goes_astray(self) -> None:
        [said] = self.said(ref("Live"), arn("Send"))
        assert said.startswith("warning: 5 environments are kept warm, and Rule1 (AWS::Events::Rule) does not call")

    def test_names_no_more_than_three(self) -> None:
        kind = "(AWS::Events::Rule)"
        [three] = self.said(*[arn("Send")] * 3)
        assert f"warm, and Rule0 {kind}, Rule1 {kind}, Rule2 {kind} does not call them" in three
        [four] = self.said(*[arn("Send")] * 4)
        assert f"warm, and Rule0 {kind}, Rule1 {kind}, Rule2 {kind} and 1 more does not call them" in four

    def test_another_alias_goes_astray(self) -> None:
        [said] = self.said({"Fn::Sub": "${Send.Arn}:beta"})
        assert "it calls Send (beta), which starts cold" in said

    @pytest.mark.parametrize("called", [ref("Live"), {"Fn::Sub": "${Send.Arn}:live"}])
    def test_accepts_triggers_that_call_it(self, called: dict[str, Any]) -> None:
        assert self.said(called) == []

    def test_accepts_an_alias_that_leads_to_the_version_kept_warm(self) -> None:
        assert self.said(ref("Live"), alias={}, **self.WARM) == []
        assert self.said(ref("First"), alias={}, **self.WARM) == []
        assert len(self.said(arn("Send"), alias={}, **self.WARM)) == 1

    def test_accepts_what_nothing_in_the_stacks_calls(self) -> None:
        assert self.said() == []

    def test_is_silent_where_nothing_is_kept_warm(self) -> None:
        off = {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 0}}
        assert self.said(arn("Send"), alias={}) == self.said(arn("Send"), alias=off) == []

    def test_says_when_the_alias_is_not_known(self) -> None:
        assert self.said({"Fn::Sub": "${Send.Arn}:${Alias}"}) == [
            (
                "unknown: whether Rule0 (AWS::Events::Rule) calls what is kept warm\n"
                "  at:  Shop/Live (AWS::Lambda::Alias)\n"
                "  why: it calls ${Alias}, known at deploy only"
            )
        ]
