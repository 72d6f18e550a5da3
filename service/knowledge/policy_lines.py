"""On which line of a policy file does a key stand?  For messages only: tomllib does not say."""

import re
import tomllib
from collections.abc import Iterator

_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_KEY = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)


def line_of(text: str, name: str) -> int | None:
    """The line, from 1, of a dotted key, else of the nearest table above it; None where neither is written.

    `R02.interval` is found as `interval` below `[R02]`, as `R02.interval` or `"R02.interval"`, and as `[R02.interval]`;
    where it stands twice, the last one.
    """
    written = {key: line for line, key in _keys(text)}
    parts = name.split(".")
    above = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((written[key] for key in above if key in written), None)


def _keys(text: str) -> Iterator[tuple[int, str]]:
    table = ""
    for line, content in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(content):
            table = _dotted(header[1])
            yield line, table
        elif key := _KEY.match(content):
            inner = _dotted(key[1])
            yield line, f"{table}.{inner}" if table else inner


def _dotted(key: str) -> str:
    """A key as TOML writes it, quotes dropped."""
    try:
        tree: object = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return key
    parts: list[str] = []
    while isinstance(tree, dict):
        ((part, tree),) = tree.items()
        parts.append(part)
    return ".".join(parts)
