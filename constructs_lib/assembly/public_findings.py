"""What `cloudformation-validate`, AWS's own engine and the one CDK ships, says of a template: as plain data."""

from __future__ import annotations

import atexit
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from constructs_lib.assembly.template_document import printed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

MAX_RESOURCES = 500  # all that CloudFormation takes; its time grows with the square: a minute for 10,000
MAX_BYTES = 1024 * 1024  # likewise
INSTALL = 'pip install "constructs-lib[check]"'
ERRORS = {"FATAL", "ERROR"}
# What it says of every good template: that of these, CDK leaves out the first line too.
LEFT_OUT = [
    "W3005", "W1020", "E1018", "W9002", "W9013", "W1103",
    "W3002",  # code on this machine, which every SAM template has, and every template before `cloudformation package`
]  # fmt: skip
UNKNOWN_TYPE = "F3006"  # a type that AWS has added since the engine was built: no mistake of the template
KINDS = {
    "PARAMETER": "Parameter",
    "OUTPUT": "Output",
    "CONDITION": "Condition",
    "MAPPING": "Mapping",
    "RULE": "Rule",
}


@dataclass(frozen=True, slots=True)
class PublicFinding:
    """One thing the engine found.

    Args:
        rule: Its id there: `E` and `W` with cfn-lint's numbers, `F` for what CloudFormation would refuse.
        severity: How bad it is.
        kind: What it is about: `Resource`, `Parameter`, `Output`, ..., or `Stack` for the template as a whole.
        logical_id: The key of that; empty for the template as a whole.
        at: The path of the property, below `Properties`; whatever else the engine names, in full.
        problem: What is wrong, lower case, no final period.
        fix: What to do about it.
    """

    rule: str
    severity: Literal["error", "warning"]
    kind: str
    logical_id: str
    at: tuple[str, ...]
    problem: str
    fix: str


@dataclass(frozen=True, slots=True)
class PublicReport:
    """What the engine said of a template.

    Args:
        findings: What it found, each once.
        skipped: Why it was not asked, or could not answer; `None` when it has answered.
    """

    findings: tuple[PublicFinding, ...] = ()
    skipped: str | None = None


def public_findings(
    template: Mapping[str, Any],
    *,
    stack_name: str = "template",
    account: str | None = None,
    region: str | None = None,
    generated: Collection[str] = (),
) -> PublicReport:
    """Ask the engine about a template that CloudFormation could deploy: SAM is translated before.

    Costs 0.2 s once a process, and one or two milliseconds a template.

    Args:
        template: The template.
        stack_name: The name of its stack, which the engine puts where the template asks for it.
        account: The account it goes to. Default: any.
        region: The region it goes to, which knows which types exist. Default: any.
        generated: Logical ids of what nobody wrote, as SAM generates it: of these, errors only are kept.
    """
    resources = template.get("Resources", {})
    if len(resources) > MAX_RESOURCES:
        return PublicReport(
            skipped=f"{len(resources):,} resources: CloudFormation takes {MAX_RESOURCES} in one template"
        )
    text = json.dumps(template)
    if len(text) > MAX_BYTES:
        return PublicReport(skipped=f"{len(text):,} bytes: CloudFormation takes {MAX_BYTES:,} in one template")
    try:
        import cloudformation_validate as engine  # noqa: PLC0415 - an extra, and of no use to most

        asked = _engine().validate_template(
            engine.TemplateContent(text, stack_name),
            engine.ValidateConfig(
                exclude=engine.RuleFilterConfig(ids=LEFT_OUT),
                detail_level=engine.DetailLevel.STANDARD,
                severity_level=engine.Severity.WARN,
                pseudo_parameter_overrides=engine.PseudoParameterOverrides(
                    account_id=account, region=region, stack_name=stack_name
                ),
            ),
        )
    except (ImportError, OSError):  # OSError: its library does not load, as on an older glibc
        return PublicReport(skipped=f"cloudformation-validate is not installed here: {INSTALL}")
    except Exception as error:
        # A library of others: what it cannot do must not hide what our own rules find.
        return PublicReport(skipped=f"cloudformation-validate fails: {type(error).__name__}: {error}")
    return PublicReport(tuple(dict.fromkeys(_findings(asked.diagnostics, generated))))


@cache
def _engine() -> Any:
    import cloudformation_validate  # noqa: PLC0415 - likewise

    atexit.register(_engine.cache_clear)  # when modules are torn down it is too late, and it complains
    return cloudformation_validate.CompositeEngine()


@cache
def _descriptions() -> dict[str, str]:
    return {rule.id: rule.description for rule in _engine().list_rules()}


def _findings(diagnostics: list[Any], generated: Collection[str]) -> Iterator[PublicFinding]:
    for each in diagnostics:
        severity = each.severity.name
        kind, logical_id = _subject(each)
        error = severity in ERRORS and each.rule_id != UNKNOWN_TYPE
        if logical_id in generated and not error:
            continue
        yield PublicFinding(
            rule=each.rule_id,
            severity="error" if error else "warning",
            kind=kind,
            logical_id=logical_id,
            at=_path(each.property_path or ""),
            problem=_line(each.message),
            fix=_fix(each),
        )


def _subject(diagnostic: Any) -> tuple[str, str]:
    entity = diagnostic.entity
    if entity is None:
        return "Stack", ""
    kind = entity.entity_type.name
    if kind == "RESOURCE":
        return "Resource", entity.logical_id
    return (KINDS[kind], entity.logical_id) if kind in KINDS else ("Stack", "")


def _path(path: str) -> tuple[str, ...]:
    """`Properties.Tags.0.Key`, `DependsOn`, and `Outputs/Url/Value.Fn::Join.1` as their steps."""
    if path.startswith("Properties."):
        return tuple(path.removeprefix("Properties.").split("."))
    *sections, rest = path.split("/", 2)
    return (*sections, *rest.split(".")) if rest else ()


def _line(message: str) -> str:
    text = printed(" ".join(message.split()).removesuffix("."))
    return f"{text[:1].lower()}{text[1:]}" if text[1:2].islower() else text


def _fix(diagnostic: Any) -> str:
    if diagnostic.suggested_fix:
        return _line(diagnostic.suggested_fix)
    description = _descriptions().get(diagnostic.rule_id)
    asked = f": {_line(description)}" if description else ""
    return f"do as rule {diagnostic.rule_id} of cloudformation-validate asks{asked}"
