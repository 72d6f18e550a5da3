"""Courses on which what is rare happens: stale orders, last orders, creeping doses, finished tapers, accepted uses."""

from random import Random

from .record_drugs import RXNORM, Drug, a_drug, iso
from .record_facts import POOLS, condition
from .record_orders import Pen, chain, near

PLAIN = ("diazepam", "lorazepam", "clonazepam", "oxazepam", "temazepam", "zopiclone")


def plain(ingredient: str, mg: float) -> Drug:
    """A drug whose strength nobody doubts."""
    return Drug(ingredient, {"medicationCodeableConcept": {"text": f"{ingredient} {mg:g} mg tablets"}}, mg)


def stale(pen: Pen) -> int:
    """An order that is still active long after it was written, and nothing since (R00)."""
    r, t = pen.r, pen.t
    start = t - r.choice((365, 366, 367, 400, 500, 700, 759, 760, 761))
    order = pen.order(a_drug(r), start, 0, r.choice((1, 2)), 1, "none")
    order["status"] = "active"
    if r.random() < 0.15:
        pen.order(a_drug(r), start - r.choice((0, 40, 200)), r.choice((14, 90)))
    return start


def ending(pen: Pen) -> int:
    """A long course whose last order says that it is the last (R04c)."""
    r, t = pen.r, pen.t
    drug, days = plain(r.choice(PLAIN), r.choice((1, 5))), r.choice((28, 30))
    end = t + r.choice((0, 1, 2, 3, 3, 4))
    number = r.choice((3, 4, 5, 8))
    for n in reversed(range(number)):
        order = pen.order(drug, end - (n + 1) * days, days, r.choice((1, 2)) if n else 2, 1, "expected")
    order["status"] = "active"
    order["dispenseRequest"]["numberOfRepeatsAllowed"] = 0
    order["dispenseRequest"]["validityPeriod"] = {"end": iso(end - r.choice((0, 0, 0, 1, 20, -1)))}
    return end - number * days


def creeping(pen: Pen) -> int:
    """A little more with every order, for more than a year (R03 creep)."""
    r, t = pen.r, pen.t
    drug, days = plain(r.choice(("diazepam", "lorazepam", "clonazepam")), r.choice((2, 5))), 30
    number, share = r.choice((12, 13, 14, 15)), r.choice((1.03, 1.06, 1.1))
    end = t + r.choice((-6, 0, 1, 12, 25))
    for n in reversed(range(number)):
        pen.order(drug, end - (n + 1) * days, days, round(2 * share ** (number - n), 2), 1, "expected")
    return end - number * days


def tapered(pen: Pen) -> int:
    """Down step by step to a small dose, then nothing: looked after weeks later (R13 finished)."""
    r, t = pen.r, pen.t
    mg = r.choice((1, 2, 2, 5))
    drug, number, each = plain("diazepam", mg), r.choice((3, 4, 5)), r.choice((7, 14, 28))
    end = t - r.choice((27, 28, 30, 41, 42, 83, 84, 90, 97, 98)) + 1
    for n in reversed(range(number)):
        tablets = round(1 / mg + n * r.choice((1, 2)) / mg, 2) if n else round(r.choice((1, 1, 2, 3)) / mg, 2)
        pen.order(drug, end - (n + 1) * each, each, tablets, 1, "expected")["status"] = "completed"
    return end - number * each


def several(pen: Pen) -> int:
    """Two to five prescribers at the same time or one after another (R11)."""
    r, t = pen.r, pen.t
    number = r.choice((2, 2, 2, 3, 4, 5))
    drug, starts = a_drug(r), []
    for n in range(number):
        start = t - r.choice((2, 6, 7, 20, 40, 83, 84, 89, 90))
        order = pen.order(drug, start, r.choice((7, 14, 28, 60)), 1, 1, r.choice(("expected", "none", None)))
        order["requester"] = {"reference": f"Practitioner/{'abcde'[n]}"}
        starts.append(start)
        if r.random() < 0.3:
            drug = a_drug(r, drug.ingredient)
    return min(starts)


