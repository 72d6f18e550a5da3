"""The hostile EHR, running: in this process with a clock of the test, or as a process of its own."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

import httpx2

from service.sandbox import Store, create_app, serve
from service.sandbox.store import Clock
from tests.ehr.control import add_control
from tests.ehr.faults import FaultPlan, Rule
from tests.ehr.hostile import Habits, HostileInteractions
from tests.ehr.wire import Wire

ROOT = Path(__file__).parents[2]
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 10.0


class SteppedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **parts: float) -> None:
        """Move by a timedelta: `pass_time(days=90)`."""
        self.now += timedelta(**parts)

    def set(self, now: datetime) -> None:
        self.now = now


@dataclass
class Ehr:
    """A hostile EHR in this process.  `base` is its FHIR base URL, "" until it is served."""

    store: Store
    clock: Any
    interactions: HostileInteractions
    app: WSGIApplication
    base: str = ""

    @property
    def faults(self) -> FaultPlan:
        """Rules: `ehr.faults.add("lost-reply", times=2, on="create Task")`."""
        return self.interactions.plan

    @property
    def habits(self) -> Habits:
        return self.interactions.habits

    def load(self, resources: Iterable[Mapping[str, Any]]) -> int:
        """Store a starting population; searches find it at once."""
        return self.interactions.load(dict(resource) for resource in resources)

    def all(self, type_: str) -> list[dict[str, Any]]:
        return self.store.all(type_)

    def edit(self, reference: str, **elements: Any) -> dict[str, Any]:
        """Change a resource as a person at the EHR would: no fault, no precondition; None takes an element away."""
        type_, id_ = reference.split("/")
        stored = self.store.get(type_, id_)
        assert stored is not None, reference
        changed = {name: value for name, value in (stored | elements).items() if value is not None}
        return dict(self.store.put(changed).resource or {})

    def vanish(self, type_: str = "Task", *, ids: Iterable[str] | None = None) -> int:
        """Let resources never have been there (404), as after a restore from a backup."""
        return self.interactions.vanish(type_, ids=ids)

    def creations(self, type_: str = "Task") -> Counter[str]:
        """Give how often a resource with each identifier, `system|value`, was really created or revived."""
        return creations(self.store, type_)


def creations(store: Store, type_: str = "Task") -> Counter[str]:
    with store.lock:
        journal = list(store.journal)
    made = (write for write in journal if write.type == type_ and write.action in ("create", "revive"))
    return Counter(identifier for write in made for identifier in write.identifiers)


def make_ehr(
    clock: Clock, *, seed: int = 0, rules: Iterable[Rule] = (), habits: Habits | None = None, **options: int
) -> Ehr:
    """Give an EHR that is not served yet; `options` are those of Interactions, such as page_size."""
    store = Store(clock)
    plan = FaultPlan(seed)
    for rule in rules:
        plan.put(rule)
    interactions = HostileInteractions(store, plan, habits or Habits(), **options)
    flask = create_app(store, clock, interactions=interactions)
    ehr = Ehr(store, clock, interactions, Wire(flask, interactions.stopping))
    add_control(flask, ehr)
    return ehr


@contextmanager
def running_ehr(
    resources: Iterable[Mapping[str, Any]] = (),
    *,
    clock: Clock | None = None,
    seed: int = 0,
    rules: Iterable[Rule] = (),
    habits: Habits | None = None,
    port: int = 0,
    **options: int,
) -> Iterator[Ehr]:
    """Serve a hostile EHR on loopback while the context lasts.  Without `rules` it is honest.

    `ehr.clock` is a SteppedClock at START unless one is given.
    """
    ehr = make_ehr(clock or SteppedClock(), seed=seed, rules=rules, habits=habits, **options)
    ehr.load(resources)
    with serve(ehr.app, port=port) as base:
        ehr.base = base
        try:
            yield ehr
        finally:
            ehr.interactions.stopping.set()


@dataclass
class EhrProcess:
    """A hostile EHR in a process of its own; its clock runs.  `control` is how a test looks in and interferes."""

    base: str
    process: subprocess.Popen[bytes]
    http: httpx2.Client

    def control(self, path: str, content: Any = None) -> Any:
        """POST JSON to a control endpoint, or GET it where there is no content; gives the JSON answered."""
        url = f"{self.base.removesuffix('/fhir')}/_control/{path}"
        answer = self.http.get(url) if content is None else self.http.post(url, json=content)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def load(self, resources: Iterable[Mapping[str, Any]]) -> int:
        return int(self.control("load", {"resources": list(resources)})["loaded"])

    def all(self, type_: str) -> list[dict[str, Any]]:
        """Give the current resources of a type, without faults."""
        dumped = (each["versions"][-1]["resource"] for each in self.control(f"dump/{type_}")["resources"])
        return [resource for resource in dumped if resource is not None]

    def creations(self, type_: str = "Task") -> Counter[str]:
        return Counter(self.control(f"counts?type={type_}")["creations"])


@contextmanager
def ehr_process(
    *,
    seed: int = 0,
    faults: str = "",
    index_lag: float = 0.0,
    now: datetime = START,
    log: Path | None = None,
    arguments: Iterable[str] = (),
) -> Iterator[EhrProcess]:
    """Run `python -m tests.ehr` while the context lasts; `faults` are rates, as `lost-reply=0.3,reset=0.1`.

    Its clock runs on from `now`.  `arguments` are more of the command's; its errors go to `log` if there is one.
    """
    command = [sys.executable, "-m", "tests.ehr", "--seed", str(seed), "--faults", faults]
    command += ["--index-lag", str(index_lag), "--now", now.isoformat(), *arguments]
    with contextlib.ExitStack() as stack:
        errors = stack.enter_context(log.open("ab")) if log else None
        process = stack.enter_context(
            subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        )
        stack.callback(_stop, process)
        http = stack.enter_context(httpx2.Client(trust_env=False, timeout=30))
        yield EhrProcess(_ready(process), process, http)


def _ready(process: subprocess.Popen[bytes]) -> str:
    """Give the base URL from the line `READY <base>`."""
    assert process.stdout is not None
    said, deadline = b"", time.monotonic() + SECONDS_TO_START
    while (
        not said.endswith(b"\n")
        and select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))[0]
    ):
        part = os.read(process.stdout.fileno(), 4096)
        if not part:
            break
        said += part
    ready, _, base = said.decode().strip().partition(" ")
    assert ready == "READY", f"the EHR did not start: {said!r}"
    return base


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()  # it ends with its standard input
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
