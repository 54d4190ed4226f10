"""Acknowledgements: a finding that is right here, and the reason that stays beside it.

An acknowledgement names a finding by its id and stands at a resource, at anything above it, or at the stack. It never
outlives its finding: one that matches nothing is a finding itself.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from constructs_lib.guards.finding import Place, Severity, finding
from constructs_lib.guards.recorded import (
    NAMESPACE,
    Acknowledgement,
    normal,
    recorded_beside,
    recorded_in,
    with_parents,
)
from constructs_lib.guards.rules import rule_ids
from constructs_lib.guards.selection import unheard_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Subject

NEEDED = "acknowledgement-is-needed"
Spot: TypeAlias = tuple[str, str | int]
ALL = "[*]"  # after the id of a rule: everything it finds there


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A finding that somebody has looked at, and why it may stay.

    Args:
        finding: The finding.
        by: The acknowledgement.
    """

    finding: Finding
    by: Acknowledgement


class Acknowledgements:
    """Every acknowledgement that was written down for an assembly.

    Args:
        assembly: The assembly; those CDK wrote beside its templates are read as well.
        more: Others, that no file holds. Default: those of the report that CDK left behind.
    """

    def __init__(self, assembly: Assembly, more: Iterable[Acknowledgement] | None = None) -> None:
        self._stacks = assembly.stacks
        self._paths: dict[str, str] = {}  # the construct path of each stack by its id
        found: dict[tuple[object, ...], Acknowledgement] = {}
        folders = {stack.template_path.parent for stack in self._stacks if stack.template_path is not None}
        beside = {folder: recorded_beside(folder, with_report=more is None) for folder in sorted(with_parents(folders))}
        for stack in self._stacks:
            if stack.template_path is not None:
                told = beside[stack.template_path.parent].stack_paths.get(stack.template_path.name)
                self._paths[stack.id] = stack.id if told is None else told
            top = stack.template.get("Metadata")
            inside = [*recorded_in(Place(stack), top)] if isinstance(top, dict) else []
            for resource in stack.resources.values():
                if resource.metadata:
                    inside += recorded_in(resource, resource.metadata)
            found.update({("in", stack.id, id(each)): each for each in inside})
        for each in (*(each for recorded in beside.values() for each in recorded.acknowledgements), *(more or ())):
            found.setdefault(("at", each.path, each.recorded_id), each)
        self.all = tuple(found.values())

    def sort(
        self, findings: Iterable[Finding], judged: Callable[[str], bool]
    ) -> tuple[list[Finding], list[Acknowledged]]:
        """Tell the findings that were acknowledged from those that are open.

        Args:
            findings: All findings.
            judged: Whether a rule of this id came to its end: only of these can it be said that an acknowledgement
                matches nothing.

        Returns:
            What is open, with a finding for each acknowledgement that is not needed or not valid; and what is not.
        """
        found = list(findings)
        index = self._index(found)
        settled: dict[int, Acknowledged] = {}
        complaints: list[Finding] = []
        for word in self.all:
            meant = _meant([*index.get((word.id, _place_of(word)), {}).values()], word.id)
            if word.reason and not _are_several(meant, word.id):
                settled.update((id(each), Acknowledged(each, word)) for each in meant if id(each) not in settled)
            complaint = self._complaint(word, meant, judged)
            if complaint is not None:
                complaints.append(complaint)
        return [*(each for each in found if id(each) not in settled), *complaints], list(settled.values())

    def _index(self, findings: Iterable[Finding]) -> dict[tuple[str, Spot], dict[int, Finding]]:
        """Each finding under every id and every place at which a word would be about it."""
        wanted = {word.id for word in self.all}
        index: dict[tuple[str, Spot], dict[int, Finding]] = defaultdict(dict)
        for found in findings if wanted else ():
            names = [name for name in _names_of(found) if name in wanted]
            subjects = (found.resource, *found.through) if names else ()
            for spot in {spot for subject in subjects for spot in self._spots(subject)}:
                for name in names:
                    index[name, spot][id(found)] = found
        return index

    def _spots(self, subject: Subject) -> Iterator[Spot]:
        """Where a word about this can stand: in its own metadata, in its template's, or at a construct above."""
        yield "resource", id(subject)
        yield "stack", subject.stack.id
        path = self._paths.get(subject.stack.id, "") if isinstance(subject, Place) else subject.path
        yield from (("construct", each) for each in _with_ancestors(path))

    def _complaint(
        self, word: Acknowledgement, matched: Sequence[Finding], judged: Callable[[str], bool]
    ) -> Finding | None:
        """What is wrong with an acknowledgement itself."""
        if not judged(NEEDED):
            return None
        rule_id = word.id.partition("[")[0]
        told = word.subject is not None or word.recorded_id.startswith(f"{NAMESPACE}::")
        if not told and rule_id not in rule_ids():  # the id of another tool, written without its name
            return None
        unknown_name = unheard_of(rule_id, "")
        if unknown_name is not None and not judged(rule_id) and not matched:
            return self._about(word, unknown_name.what, unknown_name.fix)
        if matched and not word.reason:
            return self._about(
                word,
                f"{word.id} is acknowledged without a reason",
                "say in a sentence why this is right here, or mend it",
                severity=Severity.ERROR,
            )
        if not judged(rule_id):
            return None
        if not matched:
            return self._about(
                word, f"{word.id} is acknowledged, and nothing of it is found here", "remove the acknowledgement"
            )
        if _are_several(matched, word.id):
            ids = sorted({each.id for each in matched})
            what = f"{word.id} is acknowledged once, and {len(ids)} of it are found here"
            return self._about(
                word,
                what if len(ids) > 1 else f"{word.id} would speak for every loop that comes to be here",
                f"acknowledge each that is right by its own id: {', '.join(ids)}",
            )
        return None

    def _about(self, word: Acknowledgement, what: str, fix: str, *, severity: Severity | None = None) -> Finding:
        made = finding(
            self._subject(word), problem=what, fix=fix, severity=severity, detail=word.id,
            evidence=[f"acknowledged at {word.where}"],
        )  # fmt: skip
        return replace(made, rule=NEEDED, rule_severity=Severity.WARNING)

    def _subject(self, word: Acknowledgement) -> Subject:
        """What an acknowledgement stands at: a resource, the first one below it, the stack, or the first stack."""
        if word.subject is not None:
            return word.subject
        return self._first_below.get(word.place) or Place(self._stacks[0])

    @cached_property
    def _first_below(self) -> Mapping[str, Subject]:
        found: dict[str, Subject] = {}
        for stack in self._stacks:
            found.setdefault(self._paths.get(stack.id, stack.id), Place(stack))
            for resource in stack.resources.values():
                for path in _with_ancestors(resource.path):
                    found.setdefault(path, resource)
        return found


