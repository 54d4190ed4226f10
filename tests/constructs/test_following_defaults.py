"""Each construct does what the Defaults say, and what its arguments say before them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import (
    Defaults,
    DynamoTable,
    EventBus,
    Iam,
    PropError,
    QueueWorker,
    RelationalDatabase,
    Schedule,
    SecureApi,
    SecureApiFunction,
    SecureFunction,
    Topic,
    UploadBucket,
    Waived,
    Workflow,
    defaults_of,
    step,
)
from tests.constructs.test_keys_elsewhere import cycle_in
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, show, statements_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"
DAY = logs.RetentionDays.ONE_DAY


def properties(stack: cdk.Stack, kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in resources_of(template_of(stack), kind).values()]


def of_its_own(stack: cdk.Stack, defaults: Defaults) -> Construct:
    return defaults.apply(Construct(stack, "Part"))


def everything(stack: cdk.Stack) -> SecureFunction:
    """One of each, joined as an app joins them."""
    table = DynamoTable(stack, "Table", partition_key="id")
    uploads = UploadBucket(stack, "Uploads")
    topic = Topic(stack, "Topic")
    worker = QueueWorker(stack, "Worker", entry=ENTRY, idempotent=True)
    api = SecureApi(stack, "Api", auth=Iam())
    function = SecureApiFunction(stack, "Function", api=api, route="GET /", entry=ENTRY)
    background = SecureFunction(stack, "Background", entry=ENTRY)
    table.grant(function, "GetItem")
    uploads.grant_read(function, prefix="in/")
    uploads.on_upload(worker, prefix="in/")
    topic.grant_publish(function)
    topic.subscribe(worker)
    topic.subscribe(background)
    EventBus(stack, "Bus").add_rule("Placed", {"source": ["orders"]}, background)
    Schedule(stack, "Nightly", expression="rate(1 day)", target=background)
    Workflow(stack, "Workflow", steps=[step("Greet", SecureFunction(stack, "Step", entry=ENTRY))])
    worker.grant_send(function)
    return function


class TestLogs:
    def test_are_kept_as_long_as_the_defaults_say(self, stack: cdk.Stack) -> None:
        Defaults(log_retention=DAY).apply(stack)
        everything(stack)
        kept = [each["RetentionInDays"] for each in properties(stack, "AWS::Logs::LogGroup")]
        assert len(kept) == 6
        assert set(kept) == {1}

    def test_or_as_an_argument_says(self, stack: cdk.Stack) -> None:
        Defaults(log_retention=DAY).apply(stack)
        week = logs.RetentionDays.ONE_WEEK
        function = SecureFunction(stack, "Report", entry=ENTRY, log_retention=week)
        Workflow(stack, "Workflow", steps=[step("Report", function)], log_retention=week)
        SecureApi(stack, "Api", auth=Iam(), log_retention=week)
        assert [each["RetentionInDays"] for each in properties(stack, "AWS::Logs::LogGroup")] == [7, 7, 7]


class TestData:
    def test_goes_with_its_stack_and_the_reason_stays(self, stack: cdk.Stack) -> None:
        Defaults.dev().apply(stack)
        DynamoTable(stack, "Table", partition_key="id")
        UploadBucket(stack, "Uploads")
        SecureFunction(stack, "Function", entry=ENTRY)
        template = template_of(stack)
        assert {each["DeletionPolicy"] for each in resources_of(template, "AWS::Logs::LogGroup").values()} == {"Delete"}
        [table] = resources_of(template, "AWS::DynamoDB::Table").values()
        assert (table["DeletionPolicy"], table["Properties"]["DeletionProtectionEnabled"]) == ("Delete", False)
        reason = "turned off by the Defaults of Shop"
        assert table["Metadata"]["constructs-lib:waived"] == {"deletion_protection": reason, "retain": reason}
        assert {each["DeletionPolicy"] for each in resources_of(template, "AWS::S3::Bucket").values()} == {"Delete"}

    def test_of_a_table_that_is_protected_by_its_argument_stays(self, stack: cdk.Stack) -> None:
        Defaults.dev().apply(stack)
        DynamoTable(stack, "Table", partition_key="id", deletion_protection=True)
        [table] = resources_of(template_of(stack), "AWS::DynamoDB::Table").values()
        assert (table["DeletionPolicy"], table["Properties"]["DeletionProtectionEnabled"]) == ("Retain", True)

    def test_that_an_argument_gives_up_goes_whatever_the_defaults_say(self, stack: cdk.Stack) -> None:
        Defaults.prod().apply(stack)
        short = Waived("a cache")
        DynamoTable(stack, "Table", partition_key="id", deletion_protection=short, retain=short)
        [table] = resources_of(template_of(stack), "AWS::DynamoDB::Table").values()
        assert table["DeletionPolicy"] == "Delete"

    def test_nothing_is_found_in_any_stage(self, app: cdk.App) -> None:
        for name, defaults in {"dev": Defaults.dev(), "prod": Defaults.prod()}.items():
            stack = cdk.Stack(defaults.apply(cdk.Stage(app, name)), "Shop")
            everything(stack)
            assert findings_of(stack) == [], name


class TestKey:
    @pytest.mark.parametrize("place", ["here", "elsewhere", "imported"])
    def test_no_cycle_closes_wherever_it_is(self, app: cdk.App, stack: cdk.Stack, place: str) -> None:
        keys = cdk.Stack(app, "Keys") if place == "elsewhere" else stack
        arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
        key = kms.Key.from_key_arn(stack, "Key", arn) if place == "imported" else kms.Key(keys, "Key")
        Defaults(encryption_key=key).apply(stack)
        everything(stack)
        assert [cycle_in(template_of(each)) for each in {stack, keys}] == [[]] * len({stack, keys})

    def test_is_that_of_everything_that_stores(self, stack: cdk.Stack) -> None:
        Defaults(encryption_key=kms.Key(stack, "Key", enable_key_rotation=True)).apply(stack)
        everything(stack)
        [key] = resources_of(template_of(stack), "AWS::KMS::Key")
        arn = {"Fn::GetAtt": [key, "Arn"]}
        assert [each["KmsKeyId"] for each in properties(stack, "AWS::Logs::LogGroup")] == [arn] * 6
        assert {show(each["KmsMasterKeyId"]) for each in properties(stack, "AWS::SQS::Queue")} == {show(arn)}
        assert {show(each["KmsMasterKeyId"]) for each in properties(stack, "AWS::SNS::Topic")} == {show(arn)}
        tables = properties(stack, "AWS::DynamoDB::Table")
        assert {show(each["SSESpecification"]["KMSMasterKeyId"]) for each in tables} == {show(arn)}
        assert findings_of(stack) == []

    def test_is_used_by_those_who_use_what_it_encrypts_and_through_its_service_alone(self, stack: cdk.Stack) -> None:
        Defaults(encryption_key=kms.Key(stack, "Key")).apply(stack)
        function = SecureFunction(stack, "Report", entry=ENTRY)
        DynamoTable(stack, "Table", partition_key="id").grant(function, "GetItem")
        uses = {each for each in permissions_of(template_of(stack), "Report") if each[0].startswith("kms:")}
        service = '{"StringEquals": {"kms:ViaService": {"Fn::Join": ["", ["dynamodb.", {"Ref": "AWS::Region"}, "."'
        [(action, resource)] = uses
        assert action == "kms:Decrypt"
        assert resource.startswith(f"Key961B73FD.Arn if {service}")

    def test_admits_what_writes_logs_for_this_account_alone(self, stack: cdk.Stack) -> None:
        Defaults(encryption_key=kms.Key(stack, "Key")).apply(stack)
        everything(stack)
        [key] = properties(stack, "AWS::KMS::Key")
        admitted = [each for each in key["KeyPolicy"]["Statement"] if "logs." in str(each["Principal"])]
        [statement] = admitted  # once, for all log groups
        [condition] = statement["Condition"].values()
        assert show(condition["kms:EncryptionContext:aws:logs:arn"]) == (
            "arn:AWS::Partition:logs:AWS::Region:AWS::AccountId:log-group:*"
        )

    def test_of_an_argument_comes_first(self, stack: cdk.Stack) -> None:
        Defaults(encryption_key=kms.Key(stack, "Key")).apply(stack)
        Topic(stack, "Topic", encryption_key=kms.Key(stack, "Own"))
        [topic] = properties(stack, "AWS::SNS::Topic")
        assert show(topic["KmsMasterKeyId"]).startswith("Own")


class TestConcurrency:
    def test_is_set_aside_for_each_function(self, stack: cdk.Stack) -> None:
        Defaults(reserved_concurrency=5).apply(stack)
        SecureFunction(stack, "Report", entry=ENTRY)
        SecureFunction(stack, "Export", entry=ENTRY, reserved_concurrency=7)
        found = [each["ReservedConcurrentExecutions"] for each in properties(stack, "AWS::Lambda::Function")]
        assert sorted(found) == [5, 7]

    def test_of_a_worker_is_not_less_than_its_queue_may_use(self, stack: cdk.Stack) -> None:
        Defaults(reserved_concurrency=5).apply(stack)
        with pytest.raises(PropError, match="max_concurrency"):
            QueueWorker(stack, "Worker", entry=ENTRY, max_concurrency=6)


class TestVpc:
    @pytest.fixture
    def vpc(self, stack: cdk.Stack) -> ec2.Vpc:
        isolated = ec2.SubnetConfiguration(name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        return ec2.Vpc(
            stack, "Vpc", nat_gateways=0, restrict_default_security_group=False, subnet_configuration=[isolated]
        )

    def test_takes_functions_into_its_isolated_subnets_and_lets_tls_out(self, stack: cdk.Stack, vpc: ec2.Vpc) -> None:
        Defaults(vpc=vpc).apply(stack)
        SecureFunction(stack, "Report", entry=ENTRY)
        [function] = properties(stack, "AWS::Lambda::Function")
        subnets = [show(each) for each in function["VpcConfig"]["SubnetIds"]]
        assert len(subnets) == 2
        assert all("Isolated" in each for each in subnets)
        [group] = properties(stack, "AWS::EC2::SecurityGroup")
        assert [(each["FromPort"], each["ToPort"], each["CidrIp"]) for each in group["SecurityGroupEgress"]] == [
            (443, 443, "0.0.0.0/0")
        ]
        assert "SecurityGroupIngress" not in group
        # Denied to its own code, and not to Lambda, which makes the interfaces with the same role.
        [denied] = [each for each in statements_of(template_of(stack)) if each["Effect"] == "Deny"]
        [name] = resources_of(template_of(stack), "AWS::Lambda::Function")
        assert denied["Condition"] == {"ArnEquals": {"lambda:SourceFunctionArn": {"Fn::GetAtt": [name, "Arn"]}}}
        # Of the VPC, which logs no flows, and of a function that nobody calls yet.
        assert findings_of(stack) == ["AwsSolutions-VPC7", "Serverless-LambdaDLQ"]

    def test_an_l2_lets_a_function_in(self, stack: cdk.Stack, vpc: ec2.Vpc) -> None:
        cache = ec2.Connections(
            security_groups=[ec2.SecurityGroup(stack, "Cache", vpc=vpc, allow_all_outbound=False)],
            default_port=ec2.Port.tcp(6379),
        )
        cache.allow_default_port_from(SecureFunction(stack, "Report", entry=ENTRY, vpc=vpc))
        for way in ("Ingress", "Egress"):
            [rule] = properties(stack, f"AWS::EC2::SecurityGroup{way}")
            assert (rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) == (6379, 6379, "tcp")

    def test_an_l2_lets_no_function_in_that_is_elsewhere(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError) as caught:
            _ = SecureFunction(stack, "Report", entry=ENTRY).connections
        assert str(caught.value) == (
            "the function is in no VPC, and is let in nowhere there\n"
            "  at:  Shop/Report (SecureFunction)\n"
            "  fix: pass the vpc=... of both"
        )

    def test_is_not_for_a_function_that_says_why(self, stack: cdk.Stack, vpc: ec2.Vpc) -> None:
        Defaults(vpc=vpc).apply(stack)
        SecureFunction(stack, "Report", entry=ENTRY, vpc=Waived("calls a partner's public API"))
        [function] = resources_of(template_of(stack), "AWS::Lambda::Function").values()
        assert "VpcConfig" not in function["Properties"]
        assert function["Metadata"]["constructs-lib:waived"] == {"vpc": "calls a partner's public API"}

    def test_with_public_subnets_alone_is_refused(self, stack: cdk.Stack) -> None:
        public = ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)
        vpc = ec2.Vpc(stack, "Vpc", nat_gateways=0, subnet_configuration=[public])
        with pytest.raises(PropError) as caught:
            SecureFunction(stack, "Report", entry=ENTRY, vpc=vpc)
        assert str(caught.value) == (
            "vpc has public subnets alone, from where a function reaches nobody\n"
            "  at:  Shop/Report (SecureFunction)\n"
            "  fix: give it isolated subnets: ec2.SubnetType.PRIVATE_ISOLATED"
        )

    @pytest.mark.parametrize("odd", [True, "vpc-1", 5, object()])
    def test_that_is_none_is_refused(self, stack: cdk.Stack, odd: Any) -> None:
        with pytest.raises(PropError, match=r"wanted an ec2\.IVpc"):
            SecureFunction(stack, "Report", entry=ENTRY, vpc=odd)


class TestHardened:
    @pytest.fixture
    def shop(self, stack: cdk.Stack) -> cdk.Stack:
        Defaults(hardened=True).apply(stack)
        everything(stack)
        return stack

    def test_one_key_of_the_stack_for_everything(self, shop: cdk.Stack) -> None:
        [key] = properties(shop, "AWS::KMS::Key")
        assert key["EnableKeyRotation"] is True
        assert cycle_in(template_of(shop)) == []
        assert findings_of(shop) == []

    def test_each_stack_has_its_own(self, app: cdk.App, shop: cdk.Stack) -> None:
        other = cdk.Stack(Defaults(hardened=True).apply(cdk.Stage(app, "eu")), "Other")
        nested = cdk.NestedStack(other, "Nested")
        Topic(nested, "Topic")
        assert len(properties(shop, "AWS::KMS::Key")) == len(properties(other, "AWS::KMS::Key")) == 1
        assert properties(nested, "AWS::KMS::Key") == []

    def test_a_stack_below_another_has_its_own(self, app: cdk.App) -> None:
        stage = Defaults(hardened=True).apply(cdk.Stage(app, "eu"))
        outer, inner = (cdk.Environment(account="111122223333", region=each) for each in ("eu-west-1", "us-east-1"))
        below = cdk.Stack(cdk.Stack(stage, "Outer", env=outer), "Inner", env=inner)
        DynamoTable(below, "Table", partition_key="id")
        assert len(properties(below, "AWS::KMS::Key")) == 1

    @pytest.mark.parametrize(
        ("kept", "policy"),
        [
            (lambda _: None, "Delete"),
            (lambda stack: DynamoTable(stack, "Kept", partition_key="id", deletion_protection=True), "Retain"),
            (lambda stack: UploadBucket(stack, "Kept", retain=True), "Retain"),
            (lambda stack: RelationalDatabase(stack, "Kept", deletion_protection=True), "Retain"),
            (lambda stack: defaults_of(of_its_own(stack, Defaults(removal_policy=cdk.RemovalPolicy.RETAIN))), "Retain"),
        ],
    )
    def test_the_key_goes_with_its_stack_unless_data_under_it_stays(
        self, stack: cdk.Stack, kept: Callable[[cdk.Stack], object], policy: str
    ) -> None:
        Defaults.dev(hardened=True).apply(stack)
        DynamoTable(stack, "First", partition_key="id")
        kept(stack)
        [key] = resources_of(template_of(stack), "AWS::KMS::Key").values()
        assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == (policy, policy)

    def test_a_key_of_ones_own_goes_as_it_was_made_to(self, stack: cdk.Stack) -> None:
        own = kms.Key(stack, "Own", removal_policy=cdk.RemovalPolicy.DESTROY)
        DynamoTable(stack, "Kept", partition_key="id", encryption_key=own, retain=True)
        [key] = resources_of(template_of(stack), "AWS::KMS::Key").values()
        assert key["DeletionPolicy"] == "Delete"

    @pytest.mark.parametrize(("reserved", "held"), [(None, 10), (2, 2), (1, None), (1001, None)])
    def test_a_queue_gives_no_more_than_is_reserved(
        self, stack: cdk.Stack, reserved: int | None, held: int | None
    ) -> None:
        Defaults(hardened=True, reserved_concurrency=reserved).apply(stack)
        QueueWorker(stack, "Worker", entry=ENTRY)
        [mapping] = properties(stack, "AWS::Lambda::EventSourceMapping")
        assert mapping.get("ScalingConfig") == (None if held is None else {"MaximumConcurrency": held})

    def test_a_function_keeps_what_it_failed_on_once(self, stack: cdk.Stack) -> None:
        Defaults(hardened=True).apply(stack)
        function = SecureFunction(stack, "Report", entry=ENTRY)
        Topic(stack, "Topic").subscribe(function)
        [properties_] = properties(stack, "AWS::Lambda::Function")
        target = show(properties_["DeadLetterConfig"]["TargetArn"])
        assert target.startswith("ReportFailedEvents")
        [config] = properties(stack, "AWS::Lambda::EventInvokeConfig")
        assert "DestinationConfig" not in config
        assert ("sqs:SendMessage", target) in permissions_of(template_of(stack), "Report")

    def test_or_sends_it_where_its_argument_says(self, stack: cdk.Stack) -> None:
        Defaults(hardened=True).apply(stack)
        SecureFunction(stack, "Report", entry=ENTRY, on_failure=sqs.Queue(stack, "Own"))
        [function] = properties(stack, "AWS::Lambda::Function")
        assert "DeadLetterConfig" not in function

    def test_what_a_worker_remembers_is_backed_up(self, shop: cdk.Stack) -> None:
        tables = properties(shop, "AWS::DynamoDB::Table")
        assert {each["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] for each in tables} == {True}

    def test_logs_of_accesses_have_versions(self, shop: cdk.Stack) -> None:
        versioned = [each["VersioningConfiguration"]["Status"] for each in properties(shop, "AWS::S3::Bucket")]
        assert versioned == ["Enabled", "Enabled"]
