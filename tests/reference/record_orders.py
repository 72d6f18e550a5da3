"""Courses of generated orders and fills: long-term users with perturbations, each a list of resources."""

from random import Random
from typing import Any

from .record_drugs import LENGTHS, Drug, Json, a_drug, a_duration, a_line, give_length, iso, written

# Days before t at which something in the page changes; each with its neighbours.
EDGES = (0, 3, 5, 7, 14, 21, 28, 30, 32, 60, 76, 90, 98, 120, 166, 180, 365, 760)
REQUESTERS: tuple[Json, ...] = (
    {"reference": "Practitioner/a"},
    {"reference": "Practitioner/b"},
    {"reference": "Practitioner/c", "display": "C"},
    {"reference": "https://ehr.example/fhir/Practitioner/a"},
    {"reference": "PractitionerRole/ra"},
    {"reference": "PractitionerRole/rb"},
    {"identifier": {"system": "urn:gmc", "value": "77"}},
    {"display": "Dr Day"},
    {"reference": "PractitionerRole/unknown"},
)
ROLES: tuple[Json, ...] = tuple(
    {
        "resourceType": "PractitionerRole",
        "id": f"r{who}",
        "practitioner": {"reference": f"Practitioner/{who}"},
        "organization": {"reference": "Organization/o"},
    }
    for who in "ab"
)


def near(r: Random, *edges: int) -> int:
    return r.choice(edges or EDGES) + r.choice((-1, 0, 0, 0, 1))


class Pen:
    """Writes the resources of one patient on t."""

    def __init__(self, r: Random, t: int) -> None:
        self.r = r
        self.t = t
        self.resources: list[Json] = []
        self.count = 0
        self.older = False  # whether the course is one of an older person
        self.requesters = r.sample(REQUESTERS, 3) if r.random() < 0.25 else [r.choice(REQUESTERS)]

    def add(self, kind: str, **elements: Any) -> Json:
        self.count += 1
        who = "for" if kind == "Task" else "subject"
        body = {
            "resourceType": kind,
            "id": f"{kind[:2].lower()}{self.count}",
            who: {"reference": "Patient/p"},
            **elements,
        }
        self.resources.append(body)
        return body

    def order(
        self,
        drug: Drug,
        start: int,
        days: int,
        tablets: float = 1,
        times: int = 1,
        length: str | None = None,
        as_needed: bool = False,
        lines: list[Json] | None = None,
    ) -> Json:
        """An order that lasts `days` from `start`; `completed` when it is over, else `active`."""
        r = self.r
        body = self.add("MedicationRequest", status="active", intent="order")
        body.update(drug.elements)
        for medication in drug.resources:
            if medication not in self.resources:
                self.resources.append(medication)
        if r.random() < 0.97 or length == "none":
            ahead = r.choice((0, 0, 0, 0, 0, 0, 0, 1, 5, 12))
            body["authoredOn"] = written(r, start - ahead)
        body["dosageInstruction"] = lines or [a_line(r, drug, tablets, times, as_needed)]
        if r.random() < 0.03 and lines is None:
            body["dosageInstruction"].append(a_line(r, drug, tablets, times, as_needed))
        give_length(r, body, days, start, tablets * times, length)
        if body.get("authoredOn", "")[:10] != iso(start) and length != "none":
            r.choice(
                (
                    lambda: _bounds(body, {"start": iso(start)}),
                    lambda: body.update(authoredOn=iso(start)),
                )
            )()
        if r.random() < 0.3:
            body["requester"] = r.choice(self.requesters)
        if start + days < self.t and r.random() < 0.9:
            body["status"] = "completed"
        return body

    def fill(self, order: Json | None, drug: Drug, day: int, days: int, a_day: float) -> Json:
        r = self.r
        body = self.add("MedicationDispense", status="completed", whenHandedOver=written(r, day))
        body.update(drug.elements)
        if r.random() < 0.05:
            body["whenPrepared"] = body.pop("whenHandedOver")
        if order is not None:
            body["authorizingPrescription"] = [{"reference": f"MedicationRequest/{order['id']}"}]
            orders = [x for x in self.resources if x["resourceType"] == "MedicationRequest"]
            if r.random() < 0.02:
                also = r.choice(orders)["id"]
                body["authorizingPrescription"].append({"reference": f"MedicationRequest/{also}"})
        chance = r.random()
        if chance < 0.6:
            body["daysSupply"] = a_duration(r, days)
        elif chance < 0.9:
            body["quantity"] = {"value": round(days * a_day, 3), "unit": "tablet"}
        if order is None or r.random() < 0.1:
            body["dosageInstruction"] = [a_line(r, drug, a_day, 1)]
        return body


