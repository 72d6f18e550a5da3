"""How often is a review due?  (rules.md R02: 90 days, shorter or longer for some patients)"""

from service.model.steps import Steps, pieces, steps_of
from service.rules.accepted_use import other_with_seizures, treats_another, treats_seizures
from service.rules.case import Case

Interval = tuple[int, str]
"""Days, and the name of the threshold that gave them."""

_USUAL = "R02.interval"
_SUBSTANCE_USE = "R02.interval_substance_use_disorder"
_ACCEPTED = "R02.interval_S7_S9"
_SEIZURES = "R02.interval_seizure_other_ingredient"
_OTHER_RISK = "R02.interval_copd_sleep_breathing_bipolar"
_OTHER_RISK_CONCEPTS = ("copd", "sleep_disordered_breathing", "bipolar_disorder")


def intervals(case: Case) -> Steps[Interval]:
    """The interval on each day: the smallest of those that shorten, else the largest that lengthens."""
    usual = (case.policy.days(_USUAL), _USUAL)
    window = case.exposure.window
    shorter = {
        _SUBSTANCE_USE: case.condition(case.knowledge.conditions.substance_use),
        _OTHER_RISK: case.condition(_OTHER_RISK_CONCEPTS),
    }
    longer = {
        _ACCEPTED: case.remember(treats_seizures) | case.remember(treats_another),
        _SEIZURES: case.remember(other_with_seizures),
    }
    if window is None or not any((*shorter.values(), *longer.values())):
        return Steps(usual)
    steps = []
    for start, _ in pieces(window.start, window.end, *shorter.values(), *longer.values()):
        shortens = [(case.policy.days(name), name) for name, days in shorter.items() if start in days]
        lengthens = [(case.policy.days(name), name) for name, days in longer.items() if start in days]
        steps.append((start, min(shortens, default=max(lengthens, default=usual))))
    return steps_of(usual, steps)
