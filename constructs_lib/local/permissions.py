"""What functions are granted, what of it a run has used and their configuration needs, and what was denied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from constructs_lib.local.permission_fix import fix_for, short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from constructs_lib.local.permissions_record import Granted, PermissionsRecord

# What a function's service uses on its behalf, where nobody sees it here.
EXCUSED = ("xray:", "logs:", "ec2:", "kms:")


@dataclass(frozen=True, slots=True)
class Permission:
    """One action on one resource, as a policy names them.

    Args:
        action: The action.
        resource: The resource.
        used: How often it was used.
        needed_by: What needs it all the same: of the function's configuration, `its dead letters`; else the functions
            that have the same role.
    """

    action: str
    resource: str
    used: int
    needed_by: tuple[str, ...] = ()

    @property
    def is_excused(self) -> bool:
        """Whether it may be needed though no call of the function shows it."""
        return self.action.startswith(EXCUSED)

    @property
    def is_never_used(self) -> bool:
        """Whether nothing asked for it."""
        return not (self.used or self.needed_by or self.is_excused)


@dataclass(frozen=True, slots=True)
class Denial:
    """Calls that were denied, or would have been.

    Args:
        caller: The construct path of the function, else the role or service that called.
        action: The action.
        resource: The ARN of what it acts on.
        reason: Why, as AWS says it.
        count: How many there were.
        passed: Whether they passed all the same.
        fix: What would allow them.
    """

    caller: str
    action: str
    resource: str
    reason: str
    count: int
    passed: bool
    fix: str


@dataclass(frozen=True, slots=True)
class FunctionPermissions:
    """What one function is granted.

    Args:
        path: Its construct path.
        function: Its physical name.
        has_run: Whether it ran, or did anything else, in this run.
        permissions: What it is granted.
    """

    path: str
    function: str
    has_run: bool
    permissions: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class PermissionsReport:
    """What a run shows of the permissions of its functions.

    Args:
        functions: Every function.
        denials: Every kind of denied call, of anybody.
        is_checked: Whether any call was checked: none is where IAM is off.
    """

    functions: tuple[FunctionPermissions, ...]
    denials: tuple[Denial, ...]
    is_checked: bool

    @classmethod
    def of(cls, record: PermissionsRecord, journal: Iterable[Mapping[str, Any]]) -> PermissionsReport:
        """Compare what is granted with what the journal of a run tells."""
        decisions: list[Mapping[str, Any]] = []
        ran: set[str] = set()
        for entry in journal:
            if entry.get("kind") == "authorization":
                decisions.append(entry)
            elif entry.get("kind") == "invocation":
                ran.add(str(entry.get("function", "")))
        allowed = [each for each in decisions if each.get("allowed")]
        functions = [_function(each, allowed, has_run=each.function in ran) for each in record.functions]
        return cls(tuple(_with_sharers(record, functions)), tuple(_denials(decisions, record)), bool(decisions))

    @property
    def used(self) -> int:
        """How many permissions were used."""
        granted = [permission for each in self.functions for permission in each.permissions]
        return sum(1 for each in granted if each.used and not each.is_excused)

    @property
    def never_used(self) -> list[tuple[str, Permission]]:
        """What functions that ran are granted and did not use, by their path."""
        return [
            (each.path, permission)
            for each in self.functions
            if each.has_run and self.is_checked
            for permission in each.permissions
            if permission.is_never_used
        ]

    @property
    def is_empty(self) -> bool:
        """Whether nothing ran and nothing was denied, or nothing was checked."""
        return not self.is_checked or not (self.denials or any(each.has_run for each in self.functions))


def _function(granted: Granted, allowed: Sequence[Mapping[str, Any]], *, has_run: bool) -> FunctionPermissions:
    mine = [each for each in allowed if _is_of(each, granted)]
    permissions = tuple(
        Permission(
            action=action,
            resource=resource,
            used=sum(each.get("count", 1) for each in mine if _is_use(each, action, resource)),
            needed_by=tuple(_needing(granted, action, resource)),
        )
        for action, resource in granted.allowed
    )
    return FunctionPermissions(granted.path, granted.function, has_run, permissions)


def _with_sharers(record: PermissionsRecord, functions: Sequence[FunctionPermissions]) -> Iterator[FunctionPermissions]:
    """Who else has the role, and has used it or needs it: what is taken from a role is taken from all of them."""
    sharers: dict[tuple[str, str, str], list[str]] = {}
    for granted, function in zip(record.functions, functions, strict=True):
        for each in function.permissions:
            if each.used or each.needed_by:
                sharers.setdefault((granted.role, each.action, each.resource), []).append(function.path)
    for granted, function in zip(record.functions, functions, strict=True):
        yield replace(
            function,
            permissions=tuple(
                each
                if each.used or each.needed_by
                else replace(each, needed_by=tuple(sharers.get((granted.role, each.action, each.resource), ())))
                for each in function.permissions
            ),
        )


def _is_of(entry: Mapping[str, Any], granted: Granted) -> bool:
    """Whether a call was the function's own, or one that a service made with the function's role."""
    if entry.get("function"):
        return bool(entry["function"] == granted.function)
    return f":assumed-role/{granted.role}/" in str(entry.get("principal", ""))


def _is_use(entry: Mapping[str, Any], action: str, resource: str) -> bool:
    return _is_allowed(str(entry.get("action", "")), str(entry.get("resource", "")), action, resource)


def _needing(granted: Granted, action: str, resource: str) -> Iterable[str]:
    """What of a function needs what this allows, each once."""
    return dict.fromkeys(by for need, on, by in granted.needed if _is_allowed(need, on, action, resource))


def _is_allowed(called: str, on: str, action: str, resource: str) -> bool:
    # what is asked for anything at all, uses the action wherever it is granted
    return _fits(called.lower(), action.lower()) and (on == "*" or _fits(on, resource))


def _fits(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))  # IAM knows * and ?, but no brackets


def denial_of(entry: Mapping[str, Any], record: PermissionsRecord) -> Denial:
    """Return what a journal entry tells of a denied call."""
    principal, function = str(entry.get("principal", "")), str(entry.get("function", ""))
    caller = record.paths.get(function) or function or short(principal)
    return Denial(
        caller=caller,
        action=str(entry.get("action", "")),
        resource=str(entry.get("resource", "")),
        reason=str(entry.get("reason", "")),
        count=int(entry.get("count", 1)),
        passed=not entry.get("enforced", True),
        fix=fix_for(entry, caller, record),
    )


def _denials(decisions: Iterable[Mapping[str, Any]], record: PermissionsRecord) -> list[Denial]:
    found: dict[tuple[str, ...], Denial] = {}
    for entry in decisions:
        if entry.get("allowed", True):
            continue
        denial = denial_of(entry, record)
        key = (denial.caller, denial.action, denial.resource)
        count = denial.count + (found[key].count if key in found else 0)
        found[key] = Denial(
            denial.caller, denial.action, denial.resource, denial.reason, count, denial.passed, denial.fix
        )
    return sorted(found.values(), key=lambda each: (each.caller, each.action, each.resource))
