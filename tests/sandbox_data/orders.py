"""How the orders in scope of each folder were read: doses, lengths, and what could not be read."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

import msgspec

from service import wording
from service.exposure import build_exposure
from service.knowledge import knowledge, load_policy
from service.model.days import day_of
from service.model.exposure import Supply
from service.model.facts import Dosage, Facts, Order, Role, SetAside
from service.normalise import facts_of
from service.record.elements import MedicationRequest
from service.record.group import PatientRecord
from tests.sandbox_data.assessing import read
from tests.sandbox_data.place import DATA

EVERYTHING_KNOWN = date(2030, 1, 1)  # later than any fact of the data
_GUESSED = frozenset({"open", "assumed"})  # length rules for orders that do not say how long


@dataclass(frozen=True)
class OrderFigures:
    """The orders and fills in scope of one folder."""

    folder: str
    named: int  # MedicationRequests that name one, by the data's own manifest
    orders: int
    set_aside: int  # orders in scope that are ignored: entered in error, injections …
    fills: int
    with_text: int  # orders with an instruction in words
    dose_known: int
    dose_from_text: int  # of these, by the words alone
    stated: int  # supplies whose length is stated
    open_ended: int
    assumed: int
    unreadable: Counter[str]  # in scope, by reason
    doubtful: Counter[str]  # not known to be in scope, by reason


def order_figures(folder: str) -> OrderFigures:
    found = [_of(record) for record in read(folder).records]
    orders = [order for facts, _, _ in found for order in _in_scope(facts)]
    rules = Counter(supply.rule for _, supplies, _ in found for supply in supplies)
    known = {order.reference for order in orders if knows_dose(order.dosage)}
    by_structure = {
        o.reference for _, _, wordless in found for o in _in_scope(wordless) if knows_dose(o.dosage)
    }
    aside = [each for facts, _, _ in found for each in facts.unreadable]
    return OrderFigures(
        folder=folder,
        named=_named()[folder],
        orders=len(orders),
        set_aside=sum(_is_order_in_scope(each) for facts, _, _ in found for each in facts.ignored),
        fills=sum(f.drug.role is Role.IN_SCOPE for facts, _, _ in found for f in facts.fills),
        with_text=len(_worded(folder) & {order.reference for order in orders}),
        dose_known=len(known),
        dose_from_text=len(known - by_structure),
        stated=sum(count for rule, count in rules.items() if rule not in _GUESSED),
        open_ended=rules["open"],
        assumed=rules["assumed"],
        unreadable=Counter(each.reason for each in aside if each.in_scope),
        doubtful=Counter(each.reason for each in aside if not each.in_scope),
    )


def reading(folder: str, reference: str) -> str:
    """How one order was read: drug, daily dose, what gave its length; or why it was not."""
    (told,) = (each for record in read(folder).records for each in _told(record, reference))
    return told


@cache
def _named() -> Counter[str]:
    counts: Counter[str] = Counter()
    for file in json.loads((DATA / "manifest.json").read_text(encoding="utf-8")):
        counts[file["file"].split("/")[0]] += file["benzodiazepine"] + file["zDrug"]
    return counts


def _is_order_in_scope(aside: SetAside) -> bool:
    """Nor one of an unknown drug, which could be in scope and is set aside as not in scope."""
    return (
        aside.in_scope and aside.reason != "not-in-scope" and aside.reference.startswith("MedicationRequest/")
    )


def knows_dose(dosage: Dosage) -> bool:
    return any(phase.daily_mg is not None for phase in dosage.phases)


def _of(record: PatientRecord) -> tuple[Facts, tuple[Supply, ...], Facts]:
    """Its facts, its supplies, and its facts when nobody reads the words of an instruction."""
    policy = load_policy("us")
    facts = facts_of(record, knowledge(), policy)
    exposure = build_exposure(facts, policy, knowledge(), day_of(EVERYTHING_KNOWN))
    wordless = replace(record, orders=tuple(map(_wordless, record.orders)))
    return facts, exposure.supplies, facts_of(wordless, knowledge(), policy)


def _wordless(order: MedicationRequest) -> MedicationRequest:
    lines = tuple(msgspec.structs.replace(line, text=None) for line in order.dosage_instruction or ())
    return msgspec.structs.replace(order, dosage_instruction=lines)


def _worded(folder: str) -> set[str]:
    orders = (order for record in read(folder).records for order in record.orders)
    return {order.reference for order in orders if any(line.text for line in order.dosage_instruction or ())}


def _in_scope(facts: Facts) -> list[Order]:
    return [order for order in facts.orders if order.drug.role is Role.IN_SCOPE]


def _told(record: PatientRecord, reference: str) -> Iterator[str]:
    facts, supplies, _ = _of(record)
    for aside in facts.unreadable:
        if aside.reference == reference:
            yield f"unreadable: {aside.reason}"
    for aside in facts.ignored:
        if aside.reference == reference:
            yield f"ignored: {aside.reason}"
    rules = {supply.reference: supply for supply in supplies}
    for order in _in_scope(facts):
        if order.reference == reference:
            dose = order.dosage.phases[0].daily_mg if order.dosage.phases else None
            supply = rules.get(reference)
            length = f"{supply.rule}, {supply.length} days" if supply else "its fills count"
            yield f"{order.drug.ingredient}, {wording.amount(dose)}, {length}"
