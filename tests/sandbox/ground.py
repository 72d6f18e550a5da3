"""The sandbox on a real socket, a clock that the test moves, and small builders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from service.sandbox import Interactions, Store, create_app, serve

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


class TestClock:
    """A clock that stands still until it is moved."""

    __test__ = False

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@dataclass
class Sandbox:
    base: str
    store: Store
    clock: TestClock
    http: httpx2.Client
    interactions: Interactions

    def ids(self, query: str, **options: Any) -> list[str]:
        """Give the ids of the matches on the first page of a search that has to succeed."""
        return match_ids(self.search(query, **options))

    def search(self, query: str, **options: Any) -> dict[str, Any]:
        answer = self.http.get(query, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refusal(self, query: str, **options: Any) -> int:
        """Give the status of a GET that has to be refused with an OperationOutcome."""
        return refusal(self.http.get(query, **options))


@contextmanager
def running_sandbox(**options: int) -> Iterator[Sandbox]:
    """Serve an empty sandbox; `options` are those of Interactions (such as page_size)."""
    clock = TestClock()
    store = Store(clock)
    interactions = Interactions(store, **options)
    with (
        serve(create_app(store, clock, interactions=interactions)) as base,
        httpx2.Client(base_url=f"{base}/", trust_env=False) as http,
    ):
        yield Sandbox(base, store, clock, http, interactions)


def match_ids(bundle: dict[str, Any]) -> list[str]:
    return [row["resource"]["id"] for row in bundle.get("entry", []) if row["search"]["mode"] == "match"]


def links(bundle: dict[str, Any]) -> dict[str, str]:
    return {link["relation"]: link["url"] for link in bundle["link"]}


def refusal(answer: httpx2.Response) -> int:
    """Give the status of an answer that has to be an error explained by an OperationOutcome."""
    outcome = answer.json()
    assert answer.headers["Content-Type"].startswith("application/fhir+json")
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["severity"] == "error"
    assert outcome["issue"][0]["diagnostics"]
    assert answer.status_code >= 400
    return answer.status_code


def an_order(id_: str, patient: str = "p1", **elements: Any) -> dict[str, Any]:
    order = {
        "resourceType": "MedicationRequest",
        "id": id_,
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{patient}"},
    }
    return order | elements


def a_task(key: str = "k1", patient: str = "p1", **elements: Any) -> dict[str, Any]:
    task = {
        "resourceType": "Task",
        "identifier": [{"system": "urn:test:item", "value": key}],
        "status": "requested",
        "intent": "proposal",
        "for": {"reference": f"Patient/{patient}"},
    }
    return task | elements
