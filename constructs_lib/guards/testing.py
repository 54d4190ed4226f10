"""The guards in a user's own tests: one assertion for a whole app."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import aws_cdk as cdk

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.check import check
from constructs_lib.guards.finding import Severity
from constructs_lib.guards.plugin import above_the_stacks, silenced
from constructs_lib.guards.report.as_text import lines_of, summary_of
from constructs_lib.problem import Problem, PropError

if TYPE_CHECKING:
    from collections.abc import Collection

    from constructs import IConstruct


class GuardWarning(UserWarning):
    """A finding that may hurt; a test fails by it only when warnings are errors."""


def assert_guarded(app: IConstruct, *, only: Collection[str] = (), skip: Collection[str] = ()) -> None:
    """Synthesize an app and assert that nothing in it would hurt once deployed.

    What breaks a rule fails the test, each in three lines with its fix. What may hurt becomes a `GuardWarning`, which
    pytest lists and which `-W error` turns into a failure. What was acknowledged with a reason passes.

    Args:
        app: The app, or anything inside of it.
        only: The ids of the rules to run. Default: all.
        skip: The ids of rules to leave out.

    Raises:
        AssertionError: Something breaks a rule.
        RuleNameError: There is no rule of such a name.
        PropError: This is no part of an app.

    Example:
        >>> def test_nothing_hurts() -> None:
        ...     assert_guarded(compose(cdk.App()))
    """
    root = app.node.root
    if not isinstance(root, cdk.Stage):
        raise PropError(
            Problem(
                what=f"{type(root).__name__} is no app: nothing can be synthesized from it",
                where=f"{app.node.path or 'the root'} (assert_guarded)",
                fix="define your stacks in a cdk.App() and hand that over",
            )
        )
    with silenced():
        synthesized = root.synth()
    words = above_the_stacks(root, [stack.hierarchical_id for stack in synthesized.stacks_recursively])
    report = check(Assembly.read(synthesized.directory), only=only, skip=skip, acknowledgements=words)
    for finding in report.of(Severity.WARNING):
        warnings.warn("\n".join(lines_of(finding)), GuardWarning, stacklevel=2)
    for failure in report.failures:
        warnings.warn(str(failure), GuardWarning, stacklevel=2)
    if report.errors:
        told = "\n\n".join("\n".join(lines_of(each)) for each in report.errors)
        raise AssertionError(f"{summary_of(report)}\n\n{told}")
