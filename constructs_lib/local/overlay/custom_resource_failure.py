"""A custom resource whose function fails is a failed resource, at once.

Stock hears of no failure of the function and waits for the answer it will never send, an hour by default, so that a
deployment seems to hang. CloudFormation invokes asynchronously: Lambda tries three times, and then nobody answers on
AWS either, which is why this reports for the function, with the error it ended with.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html

`AwsCustomResource` installs the newest SDK from the network first, if it is not told otherwise: here it is.
"""

from __future__ import annotations

import time
from typing import Any

from constructs_lib.local.overlay.asynchronous_invocation import PAUSE_SECONDS
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

ANSWERS = "/_ministack/cfn-response/"  # where custom resources answer
INSTALLS = "InstallLatestAwsSdk"  # whether the function runs npm before anything else
MOST_CHARACTERS = 1000  # of a reason


def _wrap(stock: Any) -> Any:
    def _execute_function_with_config_scope(func: Any, event: Any) -> Any:
        token = _token(event)
        if not token:
            return stock(func, event)
        properties = event.get("ResourceProperties")
        if isinstance(properties, dict) and INSTALLS in properties:
            event = {**event, "ResourceProperties": {**properties, INSTALLS: "false"}}
        result = stock(func, event)
        for pause in PAUSE_SECONDS:
            if not result.get("error") or _is_answered(token):
                return result
            time.sleep(pause)
            result = stock(func, event)
        if result.get("error") and not _is_answered(token):
            base("services.cloudformation.custom_resource").deliver_response(token, _failure(func, event, result))
        return result

    return _execute_function_with_config_scope


def _token(event: Any) -> str:
    """What the answer to this event is known by; empty for events that are none of CloudFormation's."""
    url = event.get("ResponseURL") if isinstance(event, dict) and "LogicalResourceId" in event else None
    return url.partition(ANSWERS)[2] if isinstance(url, str) else ""


def _is_answered(token: str) -> bool:
    waiting = base("services.cloudformation.custom_resource")._pending.get(token)
    return waiting is None or waiting["result"] is not None


def _failure(func: Any, event: Any, result: Any) -> dict[str, Any]:
    name = (func.get("config") or func).get("FunctionName", "the function")
    body = result.get("body")
    told = body if isinstance(body, dict) else {}
    error = f"{told.get('errorType', 'Error')}: {told.get('errorMessage', body)}".splitlines()[0][:MOST_CHARACTERS]
    return {
        "Status": "FAILED",
        "Reason": f"its function {name} fails: {error}",
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
    }


PATCHES = (Patch("services.lambda_svc", "_execute_function_with_config_scope", ("func", "event"), _wrap),)
