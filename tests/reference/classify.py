"""What each MedicationRequest and MedicationDispense is (exposure.md, sections 1 and 2)."""

import functools
import re
from dataclasses import dataclass, field
from typing import Any

from . import days, fhir, shapes
from .dose import Dose, bounds_of, dose_of
from .drugs import (
    Identified,
    Medication,
    Other,
    Strength,
    medication_of,
    named_in,
    other_of,
    scope_of,
    strength_in_text,
    strength_of,
)
from .knowledge import table

_BOTH = {"on-hold", "stopped", "completed", "cancelled", "entered-in-error", "unknown"}
REQUEST_STATUS = _BOTH | {"active", "ended", "draft"}
DISPENSE_STATUS = _BOTH | {"preparation", "in-progress", "declined"}
NO_ORAL_ROUTES = {"37161004", "46713006", "54471007", "47625008", "78421000", "34206005"}
NO_ORAL_WORDS = re.compile(
    r"(?<!\w)(?:rectal|rectally|enema|suppository|nasal|intranasal|buccal|oromucosal|injection|injectable|ampoule"
    r"|infusion|intravenous|intramuscular|subcutaneous)(?!\w)",
    re.IGNORECASE,
)


@dataclass(eq=False)
class Order:
    """An order or a fill that counts."""

    ref: str
    body: dict[str, Any]
    ingredient: str
    other: Other | None  # set for opioids, sedatives, naloxone
    strength: Strength | None
    by_text: bool
    start: int
    authored: int  # authoredOn, else the start: the day it is known from
    flags: set[str] = field(default_factory=set)
    dose: Dose | None = None

    @property
    def status(self) -> str:
        return fhir.text(self.body.get("status"))

    @property
    def in_scope(self) -> bool:
        return self.other is None

    @property
    def repeats(self) -> int:
        return int(fhir.positive(fhir.dig(self.body, "dispenseRequest", "numberOfRepeatsAllowed")) or 0)

    @property
    def prior(self) -> str | None:
        return fhir.reference(self.body.get("priorPrescription"))

    @property
    def bounds_end(self) -> int | None:
        """The latest boundsPeriod.end over the lines."""
        ends = [end for _, end in (self.dose.bounds if self.dose else []) if end is not None]
        return max(ends) if ends else None

    def stop_day(self) -> int | None:
        """The first day without it, of an order that was stopped, put on hold or ended; None when nothing says so."""
        if self.status not in ("stopped", "on-hold", "ended"):
            return None
        tries = [self.bounds_end + 1 if self.bounds_end is not None else None]
        changed = days.when(self.body.get("statusChanged"))
        tries.append(changed.last if changed else None)
        updated = days.when(fhir.dig(self.body, "meta", "lastUpdated"))
        tries.append(updated.first if updated is not None and updated.first >= self.start else None)
        known = [day for day in tries if day is not None]
        return min(known) if known else None

    def active_on(self, day: int) -> bool:
        """On a day before its stop date a stopped order counts as active."""
        stop = self.stop_day()
        return self.status == "active" or (stop is not None and day < stop)


@dataclass
class Read:
    """All orders and fills of a record, sorted out."""

    orders: list[Order] = field(default_factory=list)
    fills: list[Order] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    could_be_in_scope: bool = False  # some unreadable one
    listed: bool = False


def read(resources: list[fhir.Named]) -> Read:
    medications = {item.ref: item.body for item in resources if item.body["resourceType"] == "Medication"}
    found = Read()
    reasons: dict[str, str] = {}  # of the orders
    for item in resources:
        if item.body["resourceType"] == "MedicationRequest":
            reasons[item.ref] = _sort(item, medications, found, None)
    for item in resources:
        if item.body["resourceType"] == "MedicationDispense":
            refs = [fhir.reference(a) for a in fhir.listed(item.body.get("authorizingPrescription"))]
            of_order = next((reasons[r] for r in refs if r in reasons), None)
            _sort(item, medications, found, of_order)
    return found


