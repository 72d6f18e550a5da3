"""Which tests prove which row: read from their marks, without running anything."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARK = "pytest.mark.failure"
LONG = "pytest.mark.faults"


@dataclass(frozen=True, slots=True)
class Proof:
    """A test that names a row; `path` from the root, `long` where it runs in full in the long runs only."""

    path: str
    test: str
    long: bool

    @property
    def sentence(self) -> str:
        return self.test.removeprefix("test_").replace("_", " ")


def proofs() -> dict[str, list[Proof]]:
    """Tests by the row they name, in the order of files and lines."""
    found: dict[str, list[Proof]] = defaultdict(list)
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        text = file.read_text(encoding="utf-8")
        if MARK in text:
            for row, proof in _named_in(text, file.relative_to(ROOT).as_posix()):
                found[row].append(proof)
    return found


def _named_in(text: str, path: str) -> Iterator[tuple[str, Proof]]:
    tree = ast.parse(text)
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef) or not function.name.startswith("test_"):
            continue
        marks = [ast.unparse(mark) for mark in (*function.decorator_list, *_marks_of_all(tree))]
        proof = Proof(path, function.name, long=any(mark.startswith(LONG) for mark in marks))
        for mark in function.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == MARK:
                yield from ((ast.literal_eval(row), proof) for row in mark.args)


def _marks_of_all(tree: ast.Module) -> Iterator[ast.expr]:
    """What `pytestmark` of the file says."""
    for line in tree.body:
        if isinstance(line, ast.Assign) and [ast.unparse(each) for each in line.targets] == ["pytestmark"]:
            yield line.value
