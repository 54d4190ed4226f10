"""What the body of a request must be: a JSON Schema, or a model in the handler's own language that tells one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

from constructs_lib.bundling.project import Project
from constructs_lib.bundling.zod import schema_of_zod
from constructs_lib.problem import BundlingError
from constructs_lib.wiring.draft_4 import InexpressibleError
from constructs_lib.wiring.json_schema import as_draft_4
from constructs_lib.wiring.refusals import Refusals


class PydanticModel(Protocol):
    """A class of Pydantic's; nothing here imports Pydantic."""

    def model_json_schema(self) -> dict[str, Any]:
        """Tell the schema."""
        ...


class PydanticAdapter(Protocol):
    """A `TypeAdapter` of Pydantic's."""

    def json_schema(self) -> dict[str, Any]:
        """Tell the schema."""
        ...


RequestModel: TypeAlias = Mapping[str, Any] | str | type[Any] | PydanticModel | PydanticAdapter


def schema_of(model: object, refusals: Refusals) -> dict[str, Any] | None:
    """The schema of a body, as API Gateway takes it; what it cannot take is noted.

    Args:
        model: A JSON Schema; a Pydantic model or `TypeAdapter`; or the file and name of a Zod schema.
        refusals: Where problems are noted.
    """
    try:
        told = _told(model)
    except BundlingError as error:
        refusals.include(error.problems)
        return None
    except Exception as error:
        said = next(iter(str(error).splitlines()), repr(error))
        refusals.refuse(
            f"request: {_name(model)} does not tell its schema: {said}",
            fix="pass a model of plain types, or the JSON Schema itself",
        )
        return None
    if told is None:
        refusals.refuse(
            f"request is {_name(model)}, wanted a JSON Schema, a Pydantic model, or the place of a Zod schema",
            fix='write request=NewUser (Pydantic), request="lambda_src/users/user.ts:NewUser" (Zod), or a dict',
        )
        return None
    try:
        converted = as_draft_4(told)
    except InexpressibleError as error:
        refusals.refuse(f"request: {_name(model)} {error.what}", fix=error.fix)
        return None
    # A model that refers to itself tells its title where it is defined, and not at the top.
    return {**converted, "title": _name(model)} if isinstance(model, type) and "title" not in converted else converted


def _told(model: object) -> Mapping[str, Any] | None:
    if isinstance(model, Mapping):
        return model
    if isinstance(model, str):
        return {"title": model.rpartition(":")[2], **schema_of_zod(model, Project.current())}
    for name in ("model_json_schema", "json_schema"):
        tell = getattr(model, name, None)
        if callable(tell):
            schema = tell()
            return schema if isinstance(schema, Mapping) else None
    return None


def _name(model: object) -> str:
    if isinstance(model, Mapping):
        return str(model.get("title") or "the schema")
    if isinstance(model, str):
        return repr(model)
    return model.__name__ if isinstance(model, type) else f"a {type(model).__name__}"
