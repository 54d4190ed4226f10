"""What AWS refuses, or never does, though CloudFormation takes the template."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import arn, ids, judged, ref, resource

RULE, BUCKET = "AWS::Events::Rule", "AWS::S3::Bucket"
UNKNOWN = {"Unknown": {"Type": "String"}}


class TestRouteNamesItsAuthorizer:
    ID = "route-names-its-authorizer"
    ROUTE, METHOD = "AWS::ApiGatewayV2::Route", "AWS::ApiGateway::Method"

    def test_refuses_a_route_that_nobody_checks(self) -> None:
        assert judged(self.ID, {"Get": resource(self.ROUTE, AuthorizationType="JWT")}) == [
            (
                "error: AuthorizationType is JWT, and no AuthorizerId says who checks\n"
                "  at:  Shop/Get (AWS::ApiGatewayV2::Route) AuthorizerId\n"
                "  fix: set AuthorizerId to the authorizer, or AuthorizationType to AWS_IAM"
            )
        ]

    @pytest.mark.parametrize("asked", ["CUSTOM", "COGNITO_USER_POOLS"])
    def test_refuses_a_method_likewise(self, asked: str) -> None:
        assert len(judged(self.ID, {"Get": resource(self.METHOD, AuthorizationType=asked)})) == 1

    def test_accepts_authorizers_and_what_needs_none(self) -> None:
        resources = {
            "Checked": resource(self.ROUTE, AuthorizationType="JWT", AuthorizerId=ref("Unknown")),
            "Signed": resource(self.ROUTE, AuthorizationType="AWS_IAM"),
            "Open": resource(self.METHOD, AuthorizationType="NONE"),
        }
        assert judged(self.ID, resources, Parameters=UNKNOWN) == []


class TestEventPatternCanMatch:
    ID = "event-pattern-can-match"

    def test_refuses_fields_that_no_event_has(self) -> None:
        pattern = {"Source": ["shop"], "orderId": ["1"], "detail-type": ["Placed"]}
        [found] = judged(self.ID, {"Placed": resource(RULE, EventPattern=pattern)})
        assert found.startswith(
            "error: the pattern asks for Source, orderId, which no event has: the rule never matches\n"
            "  at:  Shop/Placed (AWS::Events::Rule) EventPattern.Source\n"
        )
        either = {"$or": [{"source": ["a"]}, {"Source": ["b"]}]}
        assert len(judged(self.ID, {"Placed": resource(RULE, EventPattern=either)})) == 1

    @pytest.mark.parametrize(
        "pattern",
        [
            {"source": ["shop"], "detail-type": ["Placed"], "detail": {"orderId": [{"exists": True}]}},
            {"$or": [{"source": ["a"]}, {"account": ["1"]}]},
            {"source": ["shop"], "replay-name": [{"exists": False}], "odd": [{"exists": False}]},
            {"resources": ["x"], "region": ["y"], "time": [{"prefix": "2"}], "version": ["0"], "id": [{"prefix": ""}]},
        ],
    )
    def test_accepts_what_events_have(self, pattern: dict[str, Any]) -> None:
        assert judged(self.ID, {"Placed": resource(RULE, EventPattern=pattern)}) == []

    def test_accepts_patterns_of_a_deployment(self) -> None:
        resources = {"Placed": resource(RULE, EventPattern=ref("Unknown")), "Tick": resource(RULE)}
        assert judged(self.ID, resources, Parameters=UNKNOWN) == []


class TestDeploymentWaitsForItsMethods:
    ID = "deployment-waits-for-its-methods"

    @staticmethod
    def api(*needs: str, body: bool = False) -> dict[str, Any]:
        deployment = {**resource("AWS::ApiGateway::Deployment", RestApiId=ref("Api")), "DependsOn": list(needs)}
        methods = {} if body else {"Get": resource("AWS::ApiGateway::Method", RestApiId=ref("Api"))}
        return {"Api": resource("AWS::ApiGateway::RestApi"), "Deployment": deployment, **methods}

    def test_warns_of_a_deployment_that_does_not_wait(self) -> None:
        assert judged(self.ID, self.api()) == [
            (
                "warning: it does not wait for Get: the API may have no methods yet when it is deployed\n"
                "  at:  Shop/Deployment (AWS::ApiGateway::Deployment)\n"
                "  fix: set DependsOn to Get"
            )
        ]
        assert len(judged(self.ID, self.api("Other"))) == 1

    def test_accepts_one_that_waits_and_an_api_with_a_body(self) -> None:
        assert judged(self.ID, self.api("Get")) == []
        assert judged(self.ID, self.api(body=True)) == []


class TestNotificationsDoNotOverlap:
    ID = "notifications-do-not-overlap"

    @staticmethod
    def told(event: str, prefix: Any = None, suffix: Any = None) -> dict[str, Any]:
        rules = [("prefix", prefix), ("suffix", suffix)]
        listed = [{"Name": name, "Value": value} for name, value in rules if value is not None]
        return {"Event": event, "Function": arn("Send"), **({"Filter": {"S3Key": {"Rules": listed}}} if listed else {})}

    def said(self, *told: dict[str, Any], **more: Any) -> list[str]:
        bucket = resource(BUCKET, NotificationConfiguration={"LambdaConfigurations": list(told), **more})
        return judged(self.ID, {"Files": bucket}, Parameters=UNKNOWN)

    def test_refuses_two_of_the_same(self) -> None:
        assert self.said(self.told("s3:ObjectCreated:*"), self.told("s3:ObjectCreated:Put")) == [
            (
                "error: two notifications ask for s3:ObjectCreated:* of the same objects, and S3 refuses that\n"
                "  at:  Shop/Files (AWS::S3::Bucket) NotificationConfiguration.LambdaConfigurations.1\n"
                "  fix: give them prefixes or suffixes that exclude each other, or send the events by EventBridge"
            )
        ]
        one, other = self.told("s3:ObjectCreated:Put", "in/"), self.told("s3:ObjectCreated:Put", "in/a/", ".jpg")
        assert len(self.said(one, other)) == 1
        queue = {"Event": "s3:ObjectCreated:Put", "Queue": arn("Jobs")}
        assert len(self.said(self.told("s3:ObjectCreated:Put"), QueueConfigurations=[queue])) == 1

    def test_refuses_events_that_s3_does_not_have(self) -> None:
        [found] = self.said(self.told("s3:ObjectCreated"))
        assert found.startswith("error: S3 has no event s3:ObjectCreated\n")
        assert found.endswith("fix: write s3:ObjectCreated:*")
        assert len(self.said(self.told("s3:ObjectCreated:Puts"), self.told("ObjectRemoved:*"))) == 2

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (("s3:ObjectCreated:*", "in/"), ("s3:ObjectCreated:*", "out/")),
            (("s3:ObjectCreated:*", None, ".jpg"), ("s3:ObjectCreated:*", None, ".png")),
            (("s3:ObjectCreated:*", "in/", ".jpg"), ("s3:ObjectCreated:*", "in/", ".png")),
            (("s3:ObjectCreated:Put",), ("s3:ObjectCreated:Copy",)),
            (("s3:ObjectCreated:*",), ("s3:ObjectRemoved:*",)),
            (("s3:ReducedRedundancyLostObject",), ("s3:Replication:*",)),
            (("s3:ObjectCreated:*", {"Ref": "Unknown"}), ("s3:ObjectCreated:*", "in/")),
        ],
    )
    def test_accepts_what_excludes_each_other_and_what_is_not_known(self, one: Any, other: Any) -> None:
        assert self.said(self.told(*one), self.told(*other)) == []

    def test_findings_are_acknowledged_one_by_one(self) -> None:
        three = [self.told("s3:ObjectCreated:*")] * 3
        bucket = resource(BUCKET, NotificationConfiguration={"LambdaConfigurations": three})
        assert len(set(ids(self.ID, {"Files": bucket}))) == 2
