"""Items of a distributed `each` that lie in a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from aws_cdk import aws_iam as iam

from constructs_lib.problem import Problem, PropError
from constructs_lib.wiring.key_use import use_through
from constructs_lib.workflow_steps.json_value import is_token, shown
from constructs_lib.workflow_steps.targets import bucket_of

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3
    from constructs import Construct

    from constructs_lib.workflow_steps.targets import HasBucket

Format = Literal["CSV", "JSON", "JSONL"]
# What means more than itself in the resource of a policy.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
PATTERNS = ("*", "?", "${")
FORMATS: tuple[str, ...] = get_args(Format)


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


def from_bucket(bucket: HasBucket | s3.IBucket, key: str, *, format: Format = "JSON") -> BucketItems:  # noqa: A002 - what it is
    """Take the items of a distributed `each` from one object of a bucket.

    Args:
        bucket: The bucket, or a construct with one.
        key: The object; not an expression, so that the workflow may read this one alone.
        format: A JSON array, JSON lines, or CSV whose first row names the columns.

    Raises:
        PropError: The key is no single object's, or the format none of these.

    Example:
        >>> prices = from_bucket(bucket, "prices.csv", format="CSV")
    """
    problems = []
    if not isinstance(key, str) or not key:
        problems.append((f"the key is {shown(key)}, wanted text", 'name the object: "prices.csv"'))
    elif "{%" in key:
        problems.append((f"the key {key!r} is computed, and the workflow may read one object alone", "write it out"))
    elif not is_token(key) and any(each in key for each in PATTERNS):
        problems.append((f"the key {key!r} is a pattern to IAM, and would allow other objects", "name one object"))
    if format not in FORMATS:
        problems.append((f"the format is {shown(format)}, wanted one of {', '.join(FORMATS)}", "choose one of them"))
    if problems:
        raise PropError(*(Problem(what, "from_bucket(...)", fix) for what, fix in problems))
    return BucketItems(bucket_of(bucket), key, format)
