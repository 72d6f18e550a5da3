"""Who is written for at all: the pilot's owners, and never a test patient (lifecycle.md §6)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from service.config import SourceSettings
from service.cycle.parts import Parts
from service.fhir.client import FhirClient
from service.fhir.errors import FhirError
from service.model.item import Item
from service.reconcile import Decision
from service.record.elements import Patient, PractitionerRole
from service.record.references import local_reference

_FRESH = timedelta(minutes=5)  # a release asks after each group of patients


@dataclass(frozen=True, slots=True)
class Gate:
    """Whom a source may create Tasks for, as of one moment."""

    owners: frozenset[str] | None  # references; None: everybody

    def lets(self, item: Item, pool: str) -> bool:
        """Whether a Task may be created: never for a test patient, in a pilot by its owner only.

        The owner is the one resolved for the item; without one it is the pool.
        """
        if item.excluded:
            return False
        return self.owners is None or (item.owner or pool) in self.owners


_known: WeakKeyDictionary[FhirClient, tuple[datetime, Gate]] = WeakKeyDictionary()


def gate_of(parts: Parts) -> Gate:
    """The gate of the source; who works in the pilot's organisations is asked of the EHR.

    An organisation whose members cannot be read lets nobody through but itself.
    """
    pilot = parts.settings.pilot
    if not pilot.owners and not pilot.organizations:
        return Gate(None)
    now = parts.now()
    asked_at, known = _known.get(parts.client, (now, None))
    if known is not None and now - asked_at < _FRESH:
        return known
    owners = {*pilot.owners, *pilot.organizations}
    for organization in pilot.organizations:
        try:
            owners |= _members(parts, organization)
        except FhirError as problem:
            parts.log.warning("pilot not read", what=organization, why=str(problem))
    gate = Gate(frozenset(owners))
    _known[parts.client] = (now, gate)
    return gate


def _members(parts: Parts, organization: str) -> set[str]:
    """References of the roles at an organisation, and of the people who hold them."""
    found: set[str] = set()
    for page in parts.client.search("PractitionerRole", [("organization", organization)]):
        for reading in page.rows:
            role = reading.body
            if not isinstance(role, PractitionerRole) or role.active is False:
                continue
            where = local_reference(role.organization.reference) if role.organization else None
            who = local_reference(role.practitioner.reference) if role.practitioner else None
            if where == organization:
                found |= {role.reference, *([who] if who else [])}
    return found


def noted(
    decision: Decision, items: Iterable[Item], patient: Patient | None, settings: SourceSettings
) -> Decision:
    """The decision, with the live items marked where the patient is a test patient.

    Who could not be read is what they were known to be.
    """
    if patient is None:
        return decision
    is_excluded = excluded(patient, settings)
    changed = {item.key: item for item in decision.items}
    for item in [*items, *decision.items]:
        latest = changed.get(item.key, item)
        if latest.live and latest.excluded is not is_excluded:
            changed[item.key] = replace(latest, excluded=is_excluded)
    return replace(decision, items=tuple(changed.values()))


def excluded(patient: Patient, settings: SourceSettings) -> bool:
    """Whether one of the patient's tags or identifiers is on the source's lists.

    An entry is `system|code`, or a code of any system, or `system|` for all of a system.
    """
    tags = (patient.meta.tag or ()) if patient.meta else ()
    return _any_listed(settings.exclude_tags, ((tag.system, tag.code) for tag in tags)) or _any_listed(
        settings.exclude_identifiers, ((one.system, one.value) for one in patient.identifier or ())
    )


def is_test_patient(resource: Mapping[str, Any], settings: SourceSettings) -> bool:
    """The same of a Patient as it was read right before a write."""
    meta = resource.get("meta")
    tags = meta.get("tag") if isinstance(meta, dict) else None
    return _any_listed(settings.exclude_tags, _pairs(tags, "code")) or _any_listed(
        settings.exclude_identifiers, _pairs(resource.get("identifier"), "value")
    )


def _pairs(found: object, name: str) -> Iterator[tuple[str | None, str | None]]:
    for each in found if isinstance(found, list) else ():
        if isinstance(each, dict):
            system, value = each.get("system"), each.get(name)
            yield system if isinstance(system, str) else None, value if isinstance(value, str) else None


def _any_listed(entries: Iterable[str], pairs: Iterable[tuple[str | None, str | None]]) -> bool:
    return any(_is_listed(entries, system, value) for system, value in pairs)


def _is_listed(entries: Iterable[str], system: str | None, value: str | None) -> bool:
    forms = {value, f"{system or ''}|{value}"} if value else set()
    if system:
        forms.add(f"{system}|")
    return not forms.isdisjoint(entries)
