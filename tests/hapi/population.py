"""People for a real FHIR server: our synthetic ones, and third-party ones with their dates moved near today."""

import gzip
import json
import os
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from service.demo import population
from service.knowledge import knowledge

Resource = dict[str, Any]

KEPT = frozenset(
    {"Patient", "MedicationRequest", "Condition", "Encounter", "Procedure", "Practitioner", "Organization"}
)
NO_FHIR = frozenset({"malformed", "bad-status", "bad-date"})  # a real server stores none of these
SANDBOX = Path(os.environ.get("SANDBOX_DATA", Path(__file__).parents[3] / "shared" / "sandbox-data"))
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(T.*)?")
_NEWEST_AGO = timedelta(days=10)  # the newest order in scope is moved to that long ago


def everybody(today: date) -> list[Resource]:
    """All of them, by type and id, with no reference to anything that is not among them."""
    refused = {
        row["reference"]
        for one in population.expected()
        for row in one.unreadable
        if row["reason"] in NO_FHIR
    }
    found: dict[str, Resource] = {}
    for resource in (*population.resources(today), *_third_party(today)):
        found.setdefault(f"{resource['resourceType']}/{resource['id']}", resource)
    there = found.keys() - refused
    return [_without_dangling(found[name], there) for name in found if name in there]


def _third_party(today: date) -> Iterator[Resource]:
    """The Synthea Bundles of the sandbox data, where it is there."""
    for file in sorted(SANDBOX.glob("synthea-2020-us/*.json.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as text:
            entries = json.load(text)["entry"]
        names = {
            entry["fullUrl"]: f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
            for entry in entries
        }
        resources = [entry["resource"] for entry in entries if entry["resource"]["resourceType"] in KEPT]
        orders = [one for one in resources if one["resourceType"] == "MedicationRequest" and _in_scope(one)]
        newest = max(date.fromisoformat(one["authoredOn"][:10]) for one in orders)
        by = today - _NEWEST_AGO - newest
        for resource in resources:
            yield _rewritten(resource, names, by)


def _in_scope(order: Resource) -> bool:
    return bool(knowledge().drugs.named_in(json.dumps(order.get("medicationCodeableConcept", {}))))


def _rewritten(tree: Any, names: dict[str, str], by: timedelta) -> Any:
    """References by id, dates moved; birth dates too, so that nobody is younger than their orders."""
    if isinstance(tree, dict):
        return {key: _rewritten(value, names, by) for key, value in tree.items() if key != "text"}
    if isinstance(tree, list):
        return [_rewritten(one, names, by) for one in tree]
    if isinstance(tree, str):
        if tree in names:
            return names[tree]
        dated = _DATE.fullmatch(tree)
        if dated:
            return (date.fromisoformat(dated[1]) + by).isoformat() + (dated[2] or "")
    return tree


def _without_dangling(tree: Any, there: Any) -> Any:
    if isinstance(tree, list):
        kept = [_without_dangling(one, there) for one in tree]
        return [one for one in kept if one != {}]
    if not isinstance(tree, dict):
        return tree
    reference = tree.get("reference")
    if isinstance(reference, str) and reference[0] != "#" and reference not in there:
        tree = {key: value for key, value in tree.items() if key != "reference"}
    cleaned = {key: _without_dangling(value, there) for key, value in tree.items()}
    return {key: value for key, value in cleaned.items() if value not in ({}, [])}
