"""Which tests run which statements?  A test that never runs a statement cannot notice that it changed."""

import ast
import importlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.mutation.functions import give_code
from tests.mutation.mutants import Mutant, functions_of_tree

_NOTE = "__reached__"


class Reach:
    """For each test the seconds of the processor that it took and the statements of the watched files that it ran."""

    def __init__(self) -> None:
        self._now: set[tuple[str, int]] = set()
        self._found: dict[str, set[tuple[str, int]]] = {}
        self.took: dict[str, float] = {}

    @classmethod
    def of(cls, paths: Iterable[str]) -> "Reach":
        """From now on every statement of every function of these files is noted when it runs."""
        reach = cls()
        for path in sorted(paths):
            tree = _noting(path)
            module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
            setattr(module, _NOTE, lambda line, path=path: reach._now.add((path, line)))
            for name, _ in functions_of_tree(tree):
                give_code(module, name, compile(tree, path, "exec"))
        return reach

    @contextmanager
    def watching(self, test: str) -> Iterator[None]:
        """What runs inside the block is this test's."""
        self._now.clear()
        began = time.process_time()
        yield
        self.took[test] = time.process_time() - began
        self._found[test] = set(self._now)

    def reaches(self, test: str, mutant: Mutant) -> bool:
        return (mutant.path, mutant.line) in self._found[test]

    def seconds(self) -> float:
        return sum(self.took.values())


def _noting(path: str) -> ast.Module:
    """The file with a note before each statement of its functions; lines stay where they were."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    for _, function in functions_of_tree(tree):
        _note(function)
    return ast.fix_missing_locations(tree)


def _note(node: ast.AST) -> None:
    for child in ast.iter_child_nodes(node):
        _note(child)
    for field in ("body", "orelse", "finalbody"):
        statements = getattr(node, field, None)
        if isinstance(statements, list):
            setattr(node, field, [each for one in statements for each in (_note_of(one), one)])


def _note_of(statement: ast.stmt) -> ast.stmt:
    call = ast.Call(ast.Name(_NOTE, ast.Load()), [ast.Constant(statement.lineno)], [])
    return ast.copy_location(ast.Expr(call), statement)
