"""What holds data stays when its stack goes, or when it is replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.resource import Resource
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule
from constructs_lib.guards.waivers import is_waived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")
KEEPING = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})
# What holds data that nothing else can make again, and what becomes of it when nothing is said.
HOLDS_DATA = {
    "AWS::Cognito::UserPool": "Delete",
    "AWS::DocDB::DBCluster": "Delete",
    "AWS::DynamoDB::GlobalTable": "Delete",
    "AWS::DynamoDB::Table": "Delete",
    "AWS::EFS::FileSystem": "Delete",
    "AWS::Elasticsearch::Domain": "Delete",
    "AWS::Neptune::DBCluster": "Delete",
    "AWS::OpenSearchService::Domain": "Delete",
    "AWS::RDS::DBCluster": "Snapshot",
    "AWS::RDS::DBInstance": "Snapshot",
    "AWS::Redshift::Cluster": "Delete",
}
EMPTIED = "Custom::S3AutoDeleteObjects"  # what lets CloudFormation delete a bucket that is not empty


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """What holds data is retained, or kept as a snapshot, when it is deleted or replaced.

    Why it matters: removing a stack, renaming a construct or changing a property that needs a replacement deletes the
    data with the resource. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html

    Refuses: a table, database, user pool, file system or search domain whose `DeletionPolicy` or `UpdateReplacePolicy`
    deletes it; a bucket that the CDK empties before deleting it.

    Accepts: `Retain`, `RetainExceptOnCreate`, `Snapshot`; an instance of a cluster, which holds nothing itself;
    `retain=Waived("why")` of the constructs.
    """
    for kind, default in HOLDS_DATA.items():
        for resource in assembly.of_type(kind):
            if is_waived(resource, "retain") or not resource.lacks("DBClusterIdentifier"):
                continue
            losing = [name for name in POLICIES if resource.policies.get(name, default) not in KEEPING]
            if losing:
                yield finding(
                    resource,
                    problem=f"its data is deleted with it: {' and '.join(losing)} {_told(losing, resource)}",
                    fix=f"set {' and '.join(losing)} to Retain",
                    at=(losing[0],),
                )
    for emptier in assembly.of_type(EMPTIED):
        bucket = assembly.target(emptier.value("BucketName"), "AWS::S3::Bucket")
        if isinstance(bucket, Resource) and not is_waived(bucket, "retain"):
            yield finding(
                bucket,
                problem="every object of the bucket is deleted with it: autoDeleteObjects is on",
                fix="turn autoDeleteObjects off and set DeletionPolicy to Retain, or say why",
                through=(emptier,),
            )


def _told(losing: list[str], resource: Resource) -> str:
    said = {resource.policies.get(name, "not set") for name in losing}
    verb = "is" if len(losing) == 1 else "are"
    return f"{verb} {' and '.join(sorted(said))}"
