"""How many requests a cycle makes, counted by the EHR: first, when Tasks are written, and when all is quiet."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bench.measure import run
from bench.offline import BenchError, Say
from bench.population import EVERY, is_in_cohort, patient_id, population
from service.bootstrap import SystemClock
from service.sandbox import Store, create_app, serve

COHORT_SHARE = 5  # one in five of the people loaded is on a benzodiazepine: more patients to look at per byte
_SETTINGS = """
[log]
level = "error"
[source.bench]
base_url = "{base}"
write = "allowed"
rate_per_second = 1000
page_size = {page_size}
overlap_seconds = 0.5
index_lag_seconds = 0.1
settle_seconds = 1
new_per_owner_per_day = 100000
new_per_source_per_day = 1000000
"""


@dataclass(frozen=True, slots=True)
class CycleRow:
    """One cycle, as the EHR saw it."""

    name: str
    seconds: float
    patients: int  # looked at
    created: int
    updated: int
    requests: int  # all, each batch as one
    reads: int  # searches, further pages, and reads by id
    requests_per_patient: float | None
    by_kind: dict[str, int]


def online(folder: Path, people: int, page_size: int, say: Say) -> list[CycleRow]:
    """Cycles of `reviewdue cycle` against the embedded EHR with this many people."""
    clock = SystemClock()
    store = Store(clock.now)
    say(f"loading {people} people into the embedded EHR")
    store.load(_resources(people, clock))
    with serve(create_app(store)) as base:
        config = folder / "reviewdue.toml"
        config.write_text(
            _SETTINGS.format(base=base, page_size=page_size)
            + f'[database]\nurl = "sqlite:///{folder}/ledger.db"\n[instance]\nsecret_file = "{folder}/secret"\n'
        )
        rows = [_cycle("first, in shadow", config, store, say)]
        run(["service", "release", "on", "--config", str(config)], folder / "release.out")
        rows.append(_cycle("released", config, store, say))
        rows += [_cycle(name, config, store, say) for name in ("after it", "steady", "steady again")]
        _touch_an_order(store)
        return [*rows, _cycle("one order changed", config, store, say)]


def _resources(people: int, clock: SystemClock) -> Iterator[dict[str, Any]]:
    chosen = [n for n in range(people * EVERY) if is_in_cohort(n)][: people // COHORT_SHARE]
    others = [n for n in range(people * EVERY) if not is_in_cohort(n)][: people - len(chosen)]
    for _, line in population(sorted(chosen + others), base_day=clock.now().date()):
        yield orjson.loads(line)


def _touch_an_order(store: Store) -> None:
    """Let the EHR say that one order of the first person of the cohort changed."""
    person = f"Patient/{patient_id(EVERY // 2)}"
    order = next(o for o in store.all("MedicationRequest") if o["subject"]["reference"] == person)
    order["meta"].pop("lastUpdated", None)
    store.put(order | {"note": [{"text": "seen"}]})


def _cycle(name: str, config: Path, store: Store, say: Say) -> CycleRow:
    say(f"cycle: {name}")
    with _counted(store) as seen:
        ran = run(["service", "cycle", "--json", "--config", str(config)], config.parent / "cycle.out")
    if ran.code not in (0, 1):
        raise BenchError(f"the cycle ended with exit code {ran.code}")
    report = json.loads(ran.output)
    asked = Counter({kind: n for kind, n in seen.items() if not kind.startswith("batch: ")})
    reads = sum(n for kind, n in asked.items() if kind.startswith("GET ") or kind.endswith("/_search"))
    looked_at = report["patients"]
    return CycleRow(
        name=name,
        seconds=ran.seconds,
        patients=looked_at,
        created=report["created"],
        updated=report["updated"],
        requests=asked.total(),
        reads=reads,
        requests_per_patient=asked.total() / looked_at if looked_at else None,
        by_kind=dict(sorted(seen.items())),
    )


@contextmanager
def _counted(store: Store) -> Iterator[Counter[str]]:
    """The requests that came in meanwhile; complete when the context has ended."""
    before = Counter(store.requests)
    seen: Counter[str] = Counter()
    yield seen
    seen.update(Counter(store.requests) - before)
