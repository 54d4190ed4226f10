"""Runs one Python function: loads its handler, then answers invocations one at a time.

Started by the executor with `-I -S`, so that it sees the standard library alone; the function's code, its layers and
what Lambda's runtime provides are added here. The executor is at the other end of standard input, a socket: a frame is
four bytes of length and a JSON text. What the function prints goes to standard output and standard error, one pipe.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import os
import resource
import socket
import struct
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[Any, Any], Any]

HEAD = struct.Struct(">I")
KIB = 1024
LOG_LEVELS = {"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL"}


class GoneError(Exception):
    """The executor has closed the channel."""


class Channel:
    """Frames to and from the executor."""

    def __init__(self, connection: socket.socket) -> None:
        """Talk over the connection."""
        self._connection = connection

    def receive(self) -> dict[str, Any]:
        """Wait for the next invocation."""
        (length,) = HEAD.unpack(self._read(HEAD.size))
        message: dict[str, Any] = json.loads(self._read(length))
        return message

    def send(self, kind: str, payload: str, unfinished: list[dict[str, Any]] | None = None) -> None:
        """Report to the executor, also what the handler has left behind."""
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if sys.platform == "darwin":
            rss //= KIB
        left = f'"unfinished":{json.dumps(unfinished)},' if unfinished else ""
        body = f'{{"kind":"{kind}","rss":{rss},{left}"payload":{payload}}}'.encode("utf-8", "surrogatepass")
        self._connection.sendall(HEAD.pack(len(body)) + body)

    def _read(self, length: int) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            part = self._connection.recv(min(length - len(parts), 1 << 20))
            if not part:
                raise GoneError
            parts += part
        return bytes(parts)


class NamedError(Exception):
    """A failure that has a name of Lambda's own."""

    def __init__(self, error_type: str, message: str) -> None:
        """Keep Lambda's name for it."""
        super().__init__(message)
        self.error_type = error_type


class Identity:
    """Who called through Amazon Cognito; nobody does here."""

    cognito_identity_id = None
    cognito_identity_pool_id = None


class Client:
    """The application that called, as it describes itself."""

    def __init__(self, told: dict[str, Any]) -> None:
        """Take the attributes Lambda documents; what is not told is None."""
        for name in ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"):
            setattr(self, name, told.get(name))


class ClientContext:
    """What the caller sent in the header X-Amz-Client-Context."""

    def __init__(self, told: dict[str, Any]) -> None:
        """Take over what was sent."""
        self.client = Client(told["client"]) if isinstance(told.get("client"), dict) else None
        self.custom = told.get("custom")
        self.env = told.get("env")


class Context:
    """What a handler gets as its second argument."""

    def __init__(self, request_id: str, arn: str, deadline_ms: int, client: dict[str, Any] | None) -> None:
        """Describe one invocation."""
        self.identity = Identity()
        self.client_context = None if client is None else ClientContext(client)
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline_ms = deadline_ms

    def get_remaining_time_in_millis(self) -> int:
        """How long the invocation may still take."""
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message: str) -> None:
        """Write to the log as it stands."""
        sys.stdout.write(message)


class LogFormatter(logging.Formatter):
    """One log record as Lambda writes it, in text or JSON."""

    request_id = ""

    def __init__(self, *, as_json: bool) -> None:
        """Choose the format."""
        super().__init__()
        self._as_json = as_json
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        """Render the record on one line; the executor turns a carriage return back into a line break."""
        seconds = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        if not self._as_json:
            text = f"[{record.levelname}]\t{seconds}.{int(record.msecs):03d}Z\t{self.request_id}\t{record.getMessage()}"
            if record.exc_info:
                text += "\n" + self.formatException(record.exc_info)
            return text.replace("\n", "\r")
        told: dict[str, Any] = {
            "timestamp": f"{seconds}Z",
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": self.request_id,
        }
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            told["errorType"] = type(error).__name__
            told["errorMessage"] = str(error)
            told["stackTrace"] = [line.rstrip("\n") for line in traceback.format_tb(error.__traceback__)]
        return json.dumps(told, default=str)


def prepare_path(layers: list[str], provided: str) -> None:
    """Order the import path as Lambda does: the function, its layers, then the runtime with its libraries."""
    root = os.environ["LAMBDA_TASK_ROOT"]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    ahead = [root]
    for layer in layers:  # one folder at most: all layers in one, as in /opt
        ahead += [f"{layer}/python/lib/{version}/site-packages", f"{layer}/python"]
    ahead += filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    own_folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 (pathlib costs every cold start 5 ms)
    standard = [each for each in sys.path if each != own_folder]
    sys.path[:] = [*ahead, *standard, provided]


