"""The guards at synth: a CDK validation plugin that stops what must not reach deploy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakKeyDictionary

import aws_cdk as cdk
import jsii

from constructs_lib.assembly.cloud_assembly import MANIFEST
from constructs_lib.assembly.json_document import JsonObject
from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.check import UNREAD, check, line_of
from constructs_lib.guards.finding import Place, Severity
from constructs_lib.guards.recorded import NAMESPACE, Acknowledgement, acknowledgement
from constructs_lib.guards.rules import rule_ids
from constructs_lib.guards.version import own_version
from constructs_lib.problem import Problem, ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from constructs import IConstruct

    from constructs_lib.guards.acknowledgement import Acknowledged
    from constructs_lib.guards.check import Report
    from constructs_lib.guards.finding import Finding, Subject


@jsii.implements(cdk.IPolicyValidationPlugin)
class ServerlessGuards:
    """Check every stack of an app when it is synthesized.

    Findings of severity error end the synthesis, warnings are shown. Each names the construct, the fix, and the id to
    acknowledge it by; an acknowledged finding stays in `validation-report.json` with its reason. The constructs of this
    library register it by themselves; it can be registered on any app, and registered twice it speaks once.

    Example:
        >>> app = cdk.App()
        >>> cdk.Validations.of(app).add_plugins(ServerlessGuards())
    """

    _rounds: ClassVar[WeakKeyDictionary[IConstruct, dict[tuple[str, ...], int]]] = WeakKeyDictionary()
    _silenced: ClassVar[int] = 0

    def __init__(self) -> None:
        self._own_rounds: dict[tuple[str, ...], int] = {}

    @property
    def name(self) -> str:
        """What CDK puts before the ids of the rules."""
        return NAMESPACE

    @property
    def version(self) -> str:
        """The version of this library."""
        return own_version()

    @property
    def rule_ids(self) -> list[str]:
        """The ids of all rules."""
        return list(rule_ids())

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Check the templates that were just written."""
        templates = tuple(context.template_paths)
        if ServerlessGuards._silenced or not self._is_first(context.app_construct, templates):
            return _nothing()
        try:
            return self._checked(context, _assembly_folder(templates))
        except ProblemError as error:
            problem = error.problems[0]
        except Exception as error:  # whatever it is: our mistake must not keep anybody from deploying
            what = f"the guards failed inside: {type(error).__name__}: {error}"
            problem = Problem(what, line_of(error), fix="this is an error of constructs-lib: report it")
        return cdk.PolicyValidationPluginReport(success=True, violations=[_unchecked(problem)])

    def _checked(self, context: cdk.IPolicyValidationContext, folder: Path) -> cdk.PolicyValidationPluginReport:
        if JsonObject.read(folder / MANIFEST).values.get("missing"):
            return _nothing()  # CDK looks these values up and synthesizes again
        stacks = {stack.template_path: stack.stack_construct_path for stack in context.stack_templates}
        report = check(Assembly.read(folder), acknowledgements=above_the_stacks(context.app_construct, stacks.values()))
        return _report(report, stacks)

    def _is_first(self, app: IConstruct, templates: tuple[str, ...]) -> bool:
        """Whether no other instance has checked these templates of this app since we last did."""
        rounds = ServerlessGuards._rounds.setdefault(app, {})
        self._own_rounds[templates] = own = self._own_rounds.get(templates, 0) + 1
        is_first = own > rounds.get(templates, 0)
        rounds[templates] = max(own, rounds.get(templates, 0))
        return is_first


@contextmanager
def silenced() -> Iterator[None]:
    """Synthesize without the plugin, for one that checks afterwards by itself."""
    ServerlessGuards._silenced += 1
    try:
        yield
    finally:
        ServerlessGuards._silenced -= 1


def _assembly_folder(templates: Sequence[str]) -> Path:
    """The folder that holds them all: that of the app, or that of its one stage."""
    folder = Path(os.path.commonpath([Path(each).parent for each in templates]))
    return folder if (folder / MANIFEST).is_file() else folder.parent


