"""Lets things go wrong in an embedded AWS, on request and the same way each time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

from constructs_lib.local.deployed_names import BUCKET, FUNCTION, QUEUE, Kind, all_named, named
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from types import TracebackType

    from constructs_lib.local.deployed_aws import DeployedAws

ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9*]+")
ANYONE = "*"
TABLES_AND_TOPICS = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::SNS::Topic")
# What delivers, or is delivered to.
DELIVERED = Kind("function or source", (*FUNCTION.types, *QUEUE.types, *BUCKET.types, *TABLES_AND_TOPICS))


class Fault:
    """A fault that happens until it is ended: with `end`, at the end of its `with`, or by a reset.

    Args:
        aws: Where.
        number: What it is called there.
    """

    def __init__(self, aws: DeployedAws, number: int) -> None:
        """Remember how to end it."""
        self._aws = aws
        self._number = number
        self._last_count = 0

    @property
    def count(self) -> int:
        """How often it has happened."""
        counts = self._aws.control.ask("faults")["counts"]
        self._last_count = counts.get(str(self._number), self._last_count)
        return self._last_count

    def end(self) -> None:
        """Let it happen no more; a second time does nothing."""
        _ = self.count
        self._aws.control.ask("faults", remove=self._number)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self.end()


class Faults:
    """The faults of one embedded AWS.

    `where` is a function, by its construct path or name, or an action (`dynamodb:PutItem`, `s3:*`). Of an action it
    meets the calls of functions: of `by` alone, or with `by="*"` also those of everybody else.

    Every fault takes `rate` (the share of occasions it meets), `times` (how many at the most) and `seed`: the same seed
    meets the same occasions.

    Args:
        aws: Where.

    Example:
        >>> with faults.throttle("dynamodb:PutItem", by="Orders/Charge", times=2) as throttled:
        ...     aws.call("POST", "/orders", json={"id": "1"})
        >>> throttled.count
        2
    """

    def __init__(self, aws: DeployedAws) -> None:
        """Remember where."""
        self._aws = aws

    def throttle(
        self, where: str, *, by: str | None = None, rate: float = 1.0, times: int | None = None, seed: int = 0
    ) -> Fault:
        """Refuse, as when there is too much of it: 429 of a function, the service's own error of a call."""
        return self._add("throttle", self._place(where, by), (rate, times, seed), {})

    def error(
        self,
        where: str,
        *,
        code: str | None = None,
        message: str = "a fault of this test",
        status: int | None = None,
        when: str = "before",
        by: str | None = None,
        rate: float = 1.0,
        times: int | None = None,
        seed: int = 0,
    ) -> Fault:
        """Fail.

        Args:
            where: A function or an action.
            code: AWS's name of the error, or the error type of a function. Default: the service's own failure.
            message: What it says.
            status: The status of the answer to a call. Default: the one of the code.
            when: Of a function, whether its handler does not run at all (`before`) or has done everything (`after`).
            by: Whose calls.
            rate: The share of occasions.
            times: How often at the most.
            seed: Which occasions.
        """
        if when not in {"before", "after"}:
            raise _refused(f"when is {when!r} instead of 'before' or 'after'", "error", "choose one of them")
        place = self._place(where, by)
        if "action" in place and when == "after":
            raise _refused("a call fails before anything is done, never after", where, "leave `when` out")
        told = {"code": code or ("Error" if "function" in place else ""), "message": message, "status": status}
        return self._add("error", place, (rate, times, seed), {**told, "when": when})

    def delay(
        self,
        where: str,
        seconds: float,
        *,
        by: str | None = None,
        rate: float = 1.0,
        times: int | None = None,
        seed: int = 0,
    ) -> Fault:
        """Take longer, in real time: a call its answer, a function its start."""
        if not seconds > 0:
            raise _refused(f"a delay of {seconds} s is none", where, "say how many seconds it takes longer")
        return self._add("delay", self._place(where, by), (rate, times, seed), {"seconds": seconds})

    def duplicate(self, where: str, *, rate: float = 1.0, times: int | None = None, seed: int = 0) -> Fault:
        """Deliver twice, as every source may: the function runs again with the event it has just handled.

        Args:
            where: A function, or a queue, table, topic or bucket whose events come twice.
            rate: The share of events.
            times: How often at the most.
            seed: Which events.
        """
        return self._add("duplicate", self._source_or_function(where), (rate, times, seed), {})

    def kill(
        self,
        function: str,
        *,
        at: str | None = None,
        after: float | None = None,
        rate: float = 1.0,
        times: int | None = None,
        seed: int = 0,
    ) -> Fault:
        """Kill the process of a function: when it has done everything, and nobody has heard of it.

        Args:
            function: The function.
            at: An action: killed when it makes this call, which is not made.
            after: Seconds after its start, wherever it is by then.
            rate: The share of runs, or of calls.
            times: How often at the most.
            seed: Which of them.
        """
        if at is not None and after is not None:
            raise _refused("kill has both `at` and `after`", function, "say one of them")
        if at is None:
            place = {"function": named(self._aws.stacks, FUNCTION, function).name}
        else:
            place = self._place(at, function)
            if "action" not in place:
                raise _refused(f"{at} is no action", function, "say one like dynamodb:PutItem")
        return self._add("kill", place, (rate, times, seed), {"after": after})

    def clear(self) -> None:
        """End all of them."""
        self._aws.control.ask("faults", clear=True)

    def _place(self, where: str, by: str | None) -> dict[str, str]:
        if ACTION.fullmatch(where):
            caller = by or ""
            if caller not in {"", ANYONE}:
                caller = named(self._aws.stacks, FUNCTION, caller).name
            return {"action": where, "by": caller}
        if by is not None:
            raise _refused(f"{where} is no action, so nobody calls it", where, "leave `by` out, or name an action")
        return {"function": named(self._aws.stacks, FUNCTION, where).name}

    def _source_or_function(self, where: str) -> dict[str, str]:
        found = named(self._aws.stacks, DELIVERED, where)
        is_function = found in all_named(self._aws.stacks, FUNCTION)
        return {"function": found.name} if is_function else {"source": found.name.rpartition(":")[2]}

    def _add(
        self, kind: str, place: dict[str, str], often: tuple[float, int | None, int], options: dict[str, Any]
    ) -> Fault:
        rate, times, seed = often
        if not 0 < rate <= 1:
            raise _refused(f"rate is {rate} instead of a share up to 1", kind, "say a number such as 0.3")
        if times is not None and times < 1:
            raise _refused(f"times is {times}, so it never happens", kind, "say 1 or more, or leave it out")
        told = {"kind": kind, **place, "rate": rate, "times": times or 0, "seed": seed, "options": options}
        return Fault(self._aws, self._aws.control.ask("faults", add=told)["added"])


def _refused(what: str, where: str, fix: str) -> LocalError:
    return LocalError(Problem(what=what, where=f"faults, {where}", fix=fix))
