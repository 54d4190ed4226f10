"""Clients of the AWS SDK that a handler in JavaScript or TypeScript makes on every call.

This is no parser: what stands in comments, strings and patterns is blanked, and then braces are counted. Looked at is
the expression or function that is exported as the handler, and in it only what stands inside of a function's braces.
Not meant are clients that are made only where there is none yet (`client ??= new S3Client({})`), or that are given
something that differs from call to call: credentials, or more than literals and the environment.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from constructs_lib.clients_in_handlers.made import Made

if TYPE_CHECKING:
    from collections.abc import Iterator

# What has braces, quotes and slashes that are none of the program; a slash begins a pattern where no value can end.
TOKENS = re.compile(
    r"//[^\n]*|/\*.*?\*/"
    r"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\""
    r"|`(?:\\.|[^`\\])*`"
    r"|(?<![\w)\]}\s/])\s*/(?![/*])(?:\\.|\[(?:\\.|[^\]\n])*\]|[^/\\\n\[])+/[a-z]*",
    re.DOTALL,
)
IMPORTED = re.compile(
    r"import\s*(?:type\s+)?\{([^}]*)\}\s*from\s*['\"](@aws-sdk/[\w-]+)['\"]"
    r"|(?:const|let|var)\s*\{([^}]*)\}\s*=\s*require\(\s*['\"](@aws-sdk/[\w-]+)['\"]\s*\)"
)
NAME = re.compile(r"(?:type\s+)?(\w+)(?:\s+as\s+|\s*:\s*)?(\w+)?")
LAZY = re.compile(
    r"(?:\?\?=?|\|\|=?)\s*$"
    r"|if\s*\(\s*(?:!|[\w.]+\s*={2,3}\s*(?:undefined|null))[^{}]*\)\s*\{?\s*[\w.]+\s*=\s*$"
)
NEXT = re.compile(r"\n\s*(?:export|import|const|let|var|function|class)\b")  # another statement
BODY = re.compile(r"(?:=>|\)|\)\s*:\s*[\w<>\[\].,| ]+)\s*$")  # what stands before the braces of a function
BEFORE = 200  # characters that are read before a client for why it is made
ENVIRONMENT = re.compile(r"process\.env(?:\.\w+|\[[^\]]*\])")
KEY = re.compile(r"\b\w+\s*:(?!:)")
DIFFERS = re.compile(r"\b(?!true\b|false\b|new\b|undefined\b|null\b)[a-z_$][\w$]*")


def made_in_script(source: str, handler: str) -> list[Made]:
    """Every client that is made when an exported function is called.

    Example:
        >>> source = 'import { S3Client } from "@aws-sdk/client-s3";' + chr(10)
        >>> made_in_script(source + "export const handler = async () => { new S3Client({}); };", "handler")
        [Made(line=2, what='new S3Client')]
    """
    clients = _clients(source)
    if not clients:
        return []
    program = TOKENS.sub(lambda match: _blank(match[0]), source)
    made = re.compile(rf"\bnew\s+({'|'.join(sorted(map(re.escape, clients)))})\s*\(")
    found = []
    for start, end in _bodies(program, handler):
        for match in made.finditer(program, start, end):
            before = program[max(start, match.start() - BEFORE) : match.start()]
            arguments = program[match.end() : _closing(program, match.end() - 1)]
            if LAZY.search(before) is None and not _differs(arguments):
                found.append(Made(program.count("\n", 0, match.start()) + 1, f"new {match[1]}"))
    return sorted(set(found), key=lambda each: each.line)


def _clients(source: str) -> set[str]:
    """The classes of clients that a file imports, by the names it gives them."""
    clients = set()
    for match in IMPORTED.finditer(source):
        for listed in (match[1] or match[3]).split(","):
            named = NAME.match(listed.strip())
            if named is not None and named[1].endswith("Client"):
                clients.add(named[2] or named[1])
    return clients


def _bodies(program: str, handler: str) -> Iterator[tuple[int, int]]:
    """From where to where the functions' braces go in what is exported as the handler."""
    name = re.escape(handler)
    exported = re.compile(
        rf"^(?:export\s+)?(?:async\s+)?function\s+{name}\b|^(?:export\s+)?(?:const|let|var)\s+{name}\b[^=]*=(?!=|>)"
        rf"|\bexports\.{name}\s*=(?!=)",
        re.MULTILINE,
    )
    match = exported.search(program)
    if match is None:
        return
    at, depth = match.end(), 0
    while at < len(program):
        sign = program[at]
        if sign == "{" and BODY.search(program, max(match.end(), at - BEFORE), at):
            end = _closing(program, at)
            yield at, end
            at = end
            if "function" in match[0] and depth == 0:
                return
        elif sign in "({[":
            depth += 1
        elif sign in ")}]":
            depth -= 1
        elif depth == 0 and (sign == ";" or NEXT.match(program, at)):
            return
        at += 1


def _closing(program: str, at: int) -> int:
    """Where the bracket at a place closes; the end, where it does not."""
    depth = 0
    for place in range(at, len(program)):
        if program[place] in "({[":
            depth += 1
        elif program[place] in ")}]":
            depth -= 1
            if depth == 0:
                return place
    return len(program)


def _differs(arguments: str) -> bool:
    """Whether what a client is made of may be another thing on every call: more than keys, literals, environment."""
    return "credentials" in arguments or DIFFERS.search(KEY.sub("", ENVIRONMENT.sub("", arguments))) is not None


def _blank(text: str) -> str:
    """As many characters, and the same lines."""
    return re.sub(r"[^\n]", " ", text)
