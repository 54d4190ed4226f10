"""Whom alarms tell: all below a scope, in whatever order and stack they are made."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from constructs_lib import Alerts, Defaults, PropError, QueueWorker, SecureFunction, Slack, Teams, Topic
from tests.findings import findings_of
from tests.templates import resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"
UUID = "0d5c1f2a-3b4c-4d5e-8f60-718293a4b5c6"
TEAMS = Teams(UUID, UUID, "19%3Ageneral%40thread.tacv2")
SLACK = Slack("T012AB3CD", "C0123456789")


def alarms_of(template: dict[str, Any]) -> list[dict[str, Any]]:
    return [each["Properties"] for each in resources_of(template, "AWS::CloudWatch::Alarm").values()]


def a_metric() -> cloudwatch.Metric:
    return cloudwatch.Metric(namespace="Mine", metric_name="Trouble")


class TestDefaults:
    def test_every_alarm_tells_of_trouble_and_of_its_end(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Before", entry=ENTRY)
        Alerts(stack, "Alerts", email="ada@example.com")
        SecureFunction(stack, "After", entry=ENTRY)
        alarms = alarms_of(template_of(stack))
        assert len(alarms) == 6 + 3
        for alarm in alarms:
            [action] = alarm["AlarmActions"]
            assert action["Ref"].startswith("AlertsTopic")
            assert alarm["OKActions"] == [action]

    def test_the_topic_takes_what_alarms_of_this_account_say_and_nothing_else(self, stack: cdk.Stack) -> None:
        Alerts(stack, "Alerts", email=["ada@example.com", "bob@example.com"])
        template = template_of(stack)
        [key] = resources_of(template, "AWS::KMS::Key").values()
        assert key["Properties"]["EnableKeyRotation"] is True
        by_service = [each for each in key["Properties"]["KeyPolicy"]["Statement"] if "Service" in each["Principal"]]
        assert by_service == [
            {
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Resource": "*",
            }
        ]
        [policy] = resources_of(template, "AWS::SNS::TopicPolicy").values()
        statements = policy["Properties"]["PolicyDocument"]["Statement"]
        [allowed] = [each for each in statements if each["Effect"] == "Allow"]
        assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert allowed["Action"] == "sns:Publish"
        [source] = allowed["Condition"]["ArnEquals"].values()
        assert source["Fn::Join"][1][-1] == ":alarm:*"
        assert {"Ref": "AWS::AccountId"} in source["Fn::Join"][1]
        inboxes = [each["Properties"]["Endpoint"] for each in resources_of(template, "AWS::SNS::Subscription").values()]
        assert inboxes == ["ada@example.com", "bob@example.com"]

    def test_nothing_is_found(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY)
        Alerts(stack, "Alerts", email="ada@example.com", slack=SLACK, teams=TEAMS)
        assert findings_of(stack) == []

    def test_where_alarms_are_off_there_is_nothing_to_pay_for(self, app: cdk.App) -> None:
        stack = Defaults(alarms=False).apply(cdk.Stack(app, "Shop"))
        alerts = Alerts(stack, "Alerts", email="ada@example.com")
        assert alerts.topic is None
        assert template_of(stack).get("Resources", {}) == {}


class TestScopes:
    def test_alarms_of_other_stacks_and_of_nested_ones_are_told(self, app: cdk.App) -> None:
        shop, oncall = cdk.Stack(app, "Shop"), cdk.Stack(app, "OnCall")
        Alerts(oncall, "Alerts", email="ada@example.com", of=app)
        SecureFunction(shop, "Report", entry=ENTRY)
        nested = cdk.NestedStack(shop, "Nested")
        SecureFunction(nested, "Report", entry=ENTRY)
        for template in (template_of(shop), template_of(nested)):
            alarms = alarms_of(template)
            assert len(alarms) == 3
            assert all(len(alarm["AlarmActions"]) == len(alarm["OKActions"]) == 1 for alarm in alarms)

    def test_what_is_beside_the_scope_is_not(self, app: cdk.App) -> None:
        shop, shopping = cdk.Stack(app, "Shop"), cdk.Stack(app, "Shopping")
        SecureFunction(shopping, "Report", entry=ENTRY)
        Alerts(shop, "Alerts", email="ada@example.com")
        assert all("AlarmActions" not in alarm for alarm in alarms_of(template_of(shopping)))

    def test_nobody_holds_the_app(self) -> None:
        stack = cdk.Stack(cdk.App(context={"aws:cdk:bundling-stacks": []}), "Shop")
        SecureFunction(stack, "Report", entry=ENTRY)
        Alerts(stack, "Alerts", email="ada@example.com")
        assert all("AlarmActions" in alarm for alarm in alarms_of(template_of(stack)))

    def test_two_tell_two(self, stack: cdk.Stack) -> None:
        Alerts(stack, "Ada", email="ada@example.com")
        Alerts(stack, "Bob", email="bob@example.com")
        SecureFunction(stack, "Report", entry=ENTRY)
        assert {len(alarm["AlarmActions"]) for alarm in alarms_of(template_of(stack))} == {2}

    @pytest.mark.parametrize("others", [True, False])
    def test_alarms_of_others_are_told_of_if_asked(self, stack: cdk.Stack, *, others: bool) -> None:
        Alerts(stack, "Alerts", email="ada@example.com", others=others)
        mine = cloudwatch.Alarm(stack, "Mine", metric=a_metric(), threshold=1, evaluation_periods=1)
        cloudwatch.CompositeAlarm(
            stack, "Both", alarm_rule=cloudwatch.AlarmRule.from_alarm(mine, cloudwatch.AlarmState.ALARM)
        )
        template = template_of(stack)
        [composite] = resources_of(template, "AWS::CloudWatch::CompositeAlarm").values()
        for alarm in (*alarms_of(template), composite["Properties"]):
            assert len(alarm.get("AlarmActions", [])) == len(alarm.get("OKActions", [])) == int(others)

    def test_another_region_is_refused_by_whoever_comes_second(self, app: cdk.App) -> None:
        here = cdk.Stack(app, "Here", env=cdk.Environment(account="111122223333", region="eu-west-1"))
        there = cdk.Stack(app, "There", env=cdk.Environment(account="111122223333", region="us-east-1"))
        Alerts(here, "Alerts", email="ada@example.com", of=app)
        with pytest.raises(PropError) as caught:
            SecureFunction(there, "Report", entry=ENTRY)
        assert str(caught.value) == (
            "There/Report/Alarms/Errors is in 111122223333/us-east-1, Here/Alerts in 111122223333/eu-west-1: an alarm "
            "tells topics of its own account and region alone\n"
            "  at:  There/Report/Alarms/Errors (Alarm)\n"
            "  fix: make one Alerts in each region: Alerts(stack, ..., of=stack)"
        )

    def test_another_stage_is_refused(self, app: cdk.App) -> None:
        Alerts(cdk.Stack(app, "OnCall"), "Alerts", email="ada@example.com", of=app)
        with pytest.raises(PropError, match="OnCall/Alerts is deployed apart, with another stage"):
            SecureFunction(cdk.Stack(cdk.Stage(app, "dev"), "Shop"), "Report", entry=ENTRY)

    def test_more_actions_than_an_alarm_takes_are_refused(self, stack: cdk.Stack) -> None:
        SecureFunction(stack, "Report", entry=ENTRY)
        for number in range(5):
            Alerts(stack, f"Team{number}", topic=sns.Topic(stack, f"Topic{number}"))
        with pytest.raises(PropError, match="the alarm would tell 6, and CloudWatch takes 5"):
            Alerts(stack, "Team5", topic=sns.Topic(stack, "Topic5"))


class TestReceivers:
    def test_chats_hear_and_may_do_nothing(self, stack: cdk.Stack) -> None:
        Alerts(stack, "Alerts", slack=SLACK, teams=TEAMS)
        template = template_of(stack)
        [slack] = resources_of(template, "AWS::Chatbot::SlackChannelConfiguration").values()
        [teams] = resources_of(template, "AWS::Chatbot::MicrosoftTeamsChannelConfiguration").values()
        assert slack["Properties"]["SlackChannelId"] == "C0123456789"
        assert teams["Properties"]["TeamsTenantId"] == UUID
        [role] = resources_of(template, "AWS::IAM::Role").values()
        assert set(role["Properties"]) == {"AssumeRolePolicyDocument"}
        [guardrail] = resources_of(template, "AWS::IAM::ManagedPolicy").values()
        [statement] = guardrail["Properties"]["PolicyDocument"]["Statement"]
        assert statement == {"Action": "*", "Effect": "Deny", "Resource": "*"}
        for each in (slack, teams):
            assert len(each["Properties"]["GuardrailPolicies"]) == len(each["Properties"]["SnsTopicArns"]) == 1

    def test_cases_and_incidents_are_opened_and_not_closed(self, stack: cdk.Stack) -> None:
        Alerts(stack, "Alerts", ops_item=actions.OpsItemSeverity.HIGH, response_plan="shop")
        SecureFunction(stack, "Report", entry=ENTRY)
        template = template_of(stack)
        assert resources_of(template, "AWS::SNS::Topic") == {}
        for alarm in alarms_of(template):
            texts = [each["Fn::Join"][1][-1] for each in alarm["AlarmActions"]]
            assert texts == [":opsitem:2#CATEGORY=Availability", ":response-plan/shop"]
            assert "OKActions" not in alarm

    def test_a_topic_that_is_there(self, stack: cdk.Stack) -> None:
        key = kms.Key(stack, "Key", enable_key_rotation=True)
        Alerts(stack, "Alerts", topic=Topic(stack, "News", encryption_key=key))
        SecureFunction(stack, "Report", entry=ENTRY)
        template = template_of(stack)
        assert len(resources_of(template, "AWS::SNS::Topic")) == 1
        assert "cloudwatch.amazonaws.com" in str(resources_of(template, "AWS::KMS::Key"))

    def test_a_topic_of_the_cdk_and_its_key_take_what_alarms_say(self, stack: cdk.Stack) -> None:
        key = kms.Key(stack, "Key", enable_key_rotation=True)
        Alerts(stack, "Alerts", topic=sns.Topic(stack, "News", master_key=key))
        template = template_of(stack)
        [policy] = resources_of(template, "AWS::SNS::TopicPolicy").values()
        [allowed] = policy["Properties"]["PolicyDocument"]["Statement"]
        assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert allowed["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::Join"][1][-1] == ":alarm:*"
        [of_key] = resources_of(template, "AWS::KMS::Key").values()
        used = of_key["Properties"]["KeyPolicy"]["Statement"][-1]
        assert used["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert used["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}

    def test_a_topic_that_was_made_elsewhere(self, stack: cdk.Stack) -> None:
        arn = "arn:aws:sns:eu-west-1:111122223333:pager"
        Alerts(stack, "Alerts", topic=sns.Topic.from_topic_arn(stack, "Pager", arn))
        other = Topic.from_existing(stack, "Other", sns.Topic.from_topic_arn(stack, "OtherL2", f"{arn}-of-others"))
        Alerts(stack, "OtherAlerts", topic=other)
        SecureFunction(stack, "Report", entry=ENTRY)
        for alarm in alarms_of(template_of(stack)):
            assert alarm["AlarmActions"] == [arn, f"{arn}-of-others"]


class TestRefusals:
    def test_a_topic_that_alarms_could_not_publish_to(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError, match="may not use the key aws/sns"):
            Alerts(stack, "Alerts", topic=Topic(stack, "News"))
        of_cdk = sns.Topic(stack, "OfCdk", master_key=kms.Alias.from_alias_name(stack, "Alias", "alias/aws/sns"))
        with pytest.raises(PropError, match="Shop/OfCdk is under the key aws/sns, which alarms may not use"):
            Alerts(stack, "Others", topic=of_cdk)

    def test_a_topic_elsewhere_that_alarms_do_not_reach(self, app: cdk.App) -> None:
        stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111122223333", region="eu-central-1"))
        for name, arn, what in (
            (
                "Far",
                "arn:aws:sns:eu-west-1:111122223333:pager",
                "topic is in eu-west-1, and Shop/FarAlerts in eu-central-1",
            ),
            (
                "Fifo",
                "arn:aws:sns:eu-central-1:111122223333:pager.fifo",
                "topic is FIFO, and alarms name no message group",
            ),
        ):
            with pytest.raises(PropError) as caught:
                Alerts(stack, f"{name}Alerts", topic=sns.Topic.from_topic_arn(stack, name, arn))
            assert [each.what.partition(":")[0] for each in caught.value.problems] == [what]

    @pytest.mark.parametrize(
        ("props", "what"),
        [
            ({}, "nobody is told"),
            ({"email": "ada"}, "email is 'ada', which is no address"),
            ({"email": ["a@b.de", "a@b.de"]}, "email names an address twice"),
            ({"slack": Slack("#shop", "C1")}, "slack.workspace_id is '#shop', wanted capital letters and digits"),
            ({"teams": Teams("shop", UUID, "19")}, "teams.team_id is 'shop', wanted a UUID"),
            ({"teams": Teams(UUID, UUID, "general")}, "teams.channel_id is 'general', wanted what stands in its link"),
            (
                {"response_plan": "arn:aws:ssm-incidents::1:response-plan/x"},
                "response_plan is 'arn:aws:ssm-incidents::1",
            ),
            ({"email": "a@b.de", "of": "Shop"}, "of is a str, wanted a Construct"),
            ({"topic": "arn:aws:sns:eu-west-1:111122223333:pager"}, "topic is a str, wanted a Topic"),
        ],
    )
    def test_what_would_not_work(self, stack: cdk.Stack, props: dict[str, Any], what: str) -> None:
        with pytest.raises(PropError) as caught:
            Alerts(stack, "Alerts", **props)
        assert caught.value.problems[0].what.startswith(what)
        assert caught.value.problems[0].where == "Shop/Alerts (Alerts)"
        Alerts(stack, "Alerts", email="ada@example.com")  # its place is free
