"""Clients of the AWS SDK that a handler in JavaScript or TypeScript makes on every call.

This is no parser: what stands in comments, strings and patterns is blanked, and then braces are counted. Looked at is
the expression or function that is exported as the handler, in it only what stands inside of a function, and the
functions of the file that are called there. Not meant are clients that are made only where there is none yet
(`client ??= new S3Client({})`), or that are given something that differs from call to call: credentials, or more than
literals and the environment.
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
NAMESPACE = re.compile(
    r"import\s*\*\s*as\s+(\w+)\s+from\s*['\"](@aws-sdk/client-[\w-]+)['\"]"
    r"|(?:const|let|var)\s+(\w+)\s*=\s*require\(\s*['\"](@aws-sdk/client-[\w-]+)['\"]\s*\)"
)
NAME = re.compile(r"(?:type\s+)?(\w+)(?:\s+as\s+|\s*:\s*)?(\w+)?")
LAZY = re.compile(
    r"(?:\?\?=?|\|\|=?)\s*$"
    r"|if\s*\(\s*(?:!|[\w.]+\s*={2,3}\s*(?:undefined|null))[^{}]*\)\s*\{?\s*[\w.]+\s*=\s*$"
)
KEPT = re.compile(r"if\s*\(\s*([\w.]+)[^()]*\)\s*\{?\s*return\s+\1\b")  # if (client) return client
CALLED = re.compile(r"(?<![\w.$])(?<!new )([A-Za-z_]\w*)\s*\(")
HELPER = re.compile(
    r"^(?:export\s+)?(?:(?:async\s+)?function\s+(\w+)"
    r"|const\s+(\w+)\s*=\s*(?:async\s+)?(?:function\b|\([^()\n]*\)(?:\s*:[^=\n]+)?\s*=>|\w+\s*=>))",
    re.MULTILINE,
)
EXPRESSION = re.compile(r"=>\s*[^\s{]")  # a function that is one expression
ENDS = re.compile(r";|\n(?=\S)")
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
    made = re.compile(rf"\bnew\s+({'|'.join(sorted(map(re.escape, clients), reverse=True))})\s*\(")
    helpers = {match[1] or match[2]: match.start() for match in HELPER.finditer(program)}
    waiting, found = [(handler, helpers.pop(handler, 0)), *_taken(_wrapped(program, handler), helpers)], []
    for name, since in waiting:  # grows while it is read
        for start, last in _bodies(program, name, since):
            kept = KEPT.search(program, start, last)
            end = last if kept is None else kept.end()
            for match in made.finditer(program, start, end):
                arguments = program[match.end() : _closing(program, match.end() - 1)]
                if not _is_lazy(program, start, match.start()) and not _differs(arguments):
                    found.append(Made(program.count("\n", 0, match.start()) + 1, f"new {match[1]}"))
            calls = CALLED.finditer(program, start, end)
            waiting += _taken([each[1] for each in calls if not _is_lazy(program, start, each.start())], helpers)
    return sorted(set(found), key=lambda each: each.line)


def _wrapped(program: str, handler: str) -> list[str]:
    """The names in what a handler is, where it is no function itself: `handler = middy(listed)`."""
    name = re.escape(handler)
    match = re.search(rf"(?:\b(?:const|let|var)\s+|\bexports\.){name}\b[^=\n]*=([^;\n{{>]*)[;\n]", program)
    return [] if match is None else re.findall(r"\w+", match[1])


def _taken(names: list[str], helpers: dict[str, int]) -> list[tuple[str, int]]:
    """Those of some names that are functions of the file, with where they are; each once."""
    return [(name, helpers.pop(name)) for name in names if name in helpers]


def _clients(source: str) -> set[str]:
    """The classes of clients that a file imports, by the names it gives them."""
    clients = set()
    for match in IMPORTED.finditer(source):
        package = match[2] or match[4]
        for listed in (match[1] or match[3]).split(","):
            named = NAME.match(listed.strip())
            # Beside S3Client there is S3, which has a method for each command.
            if named is not None and (named[1].endswith("Client") or named[1].lower() == _service(package)):
                clients.add(named[2] or named[1])
    for match in NAMESPACE.finditer(source):
        clients.add(f"{match[1] or match[3]}.{_class_of(match[2] or match[4], source)}")
    return {each for each in clients if not each.endswith(".")}


def _service(package: str) -> str:
    return package.rpartition("/client-")[2].replace("-", "")


def _class_of(package: str, source: str) -> str:
    """The client of a package whose whole namespace is imported, as the file spells it."""
    spelled = re.search(rf"\.({re.escape(_service(package))}(?:Client)?)\s*\(", source, re.IGNORECASE)
    return spelled[1] if spelled is not None else ""


def _is_lazy(program: str, start: int, at: int) -> bool:
    """Whether what stands at a place is reached by the first call alone."""
    return LAZY.search(program[max(start, at - BEFORE) : at]) is not None


def _bodies(program: str, function: str, since: int) -> Iterator[tuple[int, int]]:
    """From where to where the functions' braces go in what has a name: a function, or what it is wrapped in."""
    name = re.escape(function)
    named = re.compile(
        rf"^(?:export\s+)?(?:async\s+)?function\s+{name}\b|^(?:export\s+)?(?:const|let|var)\s+{name}\b[^=]*=(?!=|>)"
        rf"|\bexports\.{name}\s*=(?!=)",
        re.MULTILINE,
    )
    match = named.search(program, since)
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
        elif depth == 0 and (arrow := EXPRESSION.match(program, at)):
            last = ENDS.search(program, arrow.end())
            yield arrow.end() - 1, len(program) if last is None else last.start()
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
