"""R12: early refills, and more supply than days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from service.exposure.length import TOLERANCE
from service.exposure.overlap import are_linked, dose_key, has_unknown_dose
from service.model.assessment import Priority
from service.model.days import Day, Days
from service.model.exposure import Supply
from service.model.steps import Steps
from service.rules.case import Case, iso, references
from service.rules.events import R14
from service.rules.r03_dose_up import R03
from service.rules.rule import Account, Held, Holding, Rule, latest_in_force

_UNSURE = frozenset({"assumed", "repeats_assumed"})


@dataclass(frozen=True, slots=True)
class Piece:
    """Days on which the same supplies of one ingredient and daily dose have begun in the window."""

    days: Days
    supplies: tuple[Supply, ...]
    events: tuple[Day, ...]  # the starts that came early

    @property
    def supplied(self) -> int:
        """The days that they hold, without the last."""
        return sum(_length(supply) for supply in self.supplies[:-1])

    @property
    def passed(self) -> int:
        """The days from the first to the last start."""
        return self.supplies[-1].written_start - self.supplies[0].written_start


def holdings(case: Case) -> Sequence[Holding]:
    found = case.remember(pieces)
    holds = Days.union(piece.days for piece in found) & case.exposure.ongoing
    if not holds:
        return ()
    urgent = case.policy.count("R12.urgent_events")
    many = Days.union(piece.days for piece in found if len(piece.events) >= urgent)
    worse = Held(R03, R03.holdings(case)).days | Held(R14, R14.holdings(case)).days
    return (Holding(holds, Priority.ROUTINE), Holding((many | worse) & holds, Priority.URGENT))


def pieces(case: Case) -> tuple[Piece, ...]:
    """Those on which enough supplies came early, and those begun hold more days than have passed."""
    groups: dict[object, list[Supply]] = {}
    for supply in case.exposure.written:
        if not has_unknown_dose(supply):
            groups.setdefault((supply.ingredient, dose_key(supply)), []).append(supply)
    least, share = case.policy.count("R12.events_min"), case.policy.number("R12.supply_min") / 100
    return tuple(
        piece
        for group in groups.values()
        for piece in _pieces(case, group)
        if len(piece.events) >= least and 0 < piece.passed * share <= piece.supplied + TOLERANCE
    )


def _pieces(case: Case, group: Sequence[Supply]) -> Iterator[Piece]:
    early = frozenset(_events(group, case.policy.number("R12.early_below") / 100))
    window, days = case.policy.days("R12.window"), case.exposure.window
    starts = {supply.written_start for supply in group} if early else set()
    edges = sorted(starts | {start + window for start in starts})
    for a, b in pairwise([*edges, days.end if days else 0]):
        begun = tuple(supply for supply in group if a - window < supply.written_start <= a)
        if b > a and begun:
            events = sorted(early.intersection(supply.written_start for supply in begun))
            yield Piece(Days.span(a, b), begun, tuple(events))


def _events(supplies: Sequence[Supply], share: float) -> Iterator[Day]:
    """The start of each supply that came before enough of the days of the one before it had passed."""
    for current, following in pairwise(supplies):
        passed = following.written_start - current.written_start
        unsure = current.open_ended or _UNSURE & current.flags or are_linked(current, following)
        if 0 < passed < current.length * share - TOLERANCE and not unsure:
            yield following.written_start


def _length(supply: Supply) -> int:
    return supply.written_end - supply.written_start if supply.open_ended else supply.length


def latest_fact(case: Case) -> Steps[Day | None]:
    """The latest early refill of a piece that holds; one that does not hold is nothing that a finding rests on."""
    return latest_in_force((piece.days, piece.events[-1]) for piece in case.remember(pieces))


def account(case: Case, day: Day, priority: Priority) -> Account:
    here = [piece for piece in case.remember(pieces) if day in piece.days]
    due = "R12.due_urgent" if priority is Priority.URGENT else "R12.due"
    return Account(
        facts={
            "early_refills": [
                iso(event) for event in sorted(event for piece in here for event in piece.events)
            ],
            "ingredients": sorted({piece.supplies[0].ingredient for piece in here}),
            "supplied_days": sum(piece.supplied for piece in here),
            "passed_days": sum(piece.passed for piece in here),
        },
        evidence=references(supply for piece in here for supply in piece.supplies),
        numbers=(
            "R12.window",
            "R12.early_below",
            "R12.events_min",
            "R12.supply_min",
            "R12.urgent_events",
            due,
        ),
        due_after=case.policy.days(due),
    )


R12 = Rule("R12", holdings, account, latest_fact)