def _bounds(order: Json, period: Json) -> None:
    for line in order["dosageInstruction"]:
        line.setdefault("timing", {}).setdefault("repeat", {}).setdefault("boundsPeriod", {}).update(period)


def stop(pen: Pen, order: Json, day: int, status: str | None = None) -> None:
    """End an order on a day, by one or more of the ways in which a record says so."""
    r = pen.r
    order["status"] = status or r.choice(("stopped", "stopped", "on-hold", "ended"))
    chance = r.random()
    if chance < 0.5:
        order["statusChanged"] = written(r, day)
    elif chance < 0.85:
        order["meta"] = {"lastUpdated": f"{iso(day)}T10:00:00Z"}
    elif chance < 0.95:
        order["statusChanged"] = written(r, day)
        order["meta"] = {"lastUpdated": f"{iso(day + r.choice((-1, 2)))}T10:00:00Z"}


# --- courses -------------------------------------------------------------------------------------------------------


def chain(pen: Pen, drug: Drug | None = None, as_needed: bool = False, last_end: int | None = None) -> int:
    """Orders one after another until about t; gives the first day."""
    r, t = pen.r, pen.t
    drug = drug or a_drug(r)
    days = r.choice((28, 28, 28, 30, 30, 14, 7, 90, 56))
    steps = r.choice((1, 2, 3, 4, 5, 6, 6, 8, 13)) if days >= 28 else r.choice((3, 5, 8, 12))
    end = t + (
        last_end
        if last_end is not None
        else r.choice((-98, -70, -61, -60, -40, -28, -12, -8, -7, -6, -5, -4, -1, 0, 1, 2, 3, 4, 10, 20, 30))
    )
    gap = _gaps(r, days)
    plan = _doses(r, steps)
    times = r.choice((1, 1, 1, 2, 3))
    length = r.choices(list(LENGTHS), list(LENGTHS.values()))[0] if r.random() < 0.85 else None
    starts = [end - days]
    while len(starts) < steps:
        starts.insert(0, starts[0] - days - gap())
    previous: Json | None = None
    for number, start in enumerate(starts):
        if r.random() < 0.06:
            drug = a_drug(r, drug.ingredient)
        tablets = plan[number]
        order = pen.order(drug, start, days, tablets, times, length, as_needed)
        if as_needed and r.random() < 0.7:
            order["dispenseRequest"]["quantity"] = {"value": r.choice((7, 14, 28, 30)), "unit": "tablet"}
        if previous is not None and r.random() < 0.05:
            order["priorPrescription"] = {"reference": f"MedicationRequest/{previous['id']}"}
        if number < steps - 1 and r.random() < 0.05:
            stop(pen, order, start + r.randrange(1, days + 10))
        previous = order
    assert previous is not None
    if r.random() < 0.3:
        stop(pen, previous, r.choice((t, t - 1, t - 5, t - 10, t - 30, t - 55, t + 3)))
    elif r.random() < 0.3:
        _say_last(pen, previous, end)
    if r.random() < 0.06:
        pen.order(drug, t + r.choice((1, 2, 20)), 28, plan[-1], times)["authoredOn"] = iso(
            t - r.choice((0, 1, 5, -1))
        )
    return starts[0]


def _say_last(pen: Pen, order: Json, end: int) -> None:
    """The prescriber says that no more follows."""
    request = order.setdefault("dispenseRequest", {})
    request["numberOfRepeatsAllowed"] = 0
    request["validityPeriod"] = {"end": iso(end + pen.r.choice((-1, 0, 0, 1)))}


