"""SAM templates as the CloudFormation they become, by AWS's own translator: offline, and without code to upload."""

from __future__ import annotations

import copy
import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.json_document import AssemblyError
from constructs_lib.assembly.sam_local_code import LocalCode
from constructs_lib.assembly.template_document import INCLUDE
from constructs_lib.assembly.template_file import TemplateFile, read_template
from constructs_lib.assembly.template_shape import take_shape, transforms_of
from constructs_lib.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

TRANSFORM = "AWS::Serverless-2016-10-31"
SAM_TYPE = "AWS::Serverless::"
ORIGIN = "constructs-lib:sam-resource"  # rides along in the metadata, which the translator copies to what it generates
REGION = "us-east-1"  # stands for any: it decides which features of API Gateway exist, and lands in no ARN
RESOURCE = re.compile(r"[Rr]esource with id \[(?P<id>[^\]]+)\]")
API_EVENTS = ("Api", "HttpApi")
APIS = {"AWS::Serverless::Api": {"swagger": "2.0"}, "AWS::Serverless::HttpApi": {"openapi": "3.0.1"}}
# The translator copies the whole API for each event that adds a route: this is about half a minute. 350 routes pass.
MAX_API_WORK = 3_000_000
MAX_API_VALUES = 50_000  # in all definitions of APIs, which it goes through many times; API Gateway takes 300 paths
VALUES_OF_A_ROUTE = 20
MAX_VALUES = 500_000  # a template of 1 MiB, which is all that CloudFormation takes, cannot hold more
INSTALL = 'pip install "constructs-lib[check]"'
MEND = "mend it as the SAM specification says, and try `sam validate`"


class _Region:
    """All that the translator asks of a session; a real one would read the configuration of this machine."""

    region_name = REGION


def read_deployable(path: Path | str) -> TemplateFile:
    """Read a template as CloudFormation will know it: SAM is translated, anything else is as it stands in the file.

    Raises:
        AssemblyError: The file is no template, or not valid SAM.
    """
    file = read_template(path)
    return translate(file) if is_sam(file.template) else file


def is_sam(template: Mapping[str, Any]) -> bool:
    """Whether a template holds resources that only SAM knows, or says that it may."""
    if TRANSFORM in transforms_of(template):
        return True
    return any(_type_of(each).startswith(SAM_TYPE) for each in template.get("Resources", {}).values())


def translate(file: TemplateFile) -> TemplateFile:
    """Return the template that CloudFormation makes of a SAM template.

    Every resource made for a SAM resource has that one's line, and `origins` names it. Functions keep the folder their
    code is in (`"Code": "src/"`); state machines and APIs defined in a file beside the template hold what it says.

    Raises:
        AssemblyError: The template is not valid SAM, or the translator is not installed.
    """
    if not file.template["Resources"]:
        return file
    run = _translator(file)
    _refuse_endless_work(file)
    template = copy.deepcopy(file.template)
    code = LocalCode(template)
    _complete_included_apis(template)
    for key, resource in template["Resources"].items():
        if _type_of(resource).startswith(SAM_TYPE):
            resource["Metadata"] = {**resource.get("Metadata", {}), ORIGIN: key}
    try:
        translated = {**run(template), **_other_transforms(template)}
    except Exception as error:
        # Its own refusals carry their causes; anything else is a defect of the translator, met on strange input.
        raise _refusal(file, error) from error
    # What everything after this counts on is asked for again: much is passed through the translator unread.
    if wrong := take_shape(translated).wrong:
        raise file.error(*wrong, fix=MEND)
    code.restore(translated, file.path.parent)
    origins = dict(_origins(translated))
    return replace(
        file,
        template=translated,
        lines={**file.lines, **{key: file.lines[each] for key, each in origins.items() if each in file.lines}},
        origins={key: each for key, each in origins.items() if key != each},
        unread={**file.unread, **code.unread},
    )


