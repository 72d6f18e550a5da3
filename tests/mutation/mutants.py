"""Which small changes to functions are there, and which of them does a seed choose?"""

import ast
import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOMS = ("service/exposure", "service/rules", "service/taper")

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_OPPOSITES = {
    "min": "max", "max": "min", "any": "all", "all": "any", "first": "last", "last": "first",
    "run_start": "run_end", "run_end": "run_start",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one place; `place` counts the changes of the module, in the order of its syntax tree."""

    path: str
    place: int
    function: str  # the qualified name of the function or method that it is in
    line: int  # the first of its statement
    kind: str
    before: str
    after: str

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").replace("/", ".")


@dataclass(frozen=True, slots=True)
class _Change:
    function: str
    line: int
    kind: str
    old: ast.AST
    new: ast.AST
    apply: Callable[[], None]


def all_mutants(root: Path) -> list[Mutant]:
    """Every change inside a function of the rooms, in a fixed order."""
    return [
        mutant
        for room in ROOMS
        for file in sorted((root / room).rglob("*.py"))
        for mutant in mutants_of(file.read_text(encoding="utf-8"), file.relative_to(root).as_posix())
    ]


def chosen(found: list[Mutant], count: int, seed: int) -> list[Mutant]:
    """`count` of them by the seed, every change as likely as every other; all when there are fewer."""
    return random.Random(seed).sample(found, min(count, len(found)))


def mutants_of(source: str, path: str) -> list[Mutant]:
    return [
        Mutant(path, place, c.function, c.line, c.kind, _shown(c.old), _shown(c.new))
        for place, c in enumerate(_changes(ast.parse(source)))
    ]


def mutated(source: str, place: int) -> ast.Module:
    """The module with its change number `place` made; lines stay where they were."""
    tree = ast.parse(source)
    for at, change in enumerate(_changes(tree)):
        if at == place:
            change.apply()
            return ast.fix_missing_locations(tree)
    raise IndexError(f"the module has no change {place}")


def _shown(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _changes(tree: ast.Module) -> list[_Change]:
    return [change for name, function in functions_of_tree(tree) for change in _in_function(name, function)]


def functions_of_tree(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """Functions of the module and methods of its classes; what is inside a function belongs to it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield prefix + child.name, child
        elif isinstance(child, ast.ClassDef):
            yield from functions_of_tree(child, f"{prefix}{child.name}.")


def _in_function(name: str, function: ast.FunctionDef) -> Iterator[_Change]:
    for statement in function.body:
        for node, parent, field, at, line in _code(statement, function, "body", None, 0):
            for kind, new in _instead(node):
                yield _Change(name, line, kind, node, new, _putter(node, new, parent, field, at))


def _code(
    node: ast.AST, parent: ast.AST, field: str, at: int | None, line: int
) -> Iterator[tuple[ast.AST, ast.AST, str, int | None, int]]:
    """(node, its parent, the parent's field, the place in that field, the first line of the statement).

    Left out: annotations, decorators and defaults of functions inside, and text.
    """
    if isinstance(node, ast.stmt):
        line = node.lineno
    yield node, parent, field, at, line
    for name, value in ast.iter_fields(node):
        if name in (
            "annotation",
            "args" if isinstance(node, ast.FunctionDef) else "",
            "returns",
            "decorator_list",
        ):
            continue
        for place, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST):
                yield from _code(child, node, name, place, line)


def _putter(node: ast.AST, new: ast.AST, parent: ast.AST, field: str, at: int | None) -> Callable[[], None]:
    """What puts the new node in place of the old one."""

    def put() -> None:
        ast.copy_location(new, node)
        held = getattr(parent, field)
        if isinstance(held, list):
            held[held.index(node) if at is None else at] = new
        else:
            setattr(parent, field, new)

    return put


def _instead(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What may stand in place of a node, by the kind of change."""
    match node:
        case ast.Compare():
            for at, op in enumerate(node.ops):
                if type(op) in _COMPARISONS:
                    other = copy.deepcopy(node)
                    other.ops[at] = _COMPARISONS[type(op)]()
                    yield "comparison", other
        case ast.BinOp(left=left, op=op, right=right):
            if type(op) in _OPERATORS:
                yield _operator_kind(op), ast.BinOp(left, _OPERATORS[type(op)](), right)
            if isinstance(op, ast.Sub | ast.BitAnd):
                yield "operand left out", left
        case ast.AugAssign(target=target, op=op, value=value):
            if type(op) in _OPERATORS:
                yield _operator_kind(op), ast.AugAssign(target, _OPERATORS[type(op)](), value)
            yield "statement left out", ast.Pass()
        case ast.BoolOp(op=op, values=values):
            yield "and, or", ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "not left out", operand
        case ast.Constant(value=bool() as value):
            yield "true, false", ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield "one more", ast.Constant(value + 1)
            yield "one less", ast.Constant(value - 1)
        case ast.Break():
            yield "break, continue", ast.Continue()
        case ast.Continue():
            yield "break, continue", ast.Break()
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield "returns nothing", ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()):
            yield "statement left out", ast.Pass()
        case ast.comprehension(ifs=[_, *_]):
            yield "filter left out", ast.comprehension(node.target, node.iter, [], node.is_async)
        case ast.Call():
            yield from _other_calls(node)


def _other_calls(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    """The opposite function; a keyword less, except for the fields of a value, which cannot be built without."""
    called = node.func
    match called:
        case ast.Name(id=name) if name in _OPPOSITES:
            yield (
                "opposite function",
                ast.Call(ast.Name(_OPPOSITES[name], ast.Load()), node.args, node.keywords),
            )
        case ast.Attribute(value=of, attr=name) if name in _OPPOSITES:
            other = ast.Attribute(of, _OPPOSITES[name], ast.Load())
            yield "opposite function", ast.Call(other, node.args, node.keywords)
    if not (isinstance(called, ast.Name) and called.id[0].isupper()):
        for at in range(len(node.keywords)):
            yield (
                "keyword left out",
                ast.Call(called, node.args, node.keywords[:at] + node.keywords[at + 1 :]),
            )


def _operator_kind(op: ast.operator) -> str:
    return "and, or of sets" if isinstance(op, ast.BitOr | ast.BitAnd) else "arithmetic"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
