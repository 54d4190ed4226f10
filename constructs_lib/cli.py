"""The command line: arguments in, one function called, exit code out."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from constructs_lib.local.command_line import EPILOG, SUMMARIES
from constructs_lib.local.command_line import parse as parse_local_command
from constructs_lib.local.command_line import run as run_local_command
from constructs_lib.local.state_folder import DEFAULT_STATE
from constructs_lib.problem import LocalError, Problem, ProblemError

LARGEST_PORT = 65535


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    told = sys.argv[1:] if argv is None else list(argv)
    try:
        if told[:1] == ["local"] and told[1:2] and told[1] in SUMMARIES:
            return run_local_command(parse_local_command(told[1:]))
        arguments = _parser().parse_args(told, argparse.Namespace(told=told))
        command: str = arguments.command
        return COMMANDS[command](arguments)
    except ProblemError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # whoever read our lines has gone; Python must not try to flush the rest at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _local(arguments: argparse.Namespace) -> int:
    # every command imports what it needs by itself, so that --help stays instant
    from constructs_lib.local.local_run import Request, run  # noqa: PLC0415 (as just said)

    _refuse_late_command(arguments.assembly)
    if arguments.detach:
        from constructs_lib.local.detached import start_detached  # noqa: PLC0415 (as just said)

        if arguments.no_state:
            what = "a run in the background is found again by its state folder, and --no-state keeps none"
            raise LocalError(
                Problem(what=what, where="--detach", fix="leave --no-state out, or name a folder with --state")
            )
        return start_detached(arguments.told, arguments.state)
    request = Request(
        assembly=arguments.assembly,
        app=arguments.app,
        port=arguments.port,
        via=arguments.via,
        state=None if arguments.no_state else arguments.state,
        iam=arguments.iam,
        region=arguments.region,
        program=_as_typed(sys.argv[0]),
        watch=arguments.watch,
        page_port=None if arguments.no_page else arguments.page_port,
        stage=arguments.stage,
    )
    return run(request)


def _refuse_late_command(path: Path | None) -> None:
    """Say so when what looks like a command does not stand first, where it would be one."""
    if path is not None and str(path) in SUMMARIES and not path.exists():
        problem = Problem(
            what=f"there is no assembly {path}, and a command stands right after `local`",
            where="PATH",
            fix=f"constructs-lib local {path} ..., with its options after it",
        )
        raise LocalError(problem)


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


def _check(arguments: argparse.Namespace) -> int:
    from constructs_lib.guards.check_command import Request, explain, list_rules, run  # noqa: PLC0415 (as above)

    if arguments.explain is not None:
        return explain(arguments.explain)
    if arguments.list:
        return list_rules()
    request = Request(
        paths=arguments.paths,
        form=arguments.format,
        only=_names(arguments.only),
        skip=_names(arguments.skip),
        public=arguments.public,
    )
    return run(request)


def _runbook(arguments: argparse.Namespace) -> int:
    from constructs_lib.runbook.articles import run  # noqa: PLC0415 (as above)

    return run(arguments.article)


def _cost(arguments: argparse.Namespace) -> int:
    from constructs_lib.cost.observability import run  # noqa: PLC0415 (as above)

    return run(arguments.paths or [Path("cdk.out")])


def _openapi(arguments: argparse.Namespace) -> int:
    from constructs_lib.openapi.command import Request, run  # noqa: PLC0415 (as above)

    paths = arguments.paths or [Path("cdk.out")]
    return run(Request(paths, api=arguments.api, title=arguments.title, version=arguments.version))


def _names(told: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip() for each in told for name in each.split(",") if name.strip())


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "call": _call,
    "check": _check,
    "cost": _cost,
    "local": _local,
    "openapi": _openapi,
    "runbook": _runbook,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="constructs-lib", description="Check a synthesized CDK app, and run it on this machine with IAM enforced."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    local = commands.add_parser(
        "local",
        help="deploy an app to an embedded AWS on localhost, serve it, and work with it",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # a run in the background is started with the same words, but --detach
    )
    _add_local(local)
    _add_call(commands.add_parser("call", help="call an API with a signed request (SigV4)"))
    _add_check(commands.add_parser("check", help="say what would hurt once deployed, and how to mend it"))
    _add_openapi(commands.add_parser("openapi", help="write the OpenAPI document of an app"))
    _add_runbook(commands.add_parser("runbook", help="say what to do about an alarm"))
    _add_cost(commands.add_parser("cost", help="say what alarms, dashboards and metrics cost by the month"))
    return parser


def _add_local(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Synthesize the app of this folder (cdk.json), deploy it to an embedded AWS and serve its APIs until Ctrl-C.\n"
        "No Docker, no account."
    )
    parser.epilog = EPILOG
    source = parser.add_mutually_exclusive_group()
    source.add_argument("assembly", nargs="?", type=Path, metavar="PATH", help="a synthesized assembly, used as it is")
    source.add_argument("--app", metavar="COMMAND", help="the command that synthesizes (default: that of cdk.json)")
    parser.add_argument(
        "--stage",
        metavar="STAGE",
        help="the cdk.Stage to deploy, by its id; the app is told as context, -c stage=STAGE (default: the only one, "
        "else dev, else the first)",
    )
    parser.add_argument("--port", type=_port, default=3000, help="the port the APIs answer on (default: %(default)s)")
    parser.add_argument(
        "--via", choices=["direct", "cdk"], default="direct",
        help="deploy directly, in about a second, or with the real CDK CLI (default: %(default)s)",
    )  # fmt: skip
    state = parser.add_mutually_exclusive_group()
    state.add_argument(
        "--state", type=Path, default=DEFAULT_STATE, metavar="DIR",
        help="the folder that keeps data and stacks between runs (default: %(default)s)",
    )  # fmt: skip
    state.add_argument("--no-state", action="store_true", help="keep nothing")
    parser.add_argument("--detach", action="store_true", help="return when it is ready, and leave it running")
    page = parser.add_mutually_exclusive_group()
    page.add_argument(
        "--page-port", type=_port, default=0, metavar="PORT", help="the port of the page (default: a free one)"
    )
    page.add_argument("--no-page", action="store_true", help="serve no page")
    parser.add_argument(
        "--watch", action="store_true", help="take up what is saved: handlers at once, stacks when changed"
    )
    parser.add_argument(
        "--iam", choices=["enforce", "warn", "off"], default="enforce",
        help="check every call against the policies of its caller, let denied ones pass and say so, or check nothing "
        "(default: %(default)s)",
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


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Check the stacks of one app: loops, missing and needless rights, secrets, lost messages, limits. Takes what "
        "`cdk synth` wrote, or CloudFormation and SAM templates; several are one app. Exits with 0 when nothing is "
        "wrong, with 1 for findings of severity error, with 2 when it cannot be told."
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a cdk.out, or a template file")
    parser.add_argument(
        "--format", choices=["text", "json", "sarif"], default="text", help="how to write the report (default: text)"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="RULE", help="run this rule, and others so named"
    )
    parser.add_argument("--skip", action="append", default=[], metavar="RULE", help="leave this rule out")
    parser.add_argument(
        "--no-public", dest="public", action="store_false", help="do not ask the public template validator, too"
    )
    parser.add_argument("--explain", metavar="RULE", help="say what a rule refuses and why, and check nothing")
    parser.add_argument("--list", action="store_true", help="name all rules, and check nothing")


def _add_runbook(parser: argparse.ArgumentParser) -> None:
    parser.description = "Print the article that an alarm names in its description; without one, the names of all."
    parser.add_argument("article", nargs="?", metavar="ARTICLE", help="function-errors, dead-letters, ...")


def _add_cost(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Say what watching an app costs by the month, by the list prices of us-east-1: its alarms, dashboards and the "
        "metrics of its routes. Takes what `cdk synth` wrote, or templates."
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a cdk.out, or a template file")


def _add_openapi(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write the OpenAPI 3.1 document of the HTTP and REST APIs of an app, as JSON: routes, parameters, bodies that "
        "are checked, who may call, and what API Gateway answers by itself. Takes what `cdk synth` wrote, or templates."
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a cdk.out, or a template file")
    parser.add_argument("--api", default="", metavar="CONSTRUCT", help="one API, or all below a stack or stage")
    parser.add_argument("--title", default="", help="the title of the document (default: the paths of its APIs)")
    parser.add_argument("--version", default="1", help="the version of the document (default: %(default)s)")


def _port(text: str) -> int:
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number <= LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 0 (a free one) to {LARGEST_PORT}")
    return number


if __name__ == "__main__":
    sys.exit(main())
