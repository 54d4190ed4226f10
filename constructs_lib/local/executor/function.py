"""What the executor has to know of a deployed function."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LAYER = "AWS-Parameters-and-Secrets-Lambda-Extension"
DEFAULT_TIMEOUT_SECONDS = 3
DEFAULT_MEMORY_MIB = 128

# What an environment is started with: a change of any of it needs new ones.
_STARTED_WITH = (
    "CodeSha256",
    "Environment",
    "Handler",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "Timeout",
    "TracingConfig",
    "Version",
)


@dataclass(frozen=True, slots=True)
class Function:
    """One version of one deployed function.

    Args:
        arn: The ARN it is called by; a qualifier comes last.
        code: The zip of its code.
        layers: The zips of its layers, in order; AWS's own are not here.
        layer_arns: The ARNs of all its layers.
        log_group: The log group its output goes to.
        log_json: Whether its log is in JSON.
        revision: Changes with whatever an environment is started with.
    """

    name: str
    arn: str
    version: str
    runtime: str
    handler: str
    role: str
    region: str
    code: bytes = field(repr=False)
    layers: tuple[bytes, ...] = field(repr=False, default=())
    layer_arns: tuple[str, ...] = ()
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    memory_mib: int = DEFAULT_MEMORY_MIB
    variables: Mapping[str, str] = field(default_factory=dict)
    log_group: str = ""
    log_json: bool = False
    log_level: str = ""
    system_log_level: str = ""
    is_traced: bool = False
    revision: str = ""

    @classmethod
    def from_configuration(
        cls, configuration: Mapping[str, Any], code: bytes, layers: tuple[bytes, ...], region: str
    ) -> Function:
        """Read the configuration as GetFunctionConfiguration answers it."""
        revision = _revision(configuration)
        known = _known.get(configuration["FunctionArn"])
        if known is not None and known.revision == revision and known.code is code and known.layers == layers:
            return known
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        logging = configuration.get("LoggingConfig") or {}
        name = configuration["FunctionName"]
        function = _known[configuration["FunctionArn"]] = cls(
            name=name,
            arn=configuration["FunctionArn"],
            version=configuration.get("Version") or "$LATEST",
            runtime=configuration["Runtime"],
            handler=configuration["Handler"],
            role=configuration.get("Role") or "",
            region=region,
            code=code,
            layers=layers,
            layer_arns=tuple(_layer_arn(each) for each in configuration.get("Layers") or []),
            timeout_seconds=configuration.get("Timeout") or DEFAULT_TIMEOUT_SECONDS,
            memory_mib=configuration.get("MemorySize") or DEFAULT_MEMORY_MIB,
            variables=(configuration.get("Environment") or {}).get("Variables") or {},
            log_group=logging.get("LogGroup") or f"/aws/lambda/{name}",
            log_json=logging.get("LogFormat") == "JSON",
            log_level=logging.get("ApplicationLogLevel") or "",
            system_log_level=logging.get("SystemLogLevel") or "",
            is_traced=(configuration.get("TracingConfig") or {}).get("Mode") == "Active",
            revision=revision,
        )
        return function

    @property
    def reads_values_by_extension(self) -> bool:
        """Whether it has the Parameters and Secrets extension."""
        return any(LAYER in each for each in self.layer_arns)

    @property
    def key(self) -> tuple[str, str]:
        """What tells this function and version from any other."""
        return ":".join(self.arn.split(":")[:7]), self.version


MOST_KNOWN = 100
_known: dict[str, Function] = {}  # by ARN, as each was last: most invocations find it as it was
_encode = json.JSONEncoder(sort_keys=True, default=str).encode


def _revision(configuration: Mapping[str, Any]) -> str:
    """A text that is another one whenever something changes that an environment is started with."""
    told = _encode([configuration.get(each) for each in _STARTED_WITH])
    return hashlib.sha256(told.encode()).hexdigest()


def _layer_arn(layer: Mapping[str, Any] | str) -> str:
    return layer if isinstance(layer, str) else str(layer["Arn"])
