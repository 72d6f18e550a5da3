"""Which suppression mutes which rule, on which days (rules.md, Suppressions)."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from service.model.days import Day, Days
from service.model.facts import Outcome, OutcomeKind
from service.rules.accepted_use import treats_another, treats_seizures
from service.rules.answered import answered
from service.rules.care import alcohol_withdrawal, hospice, in_hospital, one_short_supply, palliative
from service.rules.case import Case
from service.rules.material_change import material_change
from service.rules.r06_sedatives import other_than_antiepileptic
from service.rules.r10_high_dose import high_days
from service.rules.review import snoozes_in_a_row
from service.rules.rule import Held

Mute = Callable[[Case, Held], Days]
"""The days on which a suppression mutes a rule that holds."""

_CONTINUE_MUTES = frozenset({"R01", "R02", "R06", "R07", "R08", "R10", "R15"})
_PRESENT_STRETCH = frozenset({"R05", "R09", "R14", "R16"})


def mutes(case: Case, held: Held) -> Mapping[str, Days]:
    """Suppression → the days on which it mutes the rule, lowest number first."""
    found = {name: mute(case, held) & held.days for name, mute in _MUTES.items()}
    return {name: days for name, days in found.items() if days}


def _deceased_or_inactive(case: Case, _held: Held) -> Days:
    """S1; a death is known from its day on."""
    facts = case.facts
    is_gone = facts.deceased is not None or facts.deceased_undated or not facts.active
    return case.exposure.all_days if is_gone else Days.none()


def _minor(case: Case, _held: Held) -> Days:
    return case.minor


def _continued(case: Case, held: Held) -> Days:
    """S12: a clinician decided to continue until a day, and nothing material changed since."""
    if held.id not in _CONTINUE_MUTES:
        return Days.none()
    at_most = case.policy.days("outcome.continue_at_most")
    return Days.union(
        Days.span(a, min(b, outcome.until + 1, outcome.day + at_most + 1)) - material_change(case, outcome)
        for a, b, outcome in _latest(case, OutcomeKind.CONTINUE)
        if outcome.until is not None
    )


def _snoozed(case: Case, held: Held) -> Days:
    """S13: postponed until a day; at most so many times in a row."""
    at_most = case.policy.days("outcome.snooze_at_most")
    return Days.union(
        _of_its_rules(case, held, outcome, Days.span(a, min(b, outcome.until, outcome.day + at_most)))
        for a, b, outcome in _latest(case, OutcomeKind.SNOOZE)
        if outcome.until is not None
        and snoozes_in_a_row(case.facts, outcome) <= case.policy.count("S13.snoozes_in_a_row")
    )


def _not_applicable(case: Case, held: Held) -> Days:
    """S15: a clinician marked it as not applicable."""
    lasts = case.policy.days("S15.lasts")
    return Days.union(
        _of_its_rules(case, held, outcome, Days.span(a, min(b, outcome.day + lasts + 1)))
        - material_change(case, outcome)
        for a, b, outcome in _latest(case, OutcomeKind.NOT_APPLICABLE)
    )


def _latest(case: Case, kind: OutcomeKind) -> Iterable[tuple[Day, Day, Outcome]]:
    window = case.exposure.window
    if window is None:
        return
    for a, b, outcome in case.latest_outcome.spans(window.start, window.end):
        if outcome is not None and outcome.kind is kind:
            yield a, b, outcome


def _of_its_rules(case: Case, held: Held, outcome: Outcome, days: Days) -> Days:
    """What of `days` an answer mutes for a rule that it was given to."""
    if held.id not in outcome.rules:
        return Days.none()
    if held.id == "R04":
        lasts = case.policy.days("S13.S15.R04_answer")
        days = days.within(outcome.day, outcome.day + lasts)
        return days & held.stretch(outcome.day) & held.not_higher(outcome.day)
    return days & held.stretch(outcome.day) if held.id in _PRESENT_STRETCH else days


def _of(muted: frozenset[str], days_of: Callable[[Case], Days], case: Case, held: Held) -> Days:
    """What of these rules is muted, on days that the case alone decides."""
    return case.remember(days_of) if held.id in muted else Days.none()


def _seizures(case: Case, held: Held) -> Days:
    """S7: not a dose above the label maximum, nor a sedative that is no antiepileptic."""
    days = case.remember(treats_seizures)
    if held.id == "R10":
        return days - case.remember(high_days).label
    if held.id == "R06":
        return days - case.remember(other_than_antiepileptic)
    return days if held.id in _SEIZURES_MUTE else Days.none()


_ALL = frozenset(f"R{n:02}" for n in range(17))
_SEIZURES_MUTE = frozenset({"R01", "R03", "R07", "R08"})

_MUTES: Mapping[str, Mute] = {
    "S1": _deceased_or_inactive,
    "S2": partial(_of, _ALL, hospice),
    "S3": partial(_of, _ALL - {"R04", "R05"}, palliative),
    "S4": partial(_of, _ALL, in_hospital),
    "S5": partial(_of, frozenset({"R02", "R08", "R12"}), one_short_supply),
    "S7": _seizures,
    "S9": partial(_of, frozenset({"R01", "R03"}), treats_another),
    "S10": partial(_of, frozenset({"R01", "R02"}), alcohol_withdrawal),
    "S11": _minor,
    "S12": _continued,
    "S13": _snoozed,
    "S14": answered,
    "S15": _not_applicable,
}
