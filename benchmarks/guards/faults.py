"""Which tool sees which fault: single faults in the hardened app, and the classic mistakes of the trap stack."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.guards.faults.hardened import hardened
from tests.guards.faults.matrix import MATRIX, with_fault
from tests.guards.faults.trap_stack import TRAPS, TrapStack

if TYPE_CHECKING:
    from benchmarks.guards.peers import Answers

BASE, ALL = "base", "all"


@dataclass(frozen=True, slots=True)
class Case:
    """Something wrong.

    Args:
        says: What is wrong.
        topic: What it is about.
        wrong: The name of the template that has it.
        right: The name of the same template without it.
    """

    says: str
    topic: str
    wrong: str
    right: str = field(repr=False)

    def is_seen(self, answers: Answers) -> bool:
        """Whether a tool says anything of the one that it does not say of the other."""
        return bool(answers[self.wrong] - answers[self.right])


def write_faults(folder: Path) -> list[Case]:
    """Write the hardened app, and again with each fault."""
    _write(folder, BASE, hardened())
    cases = []
    for topic, faults in MATRIX.items():
        for number, fault in enumerate(faults):
            name = f"{topic.split()[0]}-{number:03}"
            _write(folder, name, with_fault(fault))
            cases.append(Case(fault.name, topic, name, BASE))
    return cases


def write_traps(folder: Path) -> list[Case]:
    """Synthesize the trap stack, and again with each mistake mended."""
    import aws_cdk as cdk  # noqa: PLC0415 - only who asks for it pays for it

    cases = []
    for number, mended in enumerate([None, *TRAPS]):
        app = cdk.App(outdir=str(folder.parent / "cdk.out" / str(number)), analytics_reporting=False)
        TrapStack(app, "Traps", mended=mended)
        template = Path(app.synth().directory, "Traps.template.json")
        name = ALL if mended is None else f"mended-{number:02}"
        (folder / f"{name}.json").write_text(template.read_text())
        if mended is not None:
            cases.append(Case(TRAPS[mended].says, "classic mistakes", ALL, name))
    return cases


def _write(folder: Path, name: str, template: object) -> None:
    (folder / f"{name}.json").write_text(json.dumps(template, indent=1))