def _translator(file: TemplateFile) -> Callable[[dict[str, Any]], dict[str, Any]]:
    try:
        from samtranslator.parser.parser import Parser  # noqa: PLC0415 - half a second, for SAM only
        from samtranslator.translator.translator import Translator  # noqa: PLC0415
        from samtranslator.utils import py27hash_fix  # noqa: PLC0415
    except ImportError as error:
        problem = Problem(
            what="the file is a SAM template, and AWS's translator is not installed", where=str(file.path), fix=INSTALL
        )
        raise AssemblyError(problem) from error
    logging.getLogger("samtranslator").setLevel(logging.CRITICAL)  # what it has to say comes in its errors

    def run(template: dict[str, Any]) -> dict[str, Any]:
        # As in SAM itself: the ids of API deployments hold a hash over the template as Python 2 would have ordered it.
        py27hash_fix.to_py27_compatible_template(template, {})
        translator = Translator(None, Parser(), boto_session=_Region())
        translated = translator.translate(
            template, {}, passthrough_metadata=True, get_managed_policy_map=_no_more_policies
        )
        plain: dict[str, Any] = py27hash_fix.undo_mark_unicode_str_in_template(translated)
        return plain

    return run


def _refuse_endless_work(file: TemplateFile) -> None:
    if (values := _count(file.template)) > MAX_VALUES:
        what = f"the file holds {values:,} values: as SAM, at most {MAX_VALUES:,} are translated"
        raise file.error((what, None), fix="split the template")
    events = defined = 0
    for resource in file.template["Resources"].values():
        properties = resource.get("Properties", {})
        sources = properties.get("Events")
        if isinstance(sources, dict):
            events += sum(isinstance(each, dict) and each.get("Type") in API_EVENTS for each in sources.values())
        if resource["Type"] in APIS:
            defined += _count(properties.get("DefinitionBody"))
    if defined > MAX_API_VALUES or events * (defined + events * VALUES_OF_A_ROUTE) > MAX_API_WORK:
        what = f"{events:,} events add routes to APIs of {defined:,} values: the translator would take minutes"
        raise file.error((what, None), fix="split the template")


def _count(value: Any) -> int:
    count, level = 0, [value]
    while level:
        count += len(level)
        level = [
            child
            for parent in level
            if isinstance(parent, (dict, list))
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return count


def _complete_included_apis(template: dict[str, Any]) -> None:
    """Make an API whose definition is included from elsewhere valid without it: the translator adds authorizers."""
    for resource in template["Resources"].values():
        body = resource.get("Properties", {}).get("DefinitionBody")
        if isinstance(body, dict) and set(body) == {INCLUDE} and resource["Type"] in APIS:
            body.update(APIS[resource["Type"]], info={"title": "included", "version": "1.0"}, paths={})


def _other_transforms(template: Mapping[str, Any]) -> dict[str, Any]:
    """The macros left when SAM is done; the translator forgets them."""
    others = [name for name in transforms_of(template) if name != TRANSFORM]
    return {"Transform": others} if others else {}


def _no_more_policies() -> dict[str, str]:
    """Managed policies that the translator does not bring along; it would ask an account for them."""
    return {}


def _origins(template: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, resource in template["Resources"].items():
        metadata = resource.get("Metadata")
        if isinstance(metadata, dict) and ORIGIN in metadata:
            yield key, metadata.pop(ORIGIN)
            if not metadata:
                del resource["Metadata"]


def _refusal(file: TemplateFile, error: Exception) -> AssemblyError:
    messages = [str(getattr(cause, "message", "")) for cause in getattr(error, "causes", ())]
    if not messages:
        said = f"{type(error).__name__}: {error}".partition("\n")[0]
        return file.error((f"the SAM translator fails on this template: {said}", None), fix=MEND)
    return file.error(*(_cause(each, file.template["Resources"]) for each in messages), fix=MEND)


def _cause(message: str, resources: Mapping[str, Any]) -> tuple[str, str | None]:
    text = " ".join(message.split()).removesuffix(".")
    named = RESOURCE.search(text)
    # What is generated is named after what it comes from: event E of function A becomes AE.
    keys = [key for key in resources if named and named["id"].startswith(key)]
    return f"not valid SAM: {text[:1].lower()}{text[1:]}", max(keys, key=len, default=None)


def _type_of(resource: Any) -> str:
    kind = resource.get("Type") if isinstance(resource, dict) else None
    return kind if isinstance(kind, str) else ""
