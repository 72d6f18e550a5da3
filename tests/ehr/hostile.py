"""The sandbox's interactions with faults around them, and with the habits of servers that are less than honest."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from service.sandbox import Interactions, Store
from service.sandbox.message import Answer, Request
from service.sandbox.outcome import Resource
from service.sandbox.parameters import identifiers_of
from service.sandbox.store import Snapshot, Version, copy_of
from tests.ehr.bundles import ENDLESS, SPOILS, endless_page, link, without_last_updated
from tests.ehr.faults import LISTS, FaultPlan, Occasion, Rule, occasion_of
from tests.ehr.replies import AFTER_COMMIT, INSTEAD, WIRE

_MOST_PAGES = 1_000
_ON_THE_WIRE = {"cut-reply": "cut", "drip": "drip"}
_CONDITION_OF = {"ignored-if-none-exist": "if-none-exist", "ignored-if-match": "if-match"}


@dataclass
class Habits:
    """What the server always does, by the EHR's clock.

    A written resource is found by searches after `index_lag_seconds`, until then its version before; reads tell the
    truth.  If-None-Exist does too unless `condition_lags`.  Equal searches get the old answer for
    `search_cache_seconds` unless they say `Cache-Control: no-cache`, as in HAPI.  `stale_status` answers a stale
    If-Match: 409 in HAPI and Oracle.
    """

    index_lag_seconds: float = 0.0
    condition_lags: bool = False
    search_cache_seconds: float = 0.0
    stale_status: int = 412


@dataclass(frozen=True)
class Exchange:
    """One request and how it went.  `identifiers` are those of a written resource's body, as `system|value`."""

    method: str
    path: str
    query: str
    status: int  # of the true answer if the server was reached, else of the fault's
    faults: tuple[str, ...]
    identifiers: tuple[str, ...]
    in_batch: bool


