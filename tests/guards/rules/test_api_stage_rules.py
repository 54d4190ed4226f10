"""The rule about limits of requests."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import judged, ref, resource

REST = resource("AWS::ApiGateway::RestApi")


class TestApiStageIsThrottled:
    ID = "api-stage-is-throttled"
    LIMITS = {"ThrottlingRateLimit": 100, "ThrottlingBurstLimit": 200}

    def stage(self, **options: Any) -> list[str]:
        kind = "AWS::ApiGatewayV2::"
        stage = resource(f"{kind}Stage", ApiId=ref("Api"), StageName="$default", **options)
        return judged(self.ID, {"Api": resource(f"{kind}Api"), "Stage": stage})

    def rest_stage(self, settings: list[dict[str, Any]], **more: Any) -> list[str]:
        stage = resource("AWS::ApiGateway::Stage", RestApiId=ref("Api"), MethodSettings=settings)
        return judged(self.ID, {"Api": REST, "Stage": stage, **more})

    def test_warns_of_a_stage_without_limits(self) -> None:
        assert self.stage() == [
            (
                "warning: the stage has no ThrottlingRateLimit and no ThrottlingBurstLimit: callers of Api can use "
                "up the "
                "account's 10,000 requests a second, and other APIs stop\n"
                "  at:  Shop/Stage (AWS::ApiGatewayV2::Stage) DefaultRouteSettings\n"
                "  fix: set DefaultRouteSettings of the stage to what its functions bear"
            )
        ]
        [said] = self.stage(DefaultRouteSettings={"ThrottlingRateLimit": 100})
        assert said.startswith("warning: the stage has no ThrottlingBurstLimit: ")

    def test_accepts_limits(self) -> None:
        assert self.stage(DefaultRouteSettings=self.LIMITS) == []

    def test_a_rest_stage_has_them_for_all_methods(self) -> None:
        assert self.rest_stage([{"ResourcePath": "/*", "HttpMethod": "*", **self.LIMITS}]) == []
        assert self.rest_stage([{"ResourcePath": "/*", "HttpMethod": "*"}]) == [
            (
                "warning: the stage has no ThrottlingRateLimit and no ThrottlingBurstLimit: callers of Api can use "
                "up the "
                "account's 10,000 requests a second, and other APIs stop\n"
                "  at:  Shop/Stage (AWS::ApiGateway::Stage) MethodSettings\n"
                "  fix: set MethodSettings of the stage to what its functions bear"
            )
        ]
        assert len(self.rest_stage([{"ResourcePath": "/~1greet", "HttpMethod": "GET", **self.LIMITS}])) == 1

    def test_accepts_a_usage_plan_with_a_throttle(self) -> None:
        kind = "AWS::ApiGateway::UsagePlan"
        stages = [{"ApiId": ref("Api"), "Stage": ref("Stage")}]
        assert self.rest_stage([], Plan=resource(kind, ApiStages=stages, Throttle={"RateLimit": 5})) == []
        assert len(self.rest_stage([], Plan=resource(kind, ApiStages=stages))) == 1

    @pytest.mark.parametrize("missing", ["ThrottlingRateLimit", "ThrottlingBurstLimit"])
    def test_a_rest_stage_has_both(self, missing: str) -> None:
        limits = {key: value for key, value in self.LIMITS.items() if key != missing}
        assert len(self.rest_stage([{"ResourcePath": "/*", "HttpMethod": "*", **limits}])) == 1

    def test_says_when_the_settings_are_not_known(self) -> None:
        told = {"Fn::GetAtt": ["Api", "Settings", "x"], "more": 1}
        settings = [{"Fn::Transform": told}]
        assert self.rest_stage(settings) == [
            (
                "unknown: whether callers of Api are throttled\n"
                "  at:  Shop/Stage (AWS::ApiGateway::Stage)\n"
                "  why: Fn::Transform is decided while deploying"
            )
        ]
