"""One typed model of everything that is deployed together: all stacks, nested ones too, of any origin.

It reads what `cdk synth` wrote, or CloudFormation and SAM templates as files. Whatever names a resource, in whichever
stack and by whichever function, leads to the same `Resource`; what is not among the stacks is an `External`, which is
the same one wherever it is named; what nobody can tell is said to be `Unknown`, with the reason.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from constructs_lib.assembly.arn import Arn, could_be_one, name_in
from constructs_lib.assembly.cloud_assembly import MANIFEST, CloudAssembly, StackArtifact
from constructs_lib.assembly.garbage import kept_until_the_end
from constructs_lib.assembly.json_document import AssemblyError, JsonObject
from constructs_lib.assembly.nested_templates import construct_of, template_files
from constructs_lib.assembly.physical_names import fill, naming_of
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.stack import NESTED, Stack
from constructs_lib.assembly.value import Absent, Symbol, Text, Unknown, Value, likely
from constructs_lib.problem import Problem

NOT_OF_FILES = ("", ".out")  # what the names of folders end with
NOT_SYNTHESIZED = "synthesize first (`cdk synth` writes the folder cdk.out), or name a CloudFormation or SAM template"
POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")  # what becomes of a resource that goes
MOST_NESTED = 64  # stacks inside one another


@dataclass(frozen=True, slots=True)
class External:
    """Something that the given stacks use and do not define.

    Args:
        type: Its type, as far as its use tells.
        name: Its name; the whole of what is known of it when nobody can tell which part is the name.
        place: Its region and account, where it was named with both; by another name it is the same one.
    """

    type: str
    name: Text
    place: tuple[str, str] | None = field(default=None, compare=False)

    @property
    def id(self) -> str:
        """What tells it from others."""
        return f"{self.type} {self.name}"

    @property
    def path(self) -> str:
        """What a user would call it."""
        return str(self.name)

    def __str__(self) -> str:
        """Call it by its name."""
        return str(self.name)


Node = Resource | External
PathOf = Callable[[str], str | None]  # the construct path of a logical id, where something tells it


class Assembly:
    """Every stack that is looked at together.

    Args:
        problems: What could not be read.

    Example:
        >>> assembly = Assembly.of({"Orders": {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}})
        >>> [queue.id for queue in assembly.of_type("AWS::SQS::Queue")]
        ['Orders/Queue']
    """

    def __init__(self) -> None:
        self._stacks: list[Stack] = []
        self.problems: list[Problem] = []
        self._names: dict[str, Mapping[Text, list[Resource]]] = {}

    @classmethod
    def of(cls, templates: Mapping[str, Mapping[str, Any]]) -> Assembly:
        """Return the model of templates by the names of their stacks."""
        assembly = cls()
        for name, template in templates.items():
            assembly._add(name, template)
        return assembly

    @classmethod
    def read(cls, *paths: Path | str) -> Assembly:
        """Read folders that `cdk synth` wrote, and template files; several are one app, and a file's name is its stack.

        Raises:
            AssemblyError: One is missing, is not a template, or is broken.
        """
        assembly = cls()
        with kept_until_the_end():
            for path in map(Path, paths):
                # os.path takes what no file can be called for a name that nothing has
                if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises there
                    assembly._add_cloud_assembly(CloudAssembly.read(path, deployable=False))
                elif path.name == MANIFEST:
                    assembly._add_cloud_assembly(CloudAssembly.read(path.parent, deployable=False))
                elif path.suffix in NOT_OF_FILES and not os.path.exists(path):  # noqa: PTH110 - likewise
                    raise AssemblyError(Problem("there is no such file or folder", str(path), NOT_SYNTHESIZED))
                else:
                    assembly._add_file(path)
        return assembly

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """Every stack; a nested one after the one it is nested in."""
        return tuple(self._stacks)

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """Every resource that can exist, in the order of the templates."""
        return tuple(resource for stack in self._stacks for resource in stack.resources.values())

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """Return every resource of these types."""
        return tuple(resource for kind in types for resource in self._by_type.get(kind, ()))

    def find(self, id: str) -> Resource | None:  # noqa: A002 - the field's word
        """Return the resource of this id: `Stack/LogicalId`; none if there is none."""
        return self._by_id.get(id)

    def target(self, value: Value | Absent, *types: str) -> Node | None:
        """Return what a name, ARN or URL denotes.

        Args:
            value: The value, resolved.
            types: The types it can be of. A name is only found when they are told.

        Returns:
            The resource; what is not among the stacks as an `External` of the first type; none for what is not a text.
            Versions and aliases of a function are the function, streams and indexes of a table the table.
        """
        chosen = likely(value)
        if isinstance(chosen, Unknown):
            chosen = Text((chosen.symbol,))
        if not isinstance(chosen, Text) or not chosen.parts:
            return None
        kinds = types or tuple(self._by_type)
        for kind in kinds:
            for resource in self._named(kind).get(chosen, ()):
                return resource
        arn = Arn.parse(chosen)
        for kind in kinds:
            name = name_in(chosen, arn, kind)
            for resource in self._named(kind).get(name, ()) if name is not None else ():
                if arn is None or _same_place(arn, resource):
                    return resource
        if not types:
            return External("", chosen)
        named = next(((kind, name) for kind in types if (name := name_in(chosen, arn, kind)) is not None), None)
        return External(types[0], chosen) if named is None else External(*named, _place(arn))

    def arn_of(self, value: Value | Absent, kind: str) -> Text:
        """Return the ARN of what a name, ARN or URL denotes; a lone symbol stays as it is."""
        node = self.target(value, kind)
        if isinstance(node, Resource):
            return node.arn
        chosen = likely(value)
        if not isinstance(chosen, Text):
            return Text((chosen.symbol,)) if isinstance(chosen, Unknown) else Text(())
        return chosen

    def arns(self, node: Node) -> tuple[Text, ...]:
        """Return every ARN by which it may be meant: an external known by one symbol may be its name, or its ARN."""
        if isinstance(node, Resource):
            return (node.arn,)
        shape = naming_of(node.type).arn
        if not shape or node.name.startswith("arn:"):
            return (node.name,)
        region, account = node.place or (Symbol("pseudo", "AWS::Region"), Symbol("pseudo", "AWS::AccountId"))
        held = {
            "partition": Text.of("aws"),
            "region": Text((region,)),
            "account": Text((account,)),
            "suffix": Text.of("amazonaws.com"),
            "name": node.name,
        }
        made = fill(shape, lambda hole: held.get(hole, Text((Symbol("attribute", node.id, hole),))))
        return (made, node.name) if isinstance(node.name.parts[0], Symbol) and len(node.name.parts) == 1 else (made,)

    def exported(self, name: Text) -> Value | Absent:
        """Return what a stack exports under this name; a symbol when no given stack does."""
        found = self._exports.get(name)
        if found is None:
            return Text((Symbol("import", str(name)),))
        stack, output = found
        return stack.output(output)

    @cached_property
    def _exports(self) -> Mapping[Text, tuple[Stack, str]]:
        return {name: (stack, output) for stack in self._stacks for name, output in stack.exports().items()}

    @cached_property
    def _by_id(self) -> Mapping[str, Resource]:
        return {resource.id: resource for resource in self.resources}

    @cached_property
    def _by_type(self) -> Mapping[str, Sequence[Resource]]:
        found = defaultdict(list)
        for resource in self.resources:
            found[resource.type].append(resource)
        return found

    def _named(self, kind: str) -> Mapping[Text, list[Resource]]:
        """The resources of one type by their names and ARNs: one type, as the name of an alias needs its function."""
        if kind not in self._names:
            names: dict[Text, list[Resource]] = {}
            for resource in self._by_type.get(kind, ()):
                for name in {resource.name, resource.reference, resource.arn}:
                    names.setdefault(name, []).append(resource)
            self._names[kind] = names
        return self._names[kind]

    def _add_cloud_assembly(self, assembly: CloudAssembly) -> None:
        for artifact in assembly.stacks:
            stack = self._add(
                artifact.name,
                artifact.template,
                account=artifact.account,
                region=artifact.region,
                template_path=artifact.template_path,
                given=artifact.parameters,
                path_of=artifact.construct_path,
            )
            self._add_nested(stack, artifact, 0)

    def _add_nested(self, stack: Stack, artifact: StackArtifact, depth: int) -> None:
        """Add the nested stacks whose templates the assembly holds."""
        folder = artifact.template_path.parent
        nested_stacks = [resource for resource in stack.resources.values() if resource.type == NESTED]
        for resource, name in template_files(nested_stacks, folder, artifact.nested_templates):
            path = folder / name
            if depth >= MOST_NESTED or not _is_inside(path, folder) or not path.is_file():
                self.problems.append(_lost_template(resource, name))
                continue
            template = JsonObject.read(path)
            nested = self._add(
                resource.id,
                template.values,
                account=stack.account,
                region=stack.region,
                template_path=path,
                parent=resource,
                path_of=(
                    artifact.nested_paths.get(path.name) or artifact.nested_paths.get(construct_of(resource), {})
                ).get,
            )
            self._add_nested(nested, artifact, depth + 1)

    def _add_file(self, path: Path) -> None:
        from constructs_lib.assembly.sam import read_deployable  # noqa: PLC0415 - brings YAML along

        file = read_deployable(path)
        self.problems.extend(
            Problem(f"{part} is not known before it is deployed", str(path), fix=reason)
            for part, reason in file.unread.items()
        )
        self._add(
            file.stack_name,
            file.template,
            template_path=path,
            lines={**file.lines, **{key: file.lines[of] for key, of in file.origins.items() if of in file.lines}},
            generated=file.origins,
        )

    def _add(
        self,
        name: str,
        template: Mapping[str, Any],
        *,
        account: str | None = None,
        region: str | None = None,
        template_path: Path | None = None,
        given: Mapping[str, str] | None = None,
        parent: Resource | None = None,
        path_of: PathOf | None = None,
        lines: Mapping[str, int] | None = None,
        generated: Iterable[str] = (),
    ) -> Stack:
        stack = Stack(
            self,
            self._free_id(name),
            template=template,
            account=account,
            region=region,
            template_path=template_path,
            given=given,
            parent=parent,
            generated=generated,
        )
        self._stacks.append(stack)
        stack.resources.update(_resources(stack, path_of, {} if lines is None else lines))
        return stack

    def _free_id(self, name: str) -> str:
        taken = {stack.id for stack in self._stacks}
        number = 2
        free = name
        while free in taken:
            free, number = f"{name}-{number}", number + 1
        return free


def _resources(stack: Stack, path_of: PathOf | None, lines: Mapping[str, int]) -> Iterator[tuple[str, Resource]]:
    told = stack.template.get("Resources")
    if not isinstance(told, dict):
        raise AssemblyError(
            Problem(
                what="the template has no Resources, or they are no object",
                where=str(stack.template_path or stack.id),
                fix="name a CloudFormation or SAM template, or the folder that `cdk synth` writes",
            )
        )
    for logical_id, resource in told.items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            stack.assembly.problems.append(_no_resource(stack, logical_id))
            continue
        condition = resource.get("Condition")
        if isinstance(condition, str) and stack.condition(condition) == (False, True):
            continue
        metadata, depends_on = _object(resource, "Metadata"), resource.get("DependsOn")
        needed = [depends_on] if isinstance(depends_on, str) else depends_on if isinstance(depends_on, list) else []
        yield (
            logical_id,
            Resource(
                stack,
                logical_id,
                resource["Type"],
                _object(resource, "Properties"),
                path=_path(logical_id, metadata, path_of),
                source=f"{stack.template_path}:{lines[logical_id]}" if logical_id in lines else None,
                metadata=metadata,
                condition=condition if isinstance(condition, str) else None,
                depends_on=tuple(each for each in needed if isinstance(each, str)),
                policies={key: value for key in POLICIES if isinstance(value := resource.get(key), str)},
            ),
        )


def _path(logical_id: str, metadata: Mapping[str, Any], path_of: PathOf | None) -> str:
    told = metadata.get("aws:cdk:path")
    path = told if isinstance(told, str) else None if path_of is None else path_of(logical_id)
    return logical_id if path is None else path.removesuffix("/Resource").removesuffix("/Default")


def _object(resource: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = resource.get(name)
    return found if isinstance(found, dict) else {}


def _same_place(arn: Arn, resource: Resource) -> bool:
    own = Arn.parse(resource.arn)
    return own is None or (could_be_one(arn.region, own.region) and could_be_one(arn.account, own.account))


def _place(arn: Arn | None) -> tuple[str, str] | None:
    region, account = (arn.region.literal, arn.account.literal) if arn is not None else (None, None)
    return (region, account) if region and account else None


def _is_inside(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError):
        return False


def _lost_template(resource: Resource, name: str) -> Problem:
    return Problem(
        what=f"the template of a nested stack is not there: {name}",
        where=resource.path,
        fix="synthesize again; what the nested stack does is not known",
    )


def _no_resource(stack: Stack, logical_id: object) -> Problem:
    return Problem(
        what=f"{logical_id} is no resource: it is no object with a Type",
        where=str(stack.template_path or stack.id),
        fix="give it a Type; until then nothing is known of it",
    )
