"""How the base is changed: each patch names what it replaces and the signature it expects, and is checked first."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from constructs_lib.local.overlay.base import base


@dataclass(frozen=True, slots=True)
class Patch:
    """One replaced function of the base.

    Args:
        module: Its module, below the package of the base.
        name: Its name there; a key of a table follows after a slash, and of a table in it after another.
        parameters: The names of its parameters.
        wrap: Called with the stock function; answers the one to put in its place.
    """

    module: str
    name: str
    parameters: tuple[str, ...]
    wrap: Callable[[Any], Any]

    def stock(self) -> Any:
        """What stands there now, or None."""
        holder, key = self._place()
        if isinstance(holder, dict):
            return holder.get(key)
        return getattr(holder, key, None)

    def mismatch(self) -> str:
        """Say how the base differs from what the patch was written for; empty when it does not."""
        place = f"{self.module}.{self.name}"
        try:
            found = self.stock()
        except (ImportError, AttributeError, KeyError) as error:
            return f"{place}: {error}"
        if found is None:
            return f"{place} is missing"
        if not callable(found):
            return f"{place} is not a function"
        names = tuple(inspect.signature(found).parameters)
        if names != self.parameters:
            return f"{place} takes ({', '.join(names)}) instead of ({', '.join(self.parameters)})"
        return ""

    def apply(self) -> None:
        """Put the mended function in place."""
        holder, key = self._place()
        stock = self.stock()
        mended = functools.wraps(stock)(self.wrap(stock))
        if isinstance(holder, dict):
            holder[key] = mended
        else:
            setattr(holder, key, mended)

    def _place(self) -> tuple[Any, str]:
        return place(self.module, self.name)


@dataclass(frozen=True, slots=True)
class Addition:
    """Something the base does not have.

    Args:
        module: The module it belongs to, below the package of the base.
        name: The table and the key it goes under, with a slash in between.
        value: What is added.
    """

    module: str
    name: str
    value: Any

    def mismatch(self) -> str:
        """Say that the base has it by now; empty when it has not."""
        try:
            table, key = place(self.module, self.name)
        except (ImportError, AttributeError, KeyError) as error:
            return f"{self.module}.{self.name}: {error}"
        return f"{self.module}.{self.name} is there already" if key in table else ""

    def apply(self) -> None:
        """Add it."""
        table, key = place(self.module, self.name)
        table[key] = self.value


def place(module: str, name: str) -> tuple[Any, str]:
    """The object or table that holds a name of a module, and its name there."""
    holder: Any = base(module)
    *path, key = name.split("/")
    for position, part in enumerate(path):
        holder = getattr(holder, part) if position == 0 else holder[part]
    return holder, key
