"""Clients of boto3 that a Python handler makes on every call.

Looked at are the handler and the functions of its module that it calls, since nothing else is known to run on every
call. Not meant are clients that differ from call to call (credentials, or an argument of the function), are kept by a
cache, or are made only where there is none yet.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from constructs_lib.clients_in_handlers.made import Made

if TYPE_CHECKING:
    from collections.abc import Iterator

BOTO3 = "boto3"
MAKERS = frozenset({"client", "resource", "Session", "session.Session"})
CREDENTIALS = frozenset({"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "profile_name"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


def made_in_python(source: str, handler: str) -> list[Made]:
    r"""Every client that is made when a function of a module is called; nothing where the source cannot be read.

    Example:
        >>> made_in_python("import boto3\ndef handler(e, c):\n    return boto3.client('s3')", "handler")
        [Made(line=3, what='boto3.client')]
    """
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    makers = _makers(module)
    functions = {each.name: each for each in module.body if isinstance(each, Function)}
    waiting, seen, found = [handler], {handler}, set[Made]()
    for name in waiting:  # grows while it is read
        function = functions.get(name)
        if function is None or (name != handler and function.decorator_list):
            continue
        calls = list(_calls(_until_kept(function.body)))
        own = _names_of(function)
        for call in calls:
            what = _named(call.func)
            if what in makers and not _differs(call, own):
                found.add(Made(call.lineno, what))
            elif what in functions and what not in seen:
                seen.add(what)
                waiting.append(what)
    return sorted(found, key=lambda each: each.line)


def _makers(module: ast.Module) -> set[str]:
    """What makes a client, by the names under which the module knows it."""
    makers = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names = {each.asname or each.name for each in node.names if each.name == BOTO3}
            makers |= {f"{name}.{maker}" for name in names for maker in MAKERS}
        elif isinstance(node, ast.ImportFrom) and node.module == BOTO3:
            makers |= {each.asname or each.name for each in node.names if each.name in MAKERS}
    return makers


def _until_kept(body: list[ast.stmt]) -> list[ast.stmt]:
    """What a function does on every call: `if client: return client` ends it for all calls but the first."""
    for at, statement in enumerate(body):
        if isinstance(statement, ast.If) and isinstance(statement.body[-1], ast.Return):
            returned = statement.body[-1].value
            kept = {ast.dump(each) for each in ast.walk(returned) if isinstance(each, ast.Name)} if returned else set()
            if kept & {ast.dump(each) for each in ast.walk(statement.test)}:
                return body[: at + 1]
    return body


def _calls(body: list[ast.stmt]) -> Iterator[ast.Call]:
    """The calls of a function's own body, but what is made only where there is none yet."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Function | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.If) and _asks_for_none(node.test):
            waiting += [node.test, *node.orelse]
            continue
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            waiting.append(node.values[0])  # kept = kept or boto3.client(...)
            continue
        if isinstance(node, ast.Call):
            yield node
        waiting += ast.iter_child_nodes(node)


def _asks_for_none(test: ast.expr) -> bool:
    """Whether this holds where something is not there: `client is None`, `not client`, `"s3" not in clients`."""
    if isinstance(test, ast.UnaryOp):
        return isinstance(test.op, ast.Not)
    if not isinstance(test, ast.Compare):
        return False
    is_none = isinstance(test.comparators[0], ast.Constant) and test.comparators[0].value is None
    return isinstance(test.ops[0], ast.NotIn) or (is_none and isinstance(test.ops[0], ast.Is | ast.Eq))


def _names_of(function: Function) -> set[str]:
    """What may be another thing on every call: arguments, and what is assigned."""
    arguments = function.args
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    stored = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return {each.arg for each in given if each is not None} | stored


def _differs(call: ast.Call, own: set[str]) -> bool:
    """Whether each call may want another client."""
    if any(each.arg is None or each.arg in CREDENTIALS for each in call.keywords):
        return True
    told = [*call.args, *(each.value for each in call.keywords)]
    return any(isinstance(node, ast.Name) and node.id in own for each in told for node in ast.walk(each))


def _named(function: ast.expr) -> str:
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute):
        holder = _named(function.value)
        return f"{holder}.{function.attr}" if holder else ""
    return ""
