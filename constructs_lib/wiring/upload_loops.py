"""Whether a function could run on what it writes itself, at once or by way of others, within one bucket.

It happened to somebody with the first bucket they ever wired: a thumbnail of a thumbnail of a thumbnail, billed.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from constructs import Construct

if TYPE_CHECKING:
    from constructs_lib.wiring.object_keys import ObjectKeys
    from constructs_lib.wiring.refusals import Refusals

FIX = 'write to another prefix or bucket, tell the two apart by suffix, or say why it ends: loop_guard=Waived("...")'


@dataclass(frozen=True, slots=True)
class Use:
    """Somebody's dealings with some keys of the bucket.

    Args:
        role: The path of the role they have: who they are, however they were passed.
        name: What a user calls them.
        keys: The keys they may write, or whose uploads run them.
    """

    role: str
    name: str
    keys: ObjectKeys


@dataclass(frozen=True, slots=True)
class UploadLoops:
    """Who writes and who is run by uploads of one bucket, in whatever order that was said."""

    _writers: list[Use] = field(default_factory=list)
    _runners: list[Use] = field(default_factory=list)

    def add_writer(self, writer: Use, refusals: Refusals) -> None:
        """Add somebody who may write, and note the loop that this closes."""
        self._writers.append(writer)
        self._note_loop([(writer, runner) for runner in self._runners], refusals)

    def add_runner(self, runner: Use, refusals: Refusals) -> None:
        """Add somebody whom uploads run, and note the loop that this closes."""
        self._runners.append(runner)
        self._note_loop([(writer, runner) for writer in self._writers], refusals)

    def _note_loop(self, pairs: list[tuple[Use, Use]], refusals: Refusals) -> None:
        for writer, runner in pairs:
            chain = self._chain(runner, writer.role, ()) if writer.keys.meets(runner.keys) else None
            if chain is not None:
                _refuse([(writer, runner), *chain], refusals)
                return

    def _chain(self, start: Use, back_to: str, seen: tuple[str, ...]) -> list[tuple[Use, Use]] | None:
        """How one run leads to a run of `back_to`: each write and the run it causes; none if it does not."""
        if start.role == back_to:
            return []
        for writer in self._writers:
            if writer.role != start.role:
                continue
            for runner in self._runners:
                if runner.role not in seen and writer.keys.meets(runner.keys):
                    rest = self._chain(runner, back_to, (*seen, start.role))
                    if rest is not None:
                        return [(writer, runner), *rest]
        return None


def use_of(whoever: object, keys: ObjectKeys) -> Use | None:
    """Whoever writes or is run, by their role; none for a principal that is not of this app."""
    bearer = getattr(whoever, "state_machine", whoever)
    principal = getattr(bearer, "grant_principal", None)
    if not isinstance(principal, Construct):
        return None
    name = whoever.node.path if isinstance(whoever, Construct) else principal.node.path
    return Use(principal.node.path, name, keys)


def _refuse(chain: list[tuple[Use, Use]], refusals: Refusals) -> None:
    hops = [f"may write {writer.keys}, which runs {runner.name} (on {runner.keys})" for writer, runner in chain]
    refusals.refuse(
        f"{chain[0][0].name} {', which '.join(hops)}: each upload could start the next one, without end", fix=FIX
    )
