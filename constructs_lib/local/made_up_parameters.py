"""Values for parameters of templates that nobody gives one: on AWS `cdk deploy --parameters` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly import StackArtifact


def made_up(artifact: StackArtifact) -> dict[str, str]:
    """Return a value for each parameter of a stack that has neither a default nor a value.

    The first of its allowed values, else its least number, else its own name.
    """
    declared = artifact.template.get("Parameters", {})
    return {
        name: _value(name, each)
        for name, each in declared.items()
        if isinstance(each, dict) and "Default" not in each and name not in artifact.parameters
    }


def made_up_lines(artifact: StackArtifact) -> Iterator[str]:
    """Yield what is to be said of each."""
    for name, value in made_up(artifact).items():
        rest = "give it a default in the app to have another"
        yield f"parameter {name} of stack {artifact.name} has no default: {value} stands in; {rest}"


def _value(name: str, declared: dict[str, Any]) -> str:
    if declared.get("AllowedValues"):
        return str(declared["AllowedValues"][0])
    if declared.get("Type") in {"Number", "List<Number>"}:
        return str(declared.get("MinValue", 1))
    return name.lower().ljust(int(declared.get("MinLength", 0)), "x")
