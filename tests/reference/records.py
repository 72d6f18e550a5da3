"""Generated records of one patient: typical long-term users with perturbations, so that every rule fires somewhere.

A record follows from one whole number, so hypothesis (or a hand) names an example by its seed alone.
"""

import copy
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from .record_drugs import Json, a_drug, iso
from .record_facts import facts
from .record_orders import COURSES, ROLES, Pen
from .record_rare import RARE

FIRST_DAY, LAST_DAY = dt.date(2023, 6, 1).toordinal(), dt.date(2028, 12, 31).toordinal()
ALL_COURSES = {**COURSES, **RARE}
LEAP = dt.date(2024, 2, 29).toordinal()


@dataclass(frozen=True)
class Example:
    seed: int
    resources: list[Json]
    as_of: str
    policy: str = "us"


def example(seed: int) -> Example:
    """The record, the day and the policy that belong to a seed."""
    r = Random(seed)
    t = (
        r.choice((LEAP - 1, LEAP, LEAP + 1, LEAP + 60))
        if r.random() < 0.05
        else r.randint(FIRST_DAY, LAST_DAY)
    )
    pen = Pen(r, t)
    first = r.choices(list(ALL_COURSES), list(ALL_COURSES.values()))[0](pen)
    if r.random() < 0.1:
        first = min(first, r.choices(list(ALL_COURSES), list(ALL_COURSES.values()))[0](pen))
    facts(pen, first)
    if r.random() < 0.3:
        disturb(pen)
    resources = [*_patient(r, t, pen.older), *pen.resources]
    if "PractitionerRole" in str(pen.requesters):
        resources += [copy.deepcopy(role) for role in ROLES]
    if r.random() < 0.2:
        r.shuffle(resources)
    return Example(seed, copy.deepcopy(resources), iso(t), r.choice(("us", "us", "us", "uk")))


examples = st.integers(0, 2**63 - 1).map(example)


def _patient(r: Random, t: int, older: bool) -> list[Json]:
    if r.random() < 0.02:
        return []
    body: Json = {"resourceType": "Patient", "id": "p"}
    years = r.choices((45, 70, 85, 12, 65, 18), (0 if older else 58, 17, 5, 2, 6, 2))[0]
    born = dt.date.fromordinal(t - round(years * 365.25) - r.choice((0, 0, 1, -1, 20, -40, 100)))
    style = r.random()
    if style < 0.02:
        body["birthDate"] = str(born.year)
    elif style < 0.04:
        body["birthDate"] = f"{born.year // 4 * 4}-02-29"
    elif style < 0.96:
        body["birthDate"] = born.isoformat()
    style = r.random()
    if style < 0.03:
        body["deceasedDateTime"] = iso(t + r.choice((-400, -40, -1, 0, 1, 20)))
    elif style < 0.035:
        body["deceasedBoolean"] = True
    elif style < 0.05:
        body["active"] = False
    elif style < 0.2:
        body.update(active=True, deceasedBoolean=False)
    return [body]


def disturb(pen: Pen) -> None:
    """One resource more that is unreadable, ignored, doubled or about no drug in scope; or one made so."""
    r = pen.r
    orders = [
        x for x in pen.resources if x["resourceType"] == "MedicationRequest" and "dosageInstruction" in x
    ]
    body = copy.deepcopy(r.choice(orders)) if orders else pen.order(a_drug(r), pen.t - 20, 28)
    r.choice(DISTURBANCES)(r, body)
    pen.count += 1
    if r.random() < 0.85:
        body["id"] = f"x{pen.count}"
    pen.resources.append(body)


MEDICATION = ("medicationCodeableConcept", "medicationReference", "medication")
SET_ASIDE: tuple[Json, ...] = (
    {"doNotPerform": True},
    {"reportedBoolean": True},
    {"reported": True},
    {"reportedReference": {"display": "mother"}},
)
ODD_TEXTS = ("ibuprofen 400 mg", "diazepam or lorazepam", "Diastat 10 mg", "Epistatus buccal midazolam")
PERIODS = ({"start": "2026-03-04", "end": "2026-02"}, {"start": "2026-03-04", "end": "2026-03"}, {"end": "x"})
NUMBERS = ("28", "many", None, 28.5)


def _double(r: Random, body: Json) -> None:
    body["status"] = r.choice(("completed", "active", "entered-in-error"))
    body["meta"] = {"lastUpdated": r.choice(("2023-01-01T00:00:00Z", "2030-01-01T00:00:00+02:00", "bad"))}


DISTURBANCES: tuple[Callable[[Random, Json], Any], ...] = (
    lambda r, body: body.update(status=r.choice(("draft", "cancelled", "entered-in-error", "unknown", "x"))),
    lambda r, body: body.update(intent=r.choice(("plan", "proposal", "option", "reflex-order", "x"))),
    lambda r, body: body.pop(r.choice(("authoredOn", "status", "subject", "intent")), None),
    lambda r, body: body.update(r.choice(SET_ASIDE)),
    lambda r, body: body.update(category=[{"coding": [{"code": r.choice(("inpatient", "community"))}]}]),
    lambda r, body: body.update(authoredOn=r.choice(("2026-02-30", "20260101", "2026-1-1", "2026", 5))),
    lambda r, body: body.update(medicationCodeableConcept={"text": r.choice(ODD_TEXTS)}),
    lambda _, body: [body.pop(name, None) for name in MEDICATION],
    lambda r, body: body.update(dosageInstruction=r.choice(("daily", {"text": "x"}, [{"text": 5}], [7], []))),
    lambda r, body: body.update(dosageInstruction=[{"route": {"text": r.choice(("rectal", "oral"))}}]),
    lambda r, body: body.update(dispenseRequest={"validityPeriod": r.choice(PERIODS)}),
    lambda r, body: body.update(dispenseRequest={"quantity": {"value": r.choice(NUMBERS), "unit": "tablet"}}),
    _double,
)
