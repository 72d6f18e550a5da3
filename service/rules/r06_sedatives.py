"""R06: other sedatives at the same time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.model.assessment import Priority
from service.model.days import Day, Days
from service.model.exposure import Supply
from service.model.levels import Levels
from service.model.steps import Steps
from service.rules.case import Case, iso, references
from service.rules.rule import Account, Holding, Rule, latest_in_force

_PRESSING = frozenset({"carisoprodol", "meprobamate", "sodium oxybate"})
_PRESSING_GROUP = "barbiturate"
_ANTIEPILEPTIC = frozenset({"phenobarbital", "primidone"})


@dataclass(frozen=True, slots=True)
class Sedative:
    """One ingredient beside the episode: on which days it is enough, and since when it is involved."""

    ingredient: str
    is_pressing: bool
    overlap: Days
    enough: Days
    supplies: tuple[Supply, ...]


def holdings(case: Case) -> Sequence[Holding]:
    sedatives, many = case.remember(sedatives_beside), case.remember(many_active)
    every = Days.union(sedative.enough for sedative in sedatives)
    pressing = Days.union(sedative.enough for sedative in sedatives if sedative.is_pressing)
    return (Holding(every | many, Priority.ROUTINE), Holding(pressing, Priority.URGENT))


def sedatives_beside(case: Case) -> tuple[Sedative, ...]:
    """The other sedatives of the patient, by name."""
    by_name: dict[str, list[Supply]] = {}
    for supply in case.exposure.sedatives:
        by_name.setdefault(supply.ingredient, []).append(supply)
    return tuple(_beside(case, name, tuple(supplies)) for name, supplies in sorted(by_name.items()))


def _beside(case: Case, name: str, supplies: tuple[Supply, ...]) -> Sedative:
    policy, drug = case.policy, supplies[0].drug
    least = policy.days("R06.strong_days" if drug.strong_signal else "R06.any_days")
    overlap = case.exposure.covered & Days.union(supply.days for supply in supplies)
    enough = Days.union(
        overlap.within(start, run.end).counted(policy.days("R06.window"), least).within(run.start, run.end)
        for start, days in case.ongoing_by_start.items()
        for run in days.periods()
    )
    is_pressing = drug.group == _PRESSING_GROUP or name in _PRESSING
    return Sedative(name, is_pressing, overlap, enough, supplies)


def many_active(case: Case) -> Days:
    """The days on which enough CNS-active ingredients cover an older adult."""
    if not case.older:
        return Days.none()
    counted = Levels.total(
        (run.start, run.end, 1) for days in _active(case).values() for run in days.periods()
    )
    least = case.policy.count("R06.cns_active_older")

    def enough(value: float | None) -> bool:
        return value is not None and value >= least

    window = case.exposure.window
    if window is None:
        return Days.none()
    return counted.days_where(enough, window.start, window.end) & case.older & case.exposure.ongoing


def _active(case: Case) -> Mapping[str, Days]:
    """The covered days of each CNS-active ingredient."""
    exposure = case.exposure
    found: dict[str, Days] = {}
    for supply in (*exposure.supplies, *exposure.sedatives, *exposure.opioids):
        found[supply.ingredient] = found.get(supply.ingredient, Days.none()) | supply.days
    return found


def other_than_antiepileptic(case: Case) -> Days:
    """The days on which something else than phenobarbital or primidone makes it hold (S7)."""
    others = (s.enough for s in case.remember(sedatives_beside) if s.ingredient not in _ANTIEPILEPTIC)
    return Days.union(others) | case.remember(many_active)


def latest_fact(case: Case) -> Steps[Day | None]:
    """When the ingredients in force began to overlap; a hole longer than the window begins anew."""
    window = case.policy.days("R06.window")
    parts: list[tuple[Days, Day]] = []
    for sedative in case.remember(sedatives_beside):
        runs = sedative.overlap.widen(after=window - 1).periods()
        parts += [(sedative.enough.within(run.start, run.end), run.start) for run in runs]
    many = case.remember(many_active)
    for days in _active(case).values() if many else ():
        runs = days.widen(after=window - 1).periods()
        parts += [(days.within(run.start, run.end) & many, run.start) for run in runs]
    return latest_in_force(parts)


def account(case: Case, day: Day, priority: Priority) -> Account:
    here = [sedative for sedative in case.remember(sedatives_beside) if day in sedative.enough]
    active = [name for name, days in _active(case).items() if day in days]
    is_many = day in case.remember(many_active)
    window = case.policy.days("R06.window")
    involved = [s for sedative in here for s in sedative.supplies if s.days.count(day - window + 1, day + 1)]
    involved += [s for s in (*case.exposure.sedatives, *case.exposure.opioids) if is_many and day in s.days]
    due = "R06.due_urgent" if priority is Priority.URGENT else "R06.due"
    begun = [run.start for sedative in here for run in sedative.overlap.periods() if run.start <= day]
    facts: dict[str, object] = {
        "sedatives": [sedative.ingredient for sedative in here],
        "cns_active": sorted(active) if is_many else [],
        "overlap_began": iso(min(begun)) if begun else None,
    }
    episode = case.exposure.last_episode.at(day)
    evidence = references(
        [*(case.exposure.covering(day) or (episode.supplies if episode else ())), *involved]
    )
    numbers = ("R06.window", "R06.strong_days", "R06.any_days", "R06.cns_active_older", due)
    return Account(facts, evidence, numbers, due_after=case.policy.days(due))


R06 = Rule("R06", holdings, account, latest_fact)
