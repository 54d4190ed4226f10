"""Whether a function could run on what it writes itself, at once or by way of others, within one app.

It happened to somebody with the first bucket they ever wired: a thumbnail of a thumbnail of a thumbnail, billed.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from constructs import Construct, IConstruct

from constructs_lib.wiring.destination import HasTopic
from constructs_lib.wiring.identity import Identity
from constructs_lib.wiring.refusals import Refusals

if TYPE_CHECKING:
    from constructs_lib.wiring.object_keys import ObjectKeys

FIX = 'write to another prefix or bucket, tell the two apart by suffix, or say why it ends: loop_guard=Waived("...")'
FIX_CALL = 'let another function do one of the two, or say why it ends: on_upload(..., loop_guard=Waived("..."))'

# What sets a function off, by the action that allows it. Buses deliver by patterns, which only the guards compare.
CALLS = {
    "execute-api:Invoke": "call",
    "lambda:InvokeFunction": "call",
    "sns:Publish": "publish to",
    "sqs:SendMessage": "send to",
    "states:StartExecution": "start",
    "states:StartSyncExecution": "start",
}
ATTRIBUTE = "_constructs_lib_upload_loops"


@dataclass(frozen=True, slots=True)
class Somebody:
    """Who writes or is run.

    Args:
        role: The path of the role they have: who they are, however they were passed.
        name: What a user calls them.
        inside: The function that a workflow of this name calls; empty for anybody else.
    """

    role: str
    name: str
    inside: str = ""

    def run(self, on: str = "") -> str:
        """How a sentence goes on that ends in what runs them."""
        return f"{self.name}{on}" + (f", which calls {self.inside}" if self.inside else "")


@dataclass(frozen=True, slots=True)
class Use:
    """Somebody's dealings with some keys of a bucket: they may write them, or their uploads run them."""

    who: Somebody
    bucket: str
    keys: ObjectKeys


@dataclass(frozen=True, slots=True)
class Hop:
    """One run that leads to another.

    Args:
        start: Who runs.
        end: Who runs then.
        does: What the first may do: `may write uploads/*`.
        bucket: Where it writes; empty if it only calls.
        runs: What is said of the second; ends the clause that `does` begins.
    """

    start: Somebody
    end: Somebody
    does: str
    bucket: str
    runs: str

    def said(self, here: str) -> str:
        """As part of a sentence; a bucket is named unless it is the one that refuses."""
        return f"{self.does}{f' of {self.bucket}' if self.bucket and self.bucket != here else ''}{self.runs}"


@dataclass(eq=False)
class UploadLoops:
    """Who writes, who is run by uploads and who may call whom, in whatever order that was said.

    Args:
        root: The app, which this belongs to; held, so that it is the same object for everybody who asks.
    """

    root: IConstruct
    _writers: list[Use] = field(default_factory=list)
    _runners: list[Use] = field(default_factory=list)
    _calls: list[Hop] = field(default_factory=list)

    def add_writer(self, writer: Use, refusals: Refusals) -> None:
        """Add somebody who may write, or note the loop that this would close."""
        self._writers.append(writer)
        if self._note_loop(_hops([writer], self._runners), refusals, FIX):
            self._writers.pop()

    def add_runners(self, runners: Sequence[Use], refusals: Refusals) -> None:
        """Add everybody whom some uploads run, or note the loop that this would close."""
        self._runners.extend(runners)
        if self._note_loop(_hops(self._writers, runners), refusals, FIX):
            del self._runners[-len(runners) :]

    def add_calls(self, caller: Somebody, verb: str, callees: Sequence[Somebody], refusals: Refusals) -> None:
        """Add what somebody may set off, or note the loop of uploads that this would close."""
        calls = [Hop(caller, callee, f"may {verb} ", "", callee.run()) for callee in callees]
        self._calls.extend(calls)
        if self._note_loop(calls, refusals, FIX_CALL):
            del self._calls[-len(calls) :]

    def _note_loop(self, closing: Sequence[Hop], refusals: Refusals, fix: str) -> bool:
        for hop in closing if self._writers and self._runners else ():
            rest = self._way(hop, back_to=hop.start.role)
            if rest is not None:
                hops = ", which ".join(each.said(refusals.path) for each in (hop, *rest))
                refusals.refuse(f"{hop.start.name} {hops}: each upload could start the next one, without end", fix=fix)
                return True
        return False

    def _way(self, first: Hop, *, back_to: str) -> list[Hop] | None:
        """The shortest way from one run back to a role, with an upload on it or before it; none if there is none."""
        hops = [*_hops(self._writers, self._runners), *self._calls]
        begun = (first.end.role, bool(first.bucket))
        ways: dict[tuple[str, bool], list[Hop]] = {begun: []}
        waiting = [begun]
        for role, by_upload in waiting:  # grows while it is read
            if (role, by_upload) == (back_to, True):
                return ways[role, by_upload]
            for hop in hops:
                reached = (hop.end.role, by_upload or bool(hop.bucket))
                if hop.start.role == role and reached not in ways:
                    ways[reached] = [*ways[role, by_upload], hop]
                    waiting.append(reached)
        return None


def loops_of(construct: IConstruct) -> UploadLoops:
    """What is known of the app that a construct belongs to."""
    root = construct.node.root
    known = getattr(root, ATTRIBUTE, None)
    if isinstance(known, UploadLoops):
        return known
    loops = UploadLoops(root)
    setattr(root, ATTRIBUTE, loops)
    return loops


def somebody(whoever: object) -> Somebody | None:
    """Whoever writes or is run, by their role; none for a principal that is not of this app."""
    bearer = getattr(whoever, "state_machine", whoever)
    principal = getattr(bearer, "grant_principal", None)
    if not isinstance(principal, Construct):
        return None
    if isinstance(principal.node.scope, Identity):  # the role inside of one
        principal = principal.node.scope
    return Somebody(principal.node.path, whoever.node.path if isinstance(whoever, Construct) else principal.node.path)


def passing_on(topic: IConstruct) -> Somebody:
    """A topic, which has no role and runs nobody by itself."""
    return Somebody(topic.node.path, topic.node.path)


def run_with(target: object) -> list[Somebody]:
    """Everybody who runs when a target does: itself, and the functions that a workflow calls."""
    itself = somebody(target)
    if itself is None:
        return [passing_on(target)] if isinstance(target, Construct) and isinstance(target, HasTopic) else []
    called = [somebody(each) for each in getattr(target, "functions", ())]
    return [itself, *(Somebody(each.role, itself.name, each.name) for each in called if each is not None)]


def note_calls(scope: Construct, grantee: object, actions: Sequence[str]) -> None:
    """Refuse a grant to set something off, where an upload would then end in the next upload.

    Raises:
        PropError: It would.
    """
    verbs = [CALLS[action] for action in actions if action in CALLS]
    caller = somebody(grantee)
    if not verbs or caller is None:
        return
    refusals = Refusals(scope)
    loops_of(scope).add_calls(caller, verbs[0], run_with(scope), refusals)
    refusals.stop_if_any()


def _hops(writers: Sequence[Use], runners: Sequence[Use]) -> list[Hop]:
    return [
        Hop(
            start=writer.who,
            end=runner.who,
            does=f"may write {writer.keys}",
            bucket=writer.bucket,
            runs=f", which runs {runner.who.run(f' (on {runner.keys})')}",
        )
        for writer in writers
        for runner in runners
        if writer.bucket == runner.bucket and writer.keys.meets(runner.keys)
    ]
