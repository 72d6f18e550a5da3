"""R04: stopped or lapsed without a taper, by somebody whose body may have got used to it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.exposure.dose import daily_mg
from service.exposure.length import TOLERANCE
from service.model.assessment import Priority
from service.model.days import Day, Days
from service.model.exposure import Episode, Supply
from service.rules.case import Case, iso, references
from service.rules.r04_variants import VARIANTS, held_before
from service.rules.rule import Account, Holding, Rule
from service.taper.recognise import finished_days

_ASAP_VARIANTS = frozenset({"R04a", "R04b", "R04d"})
_BARRED = frozenset({"R04b", "R04c", "R04d"})  # where every supply of the last day is of unsure length


def holdings(case: Case) -> Sequence[Holding]:
    stop = case.remember(stops)
    pressing = Days.union(stop.variants[name] for name in _ASAP_VARIANTS) & stop.likely
    return (
        Holding(pressing, Priority.ASAP),
        Holding(Days.union(stop.variants.values()), Priority.URGENT),
    )


@dataclass(frozen=True, slots=True)
class Stops:
    """The days of each variant, and those with a dependence that is likely."""

    variants: Mapping[str, Days]
    likely: Days

    def on(self, day: Day) -> frozenset[str]:
        return frozenset(name for name, days in self.variants.items() if day in days)


def stops(case: Case) -> Stops:
    """The variants with what all of them ask for."""
    exposure = case.exposure
    near = exposure.covered.widen(after=case.policy.days("R04.until")) & exposure.all_days
    found = {name: find(case) & near for name, find in VARIANTS.items()}
    asked = Days.union(found.values())
    if not asked:
        return Stops(found, Days.none())
    unsure = _unsure(case, asked)
    at_risk: list[Days] = []
    likely: list[Days] = []
    for days, last, episode in _last_days(case, asked):
        if exposure.dependence(last) == "likely":
            likely.append(days)
        if _is_at_risk(case, episode, last):
            at_risk.append(days - finished_days(exposure, days, last, episode, case.taper_plans))
    risk = Days.union(at_risk)
    variants = {name: (days - unsure if name in _BARRED else days) & risk for name, days in found.items()}
    return Stops(variants, Days.union(likely))


def _last_days(case: Case, asked: Days) -> Iterator[tuple[Days, Day, Episode]]:
    """Days with their last covered day, which is each covered day itself, and the latest episode."""
    exposure = case.exposure
    for day in asked & exposure.covered:
        episode = exposure.last_episode.at(day)
        if episode is not None:
            yield Days.span(day, day + 1), day, episode
    for run in (asked - exposure.covered).periods():
        last = exposure.covered.last_until(run.start)
        for a, b, episode in exposure.last_episode.spans(run.start, run.end):
            if last is not None and episode is not None:
                yield Days.span(a, b), last, episode


def _unsure(case: Case, asked: Days) -> Days:
    """The days on which every supply that contains the last covered day is open, assumed or as needed."""
    exposure = case.exposure
    firm = Days.union(supply.days for supply in exposure.supplies if _is_firm(supply))
    found = [(asked & exposure.covered) - firm]
    for run in (asked - exposure.covered).periods():
        last = exposure.covered.last_until(run.start)
        if last is not None and last not in firm:
            days = Days.span(run.start, run.end)
            ends = [s.cut for s in exposure.covering(last) if _is_open_alone(s) and s.cut is not None]
            found.append(days.within(run.start, min(ends, default=run.end)))
    return Days.union(found)


def _is_firm(supply: Supply) -> bool:
    """Whether its end is written down, on every day."""
    return not (supply.as_needed or supply.open_ended or "assumed" in supply.flags)


def _is_open_alone(supply: Supply) -> bool:
    return supply.open_ended and not supply.as_needed


def _is_at_risk(case: Case, episode: Episode, last: Day) -> bool:
    """Whether the body may have got used to it by the last covered day, and the last dose was not the least."""
    exposure = case.exposure
    dose = exposure.dme_with_z_drugs.high.at(last)
    if dose is not None and dose <= case.policy.number("R04.last_dose_over") + TOLERANCE:
        return False
    dependence = exposure.dependence(last)
    return dependence == "likely" or (dependence == "possible" and _is_long_enough(case, episode, last))


def _is_long_enough(case: Case, episode: Episode, last: Day) -> bool:
    if last < episode.start + case.policy.days("R04.possible_from_day"):
        return False
    typical = case.exposure.dme.typical.at(last)
    if typical is None or typical > case.policy.number("R04.possible_dme_over") + TOLERANCE:
        return True
    return any(supply.start > episode.start for supply in episode.supplies)


def account(case: Case, day: Day, priority: Priority) -> Account:
    exposure = case.exposure
    variants = case.remember(stops).on(day)
    last = exposure.covered.last_until(day)
    if last is None:
        raise ValueError("R04 holds only after a covered day")
    order = exposure.newest_order.at(day)
    last_supplies = exposure.covering(last)
    due = "R04.due_asap" if priority is Priority.ASAP else "R04.due_urgent"
    if variants == {"R04e"}:
        due = "R04e.due"
    facts: dict[str, object] = {
        "variants": sorted(variants),
        "what": [case.knowledge.texts.rule("R04").variants[name] for name in sorted(variants)],
        "last_covered_day": iso(last),
        "dependence": exposure.dependence(last),
        "last_dose_mg": {
            name: None if mg is None else {"low": mg.low, "high": mg.high}
            for name, mg in daily_mg(exposure.supplies, last).items()
        },
    }
    if "R04a" in variants and order is not None and order.stop_day is not None:
        facts["stopped_on"] = iso(order.stop_day)
    end = episode.covered.run_end(day) if (episode := exposure.last_episode.at(day)) else None
    if "R04c" in variants and end is not None:
        facts["covered_until"] = iso(end - 1)
    if "R04d" in variants:
        facts["held_dme_mg"], facts["dme_mg"] = held_before(case, day), exposure.dme.typical.at(day)
    if "R04e" in variants:
        facts["last_order_on"] = iso(max(supply.written_start for supply in last_supplies))
    evidence = references(last_supplies)
    if order is not None and order.reference not in evidence:
        evidence = (*evidence, order.reference)
    return Account(facts, evidence, tuple(_numbers(variants, due)), due_after=case.policy.days(due))


def _numbers(variants: frozenset[str], due: str) -> Iterator[str]:
    yield from ("R04.until", "R04.last_dose_over", "dependence.likely_from", due)
    if "R04b" in variants:
        yield from ("R04b.gap_short", "R04b.gap_long")
    if "R04c" in variants:
        yield "R04c.ends_within"
    if "R04d" in variants:
        yield from ("R04d.window", "R04d.held_min", "R04d.ratio_max")
    if "R04e" in variants:
        yield from ("R04e.supplies_min", "R04e.starts_apart_max", "R04e.quiet_over")


R04 = Rule("R04", holdings, account)
