"""Small helpers to look into FHIR resources: absent values, references, concepts, copies of one resource."""

import json
import re
from collections.abc import Iterable
from typing import Any

from . import days

RXNORM, SNOMED, ATC, ICD = "rxnorm", "snomed", "atc", "icd"
SYSTEMS = {
    "http://www.nlm.nih.gov/research/umls/rxnorm": RXNORM,
    "urn:oid:2.16.840.1.113883.6.88": RXNORM,
    "http://snomed.info/sct": SNOMED,
    "urn:oid:2.16.840.1.113883.6.96": SNOMED,
    "http://www.whocc.no/atc": ATC,
    "urn:oid:2.16.840.1.113883.6.73": ATC,
    "http://hl7.org/fhir/sid/icd-10-cm": ICD,
    "http://hl7.org/fhir/sid/icd-10": ICD,
    "urn:oid:2.16.840.1.113883.6.90": ICD,
}


def without_nulls(value: Any) -> Any:
    """`null` reads as absent."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value if item is not None]
    return value


def dig(value: Any, *path: str) -> Any:
    """Follow names down through objects; None when something is missing or no object."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def listed(value: Any) -> list[Any]:
    """A list as it is, anything else as a list of one, nothing as an empty list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in listed(value) if isinstance(item, dict)]


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def codings(concept: Any) -> list[tuple[str, str, str]]:
    """(system as written, code, display) of each coding of a CodeableConcept."""
    return [
        (text(c.get("system")), text(c.get("code")), text(c.get("display")))
        for c in objects(dig(concept, "coding"))
    ]


def known_codes(concepts: Iterable[Any]) -> list[tuple[str, str]]:
    """(known system, code) of every coding of some concepts, in order."""
    return [
        (SYSTEMS[system], code)
        for concept in concepts
        for system, code, _ in codings(concept)
        if system in SYSTEMS
    ]


def reference(value: Any) -> str | None:
    """`Type/id` of a Reference, from a relative or absolute URL, with or without a version."""
    url = text(dig(value, "reference"))
    if not url or url.startswith("#"):
        return url or None
    url = re.sub(r"/_history/.*$", "", url)
    parts = url.split("/")
    return "/".join(parts[-2:]) if len(parts) >= 2 else url


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def positive(value: Any) -> float | None:
    """A number above 0; anything else is unknown."""
    return float(value) if is_number(value) and value > 0 else None


class Named:
    """One resource with the reference that it goes by."""

    def __init__(self, body: dict[str, Any], ref: str) -> None:
        self.body = body
        self.ref = ref


def one_of_each(resources: list[dict[str, Any]], file_name: str) -> list[Named]:
    """Each resource once. Of two copies the one last updated wins, then the greatest canonical JSON; a dated copy
    beats an undated one. Without an id it is named after its place in the file."""
    chosen: dict[str, Named] = {}
    for place, raw in enumerate(resources, start=1):
        kind, ident = raw.get("resourceType"), raw.get("id")
        if not isinstance(kind, str):
            continue
        ref = f"{kind}/{ident}" if isinstance(ident, str) and ident else f"{kind}/#{file_name}:{place}"
        other = chosen.get(ref)
        if other is None or _rank(raw) > _rank(other.body):
            chosen[ref] = Named(raw, ref)
    return [Named(without_nulls(item.body), item.ref) for item in chosen.values()]


def _rank(raw: dict[str, Any]) -> tuple[float, str]:
    updated = days.moment(dig(raw, "meta", "lastUpdated"))
    canonical = json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return (-1.0 if updated is None else updated, canonical)
