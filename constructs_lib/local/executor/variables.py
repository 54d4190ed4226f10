"""The environment variables of a function, as Lambda documents them, and nothing of ours.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from constructs_lib.local.executor.runtimes import is_custom

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs_lib.local.executor.function import Function

RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)


def variables_of(
    function: Function,
    *,
    code: Path,
    opt: Path | None,
    temporary: Path,
    log_stream: str,
    credentials: Mapping[str, str],
    endpoint: str,
    xray_address: str,
    runtime_api: str,
    initialization: str,
) -> dict[str, str]:
    """Everything the function's process sees: built from nothing, so that this machine's own variables stay out."""
    host, _, port = xray_address.partition(":")
    path = os.environ.get("PATH", os.defpath)
    libraries = [code, code / "lib", *([] if opt is None else [opt / "lib"])]
    ours = {
        "PATH": path if opt is None else f"{path}{os.pathsep}{opt / 'bin'}",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "HOME": str(temporary),
        "TMPDIR": str(temporary),  # a function's own /tmp
        "AWS_EC2_METADATA_DISABLED": "true",  # no credential search leaves this machine
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",  # a prefix before 127.0.0.1 is no host
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": xray_address,
        "_AWS_XRAY_DAEMON_ADDRESS": host,
        "_AWS_XRAY_DAEMON_PORT": port,
    }
    if function.runtime.startswith("nodejs"):
        major = function.runtime.removeprefix("nodejs").partition(".")[0]
        modules = [] if opt is None else [opt / "nodejs" / f"node{major}" / "node_modules", opt / "nodejs/node_modules"]
        ours["NODE_PATH"] = os.pathsep.join(map(str, modules))
        ours["AWS_SDK_FOLDERS"] = os.environ.get("AWS_SDK_FOLDERS", "")  # for bootstrap.mjs alone, which removes it
    if is_custom(function.runtime):
        ours["LD_LIBRARY_PATH"] = os.pathsep.join(map(str, libraries))
    fixed = {
        "_HANDLER": function.handler,
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mib),
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization,
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "LAMBDA_TASK_ROOT": str(code),
        "LAMBDA_RUNTIME_DIR": str(Path(__file__).parent),
        "AWS_ENDPOINT_URL": endpoint,
        **credentials,
    }
    if runtime_api:
        fixed["AWS_LAMBDA_RUNTIME_API"] = runtime_api
    if is_custom(function.runtime):
        del fixed["AWS_EXECUTION_ENV"]  # Lambda does not set it for these
    if function.log_json:
        fixed["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        fixed["AWS_LAMBDA_LOG_LEVEL"] = function.log_level or "INFO"
    theirs = {name: str(value) for name, value in function.variables.items() if name not in RESERVED}
    return {**ours, **theirs, **fixed}
