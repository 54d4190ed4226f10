"""The command line: arguments in, one function called, exit code out."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from constructs_lib.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST_PORT = 65535


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(argv)
    command: str = arguments.command
    try:
        return _local(arguments) if command == "local" else _call(arguments)
    except ProblemError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _local(arguments: argparse.Namespace) -> int:
    # every command imports what it needs by itself, so that --help stays instant
    from constructs_lib.local.local_run import Request, run  # noqa: PLC0415 (as just said)

    request = Request(
        assembly=arguments.assembly,
        app=arguments.app,
        port=arguments.port,
        via=arguments.via,
        state=None if arguments.no_state else arguments.state,
        iam=arguments.iam,
        region=arguments.region,
        program=_as_typed(sys.argv[0]),
    )
    return run(request)


def _as_typed(program: str) -> str:
    """How this program can be called again from the folder we are in, whatever PATH that shell has."""
    path = Path(program).absolute()
    if path.suffix == ".py":  # python -m
        return f"{shlex.quote(sys.executable)} -m constructs_lib.cli"
    return shlex.quote(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))


def _call(arguments: argparse.Namespace) -> int:
    from constructs_lib.local.local_extra import require  # noqa: PLC0415 (as above)

    require("botocore")
    from constructs_lib.local.call_command import run  # noqa: PLC0415 (as above)

    return run(
        arguments.method,
        arguments.url,
        data=arguments.data,
        headers=arguments.header,
        region=arguments.region,
        show_headers=arguments.include,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="constructs-lib", description="Run a synthesized CDK app on this machine, with IAM enforced."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_local(commands.add_parser("local", help="deploy an app to an embedded AWS on localhost, and serve it"))
    _add_call(commands.add_parser("call", help="call an API with a signed request (SigV4)"))
    return parser


def _add_local(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Synthesize the app of this folder (cdk.json), deploy it to an embedded AWS and serve its APIs until Ctrl-C. "
        "No Docker, no account."
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("assembly", nargs="?", type=Path, metavar="PATH", help="a synthesized assembly, used as it is")
    source.add_argument("--app", metavar="COMMAND", help="the command that synthesizes (default: that of cdk.json)")
    parser.add_argument("--port", type=_port, default=3000, help="the port the APIs answer on (default: %(default)s)")
    parser.add_argument(
        "--via", choices=["direct", "cdk"], default="direct",
        help="deploy directly, in about a second, or with the real CDK CLI (default: %(default)s)",
    )  # fmt: skip
    state = parser.add_mutually_exclusive_group()
    state.add_argument(
        "--state", type=Path, default=Path(".local"), metavar="DIR",
        help="the folder that keeps data and stacks between runs (default: %(default)s)",
    )  # fmt: skip
    state.add_argument("--no-state", action="store_true", help="keep nothing")
    parser.add_argument(
        "--iam", choices=["enforce", "off"], default="enforce",
        help="check every call against the policies of its caller, or not (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--region", default="us-east-1", help="the region of stacks that name none (default: %(default)s)"
    )


def _add_call(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Make one signed call. On this machine the root user of the embedded AWS signs it; elsewhere, over https only, "
        "your own credentials do, found as every AWS tool finds them. Exits with 0 below status 400, with 1 otherwise."
    )
    parser.add_argument("method", metavar="METHOD", help="GET, POST, ...")
    parser.add_argument("url", metavar="URL", help="the whole address")
    parser.add_argument("-d", "--data", metavar="BODY", help="the body; @FILE reads a file, - reads standard input")
    parser.add_argument("-H", "--header", action="append", default=[], metavar="'NAME: VALUE'", help="a header to send")
    parser.add_argument("-i", "--include", action="store_true", help="show the status and the headers, too")
    parser.add_argument("--region", help="the region to sign for (default: that of the address, else your own)")


def _port(text: str) -> int:
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number <= LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 0 (a free one) to {LARGEST_PORT}")
    return number


if __name__ == "__main__":
    sys.exit(main())
