"""X-Ray: the one permission that cannot name a resource."""

from __future__ import annotations

from aws_cdk import aws_iam as iam

REASON = (
    "X-Ray has no resource-level permissions: PutTraceSegments and PutTelemetryRecords accept only the resource *, "
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html"
)
FINDING = "AwsSolutions-IAM5[Resource::*]"


def trace_statement() -> iam.PolicyStatement:
    """Send traces; alone in its statement, so that the wildcard covers nothing else."""
    return iam.PolicyStatement(
        sid="SendTraces",
        actions=["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
        resources=["*"],
    )