def brief(pen: Pen) -> int:
    """An older person: a few days of supply, and an order some time before (S5 for R08)."""
    r, t = pen.r, pen.t
    pen.older = True
    pen.order(a_drug(r), t - r.choice((70, 100, 200, 300)), r.choice((3, 14)))
    start = t - r.choice((0, 1, 2, 5, 20, 31, 32))
    order = pen.order(a_drug(r), start, r.choice((1, 2, 3, 3, 4)), 1, 1, r.choice(("expected", "duration")))
    if r.random() < 0.3:  # longer, but soon stopped
        order = pen.order(a_drug(r), start, r.choice((14, 60)), 1, 1, r.choice(("expected", "none")))
        pen.resources.remove(pen.resources[-2])
        order.update(status="stopped", statusChanged=iso(start + r.choice((1, 3, 4))))
    return start


def seizures(pen: Pen) -> int:
    """Epilepsy, treated with it or not (S7, S8); often of an older person (R08) or early on (R01)."""
    r = pen.r
    pen.older = r.random() < 0.6
    drug = a_drug(r, r.choice(("clonazepam", "clobazam", "clonazepam", "diazepam")))
    first = chain(pen, drug, last_end=r.choice((0, 5, 20)))
    condition(pen, "seizure_disorder", pen.t - r.choice((5, 300, 1000)))
    return first


def accepted(pen: Pen) -> int:
    """A disorder for which longer use is accepted, early on (S9)."""
    r, t = pen.r, pen.t
    start = t - r.choice((20, 21, 25, 40, 60, 75, 80, 89))
    drug = a_drug(r, r.choice(("clonazepam", "diazepam", "lorazepam", "clonazepam", "oxazepam")))
    pen.order(drug, start, 100, r.choice((0.5, 1)), 1, r.choice(("expected", "duration", "period")))
    condition(pen, r.choice(POOLS["accepted"]), t - r.choice((5, 100, 1000)))
    return start


def withdrawal(pen: Pen) -> int:
    """A course for alcohol withdrawal: short, or still in its first weeks (S10)."""
    r, t = pen.r, pen.t
    pen.older = r.random() < 0.4
    start = t - r.choice((14, 20, 21, 23, 25, 27, 28))
    drug = a_drug(r, r.choice(("chlordiazepoxide", "diazepam", "oxazepam")))
    pen.order(drug, start, r.choice((10, 14, 15, 40, 60, 60)), 1, 1, r.choice(("expected", "duration")))
    condition(pen, "alcohol_withdrawal", start - r.choice((-15, -14, -2, 0, 0, 1, 2, 13, 14, 15)))
    if r.random() < 0.3:
        condition(pen, "alcohol_use_disorder", t - near(r, 40, 900))
    return start


def unfamiliar(pen: Pen) -> int:
    """Codes that nobody knows, beside a Medication's ingredient or alone."""
    r = pen.r
    first = chain(pen)
    code = {"coding": [{"system": "urn:local", "code": str(r.randrange(99))}]}
    order = pen.order(a_drug(r), pen.t - r.choice((5, 40)), 28)
    for name in ("medicationCodeableConcept", "medicationReference", "medication", "contained"):
        order.pop(name, None)
    parts = [_part(r, name) for name in r.sample(("diazepam", "lorazepam", "lactose"), r.choice((1, 1, 2)))]
    medication = {"resourceType": "Medication", "id": f"u{pen.count}", "code": code, "ingredient": parts}
    if r.random() < 0.6:
        pen.resources.append(medication)
        order["medicationReference"] = {"reference": f"Medication/{medication['id']}"}
    else:
        order["medicationCodeableConcept"] = code
    if r.random() < 0.3:
        order["status"] = "bogus"
    return first


def _part(r: Random, name: str) -> dict[str, object]:
    codes = {"diazepam": "3322", "lorazepam": "6470"}
    coded = {"coding": [{"system": RXNORM, "code": codes[name]}]} if name in codes else {"text": name}
    return {
        "itemCodeableConcept": coded if r.random() < 0.7 else {"text": name},
        "strength": {"numerator": {"value": 5, "unit": "mg", "code": "mg"}, "denominator": {"value": 1}},
    }


RARE = {
    stale: 5,
    ending: 6,
    creeping: 5,
    tapered: 12,
    several: 6,
    brief: 10,
    seizures: 7,
    accepted: 5,
    withdrawal: 12,
    unfamiliar: 1,
}
