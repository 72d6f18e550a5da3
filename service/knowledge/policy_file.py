"""Reading a policy: a preset that comes with the package, or a site's own file."""

import tomllib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeGuard, get_args

from service.knowledge.equivalence import DailyMaximum
from service.knowledge.policy import Policy
from service.knowledge.policy_lines import line_of
from service.knowledge.threshold import (
    THRESHOLD_KEYS,
    Limit,
    Threshold,
    order_problems,
    read_limits,
    read_threshold,
)

PRESETS = ("us", "uk")

_HEADER = ("name", "version", "extends", "daily_maximum")
_DEEPEST = 4  # parts of a threshold's name and one to spare
_MOST_BYTES = 1 << 20


class PolicyError(ValueError):
    """A policy cannot be used.  `problems` are all there are, one line each: `policy FILE:key: what`.

    `lines` are the lines of the file on which they are, one for each; None: on none.
    """

    def __init__(self, problems: Sequence[str], lines: Sequence[int | None] = ()) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
        self.lines = tuple(lines) or (None,) * len(problems)

    @property
    def placed(self) -> list[str]:
        """The problems, each with its line where it is known."""
        pairs = zip(self.problems, self.lines, strict=True)
        return [f"{problem} (line {line})" if line else problem for problem, line in pairs]


def load_policy(policy: str | Path) -> Policy:
    """The policy of a preset's name (`us`, `uk`), else of a TOML file.

    A file states every threshold; or it `extends` a preset and states only what differs.

    Raises PolicyError with everything that is wrong, or saying that the file cannot be read.
    """
    if policy in PRESETS:
        return _preset(str(policy))
    try:
        with Path(policy).open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as problem:
        presets = ", ".join(PRESETS)
        raise PolicyError([f"policy {policy}: cannot be read: {problem}; presets are {presets}"]) from problem
    if len(content) > _MOST_BYTES:
        raise PolicyError([f"policy {policy}: is larger than {_MOST_BYTES} bytes"])
    return read_policy(str(policy), content)


def read_policy(file: str, content: bytes, *, is_preset: bool = False) -> Policy:
    """The policy of a TOML document, which messages call `file`.  Raises PolicyError."""
    try:
        tree = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as problem:
        raise PolicyError([f"policy {file}: is not TOML: {problem}"]) from problem
    document = _Document(file, tree)
    name, version = document.name(is_preset=is_preset), document.version()
    base = document.base()
    daily_maximum = document.daily_maximum(base)
    thresholds = document.thresholds(base)
    if document.problems:
        text = content.decode("utf-8")
        raise PolicyError(document.problems, [line_of(text, key) for key in document.keys])
    kinds = {limit.name: limit.kind for limit in _limits().values()}
    return Policy(name, version, base.name if base else None, daily_maximum, thresholds, kinds)


@cache
def _preset(name: str) -> Policy:
    content = (files(__package__) / "policies" / f"{name}.toml").read_bytes()
    return read_policy(f"{name}.toml", content, is_preset=True)


@cache
def _limits() -> dict[str, Limit]:
    return read_limits("limits.csv", (files(__package__) / "policies" / "limits.csv").read_text("utf-8"))


class _Document:
    """A policy document.  Each part is read whatever is wrong with the others; `problems` collects that."""

    def __init__(self, file: str, tree: Mapping[str, object]) -> None:
        self.problems: list[str] = []
        self.keys: list[str] = []  # of each problem
        self._file = file
        self._tree = tree

    def name(self, *, is_preset: bool) -> str:
        name = self._tree.get("name")
        if not isinstance(name, str) or not name.strip() or "@" in name:
            self._problem("name", "is missing, empty or holds an @")
        elif name in PRESETS and not is_preset:
            self._problem("name", f"{name} is the name of a preset; choose another")
        return str(name)

    def version(self) -> int:
        version = self._tree.get("version")
        if type(version) is int and version >= 1:
            return version
        self._problem("version", "is missing or not a whole number from 1 on")
        return 0

    def base(self) -> Policy | None:
        """The preset that this one extends."""
        if "extends" not in self._tree:
            return None
        extends = self._tree["extends"]
        if extends in PRESETS:
            return _preset(str(extends))
        self._problem("extends", f"is {extends!r}, not one of {', '.join(PRESETS)}")
        return None

    def daily_maximum(self, base: Policy | None) -> DailyMaximum:
        stated = self._tree.get("daily_maximum", base.daily_maximum if base else None)
        allowed: tuple[DailyMaximum, ...] = get_args(DailyMaximum)
        for choice in allowed:
            if stated == choice:
                return choice
        self._problem("daily_maximum", f"is {stated!r}, not one of {', '.join(allowed)}")
        return allowed[0]

    def thresholds(self, base: Policy | None) -> dict[str, Threshold]:
        """Those stated here over those of the base."""
        found = dict(base.thresholds) if base else {}
        stated: set[str] = set()
        for name, cells in _entries(self._tree):
            if name in stated:
                self._problem(name, "stands twice")
            stated.add(name)
            self._read(name, cells, found)
        if "extends" not in self._tree:
            for name in sorted(_limits().keys() - stated):
                self._problem(name, "is missing")
        for name, what in order_problems(found, _limits().values()):
            self._problem(name, what)
        return found

    def _read(self, name: str, cells: object, found: dict[str, Threshold]) -> None:
        limit = _limits().get(name)
        if limit is None:
            self._problem(name, "is not known here")
        elif not isinstance(cells, dict):
            self._problem(name, f"is {cells!r}, not a table of value, unit, source and mark")
        else:
            threshold, problems = read_threshold(limit, cells)
            for what in problems:
                self._problem(name, what)
            if threshold is not None:
                found[name] = threshold

    def _problem(self, key: str, what: str) -> None:
        self.problems.append(f"policy {self._file}:{key}: {what}")
        self.keys.append(key)


def _entries(tree: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """(dotted name, what stands there) of all but the header."""
    waiting = deque((key, value, 1) for key, value in tree.items() if key not in _HEADER)
    while waiting:
        name, value, depth = waiting.popleft()
        if depth < _DEEPEST and _is_group(value):
            waiting += [(f"{name}.{key}", inner, depth + 1) for key, inner in value.items()]
        else:
            yield name, value


def _is_group(value: object) -> TypeGuard[dict[str, object]]:
    """Whether it holds thresholds, and is none itself."""
    return isinstance(value, dict) and bool(value) and not any(key in value for key in THRESHOLD_KEYS)
