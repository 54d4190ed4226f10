"""What a `call` says it takes: statements that name their actions and resources, and nothing beyond."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from aws_cdk import aws_iam as iam

from constructs_lib.workflow_steps.json_value import Misfit, shown

# `aws-sdk:sesv2:sendEmail`, `ecs:runTask.sync`: what the SDK calls is not waited for, but may take a token.
APIS = "https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html"
API = re.compile(r"[a-z0-9-]+(:[A-Za-z0-9-]+)+(\.sync|\.sync:2|\.waitForTaskToken)?")
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
SID = re.compile("[A-Za-z0-9]*")
EXAMPLE = 'iam.PolicyStatement(actions=["ses:SendEmail"], resources=[identity_arn])'


def allowance_problems(name: str, api: object, allow: object) -> Iterator[Misfit]:
    """What is wrong with an API's name, and with the statements that allow it."""
    if not isinstance(api, str):
        yield f"{name!r} calls {shown(api)}, wanted the name of an API", 'write "aws-sdk:sesv2:sendEmail"'
    elif api.startswith("arn:"):
        yield (
            f"{name!r} calls the ARN {api!r}, wanted what follows arn:aws:states:::",
            f"write {api.rpartition(':::')[2]!r}",
        )
    elif not API.fullmatch(api) or (api.startswith("aws-sdk:") and ".sync" in api):
        yield f"{name!r} calls {api!r}, which Step Functions does not have", f"see {APIS}"
    if not isinstance(allow, Sequence) or isinstance(allow, str | bytes):
        yield f"allow of {name!r} is {shown(allow)}, wanted a list of statements", f"write allow=[{EXAMPLE}]"
        return
    for statement in allow:
        if isinstance(statement, iam.PolicyStatement):
            yield from _statement_problems(name, statement)
        else:
            yield f"allow of {name!r} holds {shown(statement)}, wanted statements alone", f"write allow=[{EXAMPLE}]"


def _statement_problems(name: str, statement: iam.PolicyStatement) -> Iterator[Misfit]:
    text = statement.to_statement_json()
    for inverse, wanted in (("NotAction", "actions"), ("NotResource", "resources")):
        if inverse in text:
            yield (
                f"allow of {name!r} has a {inverse}, which is everything but a few {wanted}",
                f"name the {wanted} that the call takes",
            )
        elif wanted.title()[:-1] not in text:
            yield f"allow of {name!r} has a statement without {wanted}", f"name the {wanted} that the call takes"
    for action in (each for each in statement.actions if "*" in each):
        yield f"allow of {name!r} has the action {action!r}", "name each action that the call takes"
    if "Principal" in text or "NotPrincipal" in text:
        yield (
            f"allow of {name!r} names a principal, and the principal is the workflow",
            "leave principals out",
        )
    if not SID.fullmatch(statement.sid or ""):
        yield f"allow of {name!r} has the Sid {statement.sid!r}", "use letters and digits"
