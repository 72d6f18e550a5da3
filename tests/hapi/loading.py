"""Put resources into a FHIR server quickly, and take everything out again."""

import re
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from typing import Any

import httpx2

Resource = dict[str, Any]

ENTRIES_PER_TRANSACTION = 200
SECONDS = 120.0
RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9.\-]{1,64})")


def load(base: str, resources: Iterable[Resource], *, prefix: str = "") -> list[Resource]:
    """Store resources under their own ids, each after those it refers to, and give them as sent.

    Loading the same again changes nothing, not even a version.  With a `prefix` every id and every
    relative reference is changed (`prefixed`), so equal resources of two tests stay apart.

    Raises ValueError if two resources share type and id, or if the server refuses one (the message is
    its answer); graphlib.CycleError if resources refer to each other in a circle.
    """
    ready = in_order(prefixed(resource, prefix) for resource in resources)
    for start in range(0, len(ready), ENTRIES_PER_TRANSACTION):
        part = ready[start : start + ENTRIES_PER_TRANSACTION]
        entries = [{"resource": one, "request": {"method": "PUT", "url": name_of(one)}} for one in part]
        _post(base, {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    return ready


def empty(base: str) -> None:
    """Take everything out of the server: resources, their histories and its search cache."""
    everything = {"name": "expungeEverything", "valueBoolean": True}
    _post(f"{base}/$expunge", {"resourceType": "Parameters", "parameter": [everything]})


def prefixed(resource: Resource, prefix: str) -> Resource:
    """The same resource with `prefix` before its id and before the id in each relative reference.

    Contained (`#m1`), absolute and `urn:` references, and identifiers, stay as they are.
    """
    return {**_prefixed_references(resource, prefix), "id": prefix + resource["id"]}


def in_order(resources: Iterable[Resource]) -> list[Resource]:
    """Each resource after those of the same collection that it refers to."""
    by_name: dict[str, Resource] = {}
    for resource in resources:
        if name_of(resource) in by_name:
            raise ValueError(f"{name_of(resource)} is there twice")
        by_name[name_of(resource)] = resource
    needs = {name: set(_references(one)) & by_name.keys() - {name} for name, one in by_name.items()}
    return [by_name[name] for name in TopologicalSorter(needs).static_order()]


def name_of(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _prefixed_references(value: Any, prefix: str) -> Any:
    if isinstance(value, list):
        return [_prefixed_references(one, prefix) for one in value]
    if not isinstance(value, dict):
        return value
    changed = {name: _prefixed_references(one, prefix) for name, one in value.items()}
    if found := _relative_reference(value):
        changed["reference"] = f"{found[1]}/{prefix}{found[2]}"
    return changed


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if found := _relative_reference(value):
            yield found[0]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _references(one)


def _relative_reference(value: Resource) -> re.Match[str] | None:
    reference = value.get("reference")
    return RELATIVE.fullmatch(reference) if isinstance(reference, str) else None


def _post(url: str, body: Resource) -> None:
    answer = httpx2.post(url, json=body, timeout=SECONDS, trust_env=False)
    if answer.status_code != 200:
        raise ValueError(f"{answer.status_code}: {answer.text[:2000]}")
