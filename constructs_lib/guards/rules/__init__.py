"""The rules, one a file: what stands in this folder is a rule, and there is no list to keep.

The id of a rule is the name of its file with dashes; the file holds one function `check` under the `rule` decorator.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from constructs_lib.guards.rule import Rule, id_of


@cache
def rule_ids() -> tuple[str, ...]:
    """The ids of all rules, in the order of the alphabet, without loading them."""
    return tuple(sorted(id_of(module.name) for module in pkgutil.iter_modules(__path__)))


def rule_of(rule_id: str) -> Rule:
    """Load one rule.

    Raises:
        TypeError: Its file holds no rule named `check`.
    """
    module = import_module(f"{__name__}.{rule_id.replace('-', '_')}")
    found = getattr(module, "check", None)
    if not isinstance(found, Rule):
        message = f"{module.__name__} holds no function `check` under the `rule` decorator"
        raise TypeError(message)
    return found
