"""What leads from where to where in a state machine, as its Amazon States Language says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

END = "\0end"  # no state can be called so
LABEL_CHARACTERS = 26

Kind = Literal["next", "choice", "catch"]


@dataclass(frozen=True, slots=True)
class Edge:
    """One way from a state to another.

    Args:
        source: The state it leaves.
        target: The state it enters; `END` where the machine ends.
        kind: Whether it is taken always, by choice or after an error.
        label: What it is taken for; empty where that goes without saying.
    """

    source: str
    target: str
    kind: Kind
    label: str = ""


def edges_of(states: Mapping[str, Any]) -> list[Edge]:
    """Return every way between these states, those of inner machines left out."""
    found = [edge for name, state in states.items() if isinstance(state, dict) for edge in _of_state(name, state)]
    return [edge for edge in dict.fromkeys(found) if edge.target in states or edge.target == END]


def _of_state(name: str, state: Mapping[str, Any]) -> Iterator[Edge]:
    if state.get("Type") == "Choice":
        for number, rule in enumerate(_dicts(state.get("Choices")), 1):
            yield Edge(name, str(rule.get("Next")), "choice", _condition(rule) or f"rule {number}")
        if "Default" in state:
            yield Edge(name, str(state["Default"]), "choice", "otherwise")
    elif "Next" in state:
        yield Edge(name, str(state["Next"]), "next")
    else:
        yield Edge(name, END, "next")
    for catcher in _dicts(state.get("Catch")):
        errors = ", ".join(str(each) for each in catcher.get("ErrorEquals", []))
        yield Edge(name, str(catcher.get("Next")), "catch", "" if errors == "States.ALL" else short(errors))


def inner_machines(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the machines inside of a state: the branches of a Parallel, the processor of a Map."""
    if state.get("Type") == "Parallel":
        return list(_dicts(state.get("Branches")))
    inner = state.get("ItemProcessor") or state.get("Iterator")
    return [inner] if state.get("Type") == "Map" and isinstance(inner, dict) else []


def short(text: str, characters: int = LABEL_CHARACTERS) -> str:
    """Return the text, or its beginning where it is too long to be read in a picture."""
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


def _condition(rule: Mapping[str, Any]) -> str:
    """A rule in a few words; empty where it takes more."""
    if isinstance(rule.get("Condition"), str):
        return short(rule["Condition"].removeprefix("{%").removesuffix("%}").strip())
    tests = [(key, value) for key, value in rule.items() if key not in {"Variable", "Next", "Comment", "Assign"}]
    if "Variable" not in rule or len(tests) != 1:
        return ""
    [(test, value)] = tests
    return short(f"{str(rule['Variable']).removeprefix('$.')} {test.removesuffix('Path')} {value}")


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())