def above_the_stacks(app: IConstruct, stack_paths: Iterable[str]) -> Iterator[Acknowledgement]:
    """Tell what is acknowledged at the app, a stage or another construct that holds stacks: no template's file does.

    Args:
        app: The root of the tree.
        stack_paths: The construct paths of its stacks.
    """
    holders: dict[str, IConstruct] = {}
    for stack_path in stack_paths:
        construct, path = app, ""
        for name in [*stack_path.split("/")[:-1], None]:
            holders[path] = construct
            child = None if name is None else construct.node.try_find_child(name)
            if child is None:
                break
            construct, path = child, f"{path}/{name}".removeprefix("/")
    for path, holder in holders.items():
        for entry in holder.node.metadata:
            if entry.type == cdk.Validations.ACKNOWLEDGED_RULES_METADATA_KEY and isinstance(entry.data, dict):
                for recorded_id, reason in entry.data.items():
                    made = acknowledgement(path, recorded_id, reason)
                    if made is not None:
                        yield made


def _report(report: Report, stacks: Mapping[str, str]) -> cdk.PolicyValidationPluginReport:
    shown = [each for each in report.findings if each.severity is not Severity.INFO]
    violations = [_violation(each, stacks) for each in shown]
    violations += [_acknowledged(each) for each in report.acknowledged if each.by.path is not None]
    violations += [
        cdk.PolicyViolation(
            rule_name=each.where.partition(" ")[0],
            description=each.what,
            fix=each.fix,
            severity=Severity.WARNING.value,
            violating_resources=[cdk.PolicyViolatingResource(construct_path="", locations=[])],
        )
        for each in report.failures
    ]
    return cdk.PolicyValidationPluginReport(
        success=not report.errors,
        violations=violations,
        metadata={key: str(value) for key, value in report.stats.items()},
    )


def _violation(finding: Finding, stacks: Mapping[str, str]) -> cdk.PolicyViolation:
    return cdk.PolicyViolation(
        rule_name=finding.id,
        description=_described(finding),
        fix=finding.fix,
        severity=finding.severity.value,
        violating_resources=[_place(finding.resource, finding.at, stacks)],
        rule_metadata={"verdict": finding.verdict.value} if finding.verdict is not None else None,
    )


def _acknowledged(acknowledged: Acknowledged) -> cdk.PolicyViolation:
    """A finding under the very id and place of its acknowledgement, by which CDK keeps it in its own report."""
    finding, by = acknowledged.finding, acknowledged.by
    return cdk.PolicyViolation(
        rule_name=by.recorded_id,
        description=f"{_described(finding)}\n   at {finding.where}",
        fix=finding.fix,
        severity=finding.severity.value,
        violating_resources=[cdk.PolicyViolatingResource(construct_path=by.path, locations=[])],
    )


def _described(finding: Finding) -> str:
    return "\n   ".join([finding.problem, *finding.evidence])


def _place(subject: Subject, at: Iterable[str], stacks: Mapping[str, str]) -> cdk.PolicyViolatingResource:
    template = str(getattr(subject.stack, "template_path", ""))
    if isinstance(subject, Place):
        path = "/".join([stacks.get(template, subject.stack.id), subject.logical_id]).rstrip("/")
        return cdk.PolicyViolatingResource(construct_path=path, locations=[])
    locations = [".".join(["Properties", *at])] if at else []
    return cdk.PolicyViolatingResource(
        resource_logical_id=subject.logical_id, template_path=template, locations=locations
    )


def _unchecked(problem: Problem) -> cdk.PolicyViolation:
    return cdk.PolicyViolation(
        rule_name=UNREAD,
        description=f"nothing of this app was guarded: {problem.what}\n   at {problem.where}",
        fix=problem.fix,
        severity=Severity.WARNING.value,
        violating_resources=[cdk.PolicyViolatingResource(construct_path="", locations=[])],
    )


def _nothing() -> cdk.PolicyValidationPluginReport:
    return cdk.PolicyValidationPluginReport(success=True, violations=[])