def _gaps(r: Random, days: int) -> Any:
    """How many uncovered days lie between two orders; negative: early."""
    style = r.choices(("none", "small", "edge", "early", "wild"), (35, 25, 12, 20, 8))[0]
    pools: dict[str, tuple[int, ...]] = {
        "none": (0,),
        "small": (-2, -1, 0, 0, 1, 3, 6, 12),
        "edge": (0, 0, 29, 30, 31, 59, 60, 61, 89, 90, 91),
        "early": tuple(-round(days * share) for share in (0.1, 0.15, 0.16, 0.2, 0.3, 0.45)),
        "wild": (-days, 0, 5, 20, 45, 100, 400),
    }
    return lambda: r.choice(pools[style])


def _doses(r: Random, steps: int) -> list[float]:
    """Tablets of each order in a row."""
    style = r.choices(("same", "up", "creep", "down", "halved", "wild"), (45, 12, 5, 18, 8, 12))[0]
    base = r.choice((0.5, 1, 1, 1, 2, 2, 3, 4))
    if style == "up":
        at = max(0, steps - r.choice((1, 1, 2, 3)))
        return [base * (r.choice((1.25, 1.5, 2, 3)) if n >= at else 1) for n in range(steps)]
    if style == "creep":
        return [base * (1 + 0.2 * n) for n in range(steps)]
    if style == "down":
        share = r.choice((0.9, 0.8, 0.75, 0.6, 0.5))
        turn = steps - 1 if r.random() < 0.2 else steps
        down = [round(4 * base * share**n, 3) for n in range(steps)]
        return down[:turn] + [down[max(0, turn - 2)]] * (steps - turn)
    if style == "halved":
        return [base] * (steps - 1) + [base / 2]
    if style == "wild":
        return [r.choice((0.25, 0.5, 1, 2, 4, 8)) for _ in range(steps)]
    return [base] * steps


def open_ended(pen: Pen) -> int:
    """One order, or a few, without any length."""
    r, t = pen.r, pen.t
    drug, start = a_drug(r), t - abs(near(r))
    order = pen.order(drug, start, 0, r.choice((0.5, 1, 2, 4)), r.choice((1, 2)), "none", r.random() < 0.15)
    if r.random() < 0.25:
        stop(pen, order, t - r.choice((0, 1, 5, 20, 59, -4)))
    if r.random() < 0.3:
        pen.order(drug, t - r.randrange(0, 90), 28, 1, 1, r.choice(("none", None)))
    if r.random() < 0.1:
        order["status"] = r.choice(("completed", "unknown", "stopped"))
    return start


def quiet(pen: Pen) -> int:
    """Open orders month by month, then none for a while (R04e); or one of them is still young."""
    r, t = pen.r, pen.t
    drug = a_drug(r)
    last = t - r.choice((59, 60, 61, 62, 90, 200, 300))
    apart = r.choice((28, 30, 30, 44, 45, 46))
    number = r.choice((3, 4, 4, 5, 6))
    for n in reversed(range(number)):
        order = pen.order(drug, last - n * apart, 0, r.choice((1, 2)), 2, "none")
        order["status"] = "active"
    return last - (number - 1) * apart


def fills(pen: Pen) -> int:
    """An order with repeats and its fills, early or late; at times fills of no known order."""
    r, t = pen.r, pen.t
    drug = a_drug(r)
    days, number = r.choice((28, 30, 30, 90)), r.choice((1, 2, 3, 5, 8))
    apart = r.choice((days, days, days - 1, days - 5, days - 9, days + 3, days + 20))
    first = t - (number - 1) * apart - r.choice((0, 3, 20, days - 2, days, days + 5, days + 8))
    tablets = r.choice((1, 1, 2, 4))
    order = pen.order(drug, first, days, tablets, 1, "expected")
    order["dispenseRequest"]["numberOfRepeatsAllowed"] = max(0, number - 1 + r.choice((-1, 0, 0, 1, 3)))
    order["status"] = r.choice(("active", "active", "completed", "stopped"))
    if order["status"] == "stopped":
        stop(pen, order, t - r.choice((0, 3, 10, 40)))
    if r.random() < 0.3:
        order["dispenseRequest"]["validityPeriod"] = {"end": iso(t + r.choice((-5, 0, 2, 60)))}
    of = order if r.random() < 0.9 else None
    for n in range(number):
        jitter = r.choice((0, 0, 0, 1, -3))
        if r.random() < 0.08:  # other tablets of the same drug
            pen.fill(of, a_drug(r, drug.ingredient), first + n * apart + jitter, days, tablets)
        else:
            pen.fill(of, drug, first + n * apart + jitter, days, tablets)
    if of is None:
        pen.resources.remove(order)
    if r.random() < 0.1:
        fill = pen.resources[-1]
        fill["status"] = r.choice(("preparation", "declined", "in-progress", "on-hold", "bogus"))
    return first


