"""The rules about what FIFO and standard queues take."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import arn, function, judged, mapping, queue, ref, resource

FIFO = {"FifoQueue": True}
TO_DEAD = {"deadLetterTargetArn": arn("Dead"), "maxReceiveCount": 5}
JOBS_AT = "  at:  Shop/Jobs (AWS::SQS::Queue) RedrivePolicy.deadLetterTargetArn"
RULE, SCHEDULE, SUBSCRIPTION = "AWS::Events::Rule", "AWS::Scheduler::Schedule", "AWS::SNS::Subscription"


class TestDeadLettersAreOfTheSameKind:
    ID = "dead-letters-are-of-the-same-kind"

    def said(self, source: dict[str, Any], dead: dict[str, Any]) -> list[str]:
        return judged(self.ID, {"Jobs": queue(RedrivePolicy=TO_DEAD, **source), "Dead": queue(**dead)})

    def test_refuses_two_queues_of_a_different_kind(self) -> None:
        assert self.said(FIFO, {}) == [
            (
                "error: Dead is a standard queue, and what failed here can only go to a FIFO queue: AWS refuses it\n"
                f"{JOBS_AT}\n"
                "  fix: set FifoQueue of Dead, or name another queue"
            )
        ]
        assert self.said({}, {"FifoQueue": "true"}) == [
            (
                "error: Dead is a FIFO queue, and what failed here can only go to a standard queue: AWS refuses it\n"
                f"{JOBS_AT}\n"
                "  fix: remove FifoQueue of Dead, or name another queue"
            )
        ]

    @pytest.mark.parametrize("options", [{}, FIFO])
    def test_accepts_two_of_a_kind(self, options: dict[str, Any]) -> None:
        assert self.said(options, options) == []

    def test_tells_a_queue_elsewhere_by_its_name(self) -> None:
        def said(name: str) -> list[str]:
            target = {"deadLetterTargetArn": f"arn:aws:sqs:eu-west-1:111122223333:{name}"}
            return judged(self.ID, {"Jobs": queue(RedrivePolicy=target)})

        assert said("dead") == []
        [found] = said("dead.fifo")
        assert found.startswith(
            "error: dead.fifo is a FIFO queue, and what failed here can only go to a standard queue"
        )

    @pytest.mark.parametrize(
        "source",
        [
            resource(RULE, Targets=[{"Id": "T", "DeadLetterConfig": {"Arn": arn("Dead")}}]),
            resource(SCHEDULE, Target={"DeadLetterConfig": {"Arn": arn("Dead")}}),
            resource("AWS::Lambda::EventInvokeConfig", DestinationConfig={"OnFailure": {"Destination": arn("Dead")}}),
            function(DeadLetterConfig={"TargetArn": arn("Dead")}),
            mapping(ref("Stream"), DestinationConfig={"OnFailure": {"Destination": arn("Dead")}}),
        ],
    )
    def test_refuses_a_fifo_queue_for_what_can_only_send_to_a_standard_one(self, source: dict[str, Any]) -> None:
        parameters = {"Stream": {"Type": "String"}}
        assert judged(self.ID, {"Source": source, "Dead": queue()}, Parameters=parameters) == []
        [said] = judged(self.ID, {"Source": source, "Dead": queue(**FIFO)}, Parameters=parameters)
        assert said.startswith("error: Dead is a FIFO queue, and what failed here can only go to a standard queue")

    def test_a_topic_as_destination_is_no_queue(self) -> None:
        config = resource(
            "AWS::Lambda::EventInvokeConfig", DestinationConfig={"OnFailure": {"Destination": ref("Topic")}}
        )
        assert judged(self.ID, {"Config": config, "Topic": resource("AWS::SNS::Topic")}) == []
        elsewhere = {"OnSuccess": {"Destination": "arn:aws:sns:eu-west-1:111122223333:done.fifo"}}
        config = resource("AWS::Lambda::EventInvokeConfig", DestinationConfig=elsewhere)
        assert judged(self.ID, {"Config": config}) == []

    def test_a_subscription_goes_by_its_topic(self) -> None:
        def said(topic: dict[str, Any], dead: dict[str, Any]) -> list[str]:
            subscription = resource(SUBSCRIPTION, TopicArn=ref("Topic"), RedrivePolicy=TO_DEAD)
            resources = {"News": subscription, "Topic": resource("AWS::SNS::Topic", **topic), "Dead": queue(**dead)}
            return judged(self.ID, resources)

        assert said({}, {}) == said({"FifoTopic": True}, FIFO) == []
        assert len(said({}, FIFO)) == len(said({"FifoTopic": True}, {})) == 1
        elsewhere = resource(SUBSCRIPTION, TopicArn="arn:aws:sns:eu-west-1:111122223333:news", RedrivePolicy=TO_DEAD)
        assert judged(self.ID, {"News": elsewhere, "Dead": queue(**FIFO)}) == []
        assert (
            judged(self.ID, {"News": resource(SUBSCRIPTION, TopicArn=ref("T")), "T": resource("AWS::SNS::Topic")}) == []
        )

    def test_refuses_a_queue_that_does_not_let_its_source_in(self) -> None:
        found = [
            (
                "error: Dead takes no dead letters of this queue: its RedriveAllowPolicy leaves it out\n"
                f"{JOBS_AT}\n"
                "  fix: name this queue in sourceQueueArns of Dead, or remove its RedriveAllowPolicy"
            )
        ]
        assert self.said({}, {"RedriveAllowPolicy": {"redrivePermission": "denyAll"}}) == found
        by_queue = {"redrivePermission": "byQueue", "sourceQueueArns": [arn("Dead")]}
        assert self.said({}, {"RedriveAllowPolicy": by_queue}) == found
        by_queue = {"redrivePermission": "byQueue", "sourceQueueArns": [ref("AWS::StackName")]}
        assert self.said({}, {"RedriveAllowPolicy": by_queue}) == []  # nobody can tell
        by_queue = {"redrivePermission": "byQueue", "sourceQueueArns": [arn("Jobs")]}
        assert self.said({}, {"RedriveAllowPolicy": by_queue}) == []
        assert self.said({}, {"RedriveAllowPolicy": {"redrivePermission": "allowAll"}}) == []


class TestFifoQueueTakesWhatIsSent:
    ID = "fifo-queue-takes-what-is-sent"

    def said(self, sender: dict[str, Any], /, *, fifo: bool = True, **more: Any) -> list[str]:
        return judged(self.ID, {"Sender": sender, "Jobs": queue(**(FIFO if fifo else {})), **more})

    def test_refuses_notifications_of_a_bucket(self) -> None:
        told = {"QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": arn("Jobs")}]}
        bucket = resource("AWS::S3::Bucket", NotificationConfiguration=told)
        assert self.said(bucket, fifo=False) == []
        assert self.said(bucket) == [
            (
                "error: the bucket notifies Jobs, and S3 sends to no FIFO queue\n"
                "  at:  Shop/Sender (AWS::S3::Bucket) NotificationConfiguration.QueueConfigurations\n"
                "  fix: notify a standard queue, or send the events over EventBridge with a MessageGroupId"
            )
        ]

    def test_refuses_a_subscription_of_a_standard_topic(self) -> None:
        subscription = resource(SUBSCRIPTION, Protocol="sqs", TopicArn=ref("Topic"), Endpoint=arn("Jobs"))
        standard, fifo = resource("AWS::SNS::Topic"), resource("AWS::SNS::Topic", FifoTopic=True)
        assert self.said(subscription, Topic=fifo) == self.said(subscription, fifo=False, Topic=fifo) == []
        elsewhere = {**subscription["Properties"], "TopicArn": "arn:aws:sns:eu-west-1:111122223333:news"}
        assert self.said({**subscription, "Properties": elsewhere}) == []
        assert self.said(subscription, Topic=standard) == [
            (
                "error: Jobs is a FIFO queue and Topic is a standard topic: SNS refuses the subscription\n"
                "  at:  Shop/Sender (AWS::SNS::Subscription) Endpoint\n"
                "  fix: set FifoTopic of the topic, or subscribe a standard queue"
            )
        ]

    def test_refuses_a_function_at_a_fifo_topic(self) -> None:
        subscription = resource(SUBSCRIPTION, Protocol="lambda", TopicArn=ref("Topic"), Endpoint=arn("Send"))
        topic = resource("AWS::SNS::Topic", FifoTopic=True)
        standard = resource("AWS::SNS::Topic")
        assert self.said(subscription, Topic=standard, Send=function()) == []
        assert self.said(subscription, Topic=topic, Send=function()) == [
            (
                "error: Topic is a FIFO topic, which delivers to queues only: SNS refuses the subscription\n"
                "  at:  Shop/Sender (AWS::SNS::Subscription) Protocol\n"
                "  fix: subscribe a FIFO queue, and let the function drain it"
            )
        ]

    def test_refuses_a_target_without_a_group(self) -> None:
        target = {"Id": "T", "Arn": arn("Jobs")}
        grouped = {**target, "SqsParameters": {"MessageGroupId": "jobs"}}
        assert self.said(resource(RULE, Targets=[target]), fifo=False) == []
        assert self.said(resource(RULE, Targets=[grouped])) == self.said(resource(SCHEDULE, Target=grouped)) == []
        assert self.said(resource(RULE, Targets=[grouped, target])) == [
            (
                "error: the target Jobs is a FIFO queue, and there is no MessageGroupId: nothing would be delivered\n"
                "  at:  Shop/Sender (AWS::Events::Rule) Targets.1.SqsParameters.MessageGroupId\n"
                "  fix: set SqsParameters.MessageGroupId of the target"
            )
        ]
        assert len(self.said(resource(RULE, Targets=[{**target, "SqsParameters": {}}]))) == 1
        [said] = self.said(resource(SCHEDULE, Target=target))
        assert "  at:  Shop/Sender (AWS::Scheduler::Schedule) Target.SqsParameters.MessageGroupId\n" in said
