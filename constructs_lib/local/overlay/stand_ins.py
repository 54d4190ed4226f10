"""Resources of types the base does not know: a stand-in takes the place of each, and the rest of the app is deployed.

Stock refuses a template with one such resource. An app with a NAT gateway, a canary or a budget could not be run for
something no handler calls. So everything of CloudFormation's that is not here gets an id, and attributes of the shape
AWS gives them, for whoever refers to it; a call to it reaches nobody (names end in `.invalid`, which never resolves).
The run says which they are, and who refers to them. What CloudFormation itself knows (`AWS::CloudFormation::...`),
what only a transform turns into resources, and what is no name of a type is refused as before.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from constructs_lib.local.executor.runtimes import runs_here
from constructs_lib.local.overlay import relational_databases
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.control import command
from constructs_lib.local.overlay.patching import Patch

TYPE = re.compile(r"[A-Za-z0-9]{2,64}(::[A-Za-z0-9]{2,64}){2}(::MODULE)?")
NOT_HERE = "AWS::CloudFormation::", "AWS::Serverless::"
HOST_WORDS = "address", "domain", "endpoint", "host", "dnsname"
PATH = "aws:cdk:path"
RUNTIME = "the runtime "  # how the absence of one begins

_PROVISIONERS = "services.cloudformation.provisioners"
_stood_in_for: set[str] = set()


class Attributes(dict[str, Any]):
    """Whatever attribute is asked for, of the shape AWS gives it.

    Args:
        type_: The type of the resource.
        physical_id: Its id.
    """

    def __init__(self, type_: str, physical_id: str) -> None:
        """Remember whose they are; the others are made when they are asked for."""
        super().__init__(Id=physical_id)  # the base takes an empty one for none at all
        self._type, self._id = type_, physical_id

    def __contains__(self, name: object) -> bool:
        """Whether it has an attribute: it has every one."""
        return isinstance(name, str)

    def __missing__(self, name: str) -> str:
        """Make it up."""
        last = name.rpartition(".")[2].lower()
        if last.endswith("arn"):
            _, service, kind = self._type.lower().split("::")[:3]
            requests = base("core.responses")
            place = f"{requests.get_region()}:{requests.get_account_id()}"
            return f"arn:aws:{service}:{place}:{kind}/{self._id}"
        if last.endswith("url"):
            return f"https://{self._id.lower()}.invalid"
        if any(word in last for word in HOST_WORDS):
            return f"{self._id.lower()}.invalid"
        return "1" if last.endswith("port") else f"{self._id}-{last}"

    def __reduce__(self) -> Any:
        """Be copied as what it is."""
        return Attributes, (self._type, self._id)


def _create(type_: str, logical_id: str, stack_name: str) -> tuple[str, Attributes]:
    physical_id = f"{stack_name}-{logical_id}"[:50] + f"-{uuid.uuid4().hex[:8]}"
    return physical_id, Attributes(type_, physical_id)


def _handler(type_: str) -> dict[str, Any]:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        del props
        return _create(type_, logical_id, stack_name)

    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str) -> Any:
        del old_props, new_props, stack_name
        return physical_id, Attributes(type_, physical_id)

    def delete(physical_id: str, props: Any) -> None:
        """Nothing was made."""

    return {"create": create, "update": update, "delete": delete}


def _admit(type_: Any) -> None:
    """Let a stand-in take the place of resources of this type, if there is nothing better."""
    handlers = base(_PROVISIONERS)._RESOURCE_HANDLERS
    if not isinstance(type_, str) or type_ in handlers or type_.startswith(("Custom::", *NOT_HERE)):
        return
    if TYPE.fullmatch(type_):
        handlers[type_] = _handler(type_)
        _stood_in_for.add(type_)


def _validate(stock: Any) -> Any:
    def validate_template_support(template: Any, conditions: Any, params: Any = None) -> Any:
        for each in (template.get("Resources") or {}).values() if isinstance(template, dict) else ():
            if isinstance(each, dict):
                _admit(each.get("Type"))
        for _, stack in base("services.cloudformation")._stacks.all_items():
            _give_attributes(stack)
        return stock(template, conditions, params=params)

    return validate_template_support


def _give_attributes(stack: Any) -> None:
    """Saved state knows no attributes that nobody has asked for yet."""
    for each in (stack.get("_resources") or {}).values():
        _admit(each.get("ResourceType"))
        if each.get("ResourceType") in _stood_in_for and not isinstance(each.get("Attributes"), Attributes):
            each["Attributes"] = Attributes(each["ResourceType"], each.get("PhysicalResourceId", ""))


def _provision(stock: Any) -> Any:
    """Nested stacks are not validated before they are made; and attributes that repeat a property may be missing."""

    def _provision_resource(resource_type: Any, logical_id: Any, props: Any, stack_name: Any) -> Any:
        _admit(resource_type)
        physical_id, attributes = stock(resource_type, logical_id, props, stack_name)
        if isinstance(attributes, Attributes) or not isinstance(props, dict):
            return physical_id, attributes
        told = {key: value for key, value in props.items() if isinstance(value, str)}
        return physical_id, {**told, **(attributes or {})}

    return _provision_resource


def _delete(stock: Any) -> Any:
    """After a restart stacks are deleted whose templates this process has not seen."""

    def _delete_resource(
        resource_type: Any, physical_id: Any, props: Any, stack_name: Any = None, logical_id: Any = None
    ) -> Any:
        _admit(resource_type)
        return stock(resource_type, physical_id, props, stack_name, logical_id)

    return _delete_resource


@command("stand-ins")
def stand_ins(_told: dict[str, Any]) -> object:
    """List every resource that only a stand-in is there for, and every function that cannot run here.

    Each with what is not here, its construct path, and who refers to it.
    """
    found = []
    for (_, region, name), stack in base("services.cloudformation")._stacks.all_items():
        resources = (stack.get("_template") or {}).get("Resources") or {}
        for logical_id, each in (stack.get("_resources") or {}).items():
            absent = _absent(each)
            if absent and stack.get("StackStatus") != "DELETE_COMPLETE":
                users = [_path(other, resources) for other in resources if _refers(resources[other], logical_id)]
                at = {"path": _path(logical_id, resources), "stack": name, "region": region}
                found.append({"what": absent, **at, "used_by": [] if absent.startswith(RUNTIME) else users})
    return found


def _absent(resource: Any) -> str:
    """What of a resource is not here; empty when it is."""
    type_, properties = resource.get("ResourceType"), resource.get("Properties") or {}
    _admit(type_)
    if type_ in _stood_in_for:
        return str(type_)
    if type_ == "AWS::SecretsManager::RotationSchedule" and not properties.get("RotationLambdaARN"):
        return "hosted rotation of secrets"
    if type_ == relational_databases.CLUSTER:
        why = relational_databases.absence(resource.get("PhysicalResourceId", ""))
        return f"{type_} ({why})" if why else ""
    if type_ != "AWS::Lambda::Function":
        return ""
    kind = "of containers" if properties.get("PackageType") == "Image" else properties.get("Runtime")
    return "" if not isinstance(kind, str) or runs_here(kind) else f"{RUNTIME}{kind}"


def _path(logical_id: str, resources: Any) -> str:
    path = ((resources.get(logical_id) or {}).get("Metadata") or {}).get(PATH, logical_id)
    return str(path).removesuffix("/Resource").removesuffix("/Default")


def _refers(resource: Any, logical_id: str) -> bool:
    references = base("services.cloudformation.engine")._intrinsic_references(resource.get("Properties") or {})
    return any(name == logical_id for name, _ in references)


_VALIDATE = ("template", "conditions", "params")
_PROVISION = ("resource_type", "logical_id", "props", "stack_name")
_DELETE = ("resource_type", "physical_id", "props", "stack_name", "logical_id")
PATCHES = (
    Patch("services.cloudformation.handlers", "validate_template_support", _VALIDATE, _validate),
    Patch("services.cloudformation.changesets", "validate_template_support", _VALIDATE, _validate),
    Patch("services.cloudformation.stacks", "_provision_resource", _PROVISION, _provision),
    Patch(_PROVISIONERS, "_provision_resource", _PROVISION, _provision),
    Patch(_PROVISIONERS, "_delete_resource", _DELETE, _delete),
    Patch("services.cloudformation.stacks", "_delete_resource", _DELETE, _delete),
)
