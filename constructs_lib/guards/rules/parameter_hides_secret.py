"""Parameters that take a secret hide it, and have none by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constructs_lib.guards.finding import Place, Severity, finding
from constructs_lib.guards.literals import is_hidden
from constructs_lib.guards.rule import rule
from constructs_lib.guards.secret_findings import REPLACE
from constructs_lib.guards.secret_leaks import Area, leaks_of
from constructs_lib.guards.secret_names import KINDS, Certainty, judged, may_be_a_name, secret_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

NO_DEFAULT = f"leave the default out, so that whoever deploys has to give the value, and {REPLACE}"


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A parameter that takes a secret says `NoEcho: true`, and has no default that is one.

    Why it matters: the values of parameters are shown in the console and by `describe-stacks`; a default stands in the
    template itself.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html

    Refuses: a text parameter whose name says password, secret, token or key without `NoEcho`; a literal default that is
    a secret by its form, or by such a name. As a warning, a name that may also be that of the secret's name.

    Accepts: parameters of Parameter Store, names and ARNs of secrets (`DbSecretArn`), those with a choice of values,
    and defaults that are empty or placeholders.
    """
    for leak in leaks_of(assembly, Area.PARAMETER):
        problem = f"{leak.name} of parameter {leak.subject.logical_id} holds {leak.kind} in plain text"
        yield finding(leak.subject, at=leak.at, detail=leak.kind, problem=problem, fix=NO_DEFAULT)
    for stack in assembly.stacks:
        for name, parameter in stack.parameters.items():
            kind = secret_named(name)
            place = Place(stack, "Parameter", name)
            if is_hidden(parameter):
                yield from _hidden(place, parameter.get("Default"))
            elif kind is not None and parameter.get("Type") == "String" and "AllowedValues" not in parameter:
                yield from _shown(place, parameter, KINDS[kind])


def _hidden(place: Place, default: object) -> Iterator[Finding]:
    """What `NoEcho` hides is a secret, whatever it is called."""
    if isinstance(default, str | int | float) and judged("password", default) is not None:
        what = f"parameter {place.logical_id} hides its value, and its default stands in the template for all to read"
        yield finding(place, at=("Default",), detail="Default", problem=what, fix=NO_DEFAULT)


def _shown(place: Place, parameter: Mapping[str, Any], kind: str) -> Iterator[Finding]:
    name, default = place.logical_id, parameter.get("Default", "")
    certainty = judged(name, default) if isinstance(default, str | int | float) else None
    if default not in ("", None) and (certainty is None or may_be_a_name(str(default), "")):
        return  # a name or an ARN by default: it takes the name of a secret
    if certainty is Certainty.SURE:
        what = f"the default of parameter {name} is {kind} in plain text: everybody who may read this template reads it"
        yield finding(place, at=("Default",), detail="Default", problem=what, fix=NO_DEFAULT)
    if certainty is Certainty.MAYBE or may_be_a_name(name, str(parameter.get("Description", ""))):
        what = f"parameter {name} may take {kind}, and its value is shown to everybody who may describe the stack"
        fix = f"set NoEcho: true; if it takes the name of a secret, call it {name}Name"
        yield finding(place, at=("NoEcho",), detail="NoEcho", problem=what, fix=fix, severity=Severity.WARNING)
        return
    what = f"parameter {name} takes {kind} without NoEcho: its value is shown to everybody who may describe the stack"
    fix = "set NoEcho: true; better, take the name of a secret and let AWS resolve it"
    yield finding(place, at=("NoEcho",), detail="NoEcho", problem=what, fix=fix)