class HostileInteractions(Interactions):
    """Answers as the sandbox does, except where a rule of `plan` strikes."""

    def __init__(self, store: Store, plan: FaultPlan, habits: Habits, **options: Any) -> None:
        super().__init__(store, view=self._indexed, condition_view=self._indexed_for_condition, **options)
        self.plan = plan
        self.habits = habits
        self.exchanges: deque[Exchange] = deque(maxlen=100_000)
        self.stopping = threading.Event()
        self._loaded: set[tuple[str, str, int]] = set()
        self._page_types: dict[str, str] = {}
        self._endless_rows: list[Any] = []
        self._cache: dict[tuple[str, str, bytes], tuple[datetime, Answer]] = {}

    def load(self, resources: Iterable[Resource]) -> int:
        """Store a starting population that searches find at once."""
        with self.store.lock:
            versions = self.store.load(resources)
            self._loaded |= {(version.type, version.id, version.number) for version in versions}
        return len(versions)

    def vanish(self, type_: str = "Task", *, ids: Iterable[str] | None = None) -> int:
        """Let resources never have been there (reads give 404), as after a restore; gives how many."""
        with self.store.lock:
            snapshot = self.store.snapshot()
            chosen = None if ids is None else set(ids)
            kept = {
                (type_of, id_): history
                for (type_of, id_), history in snapshot.histories.items()
                if type_of != type_ or (chosen is not None and id_ not in chosen)
            }
            self.store.restore(Snapshot(kept, snapshot.next_number))
        return len(snapshot.histories) - len(kept)

    def handle(self, request: Request) -> Answer:
        occasion = occasion_of(request, self._page_types)
        struck: list[str] = []
        rules = [rule for rule in self.plan.rules() if rule.fits(occasion)]
        if not request.in_batch:
            self._be_slow(rules, struck)
        request = self._rewritten(request, rules, struck)
        answer = self._instead(occasion, rules, struck)
        true_status = answer.status if answer else 0
        if answer is None:
            true = self._reached(request, occasion)
            true_status = true.status
            self._remember_page(true, occasion)
            answer = self._spoiled(true, request, occasion, rules, struck)
        self._note(request, true_status, struck)
        return answer

    # Reaching the server

    def _reached(self, request: Request, occasion: Occasion) -> Answer:
        endless = dict(parse_qsl(request.query)).get(ENDLESS) if occasion.interaction == "page" else None
        if endless is not None:
            return Answer(200, endless_page(int(endless), request.base, self._endless_rows))
        if self.habits.search_cache_seconds and occasion.interaction == "search":
            return self._from_cache(request)
        answer = super().handle(request)
        if answer.status == 412 and "if-match" in request.headers:
            return replace(answer, status=self.habits.stale_status)
        return answer

    def _from_cache(self, request: Request) -> Answer:
        if "no-cache" in request.headers.get("cache-control", ""):
            return super().handle(request)
        key = (request.path, request.query, request.body)
        now = self.store.now()
        if key in self._cache and self._cache[key][0] > now:
            answer = self._cache[key][1]
            return replace(answer, headers=answer.headers | {"X-Cache": "HIT"})
        answer = super().handle(request)
        self._cache[key] = (now + timedelta(seconds=self.habits.search_cache_seconds), answer)
        return answer

    def _indexed(self, version: Version) -> Version | None:
        """Give the newest version that the index has by now."""
        lag = self.habits.index_lag_seconds
        if not lag or self._is_indexed(version, lag):
            return version
        older = reversed(self.store.history(version.type, version.id)[:-1])
        return next((each for each in older if self._is_indexed(each, lag)), None)

    def _is_indexed(self, version: Version, lag: float) -> bool:
        if (version.type, version.id, version.number) in self._loaded:
            return True
        return self.store.now() >= version.updated + timedelta(seconds=lag)

    def _indexed_for_condition(self, version: Version) -> Version | None:
        return self._indexed(version) if self.habits.condition_lags else version

    # Faults, in the order in which they meet a request

    def _be_slow(self, rules: list[Rule], struck: list[str]) -> None:
        for rule in self._striking(rules, {"slow"}, struck):
            self.stopping.wait(float(rule.value or 1))

    def _rewritten(self, request: Request, rules: list[Rule], struck: list[str]) -> Request:
        for rule in self._striking(rules, _CONDITION_OF.keys() & {r.fault for r in rules}, struck):
            kept = {
                name: value for name, value in request.headers.items() if name != _CONDITION_OF[rule.fault]
            }
            request = replace(request, headers=kept)
        for rule in rules:
            if rule.fault == "dropped-filter":
                fewer = _without(request, str(rule.value or "status").split(","))
                if fewer != request and self.plan.strikes(rule):
                    struck.append(rule.fault)
                    request = fewer
        return request

    def _instead(self, occasion: Occasion, rules: list[Rule], struck: list[str]) -> Answer | None:
        for rule in rules:
            if rule.fault in INSTEAD:
                answer = INSTEAD[rule.fault][1](rule.value)
                if (WIRE in answer.headers and occasion.in_batch) or not self.plan.strikes(rule):
                    continue
                struck.append(rule.fault)
                return answer
        return None

    def _spoiled(
        self, answer: Answer, request: Request, occasion: Occasion, rules: list[Rule], struck: list[str]
    ) -> Answer:
        for rule in rules:
            spoiled = self._spoil(rule, answer, request, occasion)
            if spoiled is not None and self.plan.strikes(rule):
                struck.append(rule.fault)
                answer = spoiled
        return answer

    def _spoil(self, rule: Rule, answer: Answer, request: Request, occasion: Occasion) -> Answer | None:
        """Give the answer as this rule would have it, None where there is nothing for it to spoil."""
        if rule.fault in AFTER_COMMIT and answer.status < 300 and WIRE not in answer.headers:
            reply = AFTER_COMMIT[rule.fault](rule.value)
            return None if WIRE in reply.headers and occasion.in_batch else reply
        if rule.fault in _ON_THE_WIRE and answer.body and not occasion.in_batch:
            return replace(answer, headers=answer.headers | {WIRE: _ON_THE_WIRE[rule.fault]})
        if rule.fault == "no-location" and "Location" in answer.headers:
            return replace(answer, headers={})
        if rule.fault == "no-last-updated" and isinstance(answer.body, dict):
            return replace(answer, body=without_last_updated(answer.body))
        if rule.fault in SPOILS and answer.status == 200 and isinstance(answer.body, dict):
            bundle = copy_of(answer.body)
            if bundle.get("type") == "searchset" and SPOILS[rule.fault](bundle, request.base, rule.value):
                if rule.fault == "endless-next":
                    self._endless_rows = bundle.get("entry", []) if rule.value == "rows" else []
                return replace(answer, body=bundle)
        return None

    def _striking(self, rules: list[Rule], faults: set[str], struck: list[str]) -> list[Rule]:
        found = [rule for rule in rules if rule.fault in faults and self.plan.strikes(rule)]
        struck += [rule.fault for rule in found]
        return found

    # What is remembered

    def _remember_page(self, answer: Answer, occasion: Occasion) -> None:
        if occasion.interaction in LISTS and isinstance(answer.body, dict):
            query = dict(parse_qsl((link(answer.body, "next") or "").partition("?")[2]))
            if "_getpages" in query:
                self._page_types[query["_getpages"]] = occasion.type
                while len(self._page_types) > _MOST_PAGES:
                    self._page_types.pop(next(iter(self._page_types)))

    def _note(self, request: Request, status: int, struck: list[str]) -> None:
        names: tuple[str, ...] = ()
        if request.method in ("POST", "PUT") and request.segments and request.segments[-1] != "_search":
            names = _identifiers_in(request)
        self.exchanges.append(
            Exchange(
                request.method, request.path, request.query, status, tuple(struck), names, request.in_batch
            )
        )


def _without(request: Request, names: list[str]) -> Request:
    """Give a search without some of its parameters, as a server that ignores them, also in its self link."""

    def fewer(query: str) -> str:
        pairs = parse_qsl(query, keep_blank_values=True)
        kept = [(name, value) for name, value in pairs if name.partition(":")[0] not in names]
        return query if len(kept) == len(pairs) else urlencode(kept)

    if request.method == "POST":
        request = replace(request, body=fewer(request.body.decode("utf-8", "replace")).encode())
    return replace(request, query=fewer(request.query))


def _identifiers_in(request: Request) -> tuple[str, ...]:
    try:
        resource = request.resource()
    except Exception:  # noqa: BLE001 (a body that is no resource has no identifiers, whatever is wrong with it)
        return ()
    return tuple(f"{system}|{value}" for system, value in identifiers_of(resource))