def _sort(item: fhir.Named, medications: dict[str, dict[str, Any]], found: Read, of_order: str | None) -> str:
    body, is_fill = item.body, item.body["resourceType"] == "MedicationDispense"
    verdict, order = _verdict(item, medications, of_order)
    if order is not None:
        (found.fills if is_fill else found.orders).append(order)
        found.listed = found.listed or order.in_scope
        return "order"
    med = _medication_leniently(body, medications)
    role = None if _scope_leniently(med) else other_of(med)
    kind, reason = verdict
    if kind == "unreadable":
        found.unreadable[item.ref] = reason
        found.listed = True
        found.could_be_in_scope = found.could_be_in_scope or _scope_leniently(med) or not med.known
    elif role is None:
        found.ignored[item.ref] = reason
        found.listed = found.listed or _scope_leniently(med) or not med.known
    return reason


def _medication_leniently(body: dict[str, Any], medications: dict[str, dict[str, Any]]) -> Medication:
    try:
        return medication_of(body, medications)
    except (AttributeError, TypeError):
        return Medication()


def _scope_leniently(med: Medication) -> bool:
    """Does any code or text of it name a drug in scope?"""
    drug, contradicts = scope_of(med)
    return drug is not None or contradicts or bool(named_in(med.texts))


def _verdict(
    item: fhir.Named, medications: dict[str, dict[str, Any]], of_order: str | None
) -> tuple[tuple[str, str], Order | None]:
    """The first row of the table that applies."""
    body, is_fill = item.body, item.body["resourceType"] == "MedicationDispense"
    early = _early(body, is_fill, of_order)
    if early is not None:
        return early, None
    med = medication_of(body, medications)
    if not med.stated:
        return ("unreadable", "no-medication"), None
    drug, contradicts = scope_of(med)
    if contradicts:
        return ("unreadable", "contradicting-codings"), None
    if drug is None:
        return ("ignored", "not-in-scope"), _other_order(item, med)
    if of_order == "rescue-or-parenteral" or _rescue(body, med, drug):
        return ("ignored", "rescue-or-parenteral"), None
    if bad_date(body):
        return ("unreadable", "bad-date"), None
    order = _order(item, med, drug, None)
    return (("", ""), order) if order is not None else (("unreadable", "no-start"), None)


def _early(body: dict[str, Any], is_fill: bool, of_order: str | None) -> tuple[str, str] | None:
    if shapes.malformed(body):
        return ("unreadable", "malformed")
    status = body.get("status")
    if status not in (DISPENSE_STATUS if is_fill else REQUEST_STATUS):
        return ("unreadable", "bad-status")
    if is_fill and status not in ("in-progress", "completed"):
        return ("ignored", "status")
    if status in ("entered-in-error", "draft", "cancelled"):
        return ("ignored", "status")
    if not is_fill and body.get("intent") in ("proposal", "plan", "option"):
        return ("ignored", "intent")
    if body.get("doNotPerform") is True and not is_fill:
        return ("ignored", "do-not-perform")
    if not is_fill and (
        body.get("reportedBoolean") is True or body.get("reported") is True or "reportedReference" in body
    ):
        return ("ignored", "reported")
    inpatient = any(
        code == "inpatient" for c in fhir.listed(body.get("category")) for _, code, _ in fhir.codings(c)
    )
    return ("ignored", "inpatient") if inpatient or of_order == "inpatient" else None


def _rescue(body: dict[str, Any], med: Medication, drug: Identified) -> bool:
    if drug.row.get("ongoing_use_scope") == "no":
        return True
    if _has_rescue_brand(med.texts):
        return True
    texts = [*med.texts, *med.forms]
    for line in fhir.objects(body.get("dosageInstruction")):
        route = line.get("route")
        if any(s == fhir.SNOMED and code in NO_ORAL_ROUTES for s, code in fhir.known_codes([route])):
            return True
        texts += [fhir.text(fhir.dig(route, "text")), *(show for _, _, show in fhir.codings(route))]
        texts.append(fhir.text(line.get("text")))
    return any(NO_ORAL_WORDS.search(one) for one in texts)


