"""A JSON file of an assembly as typed values, with errors that name the file and the key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from constructs_lib.problem import Problem, ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FIX = "synthesize again, with `cdk synth` or the command of cdk.json"
NAMES = {dict: "an object", list: "a list", str: "a string", bool: "true or false", int: "a number"}

T = TypeVar("T")


class AssemblyError(ProblemError):
    """A cloud assembly cannot be read."""


@dataclass(frozen=True, slots=True)
class JsonObject:
    """One object of a JSON file, which knows where it stands.

    Args:
        values: The object itself.
        path: The file it was read from.
        key: The path of keys that leads to it; empty at the top.
    """

    values: Mapping[str, Any]
    path: Path
    key: str = ""

    @classmethod
    def read(cls, path: Path, *, fix: str = FIX) -> JsonObject:
        """Read a file that holds one JSON object.

        Raises:
            AssemblyError: The file is missing, not JSON, or holds something else.
        """
        try:
            values = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise AssemblyError(Problem(what="there is no such file", where=str(path), fix=fix)) from error
        except OSError as error:
            what = f"the file cannot be read: {error.strerror or error}"
            raise AssemblyError(Problem(what=what, where=str(path), fix=fix)) from error
        except (ValueError, RecursionError) as error:
            # JSONDecodeError and UnicodeDecodeError are both a ValueError
            raise AssemblyError(Problem(what=f"the file is not JSON: {error}", where=str(path), fix=fix)) from error
        return cls(_checked(values, dict, path, "the file"), path)

    def get(self, name: str, kind: type[T], default: T) -> T:
        """Return the value of `name`, or `default` when there is none.

        Raises:
            AssemblyError: The value is not of this kind.
        """
        value = self.values.get(name)
        return default if value is None else _checked(value, kind, self.path, f"`{self._key_of(name)}`")

    def require(self, name: str, kind: type[T]) -> T:
        """Return the value of `name`.

        Raises:
            AssemblyError: There is none, or it is not of this kind.
        """
        if self.values.get(name) is None:
            raise self.error(f"`{self._key_of(name)}` is missing")
        return _checked(self.values[name], kind, self.path, f"`{self._key_of(name)}`")

    def object(self, name: str) -> JsonObject:
        """Return the object under `name`; an empty one when there is none."""
        return JsonObject(self.get(name, dict, {}), self.path, self._key_of(name))

    def objects(self, name: str) -> dict[str, JsonObject]:
        """Return the objects under `name`, by their keys, in the order of the file."""
        parent = self.object(name)
        return {key: JsonObject(parent.require(key, dict), self.path, parent._key_of(key)) for key in parent.values}

    def strings(self, name: str) -> tuple[str, ...]:
        """Return the list of strings under `name`; an empty one when there is none."""
        values: list[Any] = self.get(name, list, [])
        return tuple(_checked(value, str, self.path, f"`{self._key_of(name)}`") for value in values)

    def error(self, what: str, *, fix: str = FIX) -> AssemblyError:
        """Return an error about this file, to be raised."""
        return AssemblyError(Problem(what=what, where=str(self.path), fix=fix))

    def _key_of(self, name: str) -> str:
        return f"{self.key}.{name}" if self.key else name


def _checked(value: Any, kind: type[T], path: Path, name: str) -> T:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        got = next((text for each, text in NAMES.items() if isinstance(value, each)), "nothing usable")
        what = f"{name} is {got}, not {NAMES.get(kind, kind.__name__)}"
        raise AssemblyError(Problem(what=what, where=str(path), fix=FIX))
    return value
