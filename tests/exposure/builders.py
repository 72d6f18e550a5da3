"""Facts as a clinician would tell them: name what matters, the rest is an ordinary order of diazepam 10 mg."""

from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import Any

from service.exposure import Exposure, build_exposure
from service.knowledge import Policy, knowledge, load_policy
from service.model.days import Day, Period, day_of
from service.model.facts import (
    ConditionFact,
    Dosage,
    Facts,
    Fill,
    Order,
    OrderStatus,
    Outcome,
    OutcomeKind,
    Phase,
    PlanFact,
    Range,
    ReviewFact,
    Role,
)
from service.model.facts import Drug as Medicine

D = day_of(date(2026, 1, 1))
"""Day 0 of all stories; a start, a stop or a review of 5 means five days later."""

BORN = day_of(date(1976, 1, 15))


@cache
def us() -> Policy:
    return load_policy("us")


def a_drug(
    ingredient: str = "diazepam", role: Role = Role.IN_SCOPE, strength: float | None = 5.0
) -> Medicine:
    return Medicine(role, ingredient, strength)


def a_phase(
    mg: float | None, days: int | None = None, strength: float = 5.0, low: float | None = None
) -> Phase:
    if mg is None:
        return Phase(None, None, days)
    daily = Range(mg if low is None else low, mg)
    return Phase(daily, daily.scaled(1 / strength), days)


def a_dosage(
    mg: float | None = 10,
    *,
    phases: Iterable[Phase] | None = None,
    as_needed: bool = False,
    lasts: int | None = None,
    bounds: tuple[int, int] | None = None,
    per_administration: float | None = 1.0,
) -> Dosage:
    told = tuple(phases) if phases is not None else (a_phase(mg, low=0 if as_needed else None),)
    return Dosage(
        phases=told,
        as_needed=as_needed,
        units_per_administration=per_administration,
        every_line_has_length=lasts is not None or bounds is not None,
        bounds=Period(D + bounds[0], D + bounds[1]) if bounds else None,
        days=lasts,
        first_bounds_start=D + bounds[0] if bounds else None,
    )


def an_order(
    name: str = "a",
    start: int = 0,
    *,
    days: int | None = 28,
    mg: float | None = 10,
    ingredient: str = "diazepam",
    role: Role = Role.IN_SCOPE,
    status: OrderStatus = OrderStatus.ACTIVE,
    stopped: int | None = None,
    authored: int | None = None,
    dosage: Dosage | None = None,
    as_needed: bool = False,
    **more: Any,
) -> Order:
    """An order that starts on a day and states an expected supply of `days`; None: it states none."""
    if stopped is not None:
        status = OrderStatus.STOPPED
    return Order(
        reference=f"MedicationRequest/{name}",
        drug=a_drug(ingredient, role),
        status=status,
        start=D + start,
        authored=D + (start if authored is None else authored),
        dosage=dosage or a_dosage(mg, as_needed=as_needed),
        stop_day=None if stopped is None else D + stopped,
        expected_days=days,
        **more,
    )


def a_fill(name: str, start: int, *, order: str | None = "a", days: int | None = 28, **more: Any) -> Fill:
    return Fill(
        reference=f"MedicationDispense/{name}",
        drug=more.pop("drug", a_drug()),
        start=D + start,
        handed_over=more.pop("handed_over", True),
        orders=() if order is None else (f"MedicationRequest/{order}",),
        days=days,
        quantity_units=more.pop("quantity_units", None),
        dosage=more.pop("dosage", None),
        **more,
    )


def a_condition(concept: str, on: int | None = -400, **more: Any) -> ConditionFact:
    day = None if on is None else D + on
    return ConditionFact(
        reference=f"Condition/{concept}",
        concepts=frozenset({concept}),
        code="",
        active=more.pop("active", True),
        valid=more.pop("valid", True),
        start=day,
        recorded=day,
        abated=D + more.pop("abated") if "abated" in more else None,
        **more,
    )


def a_review(on: int, *, strong: bool = True) -> ReviewFact:
    return ReviewFact(f"Procedure/r{on}", D + on, strong, "procedure")


def a_plan(start: int | None, end: int | None = None, status: str = "active") -> PlanFact:
    return PlanFact(
        "CarePlan/t", status, None if start is None else D + start, None if end is None else D + end
    )


def an_outcome(
    kind: OutcomeKind, on: int, *, rules: Iterable[str] = (), until: int | None = None, completed: bool = True
) -> Outcome:
    return Outcome(
        key=f"r-{on}",
        reference=f"Task/{on}",
        day=D + on,
        kind=kind,
        completed=completed,
        rules=frozenset(rules),
        until=None if until is None else D + until,
    )


_FIELDS = {
    Order: "orders",
    Fill: "fills",
    ConditionFact: "conditions",
    ReviewFact: "reviews",
    PlanFact: "plans",
    Outcome: "outcomes",
}


def a_patient(*told: object, born: Day | None = BORN, **more: Any) -> Facts:
    """Everything that is known of one patient."""
    fields: dict[str, tuple[Any, ...]] = dict.fromkeys(_FIELDS.values(), ())
    for each in told:
        fields[_FIELDS[type(each)]] += (each,)
    return Facts(
        patient="Patient/p",
        born=born,
        deceased=more.pop("deceased", None),
        deceased_undated=False,
        active=more.pop("active", True),
        **fields,
        **more,
    )


def exposed(*told: object, on: int, **more: Any) -> Exposure:
    """The exposure of a patient as known on a day."""
    return build_exposure(a_patient(*told, **more), us(), knowledge(), D + on)


def periods(exposure: Exposure) -> list[tuple[str, int, int]]:
    """(order or fill, first day, day after the last) of each supply."""
    return [(s.reference.partition("/")[2], s.start - D, s.end - D) for s in exposure.supplies]
