"""Keys in a stack of their own, alarms and rules that publish, workflows that start themselves: no cycle closes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from constructs_lib import (
    EventBus,
    PropError,
    QueueWorker,
    SecureFunction,
    Topic,
    Workflow,
    allow_recursion,
    call,
    step,
)
from tests.templates import template_of

ENTRY = "lambda_src/greeting/greet.ts"


def named_in(value: object) -> Iterator[str]:
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), _]}:
            yield name
        case dict():
            for each in value.values():
                yield from named_in(each)
        case list():
            for each in value:
                yield from named_in(each)


def cycle_in(template: dict[str, Any]) -> list[str]:
    """Resources that wait for each other: what is left when everything that waits for nothing is taken away."""
    resources = template["Resources"]
    waits = {
        name: {*named_in(each.get("Properties", {})), *each.get("DependsOn", [])} & set(resources) - {name}
        for name, each in resources.items()
    }
    while ready := [name for name, needs in waits.items() if not needs]:
        for name in ready:
            del waits[name]
        waits = {name: needs - set(ready) for name, needs in waits.items()}
    return sorted(waits)


def test_finds_a_cycle_where_there_is_one() -> None:
    one = {"Properties": {"Other": {"Ref": "Two"}}}
    two = {"Properties": {"Other": {"Fn::GetAtt": ["One", "Arn"]}}}
    assert cycle_in({"Resources": {"One": one, "Two": two, "Three": {}}}) == ["One", "Two"]


@pytest.mark.parametrize("source", ["topic", "bus"])
def test_a_worker_whose_key_lives_in_another_stack_takes_messages(app: cdk.App, source: str) -> None:
    keys, shop = cdk.Stack(app, "Keys"), cdk.Stack(app, "Shop")
    worker = QueueWorker(shop, "Worker", entry=ENTRY, encryption_key=kms.Key(keys, "Key"))
    if source == "topic":
        Topic(shop, "Topic").subscribe(worker)
    else:
        EventBus(shop, "Bus").add_rule("Placed", {"source": ["orders"]}, worker)
    assert cycle_in(template_of(shop)) == cycle_in(template_of(keys)) == []


def test_two_topics_and_two_workers_with_their_keys_crossed(stack: cdk.Stack) -> None:
    one, two = kms.Key(stack, "One"), kms.Key(stack, "Two")
    Topic(stack, "TopicOne", encryption_key=one).subscribe(QueueWorker(stack, "A", entry=ENTRY, encryption_key=two))
    Topic(stack, "TopicTwo", encryption_key=two).subscribe(QueueWorker(stack, "B", entry=ENTRY, encryption_key=one))
    assert cycle_in(template_of(stack)) == []


def test_an_alarm_publishes(stack: cdk.Stack) -> None:
    topic = Topic(stack, "Topic", encryption_key=kms.Key(stack, "Key"))
    metric = SecureFunction(stack, "Report", entry=ENTRY).function.metric_errors()
    alarm = cloudwatch.Alarm(stack, "Alarm", metric=metric, threshold=1, evaluation_periods=1)
    alarm.add_alarm_action(actions.SnsAction(topic.topic))
    topic.admit_service("cloudwatch.amazonaws.com", source_arn=alarm.alarm_arn)
    assert cycle_in(template_of(stack)) == []


def test_a_rule_publishes(stack: cdk.Stack) -> None:
    topic = Topic(stack, "Topic", encryption_key=kms.Key(stack, "Key"))
    rule = events.Rule(stack, "Rule", event_pattern=events.EventPattern(source=["orders"]))
    rule.add_target(targets.SnsTopic(topic.topic))
    topic.admit_service("events.amazonaws.com", source_arn=rule.rule_arn)
    assert cycle_in(template_of(stack)) == []


def test_a_workflow_that_one_of_its_steps_starts_again(stack: cdk.Stack) -> None:
    function = SecureFunction(stack, "Report", entry=ENTRY)
    workflow = Workflow(stack, "Again", steps=[step("Report", function)])
    with pytest.raises(PropError, match="closes a cycle"):
        workflow.grant_start(function, env="WORKFLOW")
    workflow.grant_start(function)
    allow_recursion(workflow, "it starts the next month, and there are twelve")
    assert cycle_in(template_of(stack)) == []


class TestGrants:
    @pytest.mark.parametrize("grant", ["start", "put_events"])
    def test_that_would_be_lost_are_refused(self, stack: cdk.Stack, grant: str) -> None:
        service = iam.ServicePrincipal("states.amazonaws.com")
        workflow = Workflow(stack, "Again", steps=[step("Report", SecureFunction(stack, "Report", entry=ENTRY))])
        bus = EventBus(stack, "Bus")
        give: Callable[[iam.IGrantable], object] = (
            workflow.grant_start if grant == "start" else partial(bus.grant_put_events, sources=["orders"])
        )
        with pytest.raises(PropError, match="cannot be granted to a ServicePrincipal"):
            give(service)

    @pytest.mark.parametrize("detail_types", ["OrderPlaced", []])
    def test_of_detail_types_that_match_nothing(self, stack: cdk.Stack, detail_types: Any) -> None:
        function = SecureFunction(stack, "Report", entry=ENTRY)
        with pytest.raises(PropError, match="wanted a list of one at least"):
            EventBus(stack, "Bus").grant_put_events(function, sources=["orders"], detail_types=detail_types)


class TestJobs:
    ALLOW = iam.PolicyStatement(actions=["glue:StartJobRun"], resources=["arn:aws:glue:eu-west-1:111122223333:job/a"])

    def test_that_are_waited_for_say_how_long_they_may_take(self, stack: cdk.Stack) -> None:
        job = call("Job", "glue:startJobRun.sync", arguments={"JobName": "a"}, allow=[self.ALLOW])
        with pytest.raises(PropError, match="'Job'"):
            Workflow(stack, "Nightly", steps=[job])

    def test_that_are_waited_for_are_not_for_express_workflows(self, stack: cdk.Stack) -> None:
        hour = cdk.Duration.hours(1)
        job = call("Job", "glue:startJobRun.sync", arguments={"JobName": "a"}, allow=[self.ALLOW], timeout=hour)
        with pytest.raises(PropError, match="'Job'"):
            Workflow(stack, "Nightly", steps=[job], express=True)

    def test_that_wait_for_a_token_send_it_along(self, stack: cdk.Stack) -> None:
        hour = cdk.Duration.hours(1)
        job = call("Job", "ecs:runTask.waitForTaskToken", arguments={}, allow=[self.ALLOW], timeout=hour)
        with pytest.raises(PropError, match="task token"):
            Workflow(stack, "Nightly", steps=[job])
