"""What a SAM template has on this machine: code, layers, definitions. The translator knows S3 only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from constructs_lib.assembly.data_file import path_beside, read_document_beside, read_text
from constructs_lib.assembly.json_document import AssemblyError

if TYPE_CHECKING:
    from pathlib import Path

PLACEHOLDER = "on-this-machine"  # the bucket, registry and host that stand for it
IMAGE = f"111111111111.dkr.ecr.us-east-1.amazonaws.com/{PLACEHOLDER}:latest"
MAX_DEFINITION = 4 * 1024 * 1024  # bytes; Step Functions takes 1 MiB
WHERE_SAM_LOOKS = "."  # for the code of a function that names none
FUNCTION = "AWS::Serverless::Function"
APPLICATION = "AWS::Serverless::Application"
# The property of each type that names a file or folder; `sam validate` replaces the same.
PATHS = {
    FUNCTION: "CodeUri",
    "AWS::Serverless::WebFunction": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::Api": "DefinitionUri",
    "AWS::Serverless::HttpApi": "DefinitionUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}
# What the translator makes of a definition in S3, and where the definition itself would stand.
DEFINITIONS = {
    "AWS::StepFunctions::StateMachine": ("DefinitionS3Location", "Definition"),
    "AWS::ApiGateway::RestApi": ("BodyS3Location", "Body"),
    "AWS::ApiGatewayV2::Api": ("BodyS3Location", "Body"),
}


class LocalCode:
    """Takes what is on this machine out of a template, and puts it back into the template's translation.

    Args:
        template: The SAM template, which is changed.
    """

    def __init__(self, template: dict[str, Any]) -> None:
        """Replace every path by an address in S3."""
        self.unread: dict[str, str] = {}
        self._originals: dict[str, Any] = {}
        functions = template.get("Globals", {}).get("Function")
        functions = functions if isinstance(functions, dict) else {}
        self._replace(functions, "CodeUri")
        for resource in template["Resources"].values():
            properties = resource.setdefault("Properties", {})
            if resource["Type"] == FUNCTION:
                self._complete(properties, functions)
            if resource["Type"] in PATHS:
                self._replace(properties, PATHS[resource["Type"]])
            elif resource["Type"] == APPLICATION:
                self._replace_application(properties)

    def restore(self, template: dict[str, Any], folder: Path) -> None:
        """Put the paths back, and in full those definitions that stand in a file inside of the folder."""
        for key, resource in template["Resources"].items():
            properties = resource.get("Properties", {})
            for name, value in properties.items():
                properties[name] = self._original(value)
            location, definition = DEFINITIONS.get(resource["Type"], ("", ""))
            path = properties.get(location)
            if isinstance(path, str):
                try:
                    properties.update(_definition(folder, path, definition))
                except AssemblyError as error:
                    self.unread[f"{definition} of {key}"] = error.problems[0].what
                else:
                    del properties[location]

    def _replace(self, properties: dict[str, Any], name: str) -> None:
        path = properties.get(name)
        if isinstance(path, str) and not path.startswith("s3://"):
            properties[name] = f"s3://{PLACEHOLDER}/{self._remember(path)}"

    def _complete(self, properties: dict[str, Any], functions: dict[str, Any]) -> None:
        """Say where the code is, where SAM's command line knows it without being told."""
        known = {**functions, **properties}
        if known.get("PackageType") == "Image":
            if not known.get("ImageUri"):
                properties["ImageUri"] = IMAGE
        elif known.get("InlineCode") is None and known.get("CodeUri") is None:
            properties["CodeUri"] = WHERE_SAM_LOOKS

    def _replace_application(self, properties: dict[str, Any]) -> None:
        """Keep the translator from asking the Serverless Application Repository, which is on the network."""
        location = properties.get("Location")
        if isinstance(location, dict):
            properties["Location"] = f"https://{PLACEHOLDER}.invalid/{self._remember(location)}"

    def _remember(self, original: Any) -> str:
        key = quote(str(original), safe="")
        self._originals[key] = original
        return key

    def _original(self, value: Any) -> Any:
        """What stood here before it was replaced; any other value as it is."""
        if isinstance(value, dict):
            bucket, key = (value.get("S3Bucket", value.get("Bucket")), value.get("S3Key", value.get("Key")))
            return self._originals.get(key, value) if bucket == PLACEHOLDER and isinstance(key, str) else value
        if isinstance(value, str) and value.startswith(f"https://{PLACEHOLDER}.invalid/"):
            return self._originals.get(value.rpartition("/")[2], value)
        return value


def _definition(folder: Path, path: str, name: str) -> dict[str, Any]:
    try:
        return {name: read_document_beside(folder, path, limit=MAX_DEFINITION).value}
    except AssemblyError:
        if name != "Definition":
            raise
        # A state machine may hold ${Substitutions} where JSON has no place for them; it is text then.
        return {"DefinitionString": read_text(path_beside(folder, path), limit=MAX_DEFINITION)}
