"""A bucket is not public."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.value import is_false
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.guards.finding import Finding, Unknown

BLOCK = "PublicAccessBlockConfiguration"
SWITCHES = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
OPEN = {"PublicRead": "read", "PublicReadWrite": "read and write", "AuthenticatedRead": "read"}


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A bucket is closed to the public, by all four switches, and no access list opens it.

    Why it matters: one statement too wide, in a policy or an access list of any object, publishes what is in the
    bucket; the switches hold whatever these say.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html

    Refuses: a `PublicAccessBlockConfiguration` in which one of the four is false or missing; an `AccessControl` for
    everybody. As an information, none at all: AWS then closes new buckets, and older ones stay as they were.

    Accepts: four times true. Files for the public are served by CloudFront from a closed bucket.
    """
    for bucket in assembly.of_type("AWS::S3::Bucket"):
        access = bucket.text("AccessControl")
        allowed = OPEN.get(access or "")
        if allowed is not None:
            yield finding(
                bucket,
                problem=f"everybody may {allowed} what is in the bucket: AccessControl is {access}",
                fix="leave AccessControl out, and serve files for the public by CloudFront",
                at=("AccessControl",),
                detail="AccessControl",
            )
        if bucket.lacks(BLOCK):
            yield finding(
                bucket,
                problem="nothing in the template says that the bucket is closed to the public",
                fix=f"set {BLOCK}, with all of {', '.join(SWITCHES)} true",
                at=(BLOCK,),
                severity=Severity.INFO,
            )
            continue
        off = [each for each in SWITCHES if _is_off(bucket, each)]
        if off:
            yield finding(
                bucket,
                problem=f"{', '.join(off)} {'is' if len(off) == 1 else 'are'} off: a policy or an access list can make "
                "the bucket public",
                fix=f"set {' and '.join(off)} to true",
                at=(BLOCK, off[0]),
            )


def _is_off(bucket: Resource, switch: str) -> bool:
    if bucket.lacks(BLOCK, switch):
        return True
    return is_false(bucket.value(BLOCK, switch))
