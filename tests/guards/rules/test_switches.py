"""What is switched off: encryption, access blocks, rotation, concurrency, throttles, logs and TLS."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import arn, function, ids, judged, queue, ref, resource

BUCKET, TOPIC, STREAM, KEY = "AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::Kinesis::Stream", "AWS::KMS::Key"
SWITCHES = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
CLOSED: dict[str, Any] = dict.fromkeys(SWITCHES, True)
UNKNOWN = {"Unknown": {"Type": "String"}}


class TestDataIsEncrypted:
    ID = "data-is-encrypted"

    def test_warns_of_a_queue_whose_encryption_is_off(self) -> None:
        assert judged(self.ID, {"Jobs": queue(SqsManagedSseEnabled=False)}) == [
            (
                "warning: its messages are not encrypted where they lie\n"
                "  at:  Shop/Jobs (AWS::SQS::Queue) SqsManagedSseEnabled\n"
                "  fix: leave SqsManagedSseEnabled out, or set it true"
            )
        ]
        assert len(judged(self.ID, {"Jobs": queue(SqsManagedSseEnabled="false")})) == 1

    def test_accepts_a_queue_of_which_nothing_is_said_and_one_with_a_key(self) -> None:
        resources = {
            "Plain": queue(),
            "On": queue(SqsManagedSseEnabled=True),
            "Key": queue(SqsManagedSseEnabled=False, KmsMasterKeyId="alias/shop"),
            "Maybe": queue(SqsManagedSseEnabled=ref("Unknown")),
        }
        assert judged(self.ID, resources, Parameters=UNKNOWN) == []

    @pytest.mark.parametrize("properties", [{}, {"StreamEncryption": {"EncryptionType": "NONE"}}])
    def test_warns_of_a_stream_without_a_key(self, properties: dict[str, Any]) -> None:
        [found] = judged(self.ID, {"Clicks": resource(STREAM, **properties)})
        assert found.startswith("warning: its records are not encrypted where they lie\n")
        keyed = resource(STREAM, StreamEncryption={"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"})
        assert judged(self.ID, {"Clicks": keyed}) == []

    def test_warns_of_a_topic_and_only_tells_of_one_that_alarms_write_to(self) -> None:
        alarm = resource("AWS::CloudWatch::Alarm", AlarmActions=[ref("OnCall")])
        found = judged(self.ID, {"News": resource(TOPIC), "OnCall": resource(TOPIC), "Alarm": alarm})
        assert [each.split(" ")[0] for each in found] == ["warning:", "info:"]
        assert judged(self.ID, {"News": resource(TOPIC, KmsMasterKeyId="alias/shop")}) == []

    def test_warns_of_files_and_of_a_table_whose_key_is_given_up(self) -> None:
        files, table = "AWS::EFS::FileSystem", "AWS::DynamoDB::Table"
        off = resource(table, SSESpecification={"SSEEnabled": False})
        assert len(judged(self.ID, {"Disk": resource(files), "Other": resource(files, Encrypted=False)})) == 2
        assert len(judged(self.ID, {"Users": off})) == 1
        assert judged(self.ID, {"Disk": resource(files, Encrypted=True), "Users": resource(table)}) == []


class TestBucketKeepsThePublicOut:
    ID = "bucket-keeps-the-public-out"

    @pytest.mark.parametrize("switch", SWITCHES)
    def test_warns_of_each_switch_that_is_off(self, switch: str) -> None:
        block = {**CLOSED, switch: False}
        assert judged(self.ID, {"Files": resource(BUCKET, PublicAccessBlockConfiguration=block)}) == [
            (
                f"warning: {switch} is off: a policy or an access list can make the bucket public\n"
                f"  at:  Shop/Files (AWS::S3::Bucket) PublicAccessBlockConfiguration.{switch}\n"
                f"  fix: set {switch} to true"
            )
        ]
        del block[switch]
        assert len(judged(self.ID, {"Files": resource(BUCKET, PublicAccessBlockConfiguration=block)})) == 1

    def test_warns_of_an_access_list_for_everybody(self) -> None:
        bucket = resource(BUCKET, AccessControl="PublicReadWrite", PublicAccessBlockConfiguration=CLOSED)
        [found] = judged(self.ID, {"Files": bucket})
        assert found.startswith("warning: everybody may read and write what is in the bucket: AccessControl is Public")
        private = resource(BUCKET, AccessControl="Private", PublicAccessBlockConfiguration=CLOSED)
        assert judged(self.ID, {"Files": private}) == []

    def test_tells_of_a_bucket_of_which_nothing_is_said(self) -> None:
        [found] = judged(self.ID, {"Files": resource(BUCKET)})
        assert found.startswith("info: nothing in the template says that the bucket is closed to the public\n")

    def test_findings_are_acknowledged_one_by_one(self) -> None:
        assert ids(self.ID, {"Files": resource(BUCKET, AccessControl="PublicRead")}) == [
            f"{self.ID}[AccessControl]",
            self.ID,
        ]

    def test_accepts_what_is_known_at_deploy_only(self) -> None:
        block = dict.fromkeys(SWITCHES, ref("Unknown"))
        bucket = resource(BUCKET, PublicAccessBlockConfiguration=block)
        assert judged(self.ID, {"Files": bucket}, Parameters=UNKNOWN) == []


class TestKeyIsRotated:
    ID = "key-is-rotated"

    @pytest.mark.parametrize("properties", [{}, {"EnableKeyRotation": False}, {"KeyUsage": "ENCRYPT_DECRYPT"}])
    def test_warns_of_a_key_that_stays_the_same(self, properties: dict[str, Any]) -> None:
        [found] = judged(self.ID, {"Key": resource(KEY, **properties)})
        assert found.startswith("warning: the key is never rotated")

    @pytest.mark.parametrize(
        "properties",
        [
            {"EnableKeyRotation": True},
            {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"},
            {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
            {"Origin": "EXTERNAL"},
            {"EnableKeyRotation": ref("Unknown")},
        ],
    )
    def test_accepts_rotation_and_keys_that_have_none(self, properties: dict[str, Any]) -> None:
        assert judged(self.ID, {"Key": resource(KEY, **properties)}, Parameters=UNKNOWN) == []


class TestFunctionMayRun:
    ID = "function-may-run"

    @pytest.mark.parametrize("reserved", [0, "0"])
    def test_warns_of_a_function_that_is_stopped(self, reserved: Any) -> None:
        assert judged(self.ID, {"Send": function(ReservedConcurrentExecutions=reserved)}) == [
            (
                "warning: ReservedConcurrentExecutions is 0: every invocation is refused\n"
                "  at:  Shop/Send (AWS::Lambda::Function) ReservedConcurrentExecutions\n"
                "  fix: leave it out, or reserve what the function needs"
            )
        ]

    def test_accepts_any_other(self) -> None:
        assert judged(self.ID, {"Send": function(ReservedConcurrentExecutions=1), "Work": function()}) == []


class TestApiStageIsThrottled:
    ID = "api-stage-is-throttled"
    FULL: dict[str, Any] = {"ThrottlingRateLimit": 10, "ThrottlingBurstLimit": 20}

    def test_warns_of_limits_that_let_nothing_in(self) -> None:
        closed = {**self.FULL, "ThrottlingRateLimit": 0}
        stage = resource("AWS::ApiGatewayV2::Stage", ApiId=ref("Api"), DefaultRouteSettings=closed)
        assert judged(self.ID, {"Stage": stage}) == [
            (
                "warning: ThrottlingRateLimit is 0, wanted is what its functions bear: every request is answered with "
                "429\n"
                "  at:  Shop/Stage (AWS::ApiGatewayV2::Stage) DefaultRouteSettings.ThrottlingRateLimit\n"
                "  fix: raise ThrottlingRateLimit; to close a route for a while, take it out"
            )
        ]

    def test_warns_of_one_route_of_one_method_and_of_a_plan(self) -> None:
        routes = {"GET /": {"ThrottlingBurstLimit": "0"}}
        every = {"ResourcePath": "/*", "HttpMethod": "*", **self.FULL, "ThrottlingBurstLimit": 0}
        resources = {
            "Http": resource("AWS::ApiGatewayV2::Stage", DefaultRouteSettings=self.FULL, RouteSettings=routes),
            "Rest": resource("AWS::ApiGateway::Stage", MethodSettings=[every]),
            "Plan": resource("AWS::ApiGateway::UsagePlan", Quota={"Limit": 0, "Period": "DAY"}),
        }
        assert sorted(ids(self.ID, resources)) == [
            f"{self.ID}[MethodSettings.ThrottlingBurstLimit]",
            f"{self.ID}[Quota.Limit]",
            f"{self.ID}[RouteSettings.ThrottlingBurstLimit]",
        ]

    def test_accepts_small_limits(self) -> None:
        small = {"ThrottlingRateLimit": 0.5, "ThrottlingBurstLimit": 1}
        assert judged(self.ID, {"Stage": resource("AWS::ApiGatewayV2::Stage", DefaultRouteSettings=small)}) == []


class TestInformation:
    def test_tells_of_a_stage_without_an_access_log(self) -> None:
        kind = "AWS::ApiGatewayV2::Stage"
        [found] = judged("api-requests-are-logged", {"Stage": resource(kind)})
        assert found.startswith("info: requests that API Gateway refuses or gives up leave no trace")
        logged = resource(kind, AccessLogSettings={"DestinationArn": arn("Logs"), "Format": "x"})
        assert judged("api-requests-are-logged", {"Stage": logged}) == []

    @pytest.mark.parametrize(
        ("kind", "policy", "names"),
        [
            (BUCKET, "AWS::S3::BucketPolicy", {"Bucket": ref("It")}),
            ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", {"Queues": [ref("It")]}),
            (TOPIC, "AWS::SNS::TopicPolicy", {"Topics": [ref("It")]}),
        ],
    )
    def test_tells_of_what_takes_requests_in_the_clear(self, kind: str, policy: str, names: dict[str, Any]) -> None:
        rule_id = "requests-come-over-tls"
        [found] = judged(rule_id, {"It": resource(kind)})
        assert found.startswith("info: requests may come without TLS")
        deny = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
        over_tls = {**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
        held = resource(policy, PolicyDocument={"Statement": [over_tls]}, **names)
        assert judged(rule_id, {"It": resource(kind), "Policy": held}) == []
        other = resource(policy, PolicyDocument={"Statement": [{**over_tls, "Effect": "Allow"}]}, **names)
        assert len(judged(rule_id, {"It": resource(kind), "Policy": other})) == 1
