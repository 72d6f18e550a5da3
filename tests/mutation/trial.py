"""Does a test notice a mutant?  Each is tried in a fork of a pytest session that has collected all tests once."""

import gc
import importlib
import json
import os
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import _lru_cache_wrapper, partial
from inspect import signature
from pathlib import Path

import pytest

from tests.mutation.functions import give_code
from tests.mutation.mutants import Mutant, mutated
from tests.mutation.reach import Reach

AT_LEAST_SECONDS, TIMES = 20, 5
"""A mutant that takes the processor so many seconds and times the usual counts as noticed: it may never end."""


@dataclass(frozen=True, slots=True)
class Result:
    """`by` is the test that noticed, `time` or `crash`; None: the mutant survived, though `tests` ran its lines."""

    mutant: Mutant
    by: str | None
    seconds: float
    tests: int


class Trials:
    """A pytest plugin: runs all tests once as they are, then each mutant's tests in a fork of its own."""

    def __init__(
        self, mutants: Sequence[Mutant], *, jobs: int, minutes: float, say: Callable[[str], None]
    ) -> None:
        self.results: list[Result] = []
        self._mutants, self._jobs, self._say = mutants, jobs, say
        self._until = time.monotonic() + 60 * minutes
        self._failed: str | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self._failed is None:
            self._failed = report.nodeid

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        reach = Reach.of({m.path for m in self._mutants})
        remembered = _memories()
        for item, following in _with_next(session.items):
            _forget(remembered)
            with reach.watching(item.nodeid):
                session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if self._failed is not None or session.testsfailed:
            raise pytest.UsageError(f"without any change a test fails: {self._failed}")
        self._say(f"{len(session.items)} tests take {reach.seconds():.0f} s, watched, without a change")
        _forget(remembered)
        gc.collect()
        gc.freeze()  # the forks share what is there
        for result in self._tried(session.items, reach):
            self.results.append(result)
            if result.by is None:
                self._say(f"{len(self.results)}: survived {result.tests} tests, {result.mutant}")
        return True

    def _tried(self, items: Sequence[pytest.Item], reach: Reach) -> Iterator[Result]:
        waiting, running = list(reversed(self._mutants)), list[_Trial]()
        noticed = Counter[tuple[str, str]]()  # (path, test) → how many of its mutants
        while waiting or running:
            if time.monotonic() > self._until:
                waiting.clear()
            while waiting and len(running) < self._jobs:
                mutant = waiting.pop()
                own = [item for item in items if reach.reaches(item.nodeid, mutant)]
                own.sort(key=lambda item: (-noticed[mutant.path, item.nodeid], reach.took[item.nodeid]))
                limit = AT_LEAST_SECONDS + round(TIMES * sum(reach.took[item.nodeid] for item in own))
                running.append(_Trial(mutant, len(own), limit, partial(self._notices, mutant, own)))
            for trial in list(running):
                if (result := trial.result()) is not None:
                    running.remove(trial)
                    if result.by is not None:
                        noticed[result.mutant.path, result.by] += 1
                    yield result
            time.sleep(0.005)

    def _notices(self, mutant: Mutant, items: Sequence[pytest.Item]) -> str | None:
        """In the fork: make the change, then run the tests until one fails."""
        change(mutant)
        slow: list[pytest.Item] = []
        for item in items:
            if not isinstance(item, pytest.Function) or item.fixturenames != _named(item):
                slow.append(item)
                continue
            try:
                item.obj(**_parameters(item))
            except BaseException:  # noqa: BLE001 (whatever it is, the test noticed)
                return item.nodeid
        for item, following in _with_next(slow):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed is not None:
                return self._failed
        return None


def _parameters(item: pytest.Function) -> dict[str, object]:
    return dict(item.callspec.params) if hasattr(item, "callspec") else {}


def _named(item: pytest.Function) -> list[str]:
    """The names it asks for when it needs no fixture: then it is called without pytest, which is quicker."""
    return [name for name in item.fixturenames if name in _parameters(item)]


def _memories() -> list[_lru_cache_wrapper]:
    """What the tests remember by what was asked: answers of the code that is changed may be among them."""
    caches = (each for each in gc.get_objects() if isinstance(each, _lru_cache_wrapper))
    return [each for each in caches if each.__module__.startswith("tests.") and signature(each).parameters]


def _forget(remembered: list[_lru_cache_wrapper]) -> None:
    for each in remembered:
        each.cache_clear()


def change(mutant: Mutant) -> None:
    """Give the function that a mutant is in its changed code, in this process alone."""
    tree = mutated(Path(mutant.path).read_text(encoding="utf-8"), mutant.place)
    module = importlib.import_module(mutant.module)
    give_code(module, mutant.function, compile(tree, mutant.path, "exec"))


def _with_next(items: Sequence[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    return zip(items, [*items[1:], None], strict=True)


class _Trial:
    """One fork; it writes its answer to a pipe."""

    def __init__(
        self, mutant: Mutant, tests: int, limit_seconds: int, notices: Callable[[], str | None]
    ) -> None:
        self._mutant, self._tests = mutant, tests
        self._began = time.monotonic()
        self._reads, writes = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                resource.setrlimit(resource.RLIMIT_CPU, (limit_seconds, limit_seconds))
                quiet = os.open(os.devnull, os.O_RDWR)
                for stream in (0, 1, 2):
                    os.dup2(quiet, stream)
                os.write(writes, json.dumps(notices()).encode())
            finally:
                os._exit(0)
        os.close(writes)

    def result(self) -> Result | None:
        """None while it runs."""
        seconds = time.monotonic() - self._began
        ended, status = os.waitpid(self._pid, os.WNOHANG)
        if ended:
            with os.fdopen(self._reads) as answer:
                text = answer.read()
            if not text:  # not even pytest went on
                by = "crash" if os.WEXITSTATUS(status) == 0 and os.WIFEXITED(status) else "time"
                return Result(self._mutant, by, seconds, self._tests)
            return Result(self._mutant, json.loads(text), seconds, self._tests)
        return None
