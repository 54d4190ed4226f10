"""The rules about what holds data."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import judged, ref, resource

TABLE, GLOBAL = "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"


def waived(made: dict[str, Any], safeguard: str) -> dict[str, Any]:
    return {**made, "Metadata": {"constructs-lib:waived": {safeguard: "a cache"}}}


class TestTableIsProtectedFromDeletion:
    ID = "table-is-protected-from-deletion"

    @pytest.mark.parametrize(
        "properties", [{}, {"DeletionProtectionEnabled": False}, {"DeletionProtectionEnabled": "false"}]
    )
    def test_warns_of_a_table_that_can_be_deleted(self, properties: dict[str, Any]) -> None:
        assert judged(self.ID, {"Users": resource(TABLE, **properties)}) == [
            (
                "warning: the table can be deleted with all its items by any deployment\n"
                "  at:  Shop/Users (AWS::DynamoDB::Table) DeletionProtectionEnabled\n"
                "  fix: set DeletionProtectionEnabled to true"
            )
        ]

    def test_warns_of_a_replica_that_can_be_deleted(self) -> None:
        replicas = [{"Region": "eu-west-1", "DeletionProtectionEnabled": True}, {"Region": "us-east-1"}]
        assert judged(self.ID, {"Users": resource(GLOBAL, Replicas=replicas)}) == [
            (
                "warning: the replica in us-east-1 can be deleted with all its items by any deployment\n"
                "  at:  Shop/Users (AWS::DynamoDB::GlobalTable) Replicas.1.DeletionProtectionEnabled\n"
                "  fix: set DeletionProtectionEnabled to true"
            )
        ]

    def test_accepts_protection_and_reasons(self) -> None:
        resources = {
            "Users": resource(TABLE, DeletionProtectionEnabled=True),
            "Maybe": resource(TABLE, DeletionProtectionEnabled=ref("Protect")),
            "Cache": waived(resource(TABLE), "deletion_protection"),
        }
        assert judged(self.ID, resources, Parameters={"Protect": {"Type": "String"}}) == []


class TestTableCanBeRestored:
    ID = "table-can-be-restored"
    ON: dict[str, Any] = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    TEXT: dict[str, Any] = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": "false"}}
    OFF: dict[str, Any] = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False}}

    @pytest.mark.parametrize("properties", [{}, OFF, TEXT])
    def test_warns_of_a_table_that_cannot(self, properties: dict[str, Any]) -> None:
        assert judged(self.ID, {"Users": resource(TABLE, **properties)}) == [
            (
                "warning: items that are written over or deleted by mistake cannot be had back\n"
                "  at:  Shop/Users (AWS::DynamoDB::Table) "
                "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled\n"
                "  fix: set PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled to true"
            )
        ]

    def test_one_replica_of_a_global_table_is_enough(self) -> None:
        def said(*replicas: dict[str, Any]) -> list[str]:
            return judged(self.ID, {"Users": resource(GLOBAL, Replicas=list(replicas))})

        assert said({"Region": "eu-west-1"}, {"Region": "us-east-1", **self.ON}) == []
        [found] = said({"Region": "eu-west-1"}, {"Region": "us-east-1", **self.OFF})
        assert found.split("\n")[1] == "  at:  Shop/Users (AWS::DynamoDB::GlobalTable) Replicas"

    def test_accepts_recovery_and_reasons(self) -> None:
        cache = waived(resource(TABLE), "point_in_time_recovery")
        assert judged(self.ID, {"Users": resource(TABLE, **self.ON), "Cache": cache}) == []


class TestDataOutlivesItsStack:
    ID = "data-outlives-its-stack"

    def test_warns_of_a_table_that_is_deleted_by_default(self) -> None:
        assert judged(self.ID, {"Users": resource(TABLE)}) == [
            (
                "warning: its data is deleted with it: DeletionPolicy and UpdateReplacePolicy are not set\n"
                "  at:  Shop/Users (AWS::DynamoDB::Table) DeletionPolicy\n"
                "  fix: set DeletionPolicy and UpdateReplacePolicy to Retain"
            )
        ]

    def test_warns_of_what_is_told_to_be_deleted(self) -> None:
        [said] = judged(self.ID, {"Users": resource("AWS::RDS::DBInstance", policy="Delete")})
        assert said.startswith(
            "warning: its data is deleted with it: DeletionPolicy and UpdateReplacePolicy are Delete\n"
        )
        pool = {**resource("AWS::Cognito::UserPool", policy="Retain"), "UpdateReplacePolicy": "Delete"}
        assert judged(self.ID, {"Users": pool}) == [
            (
                "warning: its data is deleted with it: UpdateReplacePolicy is Delete\n"
                "  at:  Shop/Users (AWS::Cognito::UserPool) UpdateReplacePolicy\n"
                "  fix: set UpdateReplacePolicy to Retain"
            )
        ]

    @pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate", "Snapshot"])
    def test_accepts_what_is_kept(self, policy: str) -> None:
        assert judged(self.ID, {"Users": resource(TABLE, policy=policy)}) == []

    def test_accepts_databases_by_default_and_instances_of_a_cluster(self) -> None:
        cluster = resource("AWS::RDS::DBCluster")
        writer = resource("AWS::RDS::DBInstance", policy="Delete", DBClusterIdentifier=ref("Cluster"))
        assert judged(self.ID, {"Cluster": cluster, "Writer": writer}) == []

    def test_accepts_a_reason(self) -> None:
        assert judged(self.ID, {"Cache": waived(resource(TABLE, policy="Delete"), "retain")}) == []

    def test_warns_of_a_bucket_that_is_emptied(self) -> None:
        emptier = resource("Custom::S3AutoDeleteObjects", BucketName=ref("Files"))
        bucket = resource("AWS::S3::Bucket", policy="Delete")
        assert judged(self.ID, {"Files": bucket}) == []
        assert judged(self.ID, {"Files": waived(bucket, "retain"), "Emptier": emptier}) == []
        elsewhere = resource("Custom::S3AutoDeleteObjects", BucketName="elsewhere")
        assert judged(self.ID, {"Files": bucket, "Emptier": elsewhere}) == []
        assert judged(self.ID, {"Files": bucket, "Emptier": emptier}) == [
            (
                "warning: every object of the bucket is deleted with it: autoDeleteObjects is on\n"
                "  at:  Shop/Files (AWS::S3::Bucket)\n"
                "  fix: turn autoDeleteObjects off and set DeletionPolicy to Retain, or say why"
            )
        ]
