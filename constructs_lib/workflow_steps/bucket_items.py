"""Items of a distributed `each` that lie in a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aws_cdk import aws_iam as iam

from constructs_lib.wiring.key_use import use_through

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3
    from constructs import Construct

Format = Literal["CSV", "JSON", "JSONL"]


@dataclass(frozen=True, eq=False)
class BucketItems:
    """One object whose content is the items; made by `from_bucket`."""

    bucket: s3.IBucket
    key: str
    format: Format

    def reader(self, partition: str) -> dict[str, object]:
        """What Step Functions calls an item reader."""
        config: dict[str, object] = {"InputType": self.format}
        if self.format == "CSV":
            config["CSVHeaderLocation"] = "FIRST_ROW"
        return {
            "Resource": f"arn:{partition}:states:::s3:getObject",
            "ReaderConfig": config,
            "Arguments": {"Bucket": self.bucket.bucket_name, "Key": self.key},
        }

    def statements(self, scope: Construct) -> list[iam.PolicyStatement]:
        """What reading it takes: this object and no other."""
        found = [iam.PolicyStatement(actions=["s3:GetObject"], resources=[self.bucket.arn_for_objects(self.key)])]
        if self.bucket.encryption_key is not None:
            found.append(use_through(scope, self.bucket.encryption_key, "s3", "kms:Decrypt"))
        return found


def from_bucket(bucket: s3.IBucket, key: str, *, format: Format = "JSON") -> BucketItems:  # noqa: A002 - what it is
    """Take the items of a distributed `each` from one object of a bucket.

    Args:
        bucket: The bucket.
        key: The object; not an expression, so that the workflow may read this one alone.
        format: A JSON array, JSON lines, or CSV whose first row names the columns.

    Example:
        >>> prices = from_bucket(bucket, "prices.csv", format="CSV")
    """
    return BucketItems(bucket, key, format)
