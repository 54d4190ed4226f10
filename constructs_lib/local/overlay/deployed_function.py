"""A deployed function as the base runs it, by the ARN it is asked for."""

from __future__ import annotations

import threading
from typing import Any

from constructs_lib.local.overlay import reset_era
from constructs_lib.local.overlay.authority import scope_of
from constructs_lib.local.overlay.base import base

Record = dict[str, Any]

stopping = threading.Event()  # set when the embedded AWS ends its functions


def deployed_function(arn: str) -> Record | None:
    """The function, version or alias as it is now, under the ARN it is asked for; nothing when there is none."""
    lambda_svc = base("services.lambda_svc")
    _, _, _, region, account = arn.split(":")[:5]
    with scope_of(account, region):
        record, configuration, name = lambda_svc._get_func_record_for_ref(arn)
        if record is None or configuration is None:
            return None
        asked: Record = lambda_svc._execution_record_for_config(record, {**configuration, "FunctionArn": arn})
        if "concurrency" not in asked:  # it is reserved for all versions together
            asked["concurrency"] = (lambda_svc._functions.get(name) or {}).get("concurrency")
        return asked


def run(record: Record, event: Any) -> Record:
    """Run the function and wait for its end.

    Who calls this decides by the result what becomes of an event; a function that ended because the embedded AWS is
    stopping says nothing about its event, so there the caller hears nothing any more; neither after a reset.
    """
    era = reset_era.mine()
    reset_era.check(era)
    result: Record = base("services.lambda_svc")._execute_function_with_config_scope(record, event)
    if stopping.is_set():
        threading.Event().wait()
    reset_era.check(era)
    return result
