"""Conditions of statements: those on how a request is made, which whoever may write can arrange, and those on more.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
"""

from tests.guards.recursion.parts import Resources, allow, att, bucket, deny, notifying, objects, writer
from tests.guards.recursion.topology import guarded, loop, risk, silent

ARRANGED = (
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:SourceIp",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:ViaAWSService",
    "s3:DataAccessPointAccount",
    "s3:ResourceAccount",
    "s3:TlsVersion",
    "s3:authType",
    "s3:signatureversion",
    "s3:x-amz-acl",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-storage-class",
)
# What nobody can tell from a template.
UNKNOWN = ("aws:CurrentTime", "aws:PrincipalTag/team", "aws:ResourceTag/stage", "aws:MultiFactorAuthPresent")


def told(key: str) -> Resources:
    condition = {"StringEquals": {key: "x"}}
    may = allow("s3:PutObject", objects(), **condition)
    return writer(may) | bucket(NotificationConfiguration=notifying("Lambda", att("Writer")))


def elsewhere(key: str) -> Resources:
    condition = {"StringEquals": {key: "x"}}
    may = allow("s3:PutObject", objects("out/*"), **condition)
    return writer(may) | bucket(NotificationConfiguration=notifying("Lambda", att("Writer"), prefix="in/"))


def denied(key: str) -> Resources:
    """A denial under a condition proves nothing, whatever it asks for."""
    condition = {"StringEquals": {key: "x"}}
    system = writer(allow("s3:PutObject", objects()), deny("s3:PutObject", objects(), **condition))
    return system | bucket(NotificationConfiguration=notifying("Lambda", att("Writer")))


# Which no request has that writes: what is allowed under it is never allowed.
OF_LISTS = ("s3:prefix", "s3:delimiter", "s3:max-keys")


def of_lists(operator: str) -> Resources:
    may = allow("s3:*", objects(), **{operator: {"s3:prefix": ["x"]}})
    return writer(may) | bucket(NotificationConfiguration=notifying("Lambda", att("Writer")))


TOPOLOGIES = (
    *(silent(f"allowed by {key}", told(key)) for key in OF_LISTS),
    *(risk(f"allowed by {each}", of_lists(each)) for each in ("StringNotLike", "StringLikeIfExists")),
    *(loop(f"allowed by {key}", told(key)) for key in ARRANGED),
    *(risk(f"allowed by {key}", told(key)) for key in UNKNOWN),
    *(guarded(f"allowed elsewhere by {key}", elsewhere(key)) for key in (*ARRANGED[:3], *UNKNOWN)),
    *(loop(f"denied by {key}", denied(key)) for key in (*ARRANGED[:3], *UNKNOWN)),
)
