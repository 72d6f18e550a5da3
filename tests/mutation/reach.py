"""Which tests run which lines?  A test that never runs a line cannot notice that it changed."""

import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from tests.mutation.mutants import Mutant


class Reach:
    """For each test the seconds it took and the lines of the watched files that it ran."""

    def __init__(self, paths: dict[str, str]) -> None:
        self._paths = paths  # absolute file name → path
        self._lines: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        self.took: dict[str, float] = {}

    @classmethod
    def of(cls, paths: Iterable[str]) -> "Reach":
        return cls({str(Path(path).resolve()): path for path in paths})

    @contextmanager
    def watching(self, test: str) -> Iterator[None]:
        """Note what runs inside the block, as this test's."""
        found, began = self._lines[test], time.monotonic()

        def on_call(frame: FrameType, _event: str, _arg: Any) -> Any:
            path = self._paths.get(frame.f_code.co_filename)
            if path is None:
                return None
            add = found[path].add

            def on_line(frame: FrameType, _event: str, _arg: Any) -> Any:
                add(frame.f_lineno)
                return on_line

            add(frame.f_lineno)
            return on_line

        before = sys.gettrace()
        sys.settrace(on_call)
        try:
            yield
        finally:
            sys.settrace(before)
            self.took[test] = time.monotonic() - began

    def reaches(self, test: str, mutant: Mutant) -> bool:
        return not self._lines[test][mutant.path].isdisjoint(range(mutant.first_line, mutant.last_line + 1))

    def seconds(self) -> float:
        return sum(self.took.values())
