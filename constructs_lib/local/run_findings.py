"""What a run says in its output besides logs: denied calls that passed, work left unfinished; at its end, rights.

Each is said once, in three lines: what, where, how to fix it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constructs_lib.local.function_logs import harmless
from constructs_lib.local.json_lines import JsonLines
from constructs_lib.local.permission_fix import short
from constructs_lib.local.permissions import PermissionsReport, denial_of
from constructs_lib.local.permissions_command import summary_of
from constructs_lib.local.permissions_record import PermissionsRecord, keep_permissions
from constructs_lib.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.local.deployed_aws import DeployedAws
    from constructs_lib.local.state_folder import StatePaths

AWAIT_IT = "await it before the handler returns"


class RunFindings:
    """Follows the journal of a run for what its user should know at once.

    Args:
        aws: The embedded AWS, with the app deployed.
        paths: Its state folder.
    """

    def __init__(self, aws: DeployedAws, paths: StatePaths) -> None:
        """Begin with the first entry of the journal."""
        self._aws = aws
        self._paths = paths
        self._journal = JsonLines(paths.journal)
        self._said: set[tuple[str, ...]] = set()
        self._record = PermissionsRecord()
        self._asked_for: set[str] = set()

    def deployed(self) -> None:
        """Keep what is granted now; to be called after every deployment."""
        self._record = keep_permissions(self._aws, self._paths.path) or self._record

    def new(self) -> Iterator[str]:
        """Yield what there is to say since the last look."""
        for entry in self._journal.new():
            self._know(str(entry.get("function", "")))
            found = self._problem(entry)
            if found is not None and found[0] not in self._said:
                self._said.add(found[0])
                yield "\n".join(harmless(line) for line in str(found[1]).splitlines())

    def summary(self) -> list[str]:
        """Return what there is to say of rights at the end of the run: nothing when nothing ran."""
        self.deployed()
        report = PermissionsReport.of(self._record, JsonLines(self._paths.journal).new())
        return [harmless(line) for line in summary_of(report)]

    def _know(self, function: str) -> None:
        """Look again at what is deployed when a function is new: it has come with a later deployment."""
        if function and function not in self._record.paths and function not in self._asked_for:
            self._asked_for.add(function)
            self.deployed()

    def _problem(self, entry: Mapping[str, Any]) -> tuple[tuple[str, ...], Problem] | None:
        if entry.get("kind") == "authorization" and not entry.get("enforced", True):
            denial = denial_of(entry, self._record)
            what = f"{denial.action} on {short(denial.resource)} is denied on AWS, and passed here: --iam is warn"
            return (denial.caller, denial.action, denial.resource), Problem(what, denial.caller, denial.fix)
        if entry.get("kind") == "unfinished":
            function = self._record.paths.get(entry.get("function", ""), str(entry.get("function", "")))
            at = str(entry.get("at", ""))
            what = f"{entry.get('what')} was not finished when the handler returned: Lambda freezes or loses it"
            where = f"{at} ({function})" if at else function
            return (function, at, str(entry.get("what"))), Problem(what, where, str(entry.get("fix") or AWAIT_IT))
        return None
