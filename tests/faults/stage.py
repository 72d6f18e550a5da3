"""Where the long faults happen: the hostile EHR as a process, our commands as processes, and a count at the end."""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from service.bootstrap import SystemClock
from tests.cycle.world import a_patient, an_order
from tests.ehr.running import ROOT, EhrProcess, ehr_process

SLOW = 0.25  # seconds that the EHR takes for each write of a Task
LEASE = 2.0
LIVE = ("requested", "received", "accepted", "ready", "in-progress", "on-hold")
AMBIGUOUS = ("lost-reply", "lost-reply-reset", "error-after-commit", "gateway-timeout-after-commit")
_MOST_WAITS = 1200  # of 0.05 s
_MOST_CYCLES = 25  # to come to rest after the last fault
_SECONDS_TO_END = 60
_SETTINGS = """
[instance]
secret_file = "{folder}/secret"
[database]
url = "{database}"
[log]
level = "info"
[source.main]
base_url = "{base}"
write = "allowed"
rate_per_second = 1000
overlap_seconds = 2
poll_seconds = 0.5
lease_seconds = {lease}
deadline_seconds = 1
settle_seconds = 0.2
index_lag_seconds = 0.1
retry_base_seconds = 0.2
breaker_probe_seconds = 0.5
new_per_owner_per_day = 100000
new_per_source_per_day = 100000
"""


@dataclass
class Tally:
    """What the faults hit, and what was true at the end."""

    faults: int = 0
    seconds: float = 0.0
    hit: Counter[str] = field(default_factory=Counter)  # what each fault interrupted
    people: int = 0
    lost: int = 0  # due, without a live Task
    duplicated: int = 0  # live Tasks beyond one per person, and keys created more than once
    ambiguous: int = 0  # replies that got lost behind a write that was done
    cycles_to_rest: int = 0
    tracebacks: list[str] = field(default_factory=list)  # lines of the workers' logs

    def told(self, what: str) -> str:
        rows = [f"{name:<42} {count:>4} {'#' * min(count, 60)}\n" for name, count in sorted(self.hit.items())]
        return (
            f"\n{self.faults} {what} in {self.seconds:.0f} s ({self.faults / self.seconds:.2f} a second), "
            f"{self.people} people, {self.ambiguous} ambiguous replies:\n{''.join(rows)}"
            f"lost {self.lost}, duplicated {self.duplicated}, {self.cycles_to_rest} cycles to rest\n"
        )


