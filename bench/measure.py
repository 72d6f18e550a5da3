"""Run a command; say how long it took and how much memory it held at most."""

import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY_SECONDS = 0.05
_PROC = Path("/proc")
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command.  `peak_mib` is None where the system has no /proc."""

    seconds: float
    cpu_seconds: float
    peak_mib: float | None
    code: int
    output: bytes


def run(arguments: Sequence[str], output: Path) -> Run:
    """Run `python -m <arguments>` from the checkout; its standard output goes through the file `output`.

    Peak memory: of one process its largest resident set, as the kernel kept it; of several the largest sum
    of their proportional shares (PSS) seen every 50 ms, the parent included.
    """
    with output.open("wb") as file:
        used, started = _cpu_seconds(), time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file
        )
        watcher = _Watcher(process.pid)
        watcher.start()
        try:
            code = process.wait()
        finally:
            seconds = time.perf_counter() - started
            watcher.ended.set()
            watcher.join()
    return Run(seconds, _cpu_seconds() - used, watcher.peak_mib, code, output.read_bytes())


def _cpu_seconds() -> float:
    """Of all processes started from here that have ended, those that they started included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Watcher(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.ended = pid, threading.Event()
        self._resident = self._shares = 0
        self._had_children = False

    @property
    def peak_mib(self) -> float | None:
        peak = self._shares if self._had_children else self._resident
        return peak / 1024 if peak else None

    def run(self) -> None:
        while not self.ended.wait(_EVERY_SECONDS):
            self._resident = max(self._resident, _kib(self.pid, "status", "VmHWM:"))
            family = list(_family(self.pid))
            self._had_children |= len(family) > 1
            self._shares = max(self._shares, sum(_kib(pid, "smaps_rollup", "Pss:") for pid in family))


def _family(pid: int) -> Iterator[int]:
    """The process and all below it."""
    yield pid
    try:
        children = (_PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _kib(pid: int, file: str, name: str) -> int:
    """The number on the line `name` of a file of /proc; 0 when the process is gone."""
    try:
        lines = (_PROC / str(pid) / file).read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
