"""Acknowledgements as they were written down: by CDK beside a template, or by hand inside of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.cloud_assembly import MANIFEST, STACK
from constructs_lib.assembly.json_document import AssemblyError, JsonObject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from constructs_lib.guards.finding import Subject

NAMESPACE = "ServerlessGuards"  # the plugin's name, which is what CDK puts before the ids of its rules
UNPREFIXED = "Annotation"  # what CDK puts before an id that was written without a namespace
ACKNOWLEDGED = "aws:cdk:acknowledged-rules"  # `Validations.ACKNOWLEDGED_RULES_METADATA_KEY`
TEMPLATE_FILE = "aws:cdk:templateFile"
REPORT = "validation-report.json"  # where CDK keeps what was acknowledged above the stacks, at a stage or the app
IN_TEMPLATE = "constructs-lib"  # the key in the metadata of a resource or a template


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody's word that a finding may stay.

    Args:
        id: The id of the finding, without the plugin's name.
        reason: Why it may stay; empty when nobody said.
        path: The construct path it stands at, as recorded, empty for the app; none when it stands in a template.
        subject: The resource or the stack whose template it stands in; none when it stands at a construct.
        recorded_id: The id as CDK has recorded it.
    """

    id: str
    reason: str
    path: str | None = None
    subject: Subject | None = None
    recorded_id: str = ""

    @property
    def place(self) -> str:
        """The construct path as users say it: an L2, not the resource under it."""
        return (self.path or "").removesuffix("/Resource").removesuffix("/Default")

    @property
    def where(self) -> str:
        """The place a user would open."""
        if self.subject is not None:
            return f"{self.subject.path} (Metadata.{IN_TEMPLATE}.acknowledge)"
        return f"{self.place} (construct)" if self.place else "the app (construct)"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What CDK wrote down beside the templates of one folder.

    Args:
        acknowledgements: Every acknowledgement of one of our findings, as far as an id tells.
        stack_paths: The construct path of each stack by the name of its template's file.
    """

    acknowledgements: tuple[Acknowledgement, ...]
    stack_paths: Mapping[str, str]


def recorded_beside(folder: Path, *, with_report: bool = True) -> Recorded:
    """Read what CDK wrote down beside the templates of a folder; nothing where CDK wrote none of it.

    Args:
        folder: The folder.
        with_report: Whether its report of the validation is read, too, which it writes when that has come to its end.
    """
    found: dict[tuple[str, str], Acknowledgement] = {}
    stack_paths: dict[str, str] = {}
    for path, kind, data in _metadata(folder):
        if kind == TEMPLATE_FILE and isinstance(data, str):
            stack_paths[data] = path
        elif kind == ACKNOWLEDGED and isinstance(data, dict):
            for recorded_id, reason in data.items():
                _note(found, path, recorded_id, reason)
    for recorded_id, path, reason in _suppressed(folder) if with_report else ():
        _note(found, path, recorded_id, reason)
    return Recorded(tuple(found.values()), stack_paths)


def with_parents(folders: Iterable[Path]) -> set[Path]:
    """Return the folders, and those of the assemblies they are nested in: a stage stands in the folder of its app."""
    found: set[Path] = set()
    for folder in folders:
        each = folder
        while each not in found:
            found.add(each)
            if (each.parent / MANIFEST).is_file():
                each = each.parent
    return found


def recorded_in(subject: Subject, metadata: Mapping[str, Any]) -> Iterator[Acknowledgement]:
    """Read the acknowledgements in the metadata of a resource or of a template.

    Args:
        subject: Whose metadata it is.
        metadata: The metadata: `{"constructs-lib": {"acknowledge": [{"id": "...", "reason": "..."}]}}`.
    """
    own = metadata.get(IN_TEMPLATE)
    listed = own.get("acknowledge") if isinstance(own, dict) else None
    for each in listed if isinstance(listed, list) else () if listed is None else (listed,):
        values = each if isinstance(each, dict) else {"id": each}
        yield Acknowledgement(
            id=_unqualified(_text(values.get("id"))), reason=_text(values.get("reason")), subject=subject
        )


def normal(rule_id: str) -> str:
    """The form in which CDK keeps an id: without spaces."""
    return rule_id.replace(" ", "-")


def acknowledgement(path: str, recorded_id: str, reason: object) -> Acknowledgement | None:
    """Return what CDK has recorded at a construct; none when it is about another plugin."""
    namespace, separator, _ = recorded_id.partition("::")
    if not separator or namespace not in {NAMESPACE, UNPREFIXED}:
        return None
    return Acknowledgement(id=_unqualified(recorded_id), reason=_text(reason), path=path, recorded_id=recorded_id)


def _note(found: dict[tuple[str, str], Acknowledgement], path: str, recorded_id: str, reason: object) -> None:
    made = acknowledgement(path, recorded_id, reason)
    if made is not None:
        found.setdefault((path, recorded_id), made)


def _unqualified(rule_id: str) -> str:
    """An id without the name of a plugin: a `::` inside brackets is part of the id."""
    namespace, separator, rest = rule_id.partition("::")
    return normal(rest if separator and "[" not in namespace else rule_id)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _metadata(folder: Path) -> Iterator[tuple[str, str, Any]]:
    """Every entry of the metadata of a folder's stacks: construct path, kind and data."""
    for artifact in _artifacts(folder):
        if artifact.values.get("type") != STACK:
            continue
        sources = [artifact.values.get("metadata")]
        beside = artifact.values.get("additionalMetadataFile")
        if isinstance(beside, str):
            sources.append(_read(folder / Path(beside).name))
        for source in sources:
            for path, entries in source.items() if isinstance(source, dict) else ():
                for entry in entries if isinstance(entries, list) else ():
                    if isinstance(entry, dict):
                        yield path.removeprefix("/"), str(entry.get("type")), entry.get("data")


def _suppressed(folder: Path) -> Iterator[tuple[str, str, str]]:
    """What CDK's own report says was acknowledged: id, construct path and reason."""
    reports = _read(folder / REPORT).get("pluginReports")
    for report in reports if isinstance(reports, list) else ():
        suppressed = report.get("suppressedViolations") if isinstance(report, dict) else None
        for each in suppressed if isinstance(suppressed, list) else ():
            if isinstance(each, dict) and isinstance(each.get("acknowledgedId"), str):
                yield each["acknowledgedId"], _text(each.get("acknowledgedAt")), _text(each.get("reason"))


def _artifacts(folder: Path) -> list[JsonObject]:
    artifacts = _read(folder / MANIFEST).get("artifacts")
    found = artifacts.values() if isinstance(artifacts, dict) else ()
    return [JsonObject(each, folder / MANIFEST) for each in found if isinstance(each, dict)]


def _read(file: Path) -> Mapping[str, Any]:
    """A file that CDK may have written; whether an assembly can be read at all is not decided here."""
    try:
        return JsonObject.read(file).values
    except AssemblyError:
        return {}