def _with_ancestors(path: str) -> Iterator[str]:
    """A construct path, and those above it up to the app's, which is empty."""
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""


def _place_of(word: Acknowledgement) -> Spot:
    """Where a word stands."""
    if word.subject is None:
        return "construct", word.place
    return ("resource", id(word.subject)) if word.subject.logical_id else ("stack", word.subject.stack.id)


def _names_of(found: Finding) -> tuple[str, ...]:
    """The ids by which a finding can be acknowledged: its own, its rule's, and that of all its rule finds there."""
    if found.detail is None:
        return (normal(found.id),)
    return normal(found.id), found.rule, f"{found.rule}{ALL}"


def _meant(covered: list[Finding], word_id: str) -> list[Finding]:
    """What an id means among the findings it could mean: those of just that id first, then what needs a word at all."""
    exact = [each for each in covered if normal(each.id) == word_id]
    # a loop that is proven harmless is as it should be, and does not make two of one
    return exact or [each for each in covered if each.severity is not Severity.INFO] or covered


def _are_several(meant: Sequence[Finding], word_id: str) -> bool:
    """Whether an id that speaks for one meets several. `[*]` speaks for all, but loops have a reason each."""
    if word_id.endswith(ALL):
        return any(each.verdict is not None for each in meant)
    return len({each.id for each in meant}) > 1
