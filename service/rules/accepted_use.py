"""S7, S8, S9: disorders for which longer use is accepted (rules.md, Suppressions)."""

from collections.abc import Callable

from service.knowledge.conditions import SEIZURE_DISORDER
from service.model.days import Days
from service.model.exposure import Episode
from service.rules.case import Case

_FOR_SEIZURES = frozenset({"clobazam", "clonazepam"})
_FOR_OTHERS = frozenset({"clonazepam", "diazepam", "lorazepam"})
_OTHERS = ("rem_sleep_behavior_disorder", "catatonia", "stiff_person_syndrome", "spasticity_indication")


def treats_seizures(case: Case) -> Days:
    """S7: a seizure disorder, and an ingredient or a reason that says it is treated with it."""
    days = case.condition((SEIZURE_DISORDER,))
    return days & _where(case, _is_for_seizures) if days else days


def other_with_seizures(case: Case) -> Days:
    """S8: a seizure disorder, and another ingredient."""
    days = case.condition((SEIZURE_DISORDER,))
    return days - treats_seizures(case) if days else days


def treats_another(case: Case) -> Days:
    """S9: REM sleep behaviour disorder, catatonia, stiff person or spasticity."""
    days = case.condition(_OTHERS)
    return days & _where(case, _is_for_others) if days else days


def _where(case: Case, holds: Callable[[Episode], bool]) -> Days:
    return Days.union(Days.span(a, b) for a, b, episode in case.ongoing_pieces if holds(episode))


def _is_for_seizures(episode: Episode) -> bool:
    reasons = (supply.order.reason_concepts for supply in episode.supplies if supply.order is not None)
    return not _FOR_SEIZURES.isdisjoint(episode.ingredients) or any(
        SEIZURE_DISORDER in found for found in reasons
    )


def _is_for_others(episode: Episode) -> bool:
    return not _FOR_OTHERS.isdisjoint(episode.ingredients)
