"""One stack: a template with its parameters, and what its expressions refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.conditions import Conditions
from constructs_lib.assembly.intrinsics import resolve, unknown
from constructs_lib.assembly.physical_names import half_filled
from constructs_lib.assembly.value import ABSENT, Absent, Symbol, Text, Unknown, Value

if TYPE_CHECKING:
    from pathlib import Path

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource

NESTED = "AWS::CloudFormation::Stack"
OUTPUTS = "Outputs."
STORED = "AWS::SSM::Parameter::Value<"  # the type of a parameter whose default is the path of the value
PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
SUFFIXES = {"cn-": "amazonaws.com.cn"}


class Stack:
    """One stack, also a nested one.

    Args:
        assembly: What it is part of.
        id: What tells it from the others: its name, and for a nested one its parent's id and its own logical id.
        name: The name CloudFormation knows it by; a nested stack gets a generated one.
        template: The template.
        account: The account it is bound to. Default: any.
        region: The region it is bound to. Default: any.
        template_path: The file of the template, if there is one.
        given: Values of parameters that are given with the stack.
        parent: The resource of another stack that this nested stack is.
        generated: The logical ids of what nobody wrote, as SAM generates it.
    """

    def __init__(
        self,
        assembly: Assembly,
        id: str,  # noqa: A002 - the field's word
        *,
        template: Mapping[str, Any],
        account: str | None = None,
        region: str | None = None,
        template_path: Path | None = None,
        given: Mapping[str, str] | None = None,
        parent: Resource | None = None,
        generated: Iterable[str] = (),
    ) -> None:
        self.assembly, self.id, self.name = assembly, id, id
        self.template, self.template_path, self.parent = template, template_path, parent
        self.account, self.region = account, region
        self.generated = frozenset(generated)
        self.given = {} if given is None else given
        self.resources: dict[str, Resource] = {}
        self._parameters = _objects(template, "Parameters")
        self._conditions = Conditions(_section(template, "Conditions"), self, self._is_free)
        self._known: dict[tuple[str, str], Value | Absent] = {}
        self._asking: set[tuple[str, str]] = set()
        self._shapes: dict[str, tuple[Text | str, ...]] = {}

    def __repr__(self) -> str:
        """Show which one."""
        return f"Stack({self.id!r})"

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """The template's parameters, as it has them."""
        return self._parameters

    @cached_property
    def nested(self) -> Mapping[str, Stack]:
        """The nested stacks by their logical ids, as far as their templates were found."""
        below = (stack for stack in self.assembly.stacks if stack.parent is not None and stack.parent.stack is self)
        return {stack.parent.logical_id: stack for stack in below if stack.parent is not None}

    def shape(self, shape: str) -> tuple[Text | str, ...]:
        """Return the shape of a name or an ARN here: what the stack tells of it, and the names of the other holes."""
        known = self._shapes.get(shape)
        if known is None:
            known = self._shapes[shape] = tuple(half_filled(shape, self.pseudo_texts))
        return known

    @cached_property
    def pseudo_texts(self) -> Mapping[str, Text]:
        """The region and what follows from it, by the names that shapes of ARNs use."""
        region = self.region or ""
        return {
            "partition": Text.of(next((each for start, each in PARTITIONS.items() if region.startswith(start)), "aws")),
            "region": Text.of(self.region or Symbol("pseudo", "AWS::Region")),
            "account": Text.of(self.account or Symbol("pseudo", "AWS::AccountId")),
            "suffix": Text.of(
                next((each for start, each in SUFFIXES.items() if region.startswith(start)), "amazonaws.com")
            ),
        }

    def resolve(self, raw: Any) -> Value | Absent:
        """Resolve a value of this template."""
        return resolve(raw, self)

    def reference(self, name: str) -> Value | Absent:
        """Return what `Ref` gives."""
        known = self._known.get(("Ref", name))
        return self._once("Ref", name, self._reference, name) if known is None else known

    def attribute(self, name: str, attribute: str) -> Value | Absent:
        """Return what `Fn::GetAtt` gives."""
        known = self._known.get((name, attribute))
        return self._once(name, attribute, self._attribute, name, attribute) if known is None else known

    def output(self, name: str) -> Value | Absent:
        """Return the value of an output."""
        outputs = _objects(self.template, "Outputs")
        if name not in outputs:
            return unknown({"Output": [self.id, name]}, f"stack {self.id} has no output {name}")
        return self._once("Outputs", name, self._output, name, outputs[name])

    def imported(self, name: Text) -> Value | Absent:
        """Return what another stack exports under this name."""
        return self.assembly.exported(name)

    def condition(self, name: str) -> tuple[bool | None, bool]:
        """Return whether a condition holds by the defaults, and whether nothing can turn it."""
        return self._conditions.holds(name)

    def mapping(self, name: str) -> Mapping[str, Any] | None:
        """Return a mapping of the template."""
        return _objects(self.template, "Mappings").get(name)

    def exports(self) -> Mapping[Text, str]:
        """The names of this stack's outputs by the names they are exported under."""
        found = {}
        for name, output in _objects(self.template, "Outputs").items():
            export = output.get("Export")
            told = resolve(export.get("Name"), self) if isinstance(export, dict) else None
            if isinstance(told, Text):
                found[told] = name
        return found

    def _once(self, kind: str, name: str, ask: Callable[..., Value | Absent], *of: Any) -> Value | Absent:
        """Ask once; a value that needs itself is unknown."""
        key = (kind, name)
        if key in self._known:
            return self._known[key]
        if key in self._asking:
            return Unknown(f"{kind} {name}", "it needs its own value")
        self._asking.add(key)
        try:
            known = ask(*of)
        except RecursionError:
            known = unknown({kind: name}, "it leads through too many others")
        finally:
            self._asking.discard(key)
        self._known[key] = known
        return known

    def _reference(self, name: str) -> Value | Absent:
        if name.startswith("AWS::"):
            return self._pseudo(name)
        if name in self._parameters:
            return self._parameter(name)
        resource = self.resources.get(name)
        return resource.reference if resource is not None else unknown({"Ref": name}, f"there is no {name}")

    def _attribute(self, name: str, attribute: str) -> Value | Absent:
        resource = self.resources.get(name)
        if resource is None:
            return unknown({"Fn::GetAtt": [name, attribute]}, f"there is no resource {name}")
        if resource.type == NESTED and attribute.startswith(OUTPUTS):
            child = self.nested.get(name)
            if child is not None:
                return child.output(attribute.removeprefix(OUTPUTS))
        return resource.attribute(attribute)

    def _output(self, name: str, output: Mapping[str, Any]) -> Value | Absent:
        return _scalar(resolve(output.get("Value"), self), name)

    def _pseudo(self, name: str) -> Value | Absent:
        match name:
            case "AWS::NoValue":
                return ABSENT
            case "AWS::Partition":
                return self.pseudo_texts["partition"]
            case "AWS::Region":
                return self.pseudo_texts["region"]
            case "AWS::AccountId":
                return self.pseudo_texts["account"]
            case "AWS::URLSuffix":
                return self.pseudo_texts["suffix"]
            case "AWS::StackName" if self.parent is None:
                return Text.of(self.name)
        return Text((Symbol("pseudo", f"{name} of {self.id}"),))

    def _parameter(self, name: str) -> Value | Absent:
        parameter = self._parameters[name]
        kind = parameter.get("Type")
        passed = self._passed(name)
        if passed is None and name in self.given:
            passed = Text.of(self.given[name])
        if passed is None and "Default" in parameter and not str(kind).startswith("AWS::SSM::"):
            default = parameter["Default"]
            passed = Text.of(str(default)) if isinstance(default, str | int | float) else None
        if passed is None:
            stored = parameter.get("Default") if str(kind).startswith(STORED) else None  # the same in every template
            return Text((Symbol("parameter", f"ssm:{stored}" if isinstance(stored, str) else f"{self.id}/{name}"),))
        literal = passed.literal if isinstance(passed, Text) else None
        if literal is not None and (kind == "CommaDelimitedList" or str(kind).startswith("List<")):
            return [Text.of(each.strip()) for each in literal.split(",")]
        return passed

    def _passed(self, name: str) -> Value | None:
        """What the stack above passes for a parameter."""
        if self.parent is None or self.parent.lacks("Parameters", name):
            return None
        value = self.parent.value("Parameters", name)
        return Text((value.symbol,)) if isinstance(value, Unknown) else value

    def _is_free(self, name: str) -> bool:
        return name in self._parameters and name not in self.given and self._passed(name) is None


def _scalar(value: Value | Absent, name: str) -> Value | Absent:
    """An output is one text or number; what says otherwise is not known."""
    return unknown({"Output": name}, "an output is a text") if isinstance(value, list | dict) else value


def _section(template: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = template.get(name)
    return section if isinstance(section, dict) else {}


def _objects(template: Mapping[str, Any], name: str) -> Mapping[str, Mapping[str, Any]]:
    return {key: value for key, value in _section(template, name).items() if isinstance(value, dict)}
