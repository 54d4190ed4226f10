"""A state machine may do what its tasks say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.state_machine import STATE_MACHINE, Definition
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.role_permissions import permissions_of_role
from constructs_lib.guards.rule import rule
from constructs_lib.guards.task_needs import need_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown
    from constructs_lib.guards.role_permissions import RolePermissions


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """The role of a state machine allows what its tasks do.

    Why it matters: a task whose action is denied fails at once, and only when an execution comes that far: the branch
    that refunds a payment is tried out for the first time when a payment has to be refunded.
    https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html

    Refuses: a task that calls a function, sends, publishes, reads or writes, starts an execution or a job, or calls an
    API of AWS, which no policy of the role allows on that resource; for services whose resource the task does not
    tell, on none at all.

    Accepts: any policy of the role that allows it, also by a wildcard. What a policy outside of the templates allows,
    and a role that is not in them, is said to be unknown.
    """
    for machine in assembly.of_type(STATE_MACHINE):
        definition = Definition.of(machine)
        if not isinstance(definition, Definition) or not any(True for _ in definition.tasks()):
            continue
        role = permissions_of_role(assembly, machine.value("RoleArn"))
        if role is None:
            what = "whether the state machine may run its tasks"
            yield unknown(machine, what=what, reason="its role is not in the templates")
        else:
            yield from _tasks(assembly, machine, definition, role)


def _tasks(
    assembly: Assembly, machine: Resource, definition: Definition, role: RolePermissions
) -> Iterator[Finding | Unknown]:
    for task in definition.tasks():
        need = need_of(assembly, task)
        if need is None or any(role.may(action.lower(), need.arns) for action in need.actions):
            continue
        target = f" on {need.target}" if need.target else ""
        if role.unknowns:
            what = f"whether {role.node} allows {need.actions[0]}{target} for task {task.name}"
            yield unknown(machine, what=what, reason=role.unknowns[0])
        else:
            yield finding(
                machine,
                problem=f"task {task.name} needs {need.actions[0]}{target}, which {role.node} does not allow",
                fix=f"allow {need.actions[0]}{target} in a policy of the role",
                at=("Definition", *task.path),
                detail=task.name,
                through=(role.node,),
            )
