"""The rules about queues and the functions that drain them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import arn, function, judged, mapping, queue, ref, resource

DEAD = {"deadLetterTargetArn": arn("Dead"), "maxReceiveCount": 5}
PARAMETER = {"Size": {"Type": "Number"}}
ELSEWHERE = "arn:aws:sqs:eu-west-1:111122223333:jobs"


class TestQueueVisibilityCoversTimeout:
    ID = "queue-visibility-covers-timeout"

    def said(self, visibility: Any, timeout: Any = 10, **options: Any) -> list[str]:
        resources = {
            "Jobs": queue(VisibilityTimeout=visibility),
            "Send": function(Timeout=timeout),
            "Mapping": mapping("Jobs", **options),
        }
        return judged(self.ID, resources, Parameters=PARAMETER)

    @pytest.mark.parametrize("visibility", [60, "60", 61])
    def test_accepts_six_timeouts(self, visibility: object) -> None:
        assert self.said(visibility) == []

    def test_warns_below_six_timeouts(self) -> None:
        assert self.said(59) == [
            (
                "warning: VisibilityTimeout (59 s) is shorter than 6 times the timeout of its function Send (10 s): "
                "messages can be delivered twice, or put away untried\n"
                "  at:  Shop/Jobs (AWS::SQS::Queue) VisibilityTimeout\n"
                "  fix: set VisibilityTimeout to 60 s, or lower the timeout of the function"
            )
        ]

    def test_refuses_less_than_one_timeout(self) -> None:
        assert self.said(9) == [
            (
                "error: VisibilityTimeout (9 s) is shorter than the timeout of its function Send (10 s): "
                "Lambda refuses the mapping\n"
                "  at:  Shop/Jobs (AWS::SQS::Queue) VisibilityTimeout\n"
                "  fix: set VisibilityTimeout to 60 s, or lower the timeout of the function"
            )
        ]
        [at_the_boundary] = self.said(10)
        assert at_the_boundary.startswith("warning: ")

    def test_counts_the_batching_window(self) -> None:
        assert self.said(65, MaximumBatchingWindowInSeconds=5) == []
        [said] = self.said(64, MaximumBatchingWindowInSeconds=5)
        assert said.startswith(
            "warning: VisibilityTimeout (64 s) is shorter than 6 times the timeout of its function Send (10 s) "
            "and the batching window (5 s): "
        )

    def test_counts_what_is_left_out_as_aws_does(self) -> None:
        resources = {"Jobs": queue(), "Send": function(), "Mapping": mapping("Jobs")}
        assert judged(self.ID, resources) == []
        [said] = judged(self.ID, {**resources, "Send": function(Timeout=6)})
        assert said.startswith("warning: VisibilityTimeout (30 s) is shorter than 6 times ")

    def test_says_when_a_number_is_not_known(self) -> None:
        assert self.said(60, ref("Size")) == [
            (
                "unknown: whether messages stay hidden while Send works\n"
                "  at:  Shop/Jobs (AWS::SQS::Queue)\n"
                "  why: the visibility timeout, the timeout or the batching window is known at deploy only"
            )
        ]

    @pytest.mark.parametrize(
        "options", [{"visibility": ref("Size")}, {"visibility": 60, "MaximumBatchingWindowInSeconds": ref("Size")}]
    )
    def test_says_when_another_number_is_not_known(self, options: dict[str, Any]) -> None:
        [said] = self.said(**options)
        assert said.startswith("unknown: whether messages stay hidden while Send works\n")

    def test_counts_the_timeout_that_lambda_gives(self) -> None:
        resources = {"Send": function(), "Mapping": mapping("Jobs")}
        assert judged(self.ID, {**resources, "Jobs": queue(VisibilityTimeout=18)}) == []
        assert len(judged(self.ID, {**resources, "Jobs": queue(VisibilityTimeout=17)})) == 1

    def test_tells_nothing_of_the_window_when_the_timeout_alone_is_too_long(self) -> None:
        [said] = self.said(9, MaximumBatchingWindowInSeconds=5)
        assert "the timeout of its function Send (10 s): Lambda refuses the mapping" in said

    def test_is_silent_about_functions_elsewhere(self) -> None:
        assert judged(self.ID, {"Jobs": queue(VisibilityTimeout=1), "Mapping": mapping("Jobs")}) == []

    def test_says_when_the_queue_is_elsewhere(self) -> None:
        assert judged(self.ID, {"Send": function(), "Mapping": mapping({"Fn::Sub": ELSEWHERE})}) == [
            (
                "unknown: how long messages stay hidden\n"
                "  at:  Shop/Mapping (AWS::Lambda::EventSourceMapping)\n"
                "  why: the queue is in no given stack"
            )
        ]

    def test_is_silent_about_streams(self) -> None:
        stream = {"Type": "AWS::Kinesis::Stream", "Properties": {}}
        assert judged(self.ID, {"S": stream, "Send": function(Timeout=900), "Mapping": mapping("S")}) == []


class TestBatchesReportTheirFailures:
    ID = "batches-report-their-failures"

    def said(self, kind: str = "AWS::SQS::Queue", **options: Any) -> list[str]:
        resources = {"Source": {"Type": kind}, "Send": function(), "Mapping": mapping("Source", **options)}
        return judged(self.ID, resources, Parameters=PARAMETER)

    def test_warns_when_a_batch_fails_as_a_whole(self) -> None:
        assert self.said() == [
            (
                "warning: Send gets up to 10 messages at once and cannot say which of them failed: one failure brings "
                "all of them back\n"
                "  at:  Shop/Mapping (AWS::Lambda::EventSourceMapping) FunctionResponseTypes\n"
                '  fix: set FunctionResponseTypes to ["ReportBatchItemFailures"] and return batchItemFailures, '
                "or BatchSize to 1"
            )
        ]
        [said] = self.said("AWS::Kinesis::Stream", StartingPosition="LATEST")
        assert said.startswith("warning: Send gets up to 100 records at once")
        [said] = self.said(BatchSize=2, FunctionResponseTypes=[])
        assert said.startswith("warning: Send gets up to 2 messages at once")

    @pytest.mark.parametrize("options", [{"BatchSize": 1}, {"FunctionResponseTypes": ["ReportBatchItemFailures"]}])
    def test_accepts_batches_of_one_and_reports(self, options: dict[str, Any]) -> None:
        assert self.said(**options) == []

    def test_accepts_halves_of_a_stream_alone(self) -> None:
        assert self.said("AWS::DynamoDB::Table", BisectBatchOnFunctionError=True) == []
        assert len(self.said(BisectBatchOnFunctionError=True)) == 1

    @pytest.mark.parametrize(
        "options",
        [{"BatchSize": ref("Size")}, {"FunctionResponseTypes": [ref("Size")]}, {"FunctionResponseTypes": ref("Size")}],
    )
    def test_says_when_it_is_not_known(self, options: dict[str, Any]) -> None:
        assert self.said(**options) == [
            (
                "unknown: whether one failed message brings its batch back\n"
                "  at:  Shop/Mapping (AWS::Lambda::EventSourceMapping)\n"
                "  why: BatchSize or FunctionResponseTypes is known at deploy only"
            )
        ]

    def test_is_silent_about_other_sources(self) -> None:
        kafka = {"Fn::Sub": "arn:aws:kafka:eu-west-1:111122223333:cluster/a/b"}
        assert judged(self.ID, {"Send": function(), "Mapping": mapping(kafka, Topics=["t"])}) == []


class TestQueueKeepsFailedMessages:
    ID = "queue-keeps-failed-messages"

    def test_warns_when_a_drained_queue_has_no_dead_letter_queue(self) -> None:
        assert judged(self.ID, {"Jobs": queue(), "Send": function(), "Mapping": mapping("Jobs")}) == [
            (
                "warning: the queue has no dead-letter queue: a message that Send cannot handle is tried again for "
                "345,600 s (4 days) and then lost\n"
                "  at:  Shop/Jobs (AWS::SQS::Queue) RedrivePolicy\n"
                "  fix: give it a RedrivePolicy with the ARN of a second queue and a maxReceiveCount of 5 or so"
            )
        ]

    def test_accepts_a_redrive_policy_and_dead_letters_that_are_drained(self) -> None:
        resources = {
            "Jobs": queue(RedrivePolicy=DEAD),
            "Dead": queue(),
            "Send": function(),
            "Mapping": mapping("Jobs"),
            "Again": mapping("Dead"),
        }
        assert judged(self.ID, resources) == []

    def test_warns_of_a_queue_that_a_pipe_drains(self) -> None:
        pipe = resource("AWS::Pipes::Pipe", Source=arn("Jobs"), Target=arn("Send"))
        [said] = judged(self.ID, {"Jobs": queue(), "Pipe": pipe})
        assert said.startswith(
            "warning: the queue has no dead-letter queue: a message that Pipe cannot handle is tried"
        )
        assert judged(self.ID, {"Jobs": queue(RedrivePolicy=DEAD), "Pipe": pipe}) == []

    def test_names_no_function_that_is_elsewhere_and_no_stream(self) -> None:
        [said] = judged(self.ID, {"Jobs": queue(), "Mapping": mapping("Jobs")})
        assert said.startswith("warning: the queue has no dead-letter queue: a message that its function cannot handle")
        stream = {"Clicks": resource("AWS::Kinesis::Stream"), "Send": function(), "Mapping": mapping("Clicks")}
        assert judged(self.ID, stream) == []

    def test_accepts_a_queue_that_no_function_drains(self) -> None:
        assert judged(self.ID, {"Jobs": queue()}) == []

    def test_says_when_the_queue_is_elsewhere(self) -> None:
        assert judged(self.ID, {"Send": function(), "Mapping": mapping({"Fn::Sub": ELSEWHERE})}) == [
            (
                "unknown: whether the queue keeps failed messages\n"
                "  at:  Shop/Mapping (AWS::Lambda::EventSourceMapping)\n"
                "  why: it is in no given stack"
            )
        ]


class TestQueueTriesMoreThanOnce:
    ID = "queue-tries-more-than-once"

    def said(self, receives: object) -> list[str]:
        policy = {**DEAD, "maxReceiveCount": receives}
        return judged(self.ID, {"Jobs": queue(RedrivePolicy=policy), "Dead": queue()}, Parameters=PARAMETER)

    @pytest.mark.parametrize("receives", [1, "1"])
    def test_warns_of_one_try(self, receives: object) -> None:
        assert self.said(receives) == [
            (
                "warning: maxReceiveCount is 1: a message that was throttled once is put away untried\n"
                "  at:  Shop/Jobs (AWS::SQS::Queue) RedrivePolicy.maxReceiveCount\n"
                "  fix: set maxReceiveCount to 5, or to 2 at least"
            )
        ]

    def test_accepts_a_queue_without_dead_letters(self) -> None:
        assert judged(self.ID, {"Jobs": queue()}) == []

    def test_accepts_two(self) -> None:
        assert self.said(2) == []

    def test_says_when_it_is_not_known(self) -> None:
        assert self.said(ref("Size")) == [
            (
                "unknown: how often a message is tried\n"
                "  at:  Shop/Jobs (AWS::SQS::Queue)\n"
                "  why: maxReceiveCount is ${Size}, known at deploy only"
            )
        ]


class TestDeadLettersOutlastTheirSource:
    ID = "dead-letters-outlast-their-source"

    def said(self, kept: dict[str, Any], dead: dict[str, Any]) -> list[str]:
        resources = {"Jobs": queue(RedrivePolicy=DEAD, **kept), "Dead": queue(**dead)}
        return judged(self.ID, resources, Parameters=PARAMETER)

    def test_warns_when_dead_letters_are_kept_for_a_shorter_time(self) -> None:
        assert self.said({}, {"MessageRetentionPeriod": 345_599}) == [
            (
                "warning: MessageRetentionPeriod (345,599 s) is shorter than that of Jobs (345,600 s (4 days)): "
                "a dead letter can be gone before anybody sees it\n"
                "  at:  Shop/Dead (AWS::SQS::Queue) MessageRetentionPeriod\n"
                "  fix: set MessageRetentionPeriod to 1,209,600 s (14 days), the longest there is"
            )
        ]

    def test_accepts_the_same_time_and_more(self) -> None:
        assert self.said({}, {}) == []
        assert self.said({"MessageRetentionPeriod": 60}, {}) == []

    def test_accepts_fifo_queues_where_the_time_starts_again(self) -> None:
        fifo = {"FifoQueue": True}
        assert self.said(fifo, {**fifo, "MessageRetentionPeriod": 60}) == []

    def test_says_when_it_is_not_known(self) -> None:
        assert len(self.said({}, {"MessageRetentionPeriod": ref("Size")})) == 1
        assert self.said({"MessageRetentionPeriod": ref("Size")}, {}) == [
            (
                "unknown: whether dead letters of Jobs are kept for long enough\n"
                "  at:  Shop/Dead (AWS::SQS::Queue)\n"
                "  why: MessageRetentionPeriod of one of them is known at deploy only"
            )
        ]


class TestQueueMappingIsOneLambdaTakes:
    ID = "queue-mapping-is-one-lambda-takes"

    def said(self, source: dict[str, Any], **options: Any) -> list[str]:
        resources = {"Jobs": queue(**source), "Send": function(), "Mapping": mapping("Jobs", **options)}
        return judged(self.ID, resources, Parameters=PARAMETER)

    def test_refuses_a_batching_window_for_a_fifo_queue(self) -> None:
        assert self.said({"FifoQueue": True}, MaximumBatchingWindowInSeconds=5) == [
            (
                "error: MaximumBatchingWindowInSeconds is 5 s, and a FIFO queue takes none\n"
                "  at:  Shop/Mapping (AWS::Lambda::EventSourceMapping) MaximumBatchingWindowInSeconds\n"
                "  fix: remove MaximumBatchingWindowInSeconds"
            )
        ]

    def test_refuses_a_large_batch_of_a_fifo_queue(self) -> None:
        assert self.said({"FifoQueue": True}, BatchSize=11) == [
            (
                "error: BatchSize is 11, and a FIFO queue gives 10 messages at most\n"
                "  at:  Shop/Mapping (AWS::Lambda::EventSourceMapping) BatchSize\n"
                "  fix: set BatchSize to 10 or less"
            )
        ]

    def test_refuses_a_large_batch_without_a_window(self) -> None:
        assert self.said({}, BatchSize=11) == [
            (
                "error: BatchSize is 11 without a batching window, and more than 10 need one\n"
                "  at:  Shop/Mapping (AWS::Lambda::EventSourceMapping) BatchSize\n"
                "  fix: set MaximumBatchingWindowInSeconds to 1 or more, or BatchSize to 10 or less"
            )
        ]

    @pytest.mark.parametrize("most", [1, 1001])
    def test_refuses_a_concurrency_outside_of_the_limits(self, most: int) -> None:
        assert self.said({}, ScalingConfig={"MaximumConcurrency": most}) == [
            (
                f"error: MaximumConcurrency is {most:,}, and Lambda takes 2 to 1,000\n"
                "  at:  Shop/Mapping (AWS::Lambda::EventSourceMapping) ScalingConfig.MaximumConcurrency\n"
                "  fix: set it to 2 or more; ReservedConcurrentExecutions of 1 lets one run alone"
            )
        ]

    @pytest.mark.parametrize(
        "options",
        [
            {"BatchSize": 11, "MaximumBatchingWindowInSeconds": 1},
            {"BatchSize": 11, "MaximumBatchingWindowInSeconds": ref("Size")},
            {"BatchSize": 10},
            {"BatchSize": ref("Size")},
            {"ScalingConfig": {"MaximumConcurrency": 2}},
            {"ScalingConfig": {"MaximumConcurrency": 1000}},
        ],
    )
    def test_accepts_what_lambda_does(self, options: dict[str, Any]) -> None:
        assert self.said({}, **options) == []

    def test_a_window_of_nothing_is_none(self) -> None:
        assert len(self.said({}, BatchSize=11, MaximumBatchingWindowInSeconds=0)) == 1

    def test_is_silent_about_streams_and_judges_queues_elsewhere(self) -> None:
        stream = {"Clicks": resource("AWS::Kinesis::Stream"), "Send": function()}
        assert judged(self.ID, {**stream, "Mapping": mapping("Clicks", BatchSize=100)}) == []
        elsewhere = {"Send": function(), "Mapping": mapping({"Fn::Sub": ELSEWHERE}, BatchSize=11)}
        assert len(judged(self.ID, elsewhere)) == 1

    def test_accepts_a_fifo_queue_with_ten(self) -> None:
        assert self.said({"FifoQueue": True}, BatchSize=10) == []


class TestMappingFitsTheReservedConcurrency:
    ID = "mapping-fits-the-reserved-concurrency"

    def said(self, reserved: object, *most: int | None, **source: Any) -> list[str]:
        resources = {"Jobs": queue(**source), "Send": function(ReservedConcurrentExecutions=reserved)}
        for index, each in enumerate(most):
            options: dict[str, Any] = {} if each is None else {"ScalingConfig": {"MaximumConcurrency": each}}
            resources[f"Mapping{index}"] = mapping("Jobs", **options)
        return judged(self.ID, resources)

    def test_warns_when_the_queues_ask_for_more_than_is_reserved(self) -> None:
        assert self.said(11, 6, 5) == []
        assert self.said(10, 6, 5) == [
            (
                "warning: ReservedConcurrentExecutions is 10 and its queues ask for 11 at once: what is throttled "
                "counts as a delivery, and ends as a dead letter\n"
                "  at:  Shop/Send (AWS::Lambda::Function) ReservedConcurrentExecutions\n"
                "  fix: reserve 11 or more, or lower MaximumConcurrency of Mapping0, Mapping1"
            )
        ]
        assert self.said(10, 5, 5) == []

    def test_counts_the_five_that_lambda_begins_with(self) -> None:
        assert len(self.said(4, None)) == 1
        assert self.said(5, None) == []

    def test_accepts_fifo_queues_and_functions_that_are_switched_off(self) -> None:
        assert self.said(1, None, FifoQueue=True) == []
        assert self.said(0, None) == []

    def test_accepts_functions_with_nothing_reserved_those_elsewhere_and_streams(self) -> None:
        resources = {"Jobs": queue(), "Send": function(), "Mapping": mapping("Jobs")}
        assert judged(self.ID, resources) == []
        assert judged(self.ID, {"Jobs": queue(), "Mapping": mapping("Jobs")}) == []
        reserved = function(ReservedConcurrentExecutions=1)
        stream = resource("AWS::Kinesis::Stream")
        assert judged(self.ID, {"Clicks": stream, "Send": reserved, "Mapping": mapping("Clicks")}) == []
        assert len(judged(self.ID, {"Send": reserved, "Mapping": mapping({"Fn::Sub": ELSEWHERE})})) == 1
