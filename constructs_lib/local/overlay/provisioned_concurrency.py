"""Provisioned concurrency: environments that are ready before the first call.

Stock stores it, without effect. Here the first few are made ready, as many as a laptop carries; what comes beyond them
starts on demand, as on AWS. https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.function_limits import Refusal
from constructs_lib.local.overlay.patching import Patch

MOST = 4  # environments of one version; each is a process that waits


def patch(prepare: Callable[[Any, int], None]) -> Patch:
    """The patch, with what makes so many environments of a version ready."""

    def wrap(stock: Any) -> Any:
        def put_provisioned_concurrency(func_name: str, qualifier: str, data: Any) -> Any:
            if qualifier in {"", None, "$LATEST"}:
                told = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
                return Refusal(told).answer()
            answer = stock(func_name, qualifier, data)
            lambda_svc = base("services.lambda_svc")
            record, configuration = lambda_svc._get_func_record_for_qualifier(func_name, qualifier)
            if answer[0] < 400 and record is not None and configuration is not None:  # noqa: PLR2004 (it is not refused)
                wanted = int(data.get("ProvisionedConcurrentExecutions") or 0)
                prepare(lambda_svc._execution_record_for_config(record, configuration), min(wanted, MOST))
            return answer

        return put_provisioned_concurrency

    return Patch("services.lambda_svc", "_put_provisioned_concurrency", ("func_name", "qualifier", "data"), wrap)
