"""SIGKILL on real `reviewdue cycle` processes against the hostile EHR, and what is true afterwards."""

import json
import os
import random
import select
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from service.bootstrap import SystemClock
from service.model.item import Doing
from service.store import open_ledger
from tests.cycle.world import a_patient, an_order
from tests.ehr.running import ROOT, EhrProcess, ehr_process

SLOW = 0.25  # seconds that the EHR takes for each write of a Task
LIVE = ("requested", "received", "accepted", "ready", "in-progress", "on-hold")
_PER_KILL = 6  # people whose first Task a round may deliver before it is killed
_ROUND_SECONDS = 60.0
_MOST_CYCLES = 15  # to come to rest after the last kill
_SETTINGS = """
[instance]
secret_file = "{folder}/secret"
[database]
url = "sqlite:///{folder}/ledger.db"
[log]
level = "warning"
[source.main]
base_url = "{base}"
write = "allowed"
rate_per_second = 1000
overlap_seconds = 2
lease_seconds = 2
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
    """What the kills hit, and what was true at the end."""

    kills: int = 0
    hit: Counter[str] = field(default_factory=Counter)  # what each kill interrupted
    people: int = 0
    lost: int = 0  # due, without a live Task
    duplicated: int = 0  # live Tasks beyond one per person, and keys created more than once
    lost_replies: int = 0
    cycles_to_rest: int = 0

    def histogram(self) -> str:
        """What the kills interrupted, as bars."""
        rows = [f"{name:<42} {count:>4} {'#' * count}" for name, count in self.hit.most_common()]
        return "\n".join(rows)


def kill_cycles(kills: int, seed: int, folder: Path) -> Tally:
    """Kill `reviewdue cycle` that many times, let it come to rest, and count."""
    chance = random.Random(seed)  # noqa: S311 (a seeded choice of moments)
    clock = SystemClock()
    today = clock.now().date()
    tally = Tally()
    with ehr_process(seed=seed, index_lag=0.1, now=clock.now(), log=folder / "ehr.log") as ehr:
        config = folder / "reviewdue.toml"
        config.write_text(_SETTINGS.format(folder=folder, base=ehr.base), encoding="utf-8")
        rules = [
            {"fault": "lost-reply", "rate": 0.3, "on": "write Task"},
            {"fault": "slow", "value": SLOW, "on": "write Task"},
        ]
        ehr.control("faults", {"clear": True, "seed": seed, "rules": rules})
        _reviewdue(config, "release", "on")
        for _ in range(kills):
            tally.people += _add_people(ehr, tally.people, today)
            tally.hit[_kill_one(config, ehr, chance, clock, folder)] += 1
            tally.kills += 1
        tally.cycles_to_rest = _rest(config, clock)
        _judge(ehr, tally)
    return tally


def _add_people(ehr: EhrProcess, known: int, today: date) -> int:
    names = [f"k{known + n}" for n in range(_PER_KILL)]
    ordered = (today - timedelta(days=100)).isoformat()
    orders = [an_order(name, authoredOn=ordered) for name in names]
    ehr.load([*(a_patient(name) for name in names), *orders])
    return len(names)


def _kill_one(config: Path, ehr: EhrProcess, chance: random.Random, clock: SystemClock, folder: Path) -> str:
    """Start a cycle, kill it soon after it began to write a Task; gives what it was at."""
    arrived = _attempts(ehr)
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(**_process(config, "cycle", "--json"), stdout=quiet, stderr=quiet)
    end = clock.monotonic() + _ROUND_SECONDS
    while process.poll() is None and _attempts(ehr) == arrived and clock.monotonic() < end:
        select.select([], [], [], 0.01)
    select.select([], [], [], chance.uniform(0, SLOW * 1.2))
    if process.poll() is not None:
        return "nothing: the cycle had ended"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return _interrupted(folder)


def _interrupted(folder: Path) -> str:
    with open_ledger(f"sqlite:///{folder}/ledger.db") as ledger, ledger.read() as tx:
        doing = {row.attempt.doing for row in tx.projections("main")}
    if Doing.INFLIGHT in doing:
        return "between claim and recorded reply"
    return "with a reply to settle" if Doing.UNKNOWN in doing else "between two writes"


def _attempts(ehr: EhrProcess) -> int:
    return sum(ehr.control("counts?type=Task")["attempts"].values())


def _rest(config: Path, clock: SystemClock) -> int:
    """Cycles until nothing is written and nothing is unknown; each may wait out the last lease."""
    for n in range(1, _MOST_CYCLES + 1):
        report = json.loads(_reviewdue(config, "cycle", "--json"))
        if not (report["created"] or report["updated"] or report["closed"] or report["unknown"]):
            return n
        clock.sleep(0.5)
    return _MOST_CYCLES


def _judge(ehr: EhrProcess, tally: Tally) -> None:
    tasks: list[dict[str, Any]] = ehr.all("Task")
    live = Counter(task["for"]["reference"] for task in tasks if task["status"] in LIVE)
    tally.lost = tally.people - len(live)
    tally.duplicated = sum(count - 1 for count in live.values())
    tally.duplicated += sum(count - 1 for count in ehr.creations().values())
    struck = ehr.control("counts?type=Task")["struck"]
    tally.lost_replies = struck.get("lost-reply", 0)


def _process(config: Path, *arguments: str) -> dict[str, Any]:
    """The command and its environment, for `subprocess`."""
    environment = {**os.environ, "REVIEWDUE_CONFIG": str(config)}
    return {"args": [sys.executable, "-m", "service", *arguments], "env": environment, "cwd": ROOT}


def _reviewdue(config: Path, *arguments: str) -> str:
    done = subprocess.run(
        **_process(config, *arguments), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout
