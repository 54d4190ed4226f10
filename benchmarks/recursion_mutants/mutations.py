"""Small mistakes that somebody could make in a module: one changed operator, constant, name or branch each."""

from __future__ import annotations

import ast
from dataclasses import dataclass

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
# What only makes a sentence, or an example for one.
FOR_READERS = {
    "__str__", "_called", "_described", "_dotted", "_fix", "_is_certain", "_problem", "_put", "_said", "_surely_holds",
    "_told", "_why_some", "_witness", "example", "unknowns", "witness",
}  # fmt: skip
EXTENTS = {"ALL": "SOME", "SOME": "NONE", "NONE": "ALL"}


@dataclass(frozen=True)
class Mutant:
    """One mistake.

    Args:
        module: In which module.
        line: In which line.
        what: What was changed into what.
        source: The module with the mistake.
    """

    module: str
    line: int
    what: str
    source: str

    def __str__(self) -> str:
        """Say where it is, and what."""
        return f"{self.module}:{self.line}: {self.what}"


def mutant(module: str, source: str, number: int) -> Mutant:
    """Return one of the mistakes of a module, which are counted in the order of its lines."""
    tree = ast.parse(source)
    mistake = _Mistake(number)
    mistake.visit(tree)
    return Mutant(module, mistake.line, mistake.what, ast.unparse(ast.fix_missing_locations(tree)))


def mistakes_in(source: str) -> int:
    """Return how many mistakes can be made in a module."""
    counting = _Mistake(-1)
    counting.visit(ast.parse(source))
    return counting.seen


class _Mistake(ast.NodeTransformer):
    """Makes the mistake of one number; texts for readers, types and docstrings are left alone."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.seen, self.line, self.what = wanted, 0, 0, ""

    def _is_here(self, node: ast.expr | ast.stmt, what: str) -> bool:
        self.seen += 1
        if self.seen - 1 != self.wanted:
            return False
        self.line, self.what = node.lineno, what
        return True

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if node.name in FOR_READERS and not node.args.kwonlyargs:
            return node
        node.args.defaults = [self.visit(each) for each in node.args.defaults]
        node.args.kw_defaults = [None if each is None else self.visit(each) for each in node.args.kw_defaults]
        node.body = self._statements(node.body)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = self._statements(node.body)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        is_list_of_names = isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__"
        return node if is_list_of_names else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return node if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node  # for readers

    def visit_If(self, node: ast.If) -> ast.AST:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return node
        if self._is_here(node, f"if {ast.unparse(node.test)} -> if True"):
            node.test = ast.Constant(value=True)
        elif self._is_here(node, f"if {ast.unparse(node.test)} -> if False"):
            node.test = ast.Constant(value=False)
        node.test = self.visit(node.test)
        node.body, node.orelse = self._statements(node.body), self._statements(node.orelse)
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        node.iter, node.body = self.visit(node.iter), self._statements(node.body)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        if self._is_here(node, f"{ast.unparse(node)} -> {ast.unparse(node.body)}"):
            return node.body
        if self._is_here(node, f"{ast.unparse(node)} -> {ast.unparse(node.orelse)}"):
            return node.orelse
        return self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        other = COMPARED.get(type(node.ops[0]))
        before = ast.unparse(node)
        if other is not None and self._is_here(node, before):
            node.ops[0] = other()
            self.what = f"{before} -> {ast.unparse(node)}"
        return self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        if self._is_here(node, f"and/or in {ast.unparse(node)}"):
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        for at in range(len(node.values)):
            if self._is_here(node, f"{ast.unparse(node)} without {ast.unparse(node.values[at])}"):
                del node.values[at]
                return node.values[0] if len(node.values) == 1 else node
        return self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        if isinstance(node.op, ast.Not) and self._is_here(node, f"{ast.unparse(node)} without not"):
            return self.generic_visit(node.operand)
        return self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        other = CALCULATED.get(type(node.op))
        before = ast.unparse(node)
        if other is not None and self._is_here(node, before):
            node.op = other()
            self.what = f"{before} -> {ast.unparse(node)}"
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        is_extent = isinstance(node.value, ast.Name) and node.value.id == "Extent" and node.attr in EXTENTS
        if is_extent and self._is_here(node, f"Extent.{node.attr} -> Extent.{EXTENTS[node.attr]}"):
            node.attr = EXTENTS[node.attr]
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        value = node.value
        if isinstance(value, bool):
            if self._is_here(node, f"{value} -> {not value}"):
                return ast.copy_location(ast.Constant(value=not value), node)
        elif isinstance(value, int):
            if self._is_here(node, f"{value} -> {value + 1}"):
                return ast.copy_location(ast.Constant(value=value + 1), node)
        elif isinstance(value, str) and value and " " not in value and self._is_here(node, f"{value!r} -> 'X{value}'"):
            return ast.copy_location(ast.Constant(value=f"X{value}"), node)
        return node

    def _statements(self, body: list[ast.stmt]) -> list[ast.stmt]:
        kept: list[ast.stmt] = []
        for statement in body:
            may_go = isinstance(statement, ast.AugAssign | ast.Continue) or (
                isinstance(statement, ast.Expr) and not isinstance(statement.value, ast.Constant)
            )
            if may_go and self._is_here(statement, f"{ast.unparse(statement)} left out"):
                kept.append(ast.copy_location(ast.Pass(), statement))
            else:
                kept.append(self.visit(statement))
        return kept
