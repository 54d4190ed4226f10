from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest

from constructs_lib import QueueWorker, SecureFunction, UploadBucket
from tests.constructs.uploads import BUCKET, ENTRY, Archive
from tests.templates import permissions_of, resources_of, show, template_of


class TestUploads:
    def rule(self, stack: cdk.Stack) -> dict[str, Any]:
        [rule] = resources_of(template_of(stack), "AWS::Events::Rule").values()
        properties: dict[str, Any] = rule["Properties"]
        return properties

    @pytest.mark.parametrize(
        ("keys", "wanted"),
        [
            ({}, None),
            ({"prefix": "uploads/"}, [{"prefix": "uploads/"}]),
            ({"suffix": ".png"}, [{"suffix": ".png"}]),
            ({"prefix": "uploads/", "suffix": ".png"}, [{"wildcard": "uploads/*.png"}]),
            ({"prefix": "a\\b/", "suffix": ".png"}, [{"wildcard": "a\\\\b/*.png"}]),
        ],
    )
    def test_the_rule_names_the_bucket_and_the_keys(
        self, stack: cdk.Stack, uploads: UploadBucket, thumbnail: SecureFunction, keys: dict[str, str], wanted: Any
    ) -> None:
        uploads.on_upload(thumbnail, **keys)  # type: ignore[arg-type] # each of them is a string
        detail: dict[str, Any] = {"bucket": {"name": [{"Ref": BUCKET}]}}
        if wanted is not None:
            detail["object"] = {"key": wanted}
        assert self.rule(stack)["EventPattern"] == {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": detail,
        }

    def test_a_function_may_be_invoked_by_this_rule_alone_and_keeps_what_it_fails_on(
        self, stack: cdk.Stack, uploads: UploadBucket, thumbnail: SecureFunction
    ) -> None:
        rule = uploads.on_upload(thumbnail, prefix="uploads/")
        template = template_of(stack)
        [name] = resources_of(template, "AWS::Events::Rule")
        [function] = resources_of(template, "AWS::Lambda::Function")
        [permission] = resources_of(template, "AWS::Lambda::Permission").values()
        assert permission["Properties"] == {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Fn::GetAtt": [function, "Arn"]},
            "Principal": "events.amazonaws.com",
            "SourceArn": {"Fn::GetAtt": [name, "Arn"]},
        }
        undelivered = stack.resolve(rule.dead_letters.queue_arn)
        properties = self.rule(stack)
        assert "EventBusName" not in properties
        assert properties["State"] == "ENABLED"
        assert properties["Description"] == "Uploads of uploads/* to Shop/Uploads"
        assert properties["Targets"] == [
            {
                "Id": "Target",
                "Arn": {"Fn::GetAtt": [function, "Arn"]},
                "DeadLetterConfig": {"Arn": undelivered},
                "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
            }
        ]
        [config] = resources_of(template, "AWS::Lambda::EventInvokeConfig").values()
        assert "ThumbnailFailedEvents" in show(config["Properties"]["DestinationConfig"]["OnFailure"]["Destination"])

    def test_the_queue_of_a_worker_and_the_dead_letters_admit_this_rule_alone(
        self, stack: cdk.Stack, uploads: UploadBucket
    ) -> None:
        worker = QueueWorker(stack, "Copies", entry=ENTRY)
        rule = uploads.on_upload(worker)
        template = template_of(stack)
        [name] = resources_of(template, "AWS::Events::Rule")
        for arn in (worker.queue_arn, rule.dead_letters.queue_arn):
            queue = stack.resolve(arn)["Fn::GetAtt"][0]
            [policy] = [
                each
                for each in resources_of(template, "AWS::SQS::QueuePolicy").values()
                if each["Properties"]["Queues"] == [{"Ref": queue}]
            ]
            allowed = [
                each for each in policy["Properties"]["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"
            ]
            assert allowed == [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": {"Fn::GetAtt": [queue, "Arn"]},
                    "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [name, "Arn"]}}},
                }
            ]

    def test_a_workflow_is_started_by_a_role_that_only_rules_of_the_default_bus_assume(
        self, stack: cdk.Stack, uploads: UploadBucket
    ) -> None:
        uploads.on_upload(Archive(stack, "Archive"), prefix="uploads/")
        template = template_of(stack)
        [state_machine] = resources_of(template, "AWS::StepFunctions::StateMachine")
        role = "ArchiveUploadsIdentityRole"
        assert permissions_of(template, role) == {("states:StartExecution", state_machine)}
        [trust] = next(
            each["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            for name, each in resources_of(template, "AWS::IAM::Role").items()
            if name.startswith(role)
        )
        assert trust["Principal"] == {"Service": "events.amazonaws.com"}
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert show(trust["Condition"]["ArnLike"]["aws:SourceArn"]).endswith("AWS::AccountId:rule/*")
        [rule] = resources_of(template, "AWS::Events::Rule").values()
        assert any("IdentityBase" in name for name in rule["DependsOn"])

    def test_a_fifo_queue_gets_a_message_group(self, stack: cdk.Stack, uploads: UploadBucket) -> None:
        worker = QueueWorker(stack, "Copies", entry=ENTRY, fifo=True, content_based_deduplication=True)
        uploads.on_upload(worker, message_group="copies")
        [target] = self.rule(stack)["Targets"]
        assert target["SqsParameters"] == {"MessageGroupId": "copies"}

    def test_two_rules_for_one_function_have_names(
        self, stack: cdk.Stack, uploads: UploadBucket, thumbnail: SecureFunction
    ) -> None:
        uploads.on_upload(thumbnail, suffix=".png")
        uploads.on_upload(thumbnail, suffix=".jpg", id="Photos")
        rules = resources_of(template_of(stack), "AWS::Events::Rule")
        assert sorted(name[:-8] for name in rules) == ["ThumbnailPhotosRule", "ThumbnailUploadsRule"]

    def test_the_stack_of_the_target_depends_on_that_of_the_bucket(
        self, app: cdk.App, stack: cdk.Stack, uploads: UploadBucket
    ) -> None:
        elsewhere = cdk.Stack(app, "Images")
        function = SecureFunction(elsewhere, "Thumbnail", entry=ENTRY)
        uploads.on_upload(function, prefix="uploads/")
        uploads.on_upload(QueueWorker(elsewhere, "Copies", entry=ENTRY))
        uploads.on_upload(Archive(elsewhere, "Archive"))
        uploads.grant_read(function, prefix="uploads/")
        app.synth()
        assert [each.node.path for each in elsewhere.dependencies] == ["Shop"]
        assert stack.dependencies == []
