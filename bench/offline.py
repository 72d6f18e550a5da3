"""`reviewdue assess` beside a bare pass and a plain parse of the same bytes, in one run."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Run, run
from bench.population import BASE_DAY, EVERY, Written, write_population

JOBS = 2  # side by side, beside one
ASSESS = {"assess": 1, f"assess --jobs {JOBS}": JOBS}  # pass → processes
BARE = {1: "bare", JOBS: f"bare, {JOBS} processes"}
PASSES = (*ASSESS, *BARE.values(), "orjson")
Say = Callable[[str], None]
_LEAST_OF_START = 1.1  # the whole must be longer than the start by that factor


@dataclass(frozen=True, slots=True)
class Row:
    """One pass over one population.

    Rates and ratios leave the start of the process out, `seconds` is the whole.  They are None where the
    start is most of the whole: the difference of two numbers that are nearly the same says nothing.
    """

    patients: int
    megabytes: float
    name: str
    seconds: float
    cpu_seconds: float  # of all its processes; much less than `seconds`: it had to wait
    start_seconds: float
    patients_per_second: float | None
    megabytes_per_second: float | None
    of_bare: float | None  # its rate ÷ that of the bare pass with as many processes
    of_orjson: float | None
    peak_mib: float | None
    findings: int | None = None  # people with one, of `assess`


class BenchError(Exception):
    """A command that should have worked did not."""


def offline(folder: Path, sizes: Sequence[int], rounds: int, say: Say) -> list[Row]:
    """Rows for each size; the populations are written below `folder` and removed again."""
    tiny = folder / "tiny"
    write_population(tiny, EVERY)
    starts: dict[str, list[Run]] = {name: [_pass(name, tiny)] for name in PASSES}
    measured: list[tuple[Written, dict[str, list[Run]]]] = []
    for size in sizes:
        place = folder / str(size)
        say(f"writing {size} people")
        written = write_population(place, size)
        runs: dict[str, list[Run]] = {name: [] for name in PASSES}
        for n in range(rounds):  # in turns, so that a slow minute of the machine slows all of them
            for name in PASSES:
                say(f"{name}, {size} people, round {n + 1} of {rounds}")
                starts[name].append(_pass(name, tiny))
                runs[name].append(_pass(name, place))
        shutil.rmtree(place)
        measured.append((written, runs))
    start = {name: _best(name, starts[name]) for name in PASSES}
    return [
        row
        for written, runs in measured
        for row in _rows(written, start, {name: _best(name, runs[name]) for name in PASSES})
    ]


def _pass(name: str, place: Path) -> Run:
    jobs = str(_processes(name))
    if name in ASSESS:
        day = BASE_DAY.isoformat()
        command = ["service", "assess", str(place), "--as-of", day, "--format", "ndjson", "--jobs", jobs]
    else:
        command = ["bench.passes", name.partition(",")[0], str(place), jobs]
    return run(command, place.parent / f"{name}.out")


def _processes(name: str) -> int:
    return next((count for count, bare in BARE.items() if bare == name), ASSESS.get(name, 1))


def _best(name: str, runs: Sequence[Run]) -> Run:
    """The fastest: what the others lost, they lost to something else on the machine."""
    failed = [each.code for each in runs if each.code != 0]
    if failed:
        raise BenchError(f"{name} ended with exit code {failed[0]}")
    return min(runs, key=lambda each: each.seconds)


def _rows(written: Written, starts: dict[str, Run], best: dict[str, Run]) -> list[Row]:
    work = {name: _work(best[name], starts[name]) for name in PASSES}
    return [
        Row(
            patients=written.patients,
            megabytes=written.bytes / 1e6,
            name=name,
            seconds=best[name].seconds,
            cpu_seconds=best[name].cpu_seconds,
            start_seconds=starts[name].seconds,
            patients_per_second=_over(written.patients, work[name]),
            megabytes_per_second=_over(written.bytes / 1e6, work[name]),
            of_bare=_over(work[BARE[_processes(name)]], work[name]),
            of_orjson=_over(work["orjson"], work[name]),
            peak_mib=best[name].peak_mib,
            findings=best[name].output.count(b"\n") if name in ASSESS else None,
        )
        for name in PASSES
    ]


def _work(whole: Run, start: Run) -> float | None:
    """Seconds without the start."""
    return whole.seconds - start.seconds if whole.seconds > _LEAST_OF_START * start.seconds else None


def _over(amount: float | None, seconds: float | None) -> float | None:
    return None if amount is None or seconds is None else amount / seconds
