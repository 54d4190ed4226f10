"""Which model checks the body of a request to a REST API.

Stock asks the model for JSON about bodies of every other kind, and does not know the one for all that have none.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
"""

from __future__ import annotations

from typing import Any

from constructs_lib.local.overlay.patching import Patch

JSON, ANY_KIND = "application/json", "$default"


def _check(stock: Any) -> Any:
    def check(method_obj: Any, api_id: str, request: Any, headers: Any, *asked: Any) -> Any:
        told = next((value for name, value in (headers or {}).items() if name.lower() == "content-type"), "")
        kind = (told[0] if isinstance(told, list) and told else str(told or "")).split(";", 1)[0].strip() or JSON
        models = method_obj.get("requestModels") or {}
        model = models.get(kind, models.get(ANY_KIND))
        # under the one kind that stock asks in the end
        only = {JSON: model} if model else {}
        return stock({**method_obj, "requestModels": only}, api_id, request, headers, *asked)

    return check


PATCHES = (
    Patch(
        "services.apigateway_v1",
        "_check_request_validation",
        ("method_obj", "api_id", "request", "headers", "body", "query_params"),
        _check,
    ),
)
