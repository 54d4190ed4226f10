"""What is kept warm is what gets called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import FUNCTION, callers_of, own_functions
from constructs_lib.guards.amounts import count
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.function_callers import Caller
    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.assembly.value import Text, Value
    from constructs_lib.guards.finding import Finding, Unknown

ALIAS, LATEST = "AWS::Lambda::Alias", "$LATEST"
UNTOLD = frozenset({"import", "parameter", "unknown"})  # symbols that may stand for anything
AMOUNT = ("ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions")
SHOWN = 3  # callers in a message


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """Whatever triggers a function calls the alias or version whose environments are kept warm.

    Why it matters: provisioned concurrency belongs to one alias or version. A trigger that names the function alone
    calls `$LATEST`: its requests start cold, and the warm environments are paid for and idle.
    https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html

    Refuses: provisioned concurrency on an alias or version, when triggers call the function and none calls that; as a
    warning, when some call it and others do not.

    Accepts: triggers that all call it; an alias that nothing in the stacks calls, as somebody outside may.
    """
    own = set(own_functions(assembly))
    leading = _leading(assembly)
    for warm in assembly.of_type(ALIAS, "AWS::Lambda::Version"):
        function = assembly.target(warm.value("FunctionName"), FUNCTION)
        if function in own and not warm.lacks(*AMOUNT) and warm.number(*AMOUNT) != 0:
            callers = callers_of(assembly).get(function.id, ())
            aims = {caller: _calls(caller, warm, leading) for caller in callers}
            for caller, aim in aims.items():
                if aim is None:
                    reason = f"it calls {caller.qualifier}, known at deploy only"
                    yield unknown(warm, what=f"whether {caller} calls what is kept warm", reason=reason)
            astray = [caller for caller, aim in aims.items() if aim is False]
            if astray:
                yield _idle(warm, astray, is_called=len(astray) < len(callers))


def _idle(warm: Resource, astray: list[Caller], *, is_called: bool) -> Finding:
    names = ", ".join(str(each) for each in astray[:SHOWN])
    more = f" and {len(astray) - SHOWN} more" if len(astray) > SHOWN else ""
    number = warm.number(*AMOUNT)
    kept = "environments are" if number is None else f"{count(number)} environments are"
    return finding(
        warm,
        problem=f"{kept} kept warm, and {names}{more} does not call them: it calls {astray[0].function} "
        f"({LATEST if astray[0].qualifier is None else astray[0].qualifier}), which starts cold",
        fix=f"let every trigger call {warm}, not the function",
        at=AMOUNT,
        severity=Severity.WARNING if is_called else None,
        through=[each.by for each in astray],
    )


def _leading(assembly: Assembly) -> Mapping[tuple[str, Text], Value]:
    """The version that each alias leads to, by its function and its name."""
    found = {}
    for alias in assembly.of_type(ALIAS):
        function = assembly.target(alias.value("FunctionName"), FUNCTION)
        if function is not None:
            found[function.id, alias.name] = alias.value("FunctionVersion")
    return found


def _calls(caller: Caller, warm: Resource, leading: Mapping[tuple[str, Text], Value]) -> bool | None:
    """Whether a caller calls what is kept warm, perhaps by an alias of it; none when only a deployment tells."""
    qualifier = caller.qualifier
    if qualifier is None:
        return False
    if any(symbol.kind in UNTOLD for symbol in qualifier.symbols):
        return None
    return qualifier == warm.name or leading.get((caller.function.id, qualifier)) == warm.name
