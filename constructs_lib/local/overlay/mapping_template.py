"""What a mapping template of a REST API knows: `$input`, `$context`, `$stageVariables` and `$util`.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from constructs_lib.local.overlay.event_input import MissingError, at
from constructs_lib.local.overlay.gateway_call import current
from constructs_lib.local.overlay.rest_api_event import Request, context_of
from constructs_lib.local.overlay.velocity import Template, read
from constructs_lib.local.overlay.velocity_values import Native, shown

ESCAPES = {"\\": "\\\\", '"': '\\"', "'": "\\'", "/": "\\/", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b"}


class Lenient(dict[str, Any]):
    """A map in which what is missing is an empty text."""

    def get(self, name: str, default: Any = "") -> Any:
        """What stands under a name."""
        found = super().get(name, default)
        if isinstance(found, dict) and not isinstance(found, Lenient):
            found = self[name] = Lenient(found)
        return "" if found is None else found


@dataclass(slots=True)
class Overrides:
    """What a template says instead of what the API says: the status and headers of the answer."""

    request: Lenient = field(default_factory=lambda: Lenient(header={}, querystring={}, path={}))
    response: Lenient = field(default_factory=lambda: Lenient(header={}))


def _input(body: str, request: Request) -> Native:
    """`$input`: the body that is mapped, and the parameters of the request."""

    def part(path: str) -> Any:
        try:
            return at(path, json.loads(body or "{}"))
        except (MissingError, ValueError):
            return ""

    def as_json(path: str) -> str:
        return json.dumps(part(path), separators=(",", ":"), ensure_ascii=False)

    def parameters(name: str | None = None) -> Any:
        found: dict[str, Mapping[str, str]] = {
            "path": dict(request.path_parameters),
            "querystring": {key: values[-1] for key, values in request.query.items()},
            "header": dict(request.headers),
        }
        if name is None:
            return {place: Lenient(each) for place, each in found.items()}
        lower = {key.lower(): value for key, value in found["header"].items()}
        return next((each[name] for each in found.values() if name in each), lower.get(name.lower(), ""))

    return Native({"json": as_json, "path": part, "params": parameters}, {"body": body})


def _escaped(text: Any) -> str:
    return "".join(ESCAPES.get(each, each) for each in shown(text))


UTIL = Native(
    {
        "escapeJavaScript": _escaped,
        "parseJson": json.loads,
        "urlEncode": lambda text: quote_plus(shown(text), safe="*"),
        "urlDecode": unquote_plus,
        "base64Encode": lambda text: base64.b64encode(shown(text).encode()).decode("ascii"),
        "base64Decode": lambda text: base64.b64decode(text).decode("utf-8", "replace"),
    }
)


@lru_cache(maxsize=256)
def _template(text: str) -> Template:
    return read(text)


def written(template: str, body: str, request: Request, overrides: Overrides) -> str:
    """What a template makes of a body.

    Raises:
        TemplateError: It is no template.
    """
    context = Lenient(context_of(request, current()))
    for name, value in current().said.items():
        if name.startswith("error."):
            context.setdefault("error", {})[name.partition(".")[2]] = value
    context["requestOverride"], context["responseOverride"] = overrides.request, overrides.response
    scope = {
        "input": _input(body, request),
        "util": UTIL,
        "context": context,
        "stageVariables": Lenient(request.stage_variables),
    }
    return _template(template).render(scope)
