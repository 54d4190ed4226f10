"""What a later deployment changes: nothing that holds data is made anew or taken away, as docs/changes.md says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_secretsmanager as secretsmanager

from constructs_lib import (
    Canary,
    Defaults,
    DynamoTable,
    EventBus,
    Iam,
    QueueWorker,
    RelationalDatabase,
    Schedule,
    SecureApi,
    SecureApiFunction,
    SecureFunction,
    SecureRestApi,
    StreamWorker,
    Topic,
    UploadBucket,
    Waived,
)
from tests.templates import resources_of, template_of

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTRY = "lambda_src/greeting/greet.ts"
# What holds data or an address, and the properties for which CloudFormation makes it anew.
ANEW: Mapping[str, frozenset[str]] = {
    "AWS::ApiGateway::RestApi": frozenset(),
    "AWS::ApiGatewayV2::Api": frozenset({"ProtocolType"}),
    "AWS::DynamoDB::Table": frozenset({"TableName", "ImportSourceSpecification"}),
    "AWS::Events::Archive": frozenset({"ArchiveName", "SourceArn"}),
    "AWS::Events::EventBus": frozenset({"Name"}),
    "AWS::Lambda::Function": frozenset({"FunctionName", "PackageType"}),
    "AWS::Logs::LogGroup": frozenset({"LogGroupName"}),
    "AWS::RDS::DBCluster": frozenset(
        {"DBClusterIdentifier", "DBSubnetGroupName", "DatabaseName", "EngineMode", "KmsKeyId", "MasterUsername"}
        | {"SnapshotIdentifier", "SourceDBClusterIdentifier", "SourceRegion", "StorageEncrypted"}
    ),
    "AWS::RDS::DBProxy": frozenset({"DBProxyName", "EngineFamily", "VpcSubnetIds"}),
    "AWS::S3::Bucket": frozenset({"BucketName"}),
    "AWS::SNS::Topic": frozenset({"FifoTopic", "TopicName"}),
    "AWS::SQS::Queue": frozenset({"FifoQueue", "QueueName"}),
    "AWS::SecretsManager::Secret": frozenset({"Name"}),
    "AWS::StepFunctions::StateMachine": frozenset({"StateMachineName", "StateMachineType"}),
}


class Shop(cdk.Stack):
    """One of everything that holds something."""

    def __init__(self, scope: cdk.App, *, canary: bool = False, more: bool = False) -> None:
        super().__init__(scope, "Shop")
        orders = DynamoTable(self, "Orders", partition_key="id", stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES)
        self.ledger = RelationalDatabase(self, "Ledger")
        UploadBucket(self, "Pictures")
        Topic(self, "News")
        EventBus(self, "Bus")
        secretsmanager.Secret(self, "Stripe")
        QueueWorker(self, "Mails", entry=ENTRY, idempotent=True)
        StreamWorker(self, "Changed", table=orders, entry=ENTRY)
        charge = SecureFunction(self, "Charge", entry=ENTRY, canary=Canary() if canary else None)
        Schedule(self, "Hourly", expression="rate(1 hour)", target=charge)
        for api in (SecureApi(self, "Api", auth=Iam()), SecureRestApi(self, "Rest", auth=Iam())):
            own = api.node.id
            if more:
                SecureApiFunction(self, f"{own}More", api=api, route="GET /about", entry=ENTRY, reserved_concurrency=1)
            SecureApiFunction(self, f"{own}Greet", api=api, route="GET /greet", entry=ENTRY, reserved_concurrency=1)


def held(defaults: Defaults, *, canary: bool = False, more: bool = False) -> dict[str, dict[str, Any]]:
    """What holds something, by its logical id: its type, and what it would be made anew for."""
    app = cdk.App(analytics_reporting=False)
    resources = template_of(Shop(defaults.apply(app), canary=canary, more=more))["Resources"]
    return {
        logical_id: {"Type": each["Type"]}
        | {key: value for key, value in each.get("Properties", {}).items() if key in ANEW[each["Type"]]}
        for logical_id, each in resources.items()
        if each["Type"] in ANEW
    }


def lost(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> dict[str, set[str]]:
    """What is taken away or made anew by a change, with the properties that do it."""
    return {
        logical_id: {key for key in {**each, **now} if each.get(key) != now.get(key)}
        for logical_id, each in before.items()
        if (now := after.get(logical_id, {})) != each
    }


@pytest.fixture(scope="module")
def before() -> dict[str, dict[str, Any]]:
    return held(Defaults.dev())


class TestNothingIsLost:
    def test_by_another_preset_a_canary_and_further_routes(self, before: dict[str, dict[str, Any]]) -> None:
        after = held(Defaults.prod(tags={"team": "shop"}), canary=True, more=True)
        assert lost(before, after) == {}
        assert lost(after, before).keys() == after.keys() - before.keys(), "nor by taking them away again"

    def test_by_hardening_but_a_database_that_would_be_made_anew(self, before: dict[str, dict[str, Any]]) -> None:
        found = lost(before, held(Defaults.dev(hardened=True)))
        assert {before[logical_id]["Type"]: found[logical_id] for logical_id in found} == {
            "AWS::RDS::DBCluster": {"KmsKeyId"}
        }


def test_a_database_keeps_the_keys_it_was_made_with() -> None:
    def cluster(defaults: Defaults, key: Waived | None) -> dict[str, Any]:
        stack = cdk.Stack(defaults.apply(cdk.App(analytics_reporting=False)), "Bank")
        RelationalDatabase(stack, "Ledger", encryption_key=key)
        [told] = resources_of(template_of(stack), "AWS::RDS::DBCluster").values()
        return dict(told)

    reason = "made before the stage was hardened, and RDS changes no key"
    before, after = cluster(Defaults.prod(), None), cluster(Defaults.prod(hardened=True), Waived(reason))
    assert after["Metadata"]["constructs-lib:waived"] == {"encryption_key": reason}
    # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBCluster.html: neither is ever changed
    assert {"KmsKeyId", "MasterUserSecret"} & (before["Properties"].keys() | after["Properties"].keys()) == set()
    assert after["Properties"]["StorageEncrypted"] is True
    assert after["Properties"]["DBClusterIdentifier"], "named, so that CloudFormation refuses to make another one"
