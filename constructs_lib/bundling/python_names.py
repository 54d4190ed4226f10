"""Finds the names a Python module defines, without running it."""

from __future__ import annotations

import ast
import warnings


def defined_names(content: bytes) -> tuple[frozenset[str], bool]:
    """Return the names a module defines at its top level, and whether it may define more."""
    with warnings.catch_warnings(action="ignore"):
        tree = ast.parse(content)
    reader = _TopLevel()
    reader.visit(tree)
    return frozenset(reader.names), reader.more


class _TopLevel(ast.NodeVisitor):
    """Collects what is bound outside of functions and classes."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.more = False

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self.names.add(node.name)
        self.more = self.more or node.name == "__getattr__"
        for inner in ast.walk(node):  # a function may still define a name of the module
            if isinstance(inner, ast.Global):
                self.names.update(inner.names)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the name ast calls it by
    visit_ClassDef = visit_FunctionDef  # noqa: N815 - the name ast calls it by

    def visit_Lambda(self, node: ast.Lambda) -> None:
        del node

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        self.more = self.more or any(alias.name == "*" for alias in node.names)
        self.names.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)

    visit_ImportFrom = visit_Import  # noqa: N815 - the name ast calls it by

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:  # without a value it is a promise, not a name
            self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.names.add(node.id)
        self.more = self.more or node.id in {"globals", "exec"}

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name is not None:
            self.names.add(node.name)
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs  # noqa: N815 - the name ast calls it by
