"""Whether what was passed is of the kind that the signature says, and where it stands is free.

The CDK finds a number where a duration belongs somewhere inside, and says so in the words of another language. The
signature knows it first; so it is read, and what does not fit is refused before anything is made.
"""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

import aws_cdk as cdk
from constructs import Construct

from constructs_lib.problem import ProblemError
from constructs_lib.wiring.refusals import Refusals, did_you_mean
from constructs_lib.wiring.waiver import Waived

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

WORDS: Mapping[object, str] = {
    bool: "True or False",
    int: "a whole number",
    str: "a string",
    cdk.Duration: "a Duration",
}
MODULE = re.compile(r"aws_cdk\.aws_(\w+)")
UNEXPECTED = re.compile(r"unexpected keyword argument '(\w+)'")
LONGEST_SHOWN = 60
SEVERAL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A value that is of another kind than its place takes; the value may lie inside of an argument."""

    place: str
    value: object
    wanted: Any
    known: tuple[str, ...] = ()  # the options there are, if it is an option there is not


def checks_kinds(
    *, except_for: Collection[str] = ()
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Make a method of a construct refuse arguments of another kind than its annotations say.

    Tokens are of every kind that CDK encodes them as. The values of mappings are left to the method, and so are several
    arguments under one name and all safeguards that can be waived.

    Args:
        except_for: Arguments that the method checks itself, in better words.
    """

    def wrap(method: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        signature = inspect.signature(method)
        hints: dict[str, Any] = {}

        @functools.wraps(method)
        def checked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            if not hints:  # late, when every name in them is known
                hints.update(get_type_hints(method))
            try:
                passed = signature.bind(*args, **kwargs).arguments
            except TypeError:  # too many or too few: Python says so in its own words, below
                passed = {}
            itself: Any = passed.pop("self", None)
            scope, own_id = passed.get("scope"), passed.get("id", "")
            if itself is not None:
                refusals = _refusals_of(itself, passed)
                for name, value in passed.items():
                    parameter = signature.parameters[name]
                    if name in except_for or parameter.kind in SEVERAL:
                        continue
                    mismatch = _mismatch(name, value, hints[name])
                    if mismatch is not None:
                        _refuse(mismatch, parameter, refusals)
                refusals.stop_if_any()
            try:
                return method(*args, **kwargs)
            except TypeError as error:
                _say_what_was_meant(error, kwargs, signature)
                raise
            except ProblemError:
                if isinstance(scope, Construct):  # what is refused leaves its place free
                    scope.node.try_remove_child(own_id.replace("/", "--"))
                raise

        return checked

    return wrap


def _say_what_was_meant(error: TypeError, given: Mapping[str, object], signature: inspect.Signature) -> None:
    """Add the nearest argument there is, where Python names one that there is not."""
    unknown = UNEXPECTED.search(str(error))
    if unknown is not None and unknown[1] in given and unknown[1] not in signature.parameters:
        hint = did_you_mean(unknown[1], [name for name in signature.parameters if name != "self"])
        if hint and not hasattr(error, "__notes__"):  # it may have passed the constructs inside
            error.add_note(f"{unknown[1]}{hint}")


def check_fields(settings: object, refusals: Refusals) -> None:
    """Note each field of a dataclass whose value is of another kind than its annotation says."""
    hints = get_type_hints(type(settings))
    for name, parameter in inspect.signature(type(settings)).parameters.items():
        mismatch = _mismatch(name, getattr(settings, name), hints[name])
        if mismatch is not None:
            _refuse(mismatch, parameter, refusals)


def _refusals_of(construct: Construct, passed: dict[str, object]) -> Refusals:
    """Where refusals of a call are noted; those about the place of a construct to be are noted at once."""
    if "scope" not in passed:
        return Refusals(construct)
    scope, own_id = passed.pop("scope"), passed.pop("id")
    if not isinstance(scope, Construct):
        refusals = Refusals(construct, str(own_id))
        refusals.refuse(f"scope is {_shown(scope)}, wanted a Construct", fix="pass the stack, or a construct in it")
        return refusals
    refusals = Refusals(construct, "/".join(part for part in (scope.node.path, str(own_id).replace("/", "--")) if part))
    check_id(scope, own_id, refusals, fix="choose another id")
    return refusals


def check_id(scope: Construct, own_id: object, refusals: Refusals, *, fix: str) -> None:
    """Note an id that nothing in this place can have.

    https://docs.aws.amazon.com/cdk/v2/guide/identifiers.html
    """
    if not isinstance(own_id, str):
        refusals.refuse(f"id is {_shown(own_id)}, wanted a string", fix="write it in quotes")
    elif not own_id.strip():
        refusals.refuse("id is empty", fix="name what it is: Uploads, Emails")
    elif "${Token[" in own_id:
        refusals.refuse("id is not known before deployment", fix="write it out")
    elif scope.node.try_find_child(own_id) is not None:
        refusals.refuse(f"{scope.node.path or 'the app'} has a {own_id} already", fix=fix)


def _mismatch(place: str, value: object, wanted: Any) -> Mismatch | None:
    """What does not fit, as deep as it can be told."""
    kinds = _alternatives(wanted)
    if any(_fits(value, kind) for kind in kinds):
        return None
    for kind in kinds:
        inside = _inside(place, value, kind)
        if inside is not None:
            return inside
    return Mismatch(place, value, wanted)


def _fits(value: object, kind: Any) -> bool:
    origin = get_origin(kind)
    if kind in {Any, object} or kind is Waived:
        return True  # what a safeguard takes is said by `check_safeguards`
    if origin is Literal:
        return any(type(value) is type(each) and value == each for each in get_args(kind))
    if is_typeddict(kind) or origin in {Mapping, Sequence}:
        holder = Sequence if origin is Sequence else Mapping
        is_text = isinstance(value, str | bytes)
        return isinstance(value, holder) and not is_text and _inside("", value, kind) is None
    if kind is int:
        if isinstance(value, float) and math.isfinite(value):  # what is not ends the CDK's process
            return bool(cdk.Token.is_unresolved(value))
        return isinstance(value, int) and not isinstance(value, bool | Enum)
    if kind is str:
        return isinstance(value, str) and str(value) == value  # some members of enumerations are, and say they are not
    if getattr(kind, "_is_protocol", False):
        return satisfies(value, kind)
    return isinstance(value, origin or kind)


def _inside(place: str, value: object, kind: Any) -> Mismatch | None:
    """What does not fit inside of a list or a dict; nothing for what is neither."""
    origin = get_origin(kind)
    if origin is Sequence and isinstance(value, Sequence) and not isinstance(value, str | bytes):
        found = (_mismatch(f"{place}[{at}]", each, get_args(kind)[0]) for at, each in enumerate(value))
    elif is_typeddict(kind) and isinstance(value, Mapping):
        hints = get_type_hints(kind)
        found = (
            _mismatch(f"{place}[{key!r}]", each, hints[key])
            if key in hints
            else Mismatch(place, key, kind, tuple(sorted(hints)))
            for key, each in value.items()
        )
    elif origin is Mapping and isinstance(value, Mapping):
        found = (Mismatch(f"a key of {place}", key, str) for key in value if not isinstance(key, str))
    else:
        return None
    return next((each for each in found if each is not None), None)


def satisfies(value: object, interface: type) -> bool:
    """Whether an object has everything an interface asks for, without asking the CDK for any of it."""
    if isinstance(value, type):
        return False
    # How jsii stands for an object that is known by its interfaces alone.
    delegates = inspect.getattr_static(value, "_delegates", None)
    holders = [value, *(delegates if isinstance(delegates, list | tuple) else ())]
    missing = object()
    return all(
        any(inspect.getattr_static(each, name, missing) is not missing for each in holders)
        for extended in interface.__mro__
        if getattr(extended, "_is_protocol", False)
        for name in vars(extended)
        if not name.startswith("_")
    )


def _alternatives(wanted: Any) -> list[Any]:
    return list(get_args(wanted)) if get_origin(wanted) in {Union, UnionType} else [wanted]


def _refuse(mismatch: Mismatch, parameter: inspect.Parameter, refusals: Refusals) -> None:
    kinds = [each for each in _alternatives(mismatch.wanted) if each is not NoneType]
    wanted = " or ".join(_words(each) for each in kinds)
    what, fix = f"{mismatch.place} is {_shown(mismatch.value)}, wanted {wanted}", f"pass {wanted}"
    if mismatch.known:
        what = f"{mismatch.place} has no option {mismatch.value!r}{did_you_mean(str(mismatch.value), mismatch.known)}"
        fix = f"use {', '.join(mismatch.known)}"
    elif isinstance(mismatch.value, Enum) and isinstance(mismatch.value, str | int):
        fix = f"pass its value: {_shown(mismatch.value)}.value"
    elif cdk.Duration in kinds and isinstance(mismatch.value, int | float):
        fix = "say the unit: " + ", ".join(f"cdk.Duration.{unit}({mismatch.value})" for unit in ("seconds", "days"))
    elif cdk.TimeZone in kinds:
        fix = 'write cdk.TimeZone.of("Europe/Berlin")'
    elif isinstance(kinds[0], type) and issubclass(kinds[0], Enum):
        fix = f"use {', '.join(str(each) for each in list(kinds[0])[:3])} or another of them"
    if parameter.default is not inspect.Parameter.empty:
        fix += f", or leave {parameter.name} out"
    refusals.refuse(what, fix=fix)


def _words(kind: Any) -> str:
    origin = get_origin(kind)
    if origin is Literal:
        return " or ".join(repr(each) for each in get_args(kind))
    if origin is Sequence:
        return "a list"
    if origin is Mapping or is_typeddict(kind):
        return "a dict"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"one of {_name_of(kind)}"
    name = _name_of(kind)
    return WORDS.get(kind, f"{'an' if name[0] in 'AEIOaeio' else 'a'} {name}")


def _name_of(kind: Any) -> str:
    """A class by the name users know it by, with the alias under which its module of the CDK is imported."""
    module = MODULE.fullmatch(kind.__module__)
    name = str(getattr(kind, "public_name", kind.__name__))
    return f"{module[1]}.{name}" if module is not None else name


def _shown(value: object) -> str:
    """A value as its writer would recognize it; of an object only what it is."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if value is None or isinstance(value, str | bytes | int | float | list | tuple | dict | set):
        text = repr(value)
        return text if len(text) <= LONGEST_SHOWN and " object at 0x" not in text else f"a {type(value).__name__}"
    return f"a {type(value).__name__}"
