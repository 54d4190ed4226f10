"""The commands that may follow `constructs-lib local`, and talk to a run in another process."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from constructs_lib.local.state_folder import DEFAULT_STATE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# What `local --help` lists; the order is that of a day's work.
SUMMARIES = {
    "status": "say what runs, and where it answers",
    "down": "end a run, wherever it was started",
    "invoke": "call a function with an event",
    "send": "send a message to a queue",
    "upload": "put a file into a bucket",
    "logs": "show what the functions have logged",
    "reset": "go back to the data of the last deployment",
    "permissions": "compare what each function may do with what it has done",
}
EPILOG = "\n".join(["commands for a run that is up:", *(f"  {name:<12} {text}" for name, text in SUMMARIES.items())])


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the arguments of one of these commands, of which the first is its name."""
    parser = argparse.ArgumentParser(prog="constructs-lib local")
    commands = parser.add_subparsers(dest="local_command", required=True, metavar="COMMAND")
    for name, add in _ADD.items():
        command = commands.add_parser(
            name, description=SUMMARIES[name].capitalize() + ".", formatter_class=argparse.RawDescriptionHelpFormatter
        )
        add(command)
        command.add_argument(
            "--state", type=Path, default=DEFAULT_STATE, metavar="DIR",
            help="the state folder of the run (default: %(default)s)",
        )  # fmt: skip
    return parser.parse_args(arguments)


def run(told: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    from constructs_lib.local.local_extra import require  # noqa: PLC0415 (--help stays instant)

    require("boto3")
    command: str = told.local_command
    return _RUN[command](told)


def _add_status(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Exits with 0 when a run is up, with 1 when there is none."
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how to say it (default: text)")


def _add_down(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Data and stacks stay in the state folder. Exits with 0, too, when nothing runs."


def _add_invoke(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "examples:\n"
        '  constructs-lib local invoke Users/CreateUser \'{"id": "ada"}\'\n'
        "  constructs-lib local invoke CreateUser @event.json\n"
        "  jq .event saved.json | constructs-lib local invoke CreateUser -\n"
        "The answer goes to standard output, the end of the log to standard error.\n"
        "Exits with 1 when the function fails."
    )
    parser.add_argument("function", metavar="FUNCTION", help="its construct path, the end of it, or its name in AWS")
    parser.add_argument("event", nargs="?", metavar="EVENT", help="JSON, @FILE or - (standard input); default: {}")
    parser.add_argument("--async", dest="is_async", action="store_true", help="hand the event over and do not wait")


def _add_send(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "examples:\n"
        '  constructs-lib local send Orders/Emails \'{"to": "ada@example.com"}\'\n'
        "  constructs-lib local send Emails @message.json --attribute kind=welcome\n"
        "  constructs-lib local send Orders/Steps hello --group customer-7\n"
        "The id of the message goes to standard output."
    )
    parser.add_argument("queue", metavar="QUEUE", help="its construct path, the end of it, or its name in AWS")
    parser.add_argument("body", nargs="?", metavar="BODY", help="text, @FILE or - (standard input); default: {}")
    parser.add_argument("--group", metavar="ID", help="the message group; FIFO queues need one")
    parser.add_argument("--deduplication", metavar="ID", help="the deduplication id; FIFO queues only")
    parser.add_argument(
        "--attribute", action="append", default=[], metavar="NAME=VALUE", help="a message attribute, as a string"
    )


def _add_upload(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "examples:\n"
        "  constructs-lib local upload Media/Media cat.png uploads/cat.png\n"
        "  constructs-lib local upload Media/Media/AccessLogs old.log\n"
        "  convert cat.png -resize 50% png:- | constructs-lib local upload Media/Media - uploads/small.png"
    )
    parser.add_argument("bucket", metavar="BUCKET", help="its construct path, the end of it, or its name in AWS")
    parser.add_argument("file", metavar="FILE", help="the file, or - for standard input, which needs KEY")
    parser.add_argument("key", nargs="?", metavar="KEY", help="the key of the object (default: the file's name)")


def _add_logs(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "examples:\n"
        "  constructs-lib local logs\n"
        "  constructs-lib local logs Users/CreateUser --since 5m\n"
        "  constructs-lib local logs CreateUser --follow"
    )
    parser.add_argument("function", nargs="?", metavar="FUNCTION", help="only this function's lines (default: all)")
    parser.add_argument("--follow", action="store_true", help="go on until Ctrl-C, or until the run ends")
    parser.add_argument(
        "--since", metavar="WHEN", help="only lines since: 30s, 5m, 2h, or a time such as 2026-11-23T12:00"
    )


def _add_reset(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Tables, buckets and queues hold what they held when everything was deployed, in most apps nothing.\n"
        "What runs is ended. The stacks stay as they are, and so do handlers that were saved since."
    )


def _add_permissions(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how to say it (default: text)")


_ADD: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "status": _add_status,
    "down": _add_down,
    "invoke": _add_invoke,
    "send": _add_send,
    "upload": _add_upload,
    "logs": _add_logs,
    "reset": _add_reset,
    "permissions": _add_permissions,
}


def _status(told: argparse.Namespace) -> int:
    from constructs_lib.local.status_command import run  # noqa: PLC0415 (as above)

    return run(told.state, told.format)


def _down(told: argparse.Namespace) -> int:
    from constructs_lib.local.down_command import run  # noqa: PLC0415 (as above)

    return run(told.state)


def _invoke(told: argparse.Namespace) -> int:
    from constructs_lib.local.invoke_command import run  # noqa: PLC0415 (as above)

    return run(told.state, told.function, told.event, is_async=told.is_async)


def _send(told: argparse.Namespace) -> int:
    from constructs_lib.local.send_command import Request, run  # noqa: PLC0415 (as above)

    request = Request(
        queue=told.queue,
        body=told.body,
        group=told.group,
        deduplication=told.deduplication,
        attributes=tuple(told.attribute),
    )
    return run(told.state, request)


def _upload(told: argparse.Namespace) -> int:
    from constructs_lib.local.upload_command import run  # noqa: PLC0415 (as above)

    return run(told.state, told.bucket, told.file, told.key)


def _logs(told: argparse.Namespace) -> int:
    from constructs_lib.local.logs_command import run  # noqa: PLC0415 (as above)

    return run(told.state, told.function, since=told.since, follow=told.follow)


def _reset(told: argparse.Namespace) -> int:
    from constructs_lib.local.reset_command import run  # noqa: PLC0415 (as above)

    return run(told.state)


def _permissions(told: argparse.Namespace) -> int:
    from constructs_lib.local.permissions_command import run  # noqa: PLC0415 (as above)

    return run(told.state, told.format)


_RUN: dict[str, Callable[[argparse.Namespace], int]] = {
    "status": _status,
    "down": _down,
    "invoke": _invoke,
    "send": _send,
    "upload": _upload,
    "logs": _logs,
    "reset": _reset,
    "permissions": _permissions,
}
