"""The rules about streams, and about events that nobody waits for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import arn, function, ids, judged, mapping, queue, ref, resource

STREAM = resource("AWS::Kinesis::Stream")
NUMBER = {"Count": {"Type": "Number"}}


def streamed(rule_id: str, **options: Any) -> list[str]:
    resources = {"Clicks": STREAM, "Send": function(), "Mapping": mapping("Clicks", **options)}
    return judged(rule_id, resources, Parameters=NUMBER)


def piped(rule_id: str, **options: Any) -> list[str]:
    told = {"KinesisStreamParameters": {"StartingPosition": "LATEST", **options}}
    pipe = resource("AWS::Pipes::Pipe", Source=arn("Clicks"), Target=arn("Send"), SourceParameters=told)
    return judged(rule_id, {"Clicks": STREAM, "Send": function(), "Pipe": pipe})


class TestStreamRetriesEnd:
    ID = "stream-retries-end"

    @pytest.mark.parametrize("options", [{}, {"MaximumRetryAttempts": -1}, {"MaximumRecordAgeInSeconds": -1}])
    def test_warns_when_a_record_is_tried_until_it_expires(self, options: dict[str, Any]) -> None:
        assert streamed(self.ID, **options) == [
            (
                "warning: a record that Send cannot handle is tried again until it expires, and nothing else of its "
                "shard is worked on meanwhile\n"
                "  at:  Shop/Mapping (AWS::Lambda::EventSourceMapping) MaximumRetryAttempts\n"
                "  fix: set MaximumRetryAttempts to 3 or so, and DestinationConfig.OnFailure.Destination to the ARN "
                "of a queue"
            )
        ]

    def test_warns_of_an_age_that_a_stream_does_not_keep(self) -> None:
        [said] = streamed(self.ID, MaximumRecordAgeInSeconds=86_400)
        assert "is tried again until it is 86,400 s (1 day) old, and" in said
        assert streamed(self.ID, MaximumRecordAgeInSeconds=86_399) == []

    @pytest.mark.parametrize("tries", [0, 3, "3"])
    def test_accepts_a_number_of_tries(self, tries: object) -> None:
        assert streamed(self.ID, MaximumRetryAttempts=tries) == []

    def test_one_limit_that_is_known_is_enough(self) -> None:
        assert streamed(self.ID, MaximumRetryAttempts=ref("Count"), MaximumRecordAgeInSeconds=60) == []
        assert len(streamed(self.ID, MaximumRetryAttempts=-1, MaximumRecordAgeInSeconds=ref("Count"))) == 1

    def test_says_when_it_is_not_known(self) -> None:
        assert streamed(self.ID, MaximumRetryAttempts=ref("Count")) == [
            (
                "unknown: when a failing record is given up\n"
                "  at:  Shop/Mapping (AWS::Lambda::EventSourceMapping)\n"
                "  why: MaximumRetryAttempts or MaximumRecordAgeInSeconds is known at deploy only"
            )
        ]

    def test_is_silent_about_queues(self) -> None:
        assert judged(self.ID, {"Jobs": queue(), "Send": function(), "Mapping": mapping("Jobs")}) == []

    def test_knows_what_a_pipe_says(self) -> None:
        [said] = piped(self.ID)
        assert said == (
            "warning: a record that Pipe cannot handle is tried again until it expires, and nothing else of its "
            "shard is "
            "worked on meanwhile\n"
            "  at:  Shop/Pipe (AWS::Pipes::Pipe) SourceParameters.KinesisStreamParameters.MaximumRetryAttempts\n"
            "  fix: set MaximumRetryAttempts to 3 or so, and DeadLetterConfig.Arn to the ARN of a queue"
        )
        assert piped(self.ID, MaximumRetryAttempts=3) == []


class TestStreamKeepsFailedRecords:
    ID = "stream-keeps-failed-records"

    def test_warns_when_records_are_given_up_and_kept_nowhere(self) -> None:
        assert streamed(self.ID, MaximumRetryAttempts=3, MaximumRecordAgeInSeconds=60) == [
            (
                "warning: records that Send cannot handle are given up (MaximumRetryAttempts, "
                "MaximumRecordAgeInSeconds) and kept nowhere\n"
                "  at:  Shop/Mapping (AWS::Lambda::EventSourceMapping) DestinationConfig.OnFailure.Destination\n"
                "  fix: set DestinationConfig.OnFailure.Destination to the ARN of a queue, and let the role send to it"
            )
        ]

    def test_accepts_a_destination(self) -> None:
        kept = {"OnFailure": {"Destination": arn("Failed")}}
        assert streamed(self.ID, MaximumRetryAttempts=3, DestinationConfig=kept) == []

    def test_leaves_endless_tries_to_the_other_rule(self) -> None:
        assert streamed(self.ID) == streamed(self.ID, MaximumRetryAttempts=-1) == []

    def test_knows_what_a_pipe_says(self) -> None:
        [said] = piped(self.ID, MaximumRetryAttempts=3)
        at = "SourceParameters.KinesisStreamParameters.DeadLetterConfig.Arn"
        assert said == (
            "warning: records that Pipe cannot handle are given up (MaximumRetryAttempts) and kept nowhere\n"
            f"  at:  Shop/Pipe (AWS::Pipes::Pipe) {at}\n"
            f"  fix: set {at} to the ARN of a queue, and let the role send to it"
        )
        assert piped(self.ID, MaximumRetryAttempts=3, DeadLetterConfig={"Arn": arn("Failed")}) == []


class TestAsynchronousFailuresAreKept:
    ID = "asynchronous-failures-are-kept"
    RULE = resource("AWS::Events::Rule", Targets=[{"Id": "T", "Arn": arn("Send")}])
    LIVE = resource("AWS::Lambda::Alias", Name="live", FunctionName=ref("Send"))

    def config(self, qualifier: Any) -> dict[str, Any]:
        return resource(
            "AWS::Lambda::EventInvokeConfig",
            FunctionName=ref("Send"),
            Qualifier=qualifier,
            DestinationConfig={"OnFailure": {"Destination": arn("Failed")}},
        )

    def test_warns_when_failed_events_are_lost(self) -> None:
        assert judged(self.ID, {"Send": function(), "Placed": self.RULE}) == [
            (
                "warning: an event of Placed (AWS::Events::Rule) is tried three times and then lost\n"
                "  at:  Shop/Send (AWS::Lambda::Function)\n"
                "  fix: add an AWS::Lambda::EventInvokeConfig with DestinationConfig.OnFailure for what is called "
                "(Qualifier $LATEST), and let the function's role send to it"
            )
        ]

    @pytest.mark.parametrize(
        "caller",
        [
            resource("AWS::SNS::Subscription", Protocol="lambda", Endpoint=arn("Send")),
            resource("AWS::SNS::Topic", Subscription=[{"Protocol": "lambda", "Endpoint": arn("Send")}]),
            resource(
                "AWS::S3::Bucket", NotificationConfiguration={"LambdaConfigurations": [{"Function": arn("Send")}]}
            ),
            resource("AWS::Scheduler::Schedule", Target={"Arn": arn("Send")}),
            resource("AWS::Logs::SubscriptionFilter", DestinationArn=arn("Send")),
            resource("AWS::Lambda::EventInvokeConfig", DestinationConfig={"OnSuccess": {"Destination": arn("Send")}}),
        ],
    )
    def test_warns_of_every_caller_that_does_not_wait(self, caller: dict[str, Any]) -> None:
        [said] = judged(self.ID, {"Send": function(), "Caller": caller})
        assert said.startswith(f"warning: an event of Caller ({caller['Type']}) is tried three times and then lost\n")

    def test_names_no_more_than_three_callers(self) -> None:
        rules = {f"Rule{index}": self.RULE for index in range(5)}
        [said] = judged(self.ID, {"Send": function(), **rules})
        kind = "(AWS::Events::Rule)"
        [three] = judged(self.ID, {"Send": function(), **{name: rules[name] for name in ("Rule0", "Rule1", "Rule2")}})
        assert three.startswith(f"warning: an event of Rule0 {kind}, Rule1 {kind}, Rule2 {kind} is tried ")
        assert said.startswith(f"warning: an event of Rule0 {kind}, Rule1 {kind}, Rule2 {kind} and 2 more is tried ")

    def test_accepts_a_destination_or_a_dead_letter_queue(self) -> None:
        resources = {"Send": function(), "Placed": self.RULE}
        assert judged(self.ID, {**resources, "Config": self.config("$LATEST")}) == []
        nowhere = resource("AWS::Lambda::EventInvokeConfig", FunctionName=ref("Send"), Qualifier="$LATEST")
        assert len(judged(self.ID, {**resources, "Config": nowhere})) == 1
        dead = function(DeadLetterConfig={"TargetArn": arn("Failed")})
        assert judged(self.ID, {**resources, "Send": dead}) == []

    def test_the_destination_is_that_of_what_is_called(self) -> None:
        rule = resource("AWS::Events::Rule", Targets=[{"Id": "T", "Arn": ref("Live")}])
        resources = {"Send": function(), "Live": self.LIVE, "Placed": rule}
        assert judged(self.ID, {**resources, "Config": self.config("live")}) == []
        [said] = judged(self.ID, {**resources, "Config": self.config("$LATEST")})
        assert "for what is called (Qualifier live)" in said

    def test_a_qualifier_known_at_deploy_only_may_be_the_one(self) -> None:
        resources = {"Send": function(), "Placed": self.RULE, "Config": self.config(ref("Count"))}
        assert judged(self.ID, resources, Parameters=NUMBER) == []

    def test_accepts_callers_that_wait_and_what_others_failed_on(self) -> None:
        url = resource("AWS::Lambda::Url", TargetFunctionArn=arn("Send"), AuthType="AWS_IAM")
        last = resource("AWS::Lambda::EventInvokeConfig", DestinationConfig={"OnFailure": {"Destination": arn("Send")}})
        assert judged(self.ID, {"Send": function(), "Url": url, "Last": last}) == []

    def test_is_silent_about_functions_of_the_cdk(self) -> None:
        name = "BucketNotificationsHandler050a0587b7544547bf325f094a3db8347ECC3691"
        rule = resource("AWS::Events::Rule", Targets=[{"Id": "T", "Arn": arn(name)}])
        assert judged(self.ID, {name: function(), "Placed": rule}) == []


class TestUndeliveredEventsAreKept:
    ID = "undelivered-events-are-kept"
    FIX = "the ARN of a queue that the service may send to"

    def test_warns_of_a_target_of_a_rule(self) -> None:
        kept = {"Id": "Kept", "Arn": arn("Send"), "DeadLetterConfig": {"Arn": arn("Failed")}}
        assert judged(self.ID, {"Placed": resource("AWS::Events::Rule", Targets=[kept])}) == []
        targets = [kept, {"Id": "Lost", "Arn": arn("Send")}]
        assert judged(self.ID, {"Placed": resource("AWS::Events::Rule", Targets=targets)}) == [
            (
                "warning: an event that cannot be delivered to target Lost is lost\n"
                "  at:  Shop/Placed (AWS::Events::Rule) Targets.1.DeadLetterConfig\n"
                f"  fix: set DeadLetterConfig.Arn of the target to {self.FIX}"
            )
        ]

    def test_warns_of_a_schedule(self) -> None:
        kind = "AWS::Scheduler::Schedule"
        assert judged(self.ID, {"Daily": resource(kind, Target={"DeadLetterConfig": {"Arn": arn("Failed")}})}) == []
        assert judged(self.ID, {"Daily": resource(kind, Target={"Arn": arn("Send")})}) == [
            (
                "warning: a run of the schedule that cannot be delivered is lost\n"
                "  at:  Shop/Daily (AWS::Scheduler::Schedule) Target.DeadLetterConfig\n"
                f"  fix: set DeadLetterConfig.Arn of the target to {self.FIX}"
            )
        ]

    def test_warns_of_a_subscription(self) -> None:
        kind = "AWS::SNS::Subscription"
        kept = {"deadLetterTargetArn": arn("Failed")}
        assert judged(self.ID, {"News": resource(kind, Protocol="sqs", RedrivePolicy=kept)}) == []
        assert judged(self.ID, {"News": resource(kind, Protocol="email")}) == []
        assert judged(self.ID, {"News": resource(kind, Protocol="lambda")}) == [
            (
                "warning: a message that cannot be delivered to the subscriber is lost\n"
                "  at:  Shop/News (AWS::SNS::Subscription) RedrivePolicy\n"
                f"  fix: set RedrivePolicy.deadLetterTargetArn to {self.FIX}"
            )
        ]

    def test_warns_of_a_subscription_inside_of_a_topic(self) -> None:
        inside = [{"Protocol": "sms", "Endpoint": "1"}, {"Protocol": "sqs", "Endpoint": arn("Jobs")}]
        assert judged(self.ID, {"News": resource("AWS::SNS::Topic", Subscription=inside)}) == [
            (
                "warning: a message that cannot be delivered to subscriber 2 of the topic is lost\n"
                "  at:  Shop/News (AWS::SNS::Topic) Subscription.1\n"
                "  fix: write it as an AWS::SNS::Subscription, with RedrivePolicy.deadLetterTargetArn set to "
                f"{self.FIX}"
            )
        ]

    def test_each_of_several_is_acknowledged_by_itself(self) -> None:
        lost = {"Id": "Lost", "Arn": arn("Send")}
        assert ids(self.ID, {"Rule": resource("AWS::Events::Rule", Targets=[lost])}) == [self.ID]
        two = resource("AWS::Events::Rule", Targets=[lost, {**lost, "Id": "Gone"}])
        assert ids(self.ID, {"Rule": two}) == [f"{self.ID}[Lost]", f"{self.ID}[Gone]"]
        queue_ = {"Protocol": "sqs", "Endpoint": arn("Jobs")}
        assert ids(self.ID, {"News": resource("AWS::SNS::Topic", Subscription=[queue_])}) == [self.ID]
        both = resource("AWS::SNS::Topic", Subscription=[queue_, queue_])
        assert ids(self.ID, {"News": both}) == [f"{self.ID}[0]", f"{self.ID}[1]"]


class TestDeadLettersRaiseAnAlarm:
    ID = "dead-letters-raise-an-alarm"
    JOBS = queue(RedrivePolicy={"deadLetterTargetArn": arn("Dead"), "maxReceiveCount": 3})

    def alarm(self, metric: str, of: str = "Dead") -> dict[str, Any]:
        dimension = {"Name": "QueueName", "Value": {"Fn::GetAtt": [of, "QueueName"]}}
        return resource("AWS::CloudWatch::Alarm", MetricName=metric, Namespace="AWS/SQS", Dimensions=[dimension])

    def test_warns_when_nobody_is_told(self) -> None:
        assert judged(self.ID, {"Jobs": self.JOBS, "Dead": queue()}) == [
            (
                "warning: messages end here when something failed (Jobs), and no alarm tells anybody\n"
                "  at:  Shop/Dead (AWS::SQS::Queue)\n"
                "  fix: add an AWS::CloudWatch::Alarm on ApproximateNumberOfMessagesVisible of this queue, above 0"
            )
        ]

    @pytest.mark.parametrize("metric", ["ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"])
    def test_accepts_an_alarm(self, metric: str) -> None:
        assert judged(self.ID, {"Jobs": self.JOBS, "Dead": queue(), "Alarm": self.alarm(metric)}) == []

    def test_accepts_an_alarm_on_an_expression(self) -> None:
        metric = {
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["Dead", "QueueName"]}}],
        }
        alarm = resource("AWS::CloudWatch::Alarm", Metrics=[{"Id": "m", "MetricStat": {"Metric": metric}}])
        assert judged(self.ID, {"Jobs": self.JOBS, "Dead": queue(), "Alarm": alarm}) == []

    def test_an_alarm_on_something_else_is_none(self) -> None:
        resources = {"Jobs": self.JOBS, "Dead": queue()}
        other = self.alarm("ApproximateNumberOfMessagesVisible", "Jobs")
        assert len(judged(self.ID, {**resources, "Alarm": other})) == 1
        assert len(judged(self.ID, {**resources, "Alarm": self.alarm("NumberOfMessagesSent")})) == 1

    def test_accepts_a_queue_that_a_function_drains(self) -> None:
        assert judged(self.ID, {"Jobs": self.JOBS, "Dead": queue(), "Again": mapping("Dead"), "Send": function()}) == []

    def test_accepts_an_alarm_that_was_left_out_with_a_reason(self) -> None:
        dead = {**queue(), "Metadata": {"constructs-lib:waived": {"dead_letters_alarm": "a toy"}}}
        assert judged(self.ID, {"Jobs": self.JOBS, "Dead": dead}) == []

    def test_accepts_a_queue_that_a_pipe_drains(self) -> None:
        pipe = resource("AWS::Pipes::Pipe", Source=arn("Dead"), Target=arn("Send"))
        assert judged(self.ID, {"Jobs": self.JOBS, "Dead": queue(), "Again": pipe}) == []

    @pytest.mark.parametrize(
        "source",
        [
            function(DeadLetterConfig={"TargetArn": arn("Dead")}),
            resource("AWS::Events::Rule", Targets=[{"Id": "T", "DeadLetterConfig": {"Arn": arn("Dead")}}]),
            resource("AWS::Lambda::EventInvokeConfig", DestinationConfig={"OnFailure": {"Destination": arn("Dead")}}),
            resource("AWS::SNS::Subscription", RedrivePolicy={"deadLetterTargetArn": arn("Dead")}),
            resource("AWS::Scheduler::Schedule", Target={"DeadLetterConfig": {"Arn": arn("Dead")}}),
            mapping(ref("Table"), DestinationConfig={"OnFailure": {"Destination": arn("Dead")}}),
        ],
    )
    def test_knows_every_way_a_message_ends_there(self, source: dict[str, Any]) -> None:
        [said] = judged(self.ID, {"Source": source, "Dead": queue()}, Parameters={"Table": {"Type": "String"}})
        assert said.startswith("warning: messages end here when something failed (Source), and no alarm tells anybody")

    def test_a_topic_and_a_queue_elsewhere_are_none_of_its_queues(self) -> None:
        def failing(to: object) -> dict[str, Any]:
            return resource("AWS::Lambda::EventInvokeConfig", DestinationConfig={"OnFailure": {"Destination": to}})

        assert judged(self.ID, {"Source": failing(ref("News")), "News": resource("AWS::SNS::Topic")}) == []
        assert judged(self.ID, {"Source": failing("arn:aws:sqs:eu-west-1:111122223333:dead")}) == []

    def test_says_it_once_for_each_queue(self) -> None:
        assert len(judged(self.ID, {"Jobs": self.JOBS, "More": self.JOBS, "Dead": queue()})) == 1
