"""Kinds of EHR: how each takes a create, how late its index is, whether it knows `_lastUpdated`."""

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from service.sandbox import Store
from service.sandbox.message import Answer, Request
from service.sandbox.outcome import operation_outcome
from service.sandbox.store import Version
from tests.ehr.faults import FaultPlan
from tests.ehr.hostile import Habits, HostileInteractions
from tests.ehr.running import Ehr
from tests.simulation.clock import VirtualClock


@dataclass(frozen=True, slots=True)
class ServerKind:
    """What an EHR is like on good days too; lags in seconds."""

    name: str
    profile: str = "generic"  # hapi: the client chooses ids
    index_lag: float = 0.0  # of Tasks
    condition_lags: bool = False  # If-None-Exist asks the index
    ignores_condition: bool = False
    latest_row: float = 0.0  # other rows are found up to that much after their lastUpdated
    knows_last_updated: bool = True
    page_size: int = 50


KINDS = {
    kind.name: kind
    for kind in (
        ServerKind("own-ids", profile="hapi", index_lag=3),
        ServerKind("conditional", index_lag=5, latest_row=300),
        ServerKind("lagging", index_lag=100, condition_lags=True, latest_row=540),
        ServerKind("ignoring", index_lag=20, ignores_condition=True, page_size=20),
        ServerKind("no-last-updated", index_lag=2, knows_last_updated=False, page_size=20),
        ServerKind("very-late", profile="hapi", index_lag=10, latest_row=3_000),
    )
}


class SimulatedEhr(HostileInteractions):
    """A hostile EHR of one kind."""

    def __init__(self, store: Store, kind: ServerKind) -> None:
        habits = Habits(index_lag_seconds=kind.index_lag, condition_lags=kind.condition_lags)
        super().__init__(store, FaultPlan(), habits, page_size=kind.page_size, most_per_page=kind.page_size)
        self.kind = kind

    def handle(self, request: Request) -> Answer:
        if not self.kind.knows_last_updated and _asks_last_updated(request):
            return Answer(400, operation_outcome(400, "unknown search parameter _lastUpdated"))
        return super().handle(request)

    def _is_indexed(self, version: Version, lag: float) -> bool:
        if version.type != "Task":
            lag = self.kind.latest_row * _share(version)
        return super()._is_indexed(version, lag)


def simulated_ehr(clock: VirtualClock, kind: ServerKind) -> Ehr:
    """An EHR that is not served: `interactions.handle` answers."""
    store = Store(clock)
    return Ehr(store, clock, SimulatedEhr(store, kind), app=_not_served)


def always(ehr: Ehr, kind: ServerKind) -> None:
    """The rules that hold on good days too."""
    if kind.ignores_condition:
        ehr.faults.add("ignored-if-none-exist")
    if not kind.knows_last_updated:
        ehr.faults.add("no-last-updated")


def _share(version: Version) -> float:
    """0 to 1, the same for the same version."""
    name = f"{version.type}/{version.id}/{version.number}".encode()
    return int.from_bytes(hashlib.sha256(name).digest()[:2], "big") / 65_535


def _asks_last_updated(request: Request) -> bool:
    pairs = parse_qsl(request.query)
    if request.segments[-1:] == ["_search"]:
        pairs += parse_qsl(request.body.decode())
    return any(
        name == "_lastUpdated" or (name == "_sort" and "_lastUpdated" in value) for name, value in pairs
    )


def _not_served(_environ: Any, _start: Any) -> Any:
    raise AssertionError("this EHR has no wire")
