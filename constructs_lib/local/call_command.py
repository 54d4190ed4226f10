"""The `call` command: one signed request to a deployed API, here or in a real account."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import botocore.session
from botocore.exceptions import BotoCoreError

from constructs_lib.local.signed_call import ROOT, Answer, call, checked_url, is_loopback
from constructs_lib.local.terminal import complain
from constructs_lib.local.told_content import content_of
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from botocore.credentials import Credentials

UNUSABLE = 2
FAILED = 400  # the first status that says a call failed
REAL_HOST = re.compile(r"[^.]+\.execute-api\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")
METHOD = re.compile(r"[A-Za-z]+")
HEADER = re.compile(r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*(?P<value>[^\r\n\0]*)")


def run(
    method: str, url: str, *, data: str | None, headers: Sequence[str], region: str | None, show_headers: bool
) -> int:
    """Make the call, print the answer, and return the exit code."""
    try:
        parts = checked_url(url)
        credentials, signed_for = _credentials(parts.scheme, parts.hostname or "", region)
        sent = dict(_headers(headers))
        body = content_of(data, "the body")
        if METHOD.fullmatch(method) is None:
            raise LocalError(Problem(what=f"{method!r} is no HTTP method", where="METHOD", fix="write GET, POST, ..."))
    except LocalError as error:
        complain(str(error))
        return UNUSABLE
    if body and not any(name.lower() == "content-type" for name in sent):
        sent["content-type"] = "application/json"
    answer = call(method.upper(), url, body=body, headers=sent, credentials=credentials, region=signed_for)
    _print(answer, show_headers=show_headers)
    return 1 if answer.status >= FAILED else 0


def _credentials(scheme: str, host: str, region: str | None) -> tuple[Credentials, str]:
    """Whose signature, and for which region.

    On this machine never the user's own credentials; elsewhere nothing else, and never over an open line.
    """
    if is_loopback(host):
        return ROOT, "us-east-1" if region is None else region
    if scheme != "https":
        problem = Problem(
            what="a call signed with real credentials must not travel over http",
            where=host,
            fix="call the https address of the API",
        )
        raise LocalError(problem)
    try:
        session = botocore.session.get_session()
        credentials: Credentials | None = session.get_credentials()
        own: str | None = session.get_config_variable("region")
    except BotoCoreError as error:
        raise LocalError(Problem(what=str(error), where=host, fix="mend your AWS configuration")) from error
    if credentials is None:
        problem = Problem(
            what="no AWS credentials were found to sign the call with",
            where=host,
            fix="sign in as for any AWS tool, such as with `aws sso login`, or set AWS_PROFILE",
        )
        raise LocalError(problem)
    named = REAL_HOST.fullmatch(host)
    signed_for = region or (named["region"] if named else own)
    if signed_for is None:
        problem = Problem(what="the region to sign for is not known", where=host, fix="pass --region")
        raise LocalError(problem)
    return credentials, signed_for


def _headers(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        match = HEADER.fullmatch(line)
        if match is None:
            raise LocalError(Problem(what=f"{line!r} is no header", where="-H", fix="write 'name: value'"))
        yield match["name"], match["value"]


def _print(answer: Answer, *, show_headers: bool) -> None:
    if show_headers:
        head = [f"HTTP/1.1 {answer.status} {answer.reason}", *(f"{key}: {value}" for key, value in answer.headers), ""]
        sys.stdout.write("\n".join(head) + "\n")
    elif answer.status >= FAILED:
        complain(f"{answer.status} {answer.reason}")
    sys.stdout.flush()
    sys.stdout.buffer.write(answer.body)
    is_text = answer.header("content-type").startswith(("text/", "application/json"))
    if is_text and answer.body and not answer.body.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()
