"""What of an app is not here: resources the embedded AWS does not know, which only a stand-in is there for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from constructs_lib.local.control import Control
    from constructs_lib.local.deploy import DeployedStack

SHOWN = 5  # paths in a line; more would hide it


def stand_in_lines(control: Control, stacks: Sequence[DeployedStack] = ()) -> Iterator[str]:
    """Yield a line for each type of resource that is not here, with the paths of those resources and who uses them.

    Args:
        control: How the embedded AWS is asked.
        stacks: What stands, which tells the paths of constructs where the templates do not.
    """
    types: dict[str, dict[str, None]] = {}
    users: dict[str, dict[str, None]] = {}
    absent = control.ask("stand-ins")
    known = {stack.artifact.name: stack.artifact for stack in stacks}
    for each in absent:
        if each["stack"] in known:
            path_of = known[each["stack"]].construct_path
            each["path"], each["used_by"] = path_of(each["path"]), [path_of(user) for user in each["used_by"]]
    paths = {each["path"] for each in absent}
    for each in absent:
        types.setdefault(each["what"], {})[each["path"]] = None
        users.setdefault(each["what"], {}).update(dict.fromkeys(set(each["used_by"]) - paths))
    for type_ in sorted(types):
        used = f"; a made-up value goes to {_shown(sorted(users[type_]))}" if users[type_] else ""
        yield f"{type_} is not here, the rest works: {_shown(sorted(types[type_]))}{used}"


def _shown(paths: list[str]) -> str:
    more = len(paths) - SHOWN
    return ", ".join(paths[:SHOWN]) + (f" and {more} more" if more > 0 else "")
