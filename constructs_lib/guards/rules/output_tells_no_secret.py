"""Outputs of a stack tell no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constructs_lib.guards.finding import Place, Severity, finding
from constructs_lib.guards.literals import LiteralNames, is_hidden, literals_of, references_in, strings_of
from constructs_lib.guards.rule import rule
from constructs_lib.guards.secret_names import KINDS, Certainty, judged, secret_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.stack import Stack
    from constructs_lib.guards.finding import Finding, Unknown

# What of a resource is a secret: its type, and the attribute.
ATTRIBUTES = {
    ("AWS::IAM::AccessKey", "SecretAccessKey"): "the secret access key of {}",
    ("AWS::Cognito::UserPoolClient", "ClientSecret"): "the client secret of {}",
}
RESOLVED = ("{{resolve:secretsmanager:", "{{resolve:ssm-secure:")
FIX = "export the name or ARN of a secret instead, and let who needs the value read it from Secrets Manager"


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """An output tells the name of a secret, never its value.

    Why it matters: outputs are shown in the console, in the logs of every deployment and by `describe-stacks`, and
    `NoEcho` does not hide them.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/outputs-section-structure.html

    Refuses: an output made of a parameter with `NoEcho` or the name of a secret, of the secret of an access key or of
    an app client, of a `{{resolve:secretsmanager:...}}`, or of a literal under the name of a secret.

    Accepts: names and ARNs of secrets.
    """
    for stack in assembly.stacks:
        outputs = stack.template.get("Outputs")
        for name, output in outputs.items() if isinstance(outputs, dict) else ():
            value = output.get("Value") if isinstance(output, dict) else None
            for what in dict.fromkeys(_secrets_of(stack, str(name), value)):
                yield finding(
                    Place(stack, "Output", str(name)),
                    at=("Value",),
                    detail=what,
                    problem=f"output {name} tells {what} to everybody who may describe the stack",
                    fix=FIX,
                )


def _secrets_of(stack: Stack, name: str, value: Any) -> Iterator[str]:
    for referred, attribute in references_in(value):
        parameter = stack.parameters.get(referred)
        if parameter is not None and not attribute and _takes_secret(referred, parameter):
            yield f"the value of parameter {referred}"
        resource = stack.resources.get(referred)
        told = ATTRIBUTES.get((resource.type, attribute)) if resource is not None else None
        if told is not None:
            yield told.format(referred)
    if any(start in text for text in strings_of(value) for start in RESOLVED):
        yield "the value of a secret"
    for literal in literals_of(value, LiteralNames(stack)):
        if judged(name, literal) is Certainty.SURE:
            yield KINDS[secret_named(name) or "secret"]


def _takes_secret(name: str, parameter: Mapping[str, Any]) -> bool:
    return is_hidden(parameter) or (secret_named(name) is not None and parameter.get("Type") == "String")