class Stage:
    """One EHR, one ledger, and as many of our processes as are asked for."""

    def __init__(self, folder: Path, database: str, ehr: EhrProcess, seed: int) -> None:
        self.folder = folder
        self.database = database
        self.ehr = ehr
        self.chance = random.Random(seed)
        self.clock = SystemClock()
        self.tally = Tally()
        self._today = self.clock.now().date()
        self._config = folder / "reviewdue.toml"
        self._began = self.clock.monotonic()

    def wait(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def until(self, what: Callable[[], bool], otherwise: str) -> None:
        """Wait until it is so; raises AssertionError when it takes too long."""
        for _ in range(_MOST_WAITS):
            if what():
                return
            self.wait(0.05)
        raise AssertionError(otherwise)

    def until_written(self, before: int) -> None:
        """Wait until more writes than those `before` have reached the EHR."""
        self.until(lambda: self.attempts() > before, "no write was under way")

    def all_delivered(self) -> None:
        """The workers themselves bring each person's Task; `rest` only settles what is left to settle."""

        def are_all_there() -> bool:
            return len({task["for"]["reference"] for task in self.ehr.all("Task")}) == self.tally.people

        self.until(are_all_there, "the workers did not deliver everything")

    def add_people(self, count: int) -> None:
        """People whose first review is due; the EHR knows them at once."""
        names = [f"k{self.tally.people + n}" for n in range(count)]
        ordered = (self._today - timedelta(days=100)).isoformat()
        orders = [an_order(name, authoredOn=ordered) for name in names]
        self.ehr.load([*(a_patient(name) for name in names), *orders])
        self.tally.people += count

    def attempts(self) -> int:
        """Writes of Tasks that reached the EHR."""
        return sum(self.ehr.control("counts?type=Task")["attempts"].values())

    def ambiguous(self) -> int:
        """Replies that got lost behind a write that was done."""
        struck = self.ehr.control("counts?type=Task")["struck"]
        return sum(struck.get(fault, 0) for fault in AMBIGUOUS)

    def start(self, *words: str, log: str) -> "subprocess.Popen[bytes]":
        with (self.folder / log).open("ab") as errors:
            return subprocess.Popen(**self._process(*words), stdout=subprocess.DEVNULL, stderr=errors)

    def run(self, *words: str) -> str:
        """A command to its end; gives what it printed."""
        done = subprocess.run(
            **self._process(*words), capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    @contextmanager
    def workers(self, count: int) -> Iterator[list["subprocess.Popen[bytes]"]]:
        """Several `reviewdue worker`, ended at the end; none may have ended before."""
        with ExitStack() as stack:
            started = []
            for n in range(count):
                started.append(self.start("worker", log=f"worker-{n}.log"))
                stack.callback(_end, started[-1])
            yield started
            assert [each.poll() for each in started] == [None] * count, "a worker ended by itself"

    def rest(self) -> None:
        """Cycles until nothing is written and nothing is unknown; each may wait out the last lease.

        The rate is that of the faults, so the clock stops here.
        """
        self.tally.seconds = self.clock.monotonic() - self._began
        for n in range(1, _MOST_CYCLES + 1):
            report = json.loads(self.run("cycle", "--json"))
            self.tally.cycles_to_rest = n
            if not (report["created"] or report["updated"] or report["closed"] or report["unknown"]):
                return
            self.wait(0.5)

    def judge(self) -> Tally:
        """Count what is in the EHR, and what the workers said."""
        tasks: list[dict[str, Any]] = self.ehr.all("Task")
        live = Counter(task["for"]["reference"] for task in tasks if task["status"] in LIVE)
        self.tally.lost = self.tally.people - len(live)
        self.tally.duplicated = sum(count - 1 for count in live.values())
        self.tally.duplicated += sum(count - 1 for count in self.ehr.creations().values())
        self.tally.ambiguous = self.ambiguous()
        for log in sorted(self.folder.glob("worker-*.log")):
            said = log.read_text(errors="replace").splitlines()
            self.tally.tracebacks += [line for line in said if "Traceback" in line or '"raised"' in line]
        return self.tally

    def _process(self, *words: str) -> dict[str, Any]:
        """The command and its environment, for `subprocess`."""
        environment = {**os.environ, "REVIEWDUE_CONFIG": str(self._config)}
        return {"args": [sys.executable, "-m", "service", *words], "env": environment, "cwd": ROOT}


def _end(worker: "subprocess.Popen[bytes]") -> None:
    if worker.poll() is None:
        worker.send_signal(signal.SIGCONT)
        worker.terminate()
    try:
        worker.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


@contextmanager
def stage(
    folder: Path, database: str, seed: int, *, lost: float = 0.3, slow: float = SLOW, lease: float = LEASE
) -> Iterator[Stage]:
    """A released source at an EHR that loses that share of its replies to our writes, and takes its time."""
    clock = SystemClock()
    with ehr_process(seed=seed, index_lag=0.1, now=clock.now(), log=folder / "ehr.log") as ehr:
        text = _SETTINGS.format(folder=folder, database=database, base=ehr.base, lease=lease)
        (folder / "reviewdue.toml").write_text(text, encoding="utf-8")
        rules = [
            {"fault": "lost-reply", "rate": lost, "on": "write Task"},
            {"fault": "slow", "value": slow, "on": "write Task"},
        ]
        ehr.control("faults", {"clear": True, "seed": seed, "rules": rules})
        made = Stage(folder, database, ehr, seed)
        made.run("release", "on")
        yield made
