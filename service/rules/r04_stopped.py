"""R04: stopped or lapsed without a taper, by somebody whose body may have got used to it."""

from collections.abc import Iterator, Mapping, Sequence

from service.exposure.dose import daily_mg
from service.exposure.length import TOLERANCE
from service.model.assessment import Priority
from service.model.days import Day, Days
from service.model.exposure import Episode
from service.rules.case import Case, iso, references
from service.rules.r04_variants import VARIANTS
from service.rules.rule import Account, Holding, Rule
from service.taper.recognise import is_finished

_ASAP_VARIANTS = frozenset({"R04a", "R04b", "R04d"})
_BARRED = frozenset({"R04b", "R04c", "R04d"})  # where every supply of the last day is of unsure length


def holdings(case: Case) -> Sequence[Holding]:
    held: dict[Priority, list[Day]] = {Priority.ASAP: [], Priority.URGENT: []}
    for day, variants in case.remember(variants_by_day).items():
        held[_priority(case, day, variants)].append(day)
    return tuple(Holding(Days.of(days), priority) for priority, days in held.items())


def variants_by_day(case: Case) -> Mapping[Day, frozenset[str]]:
    """The variants that hold, on each day on which one does."""
    near = case.exposure.covered.widen(after=case.policy.days("R04.until")) & case.exposure.all_days
    raw = {name: find(case) & near for name, find in VARIANTS.items()}
    found: dict[Day, frozenset[str]] = {}
    for day in Days.union(raw.values()):
        held = frozenset(name for name, days in raw.items() if day in days)
        if _is_unsure(case, day):
            held -= _BARRED
        if held and _is_at_risk(case, day):
            found[day] = held
    return found


def _priority(case: Case, day: Day, variants: frozenset[str]) -> Priority:
    last = case.exposure.covered.last_until(day)
    likely = last is not None and case.exposure.dependence(last) == "likely"
    return Priority.ASAP if likely and variants & _ASAP_VARIANTS else Priority.URGENT


def _is_unsure(case: Case, day: Day) -> bool:
    """Whether every supply that contains the last covered day is open, assumed or as needed."""
    last = case.exposure.covered.last_until(day)
    if last is None:
        return True
    return all(
        supply.as_needed or "assumed" in supply.flags or supply.is_open(day)
        for supply in case.exposure.covering(last)
    )


def _is_at_risk(case: Case, day: Day) -> bool:
    """What all variants ask for (rules.md R04)."""
    exposure, policy = case.exposure, case.policy
    last, episode = exposure.covered.last_until(day), exposure.last_episode.at(day)
    if last is None or episode is None or day > last + policy.days("R04.until"):
        return False
    dose = exposure.dme_with_z_drugs.high.at(last)
    if dose is not None and dose <= policy.number("R04.last_dose_over") + TOLERANCE:
        return False
    dependence = exposure.dependence(last)
    if dependence != "likely" and not (dependence == "possible" and _is_long_enough(case, episode, last)):
        return False
    return not is_finished(exposure, day, case.taper_plans)


def _is_long_enough(case: Case, episode: Episode, last: Day) -> bool:
    if last < episode.start + case.policy.days("R04.possible_from_day"):
        return False
    typical = case.exposure.dme.typical.at(last)
    if typical is None or typical > case.policy.number("R04.possible_dme_over") + TOLERANCE:
        return True
    return any(supply.start > episode.start for supply in episode.supplies)


def account(case: Case, day: Day, priority: Priority) -> Account:
    exposure = case.exposure
    variants = case.remember(variants_by_day)[day]
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
