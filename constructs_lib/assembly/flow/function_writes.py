"""What a function may write: by its role, by roles it assumes, by what lets it in, by schedules and calls."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from constructs_lib.assembly.flow.addressed import api_at
from constructs_lib.assembly.flow.iot_routes import published
from constructs_lib.assembly.flow.message import ANYTHING, lesser
from constructs_lib.assembly.flow.service_events import ServiceEvents
from constructs_lib.assembly.flow.writes import BUCKET, BY_URL, ON_OBJECTS, SENT, Write, Writers
from constructs_lib.assembly.policies.actions import meant
from constructs_lib.assembly.policies.permissions import Grant, Permissions, denies_node, extent_on, permissions_of
from constructs_lib.assembly.policies.statement import statements_at
from constructs_lib.assembly.text_set import Extent
from constructs_lib.assembly.value import Text, texts

if TYPE_CHECKING:
    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.assembly.policies.documents import Policies
    from constructs_lib.assembly.policies.statement import Statement
    from constructs_lib.assembly.resource import Resource

ROLE = "AWS::IAM::Role"
SCHEDULE_ACTIONS = ("scheduler:createschedule", "scheduler:updateschedule")
PASS_ROLE = ("iam:passrole",)
SCHEDULER = "scheduler.amazonaws.com"
BY_SERVICE = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:sourceowner", "aws:sourceorgid"})
ASSUME_ROLE = ("sts:assumerole",)
EVERYBODY = "*"
ORDER = (Extent.NONE, Extent.SOME, Extent.ALL)
OPEN = "everybody may"
ABOUT_CALLERS = frozenset({"aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:securetransport"})


class FunctionWrites:
    """Finds what functions may write.

    Args:
        assembly: The assembly.
        policies: Its policies.
        writers: What roles may write.
        places: Every place from which something goes on, or that runs.
    """

    def __init__(self, assembly: Assembly, policies: Policies, writers: Writers, places: tuple[Node, ...]) -> None:
        self._assembly, self._policies, self._writers, self._places = assembly, policies, writers, places
        self._events = ServiceEvents(assembly)
        self._known: dict[str, tuple[Write, ...]] = {}

    def of_role(self, role: Node | None) -> tuple[Write, ...]:
        """Return what whoever has a role may write; each role is looked at once."""
        if role is None:
            return ()
        if role.id not in self._known:
            permissions = permissions_of(self._assembly, role)
            self._known[role.id] = (
                *self._writers.of(permissions),
                *self._admitted(permissions),
                *self._by_schedules(permissions),
                *self._events.of(permissions),
                *published(self._assembly, permissions),
                *self._by_other_roles(permissions),
            )
        return self._known[role.id]

    def of(self, function: Resource) -> Iterator[Write]:
        """Yield what a function may write."""
        yield from self.of_role(self._assembly.target(function.value("Role"), ROLE))
        variables = (each for each in function.values("Environment", "Variables") if isinstance(each, dict))
        for name, value in ((name, value) for each in variables for name, value in each.items()):
            for told in texts([value]):
                api = api_at(self._assembly, told) if _is_address(told) else None
                if api is not None:
                    how = f"has the address of {api.path} in its variable {name}"
                    yield Write(api, ANYTHING, Extent.SOME, how, "it may call it, or not")

    def _admitted(self, permissions: Permissions) -> Iterator[Write]:
        """What the policies of resources let a role do, and what they let everybody do."""
        for is_open, let_in in ((False, self._let_in[permissions.role.id]), (True, self._let_in[""])):
            for node, statement in let_in:
                for grant in _grants(node, statement, self._assembly.arns(node)[0]):
                    if is_open and grant.action == BY_URL:  # nobody calls an address that he is not told
                        continue
                    for write in self._writers.by(grant, permissions):
                        if write.node is node:
                            yield (
                                replace(write, extent=lesser(write.extent, Extent.SOME), why=OPEN) if is_open else write
                            )

    @cached_property
    def _let_in(self) -> Mapping[str, list[tuple[Node, Statement]]]:
        """Whom the policies of resources let in: by the role they name, and under no name everybody."""
        found: dict[str, list[tuple[Node, Statement]]] = defaultdict(list)
        for node in self._places:
            for statement in self._policies.of_resource(node):
                if not statement.allows or not _applies(statement):
                    continue
                for principal in statement.principals:
                    role = "" if principal.kind == "*" else self._role_named(principal.name)
                    if role is not None:
                        found[role].append((node, statement))
        return found

    def _role_named(self, name: Text) -> str | None:
        role = self._assembly.target(name, ROLE) if ":role/" in str(name) else None
        return role.id if role is not None else None

    def _by_schedules(self, permissions: Permissions) -> Iterator[Write]:
        """Who may make schedules and pass a role to them may do, later, what that role may.

        https://docs.aws.amazon.com/scheduler/latest/UserGuide/security_iam_id-based-policies.html
        """
        making = next(permissions.grants(SCHEDULE_ACTIONS), None)
        if making is None:
            return
        for passing in permissions.grants(PASS_ROLE):
            for role in self._scheduler_roles:
                if extent_on(passing.pattern, (role.arn,)) is Extent.NONE:
                    continue
                for write in self._writers.of(permissions_of(self._assembly, role)):
                    how = f"may make a schedule that has the role {role.path}, which {write.how}"
                    why = write.why or "what it schedules is decided while it runs"
                    yield replace(write, how=how, why=why, extent=lesser(write.extent, Extent.SOME))

    def _by_other_roles(self, permissions: Permissions) -> Iterator[Write]:
        """Who may assume another role may do what that one may.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_manage-assume.html
        """
        for role, extent in self._assumable(permissions).values():
            assumed = permissions_of(self._assembly, role)
            for write in (*self._writers.of(assumed), *self._events.of(assumed), *published(self._assembly, assumed)):
                how = f"may assume the role {role.path}, which {write.how}"
                yield replace(write, how=how, extent=lesser(write.extent, extent))

    def _assumable(self, permissions: Permissions) -> Mapping[str, tuple[Resource, Extent]]:
        """The roles that another one may assume, at once or by way of others, and whether they are named for it."""
        found: dict[str, tuple[Resource, Extent]] = {}
        ways = deque([(permissions, Extent.ALL)]) if self._trusting else deque()
        while ways:
            own, so_far = ways.popleft()
            allowed = list(own.grants(ASSUME_ROLE))
            for role, trusted in self._trusting:
                if role.id in found or role is permissions.role:
                    continue
                named = [extent_on(grant.pattern, (role.arn,)) for grant in allowed]
                extent = Extent.ALL if own.role.id in trusted else max(named, key=ORDER.index, default=Extent.NONE)
                is_denied = any(denies_node(each, role.arn) for each in own.denials(ASSUME_ROLE[0], role))
                if extent is Extent.NONE or is_denied or not {own.role.id, EVERYBODY} & trusted:
                    continue
                found[role.id] = (role, lesser(so_far, extent))
                ways.append((permissions_of(self._assembly, role), lesser(so_far, extent)))
        return found

    @cached_property
    def _trusting(self) -> tuple[tuple[Resource, frozenset[str]], ...]:
        """The roles that let other roles assume them, and which: all of the account, when they trust the account."""
        found = []
        for role in self._assembly.of_type(ROLE):
            trusted = set()
            for statement in statements_at(role, "AssumeRolePolicyDocument"):
                for principal in statement.principals if statement.allows else ():
                    if principal.kind == "*" or str(principal.name).endswith(":root"):
                        trusted.add(EVERYBODY)
                    elif principal.kind == "AWS":
                        trusted.add(self._role_named(principal.name) or "")
            if trusted - {""}:
                found.append((role, frozenset(trusted)))
        return tuple(found)

    @cached_property
    def _scheduler_roles(self) -> tuple[Resource, ...]:
        return tuple(
            role
            for role in self._assembly.of_type(ROLE)
            if any(
                principal.name.literal == SCHEDULER
                for statement in statements_at(role, "AssumeRolePolicyDocument")
                for principal in statement.principals
            )
        )


def _is_address(told: Text) -> bool:
    return bool(told.symbols) and (
        told.startswith("http") or any(each.attribute == "FunctionUrl" for each in told.symbols)
    )


def _applies(statement: Statement) -> bool:
    """Whether a statement speaks of those who call themselves, rather than of services that call for somebody."""
    keys = {key for wanted in statement.conditions.values() for key in wanted}
    return not keys & BY_SERVICE


def _grants(node: Node, statement: Statement, arn: Text) -> Iterator[Grant]:
    """What a statement in the policy of a resource allows there."""
    conditions = {
        operator: {key: values for key, values in wanted.items() if key not in ABOUT_CALLERS}
        for operator, wanted in statement.conditions.items()
    }
    is_bucket = node.type == BUCKET
    kinds = tuple(ON_OBJECTS) if is_bucket else tuple(action for action, types in SENT.items() if node.type in types)
    for action in meant(statement.actions, kinds):
        for pattern in statement.resources if is_bucket else (arn,):
            is_sure = statement.is_sure and pattern not in statement.unsure
            yield Grant(action, pattern, (), conditions, statement.source.path, statement, is_sure)