def prepare_logging() -> LogFormatter:
    """Give the root logger Lambda's format, so that a handler's `logging.getLogger().info(...)` is seen."""
    as_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"
    formatter = LogFormatter(as_json=as_json)
    output = logging.StreamHandler(sys.stdout)
    output.setFormatter(formatter)
    logging.getLogger().addHandler(output)
    # On Lambda nobody sets an endpoint: botocore telling of ours would be a line that only exists here.
    logging.getLogger("botocore.configprovider").setLevel(logging.WARNING)
    if as_json:
        level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "INFO").upper()
        logging.getLogger().setLevel(LOG_LEVELS.get(level, level))
    return formatter


def load(name: str) -> Handler:
    """Import the handler.

    Raises:
        NamedError: It is malformed, missing, or does not import.
    """
    module_name, dot, function_name = name.rpartition(".")
    if not dot or not module_name or not function_name:
        raise NamedError("Runtime.MalformedHandlerName", f"Bad handler '{name}': not of the form module.function")
    module_name = module_name.replace("/", ".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise NamedError("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        raise NamedError("Runtime.UserCodeSyntaxError", message) from error
    handler = getattr(module, function_name, None)
    if not callable(handler):
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise NamedError("Runtime.HandlerNotFound", message)
    return handler  # type: ignore[no-any-return]  # a callable of any kind: its signature is the function author's


def describe(error: BaseException, request_id: str) -> dict[str, Any]:
    """What Lambda answers when a handler raises."""
    if isinstance(error, NamedError):
        told = {"errorMessage": str(error), "errorType": error.error_type, "requestId": request_id, "stackTrace": []}
        cause = error.__cause__
        if isinstance(cause, SyntaxError):
            told["stackTrace"] = [f'  File "{cause.filename}" Line {cause.lineno}\n    {cause.text or ""}']
        return told
    frames = traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])
    kind = type(error).__name__
    return {"errorMessage": str(error), "errorType": kind, "requestId": request_id, "stackTrace": frames}


def as_number(value: object) -> float:
    """Render the decimals DynamoDB returns, as Lambda's own runtime does."""
    if type(value).__name__ == "Decimal":
        return float(value)  # type: ignore[arg-type]  # a Decimal has __float__
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def log_failure(told: dict[str, Any], *, as_json: bool) -> None:
    """Write the error to the function's log."""
    if as_json:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        text = json.dumps({"timestamp": stamp, "log_level": "ERROR", **told})
    else:
        text = f"[ERROR] {told['errorType']}: {told['errorMessage']}"
        if told["stackTrace"]:
            text += "\nTraceback (most recent call last):\n" + "".join(told["stackTrace"])
    sys.stdout.write(text.rstrip("\n").replace("\n", "\r") + "\n")


def beside(name: str) -> Any:
    """Load a file beside this one, which is on no path that a function could import from."""
    file = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")  # noqa: PTH100, PTH118, PTH120 (likewise)
    spec = importlib.util.spec_from_file_location(f"_constructs_lib_{name}", file)
    if spec is None or spec.loader is None:
        raise AssertionError("a file of Python has a loader")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answer(handler: Handler, channel: Channel, formatter: LogFormatter, watch: Any, *, as_json: bool) -> None:
    """Serve one invocation."""
    message = channel.receive()
    request_id = formatter.request_id = message["id"]
    if message["trace"] is None:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    else:
        os.environ["_X_AMZN_TRACE_ID"] = message["trace"]
    context = Context(request_id, message["arn"], message["deadline"], message["client"])
    watch.begin()
    try:
        result = handler(message["event"], context)
        try:
            kind, payload = "response", json.dumps(result, ensure_ascii=False, default=as_number)
        except (TypeError, ValueError) as error:
            raise NamedError("Runtime.MarshalError", f"Unable to marshal response: {error}") from error
    except Exception as error:
        told = describe(error, request_id)
        log_failure(told, as_json=as_json)
        kind, payload = "error", json.dumps(told)
    unfinished = watch.end() if kind == "response" else watch.forget()
    sys.stdout.flush()
    sys.stderr.flush()
    channel.send(kind, payload, unfinished)


def main() -> int:
    """Load the handler, then serve until the executor is gone."""
    provided, *layers = sys.argv[1:]
    connection = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]  # a text stream
    sys.stderr.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # likewise
    sys.argv[1:] = []
    channel = Channel(connection)
    for layer in layers:  # before anything imports subprocess
        beside("opt_programs").lead_to(layer)
    watch = beside("left_behind").Watch()  # sees what handlers start
    prepare_path(layers, provided)
    formatter = prepare_logging()
    as_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"
    try:
        handler = load(os.environ["_HANDLER"])
    except Exception as error:
        told = describe(error, "")
        log_failure(told, as_json=as_json)
        sys.stdout.flush()
        channel.send("init-error", json.dumps(told))
        return 1
    channel.send("ready", "null")
    try:
        while True:
            answer(handler, channel, formatter, watch, as_json=as_json)
    except GoneError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