def phases(pen: Pen) -> int:
    """One order in steps: a taper, at times with a hole or a phase without length; often after a chain."""
    r, t = pen.r, pen.t
    drug = a_drug(r)
    number, each = r.choice((2, 3, 4, 5)), r.choice((7, 14, 14, 28))
    start = t - r.choice(
        (0, 5, each, number * each - 3, number * each, number * each + 10, number * each + 30, 150)
    )
    if r.random() < 0.7:
        chain(pen, drug, last_end=start - t)
    lines = []
    top = r.choice((2, 4, 4, 6))
    for n in range(number):
        tablets = round(top * r.choice((0.5, 0.75, 0.8)) ** n, 3)
        if r.random() < 0.04:
            tablets = 0
        line = a_line(r, drug, tablets, 1)
        line["sequence"] = n + 1
        repeat = line.setdefault("timing", {}).setdefault("repeat", {})
        last = n == number - 1
        if not (last and r.random() < 0.2) and r.random() < 0.97:
            style = r.random()
            first = start + n * each
            if style < 0.4:
                repeat["boundsPeriod"] = {"start": iso(first), "end": iso(first + each - 1)}
            elif style < 0.9:
                repeat["boundsDuration"] = a_duration(r, each)
            else:
                repeat["boundsRange"] = {"high": a_duration(r, each)}
        lines.append(line)
    pen.order(
        drug, start, number * each, top, 1, r.choice(("none", "none", "expected", "quantity")), lines=lines
    )
    return start


def two_agents(pen: Pen) -> int:
    """A second drug beside the first, or after it by a link."""
    r = pen.r
    first = chain(pen)
    orders = [x for x in pen.resources if x["resourceType"] == "MedicationRequest"]
    drug = a_drug(r)
    if r.random() < 0.5:
        chain(pen, drug, last_end=r.choice((-20, -14, -13, 0, 5, 20)))
    else:
        order = pen.order(drug, pen.t - near(r, 13, 14, 28, 42, 43, 56, 80), r.choice((14, 28, 60)))
        if r.random() < 0.4:
            order["priorPrescription"] = {"reference": f"MedicationRequest/{r.choice(orders)['id']}"}
    return first


def short(pen: Pen) -> int:
    """A few days only."""
    r, t = pen.r, pen.t
    start = t - r.choice((0, 1, 2, 3, 5, 10, 20, 25, 27, 28, 30))
    pen.order(a_drug(r), start, r.choice((1, 2, 3, 3, 4, 10, 14)), r.choice((1, 2)), r.choice((1, 3)))
    return start


def scattered(pen: Pen) -> int:
    """Orders of any drug at any time."""
    r, t = pen.r, pen.t
    starts = []
    drug = a_drug(r)
    for _ in range(r.choice((1, 2, 3, 4, 5))):
        start = t - abs(near(r)) + r.choice((0, 0, 0, 5, 15))
        order = pen.order(
            drug, start, r.choice((1, 3, 7, 14, 28, 60, 90, 400)), r.choice((0.5, 1, 2)), r.choice((1, 2))
        )
        if r.random() < 0.3:
            stop(pen, order, start + r.choice((-1, 0, 1, 5, 20, 40)))
        if r.random() < 0.5:
            drug = a_drug(r)
        starts.append(start)
    return min(starts)


def as_needed(pen: Pen) -> int:
    """Orders one after another that are taken when needed."""
    return chain(pen, as_needed=True)


COURSES = {
    chain: 36,
    open_ended: 11,
    fills: 11,
    phases: 9,
    two_agents: 9,
    quiet: 4,
    short: 5,
    scattered: 9,
    as_needed: 8,
}
