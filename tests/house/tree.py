"""The repository as files: what the house rules are checked on."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_NOT_OURS = {
    ".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis",
    ".import_linter_cache", "node_modules", "target", "build", "dist",
}  # fmt: skip
_LARGEST_TEXT_BYTES = 4_000_000


@cache
def texts() -> dict[str, str]:
    """Every text file of the repository by its path from the root; what git ignores is left out."""
    found = {}
    for path in _files(ROOT):
        content = path.read_bytes() if path.stat().st_size <= _LARGEST_TEXT_BYTES else b"\0"
        if b"\0" not in content:
            found[path.relative_to(ROOT).as_posix()] = content.decode("utf-8", errors="replace")
    return found


def modules(*folders: str) -> dict[str, ast.Module]:
    """The parsed Python files below `folders`, by path."""
    return {
        path: ast.parse(text, filename=path)
        for path, text in texts().items()
        if path.endswith(".py") and path.startswith(tuple(f"{folder}/" for folder in folders))
    }


def imported(module: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything that an absolute import brings in, wherever it stands."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in _NOT_OURS or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path