@functools.cache
def _rescue_brands() -> list[re.Pattern[str]]:
    """Brands all of whose rows, in both files together, are for rescue."""
    rows = [
        (row["brand"].lower(), row["ongoing_use_scope"] == "no") for row in table("rxnorm_benzodiazepines")
    ]
    rows += [(row["brand"].lower(), row["rescue_or_parenteral"] == "yes") for row in table("brands")]
    brands = {brand for brand, _ in rows if brand}
    rescue = sorted(brand for brand in brands if all(flag for name, flag in rows if name == brand))
    return [re.compile(rf"(?<!\w){re.escape(brand)}(?!\w)") for brand in rescue]


def _has_rescue_brand(texts: list[str]) -> bool:
    return any(brand.search(one.lower()) for brand in _rescue_brands() for one in texts)


def bad_date(body: dict[str, Any]) -> bool:
    single = ("authoredOn", "statusChanged", "whenHandedOver", "whenPrepared")
    if any(name in body and days.when(body[name]) is None for name in single):
        return True
    periods = [fhir.dig(body, "dispenseRequest", "validityPeriod")]
    periods += [
        fhir.dig(line, "timing", "repeat", "boundsPeriod")
        for line in fhir.objects(body.get("dosageInstruction"))
    ]
    for period in fhir.objects([p for p in periods if p is not None]):
        both = [days.when(period[name]) if name in period else None for name in ("start", "end")]
        if any(name in period and both[i] is None for i, name in enumerate(("start", "end"))):
            return True
        if both[0] is not None and both[1] is not None and both[1].last < both[0].first:
            return True
    return False


def start_of(body: dict[str, Any]) -> int | None:
    """Section 2."""
    if body["resourceType"] == "MedicationDispense":
        found = days.when(body.get("whenHandedOver")) or days.when(body.get("whenPrepared"))
        return found.first if found else None
    authored = days.when(body.get("authoredOn"))
    bounds = [bounds_of(line) for line in fhir.objects(body.get("dosageInstruction"))]
    starts = [start for start, _ in bounds if start is not None]
    if starts:
        if authored is not None and authored.first > min(starts) and all(end is None for _, end in bounds):
            return authored.first
        return min(starts)
    if authored is not None:
        return authored.first
    valid = days.when(fhir.dig(body, "dispenseRequest", "validityPeriod", "start"))
    return valid.first if valid else None


def _partial_dates(body: dict[str, Any]) -> bool:
    written = [body.get(n) for n in ("authoredOn", "statusChanged", "whenHandedOver", "whenPrepared")]
    periods = [fhir.dig(body, "dispenseRequest", "validityPeriod")]
    periods += [
        fhir.dig(x, "timing", "repeat", "boundsPeriod") for x in fhir.objects(body.get("dosageInstruction"))
    ]
    written += [fhir.dig(period, name) for period in periods for name in ("start", "end")]
    return any(found.partial for w in written if (found := days.when(w)) is not None)


def _order(item: fhir.Named, med: Medication, drug: Identified | None, other: Other | None) -> Order | None:
    body = item.body
    start = start_of(body)
    if start is None:
        return None
    authored = days.when(body.get("authoredOn"))
    ingredient = drug.ingredient if drug is not None else other.ingredient if other is not None else ""
    strength = strength_of(med, drug) if drug is not None else strength_in_text(med.texts, ingredient)
    order = Order(
        ref=item.ref,
        body=body,
        ingredient=ingredient,
        other=other,
        strength=strength,
        by_text=drug is not None and drug.by_text,
        start=start,
        authored=authored.first if authored is not None else start,
    )
    if order.by_text:
        order.flags.add("identified_by_text")
    if _partial_dates(body):
        order.flags.add("date_imprecise")
    order.dose = dose_of(fhir.objects(body.get("dosageInstruction")), ingredient, strength)
    order.flags |= order.dose.flags
    return order


def _other_order(item: fhir.Named, med: Medication) -> Order | None:
    """An opioid, sedative or naloxone order: it gives supplies, but is in none of the lists."""
    other = other_of(med)
    if other is None or bad_date(item.body):
        return None
    return _order(item, med, None, other)
