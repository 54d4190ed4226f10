"""The packages only the local run needs, which not everyone who deploys has installed."""

from __future__ import annotations

import sys
from importlib import util

from constructs_lib.problem import LocalError, Problem


def require(*modules: str) -> None:
    """Refuse to go on without these modules.

    Raises:
        LocalError: One of them is not installed.
    """
    missing = [module for module in modules if util.find_spec(module) is None]
    if missing:
        problem = Problem(
            what=f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed in this environment",
            where=sys.prefix,
            fix="pip install 'constructs-lib[local]'",
        )
        raise LocalError(problem)
