"""What the tests of buckets share: the bucket they ask for, a workflow, and how a refusal reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from constructs_lib import PropError
from tests.templates import permissions_of

ENTRY = "lambda_src/greeting/greet.ts"
BUCKET = "UploadsBucketC4B27CC7"
LOGS = "UploadsAccessLogsBucketFABA8AE7"
AT = "Shop/Uploads (UploadBucket)"


class Archive(Construct):
    """Anything with a state machine can be a target."""

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id)
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            definition_body=sfn.DefinitionBody.from_string(
                '{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}'
            ),
        )


def of_s3(template: dict[str, Any], role: str) -> set[tuple[str, str]]:
    return {each for each in permissions_of(template, role) if each[0].startswith(("s3:", "kms:"))}


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(PropError) as caught:
        call()
    return str(caught.value)
