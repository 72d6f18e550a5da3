"""`reviewdue cycle` against a real HAPI FHIR JPA server that judges each Task as R4."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2

from service.assess import assess
from service.bootstrap import House, SystemClock, new_holder
from service.config import load
from service.cycle import run_cycle
from service.cycle.parts import Parts
from service.knowledge import knowledge, load_policy
from service.sources.files import FilesSource
from tests.hapi import loading
from tests.hapi.population import everybody

TYPES = ("Patient", "Medication", "MedicationRequest", "MedicationDispense", "Condition", "Procedure", "Observation",
         "Encounter", "QuestionnaireResponse", "CarePlan", "Task", "Practitioner", "PractitionerRole")  # fmt: skip
LIVE = {"draft", "requested", "received", "accepted", "ready", "in-progress", "on-hold"}


@contextmanager
def parts_for(base: str, folder: Path) -> Iterator[Parts]:
    settings = {
        "base_url": base,
        "profile": "hapi",
        "write": "allowed",
        "rate_per_second": 1000,
        "new_per_owner_per_day": 10_000,
        "new_per_source_per_day": 10_000,
    }
    overrides: dict[str, Any] = {f"source.main.{key}": value for key, value in settings.items()}
    overrides["database.url"] = f"sqlite:///{folder / 'ledger.db'}"
    overrides["instance.secret_file"] = str(folder / "secret")
    with House(load(environment={}, overrides=overrides).settings) as house:
        [source] = house.source_settings()
        with house.parts(source) as parts:
            yield parts


def everything(base: str) -> Iterator[dict[str, Any]]:
    """What the server has now, page by page, past its search cache."""
    with httpx2.Client(trust_env=False, timeout=60) as http:
        for kind in TYPES:
            url: str | None = f"{base}/{kind}?_count=200"
            while url:
                page = http.get(url, headers={"Cache-Control": "no-cache"}).json()
                yield from (entry["resource"] for entry in page.get("entry", ()))
                url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)


def test_the_tasks_are_what_assess_says_of_the_server_s_data_and_the_second_cycle_writes_nothing(
    hapi, tmp_path
):
    clock = SystemClock()
    today = clock.now().date()
    loading.empty(hapi)
    loading.load(hapi, everybody(today), prefix="s-")
    data = tmp_path / "data"
    data.mkdir()
    lines = "\n".join(json.dumps(resource) for resource in everything(hapi))
    (data / "all.ndjson").write_text(lines, encoding="utf-8")
    answers = [
        assess(record, load_policy("us"), knowledge(), today)
        for record in FilesSource([data], knowledge()).records()
    ]
    due = {one.patient: (one.item.priority.word, set(one.item.reasons)) for one in answers if one.item}
    assert len(due) >= 15

    with parts_for(hapi, tmp_path) as parts:
        with parts.ledger.write(None) as tx:
            tx.save_source_state(replace(tx.source_state("main"), released_at=clock.now()))
        first = run_cycle(parts, new_holder())
        assert first.complete, first.failures
        assert (first.unknown, first.created) == (0, len(due))
        second = run_cycle(parts, new_holder())
        assert (second.created, second.updated, second.closed) == (0, 0, 0)
        full = run_cycle(parts, new_holder(), full=True)
        assert (full.created, full.updated, full.closed) == (0, 0, 0)

    live = [one for one in everything(hapi) if one["resourceType"] == "Task" and one["status"] in LIVE]
    ours = [task for task in live if task["identifier"][0]["system"] == "urn:reviewdue:item"]
    shown = {
        task["for"]["reference"]: (
            task["priority"],
            {row["valueString"] for row in task["input"] if row["type"]["coding"][0]["code"] == "rule"},
        )
        for task in ours
    }
    assert shown == due
    assert len(ours) == len(due)
