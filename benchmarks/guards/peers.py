"""The public tools, each asked about a folder of templates: what it finds in which, by rule and resource."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.model import Assembly
from constructs_lib.assembly.public_findings import public_findings
from constructs_lib.guards.check import check
from constructs_lib.guards.finding import Severity

if TYPE_CHECKING:
    import aws_cdk as cdk

Found = Counter[tuple[str, str]]  # how often a rule speaks of a resource
Answers = dict[str, Found]  # by the name of the template
HASH = re.compile(r"(?:[0-9A-F]{8}|[0-9a-f]{32})$")  # what the CDK puts behind an id, and changes with the content
PACKS = ("AwsSolutionsChecks", "ServerlessChecks", "HIPAASecurityChecks", "NIST80053R5Checks", "PCIDSS321Checks")


class NotHereError(Exception):
    """A tool cannot be had here; why."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool.

    Args:
        name: What it is called, with its version.
        ask: Finds what it says of each template of a folder.
    """

    name: str
    ask: Callable[[Path], Answers]


def ours(folder: Path) -> Answers:
    """Errors and warnings of the guards; what is an information is not counted."""
    answers: Answers = {}
    for file in templates(folder):
        findings = check(Assembly.read(file)).findings
        hurting = (each for each in findings if each.severity is not Severity.INFO)
        answers[file.stem] = Counter((each.rule, named(each.resource.logical_id)) for each in hurting)
    return answers


def validate(folder: Path) -> Answers:
    """The engine that AWS publishes, and that the CDK ships."""
    answers: Answers = {}
    for file in templates(folder):
        report = public_findings(json.loads(file.read_text()))
        if report.skipped is not None:
            raise NotHereError(report.skipped)
        answers[file.stem] = Counter((each.rule, named(each.logical_id)) for each in report.findings)
    return answers


def cfn_lint(bin_folder: Path) -> Callable[[Path], Answers]:
    """With its hints and its experimental rules too."""

    def ask(folder: Path) -> Answers:
        files = [str(file) for file in templates(folder)]
        told = _told([str(bin_folder / "cfn-lint"), "--format", "json", "-i", "I", "-e", *files])
        answers: Answers = {file.stem: Counter() for file in templates(folder)}
        for each in told:
            path = [str(part) for part in each["Location"]["Path"] or []]
            resource = path[1] if path[:1] == ["Resources"] and len(path) > 1 else ""
            answers[Path(each["Filename"]).stem][each["Rule"]["Id"], named(resource)] += 1
        return answers

    return ask


def checkov(bin_folder: Path) -> Callable[[Path], Answers]:
    """Its rules for CloudFormation, and its search for secrets; nothing is downloaded."""

    def ask(folder: Path) -> Answers:
        command = [str(bin_folder / "checkov"), "--skip-download", "--compact", "--quiet", "--output", "json"]
        told = _told([*command, "--framework", "cloudformation", "secrets", "-d", str(folder)])
        answers: Answers = {file.stem: Counter() for file in templates(folder)}
        for report in told if isinstance(told, list) else [told]:
            for each in report["results"]["failed_checks"] if "results" in report else ():
                resource = str(each["resource"]).rpartition(".")[2] if report["check_type"] == "cloudformation" else ""
                answers[Path(each["file_path"]).stem][each["check_id"], named(resource)] += 1
        return answers

    return ask


def cdk_nag(pack: str) -> Callable[[Path], Answers]:
    """One pack, on stacks that include the templates."""

    def ask(folder: Path) -> Answers:
        import cdk_nag as packs  # noqa: PLC0415 - only who asks for it pays for it

        rules, answers = getattr(packs, pack)(), {}
        for name, stack in _included(folder).items():
            answers[name] = Counter(
                (violation.rule_name.partition("[")[0], named(str(place.construct_path).rpartition("/")[2]))
                for violation in rules.validate_scope(stack).violations
                for place in violation.violating_resources
            )
        return answers

    return ask


@cache
def _included(folder: Path) -> dict[str, cdk.Stack]:
    """A stack for each template of a folder, for all packs together."""
    import aws_cdk as cdk  # noqa: PLC0415 - only who asks for it pays for it
    from aws_cdk.cloudformation_include import CfnInclude  # noqa: PLC0415 - likewise

    app = cdk.App(outdir=str(folder.parent / "nag"), analytics_reporting=False)
    stacks = {file.stem: cdk.Stack(app, file.stem) for file in templates(folder)}
    for name, stack in stacks.items():
        CfnInclude(stack, "Template", template_file=str(folder / f"{name}.json"))
    return stacks


def tools(home: Path, *, without: Collection[str] = ()) -> list[Tool]:
    """All there are; those that no requirement brings are installed into a folder of their own."""
    found = [Tool("ours", ours), Tool(f"cloudformation-validate {version('cloudformation-validate')}", validate)]
    for package, asked in (("cfn-lint", cfn_lint), ("checkov", checkov)):
        if package in without:
            continue
        try:
            bin_folder = installed(package, home)
        except NotHereError as error:
            print(f"{package} is left out: {error}")
        else:
            found.append(Tool(f"{package} {_version(bin_folder, package)}", asked(bin_folder)))
    nag = version("cdk-nag")
    found += [Tool(f"cdk-nag {nag} {pack.removesuffix('Checks')}", cdk_nag(pack)) for pack in PACKS]
    return [each for each in found if not any(name in each.name for name in without)]


def installed(package: str, home: Path) -> Path:
    """Install a package with its own environment, unless it is there; its folder of commands."""
    place = home / package
    commands = place / "bin"
    if not (commands / package).exists():
        for step in (["venv", "--quiet", "--python", sys.executable, str(place)],
                     ["pip", "install", "--quiet", "--python", str(commands / "python"), package]):  # fmt: skip
            done = subprocess.run([sys.executable, "-m", "uv", *step], check=False, capture_output=True, text=True)
            if done.returncode:
                raise NotHereError(done.stderr.strip().rpartition("\n")[2])
    return commands


def templates(folder: Path) -> list[Path]:
    """The templates of a folder."""
    return sorted(folder.glob("*.json"))


def named(logical_id: str) -> str:
    """A logical id without the hash that changes with what is inside."""
    return HASH.sub("", logical_id)


def _told(command: list[str]) -> Any:
    environment = {**os.environ, "LOG_LEVEL": "ERROR"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise NotHereError(f"{command[0]} gives no JSON: {(done.stderr or done.stdout)[-300:]}") from error


def _version(bin_folder: Path, package: str) -> str:
    asked = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([str(bin_folder / "python"), "-c", asked], check=True, capture_output=True, text=True)
    return done.stdout.strip()
