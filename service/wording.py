"""The sentences that clinicians read, made from an assessment (lifecycle.md §5).

They say *review*, never *stop*; dates are absolute, so that a text stays true while it stands.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date

from service.model.assessment import Assessment, DmeToday, EpisodeSummary, Finding
from service.model.facts import Range

Facts = Mapping[str, object]  # of a finding: JSON values

DESCRIPTION_LENGTH = 200  # characters; lifecycle.md §5
INTENDED_USE = (
    "This is a prompt for a clinician who can check it against the record; it is not an order, "
    "and not for emergencies."
)


def day(when: date) -> str:
    """`2 Apr 2026`."""
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{when.day} {months[when.month - 1]} {when.year}"


def number(value: float) -> str:
    """`10`, `2.5`, `6.67`: at most two decimals, none that say nothing."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def amount(mg: Range | None) -> str:
    """`10 mg/day`, `5 to 10 mg/day`, `dose unknown`."""
    if mg is None:
        return "dose unknown"
    if abs(mg.high - mg.low) < 0.005:
        return f"{number(mg.high)} mg/day"
    return f"{number(mg.low)} to {number(mg.high)} mg/day"


def doses(episode: EpisodeSummary) -> str:
    """Each medicine that covers the day with its dose, else the names alone."""
    if not episode.daily_dose_mg:
        return " and ".join(episode.ingredients)
    return ", ".join(f"{name} {amount(mg)}" for name, mg in sorted(episode.daily_dose_mg.items()))


def equivalent(dme: DmeToday | None) -> str:
    """`10 mg/day as diazepam`, a range where the sources differ."""
    return f"{amount(Range(dme.low, dme.high) if dme else None)} as diazepam"


def description(assessment: Assessment) -> str:
    """One line: what is due, the dose, since when, the last review; at most 200 characters."""
    episode = assessment.episode
    parts = ["Benzodiazepine review due"]
    if episode is not None:
        ended = "" if episode.covered else f", last supply ended {day(episode.end)}"
        parts.append(f"{doses(episode)} since {day(episode.start)}{ended}")
    review = f"last review {day(assessment.last_review)}" if assessment.last_review else "no review on record"
    text = f"{': '.join(parts)}; {review}"
    return text if len(text) <= DESCRIPTION_LENGTH else text[: DESCRIPTION_LENGTH - 1].rstrip() + "…"


def reason(finding: Finding) -> str:
    """A finding in one sentence with the numbers that decided."""
    needed, sentence = _SENTENCES.get(finding.rule, (frozenset(), _any_facts))
    said = sentence(finding.facts) if needed <= finding.facts.keys() else _any_facts(finding.facts)
    when = f"{finding.title} since {day(finding.since)}, due {day(finding.due_on)}"
    return f"{when}: {said}" if said else when


def _stale(facts: Facts) -> str:
    return f"{_names(facts['ingredients'])}, ordered {_day(facts['ordered_on'])} and still active"


def _first(facts: Facts) -> str:
    return f"new use of {_names(facts['ingredients'])} since {_day(facts['episode_start'])}, no review since"


def _periodic(facts: Facts) -> str:
    return f"every {facts['interval_days']} days, counted from the {facts['anchor_is']} on {_day(facts['anchor'])}"


def _stopped(facts: Facts) -> str:
    how = _names(facts["what"])
    if "stopped_on" in facts:
        how += f" on {_day(facts['stopped_on'])}"
    if "last_order_on" in facts:
        how += f", last order {_day(facts['last_order_on'])}"
    last = _any_value(facts["last_dose_mg"])
    return f"{how}; last covered day {_day(facts['last_covered_day'])} with {last}; dependence {facts['dependence']}"


def _opioid(facts: Facts) -> str:
    said = f"{_names(facts['opioids'])} together with it since {_day(facts['overlap_began'])}"
    if facts["last_overlap_day"] != facts["overlap_began"]:
        said += f", last on {_day(facts['last_overlap_day'])}"
    said += "; naloxone on record" if facts["naloxone_on_record"] else "; no naloxone on record"
    if facts["opioid_use_disorder_medication"]:
        said += "; treats opioid use disorder, not to be disrupted"
    if facts["cancer_pain_or_sickle_cell"]:
        said += "; cancer pain or sickle cell disease on record"
    return said


_SENTENCES: Mapping[str, tuple[frozenset[str], Callable[[Facts], str]]] = {
    "R00": (frozenset({"ingredients", "ordered_on"}), _stale),
    "R01": (frozenset({"ingredients", "episode_start"}), _first),
    "R02": (frozenset({"interval_days", "anchor", "anchor_is"}), _periodic),
    "R04": (frozenset({"what", "last_covered_day", "last_dose_mg", "dependence"}), _stopped),
    "R05": (
        frozenset(
            {
                "opioids", "overlap_began", "last_overlap_day", "naloxone_on_record",
                "opioid_use_disorder_medication", "cancer_pain_or_sickle_cell",
            }
        ),
        _opioid,
    ),
}  # fmt: skip
"""By rule: the facts that its sentence needs (else all facts are listed), and the sentence."""


def _any_facts(facts: Facts) -> str:
    stated = ((name, value) for name, value in facts.items() if value not in (None, [], "", {}))
    return ", ".join(f"{name.replace('_', ' ')} {_any_value(value)}" for name, value in stated)


def _any_value(value: object) -> str:
    """A fact in words: a day, a number, a list; `{"low": …, "high": …}` by name is a daily dose in mg."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(_any_value, value))
    if isinstance(value, Mapping):
        if value.keys() == {"low", "high"}:
            return amount(Range(value["low"], value["high"]))
        return ", ".join(
            f"{name} {'dose unknown' if v is None else _any_value(v)}" for name, v in value.items()
        )
    return _day(value)


def _day(value: object) -> str:
    try:
        return day(date.fromisoformat(str(value)))
    except ValueError:
        return str(value)


def _names(value: object) -> str:
    return " and ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def next_steps(findings: Iterable[Finding]) -> list[str]:
    """The actions of the findings, each once, the most pressing finding first."""
    return list(dict.fromkeys(action for finding in findings for action in finding.actions))


def note(assessment: Assessment) -> str:
    """What to do next, what was missing, and what this is."""
    steps = "; ".join(next_steps(assessment.findings[:2]))
    lines = [f"Next: {steps}." if steps else "Next: review with the patient."]
    if assessment.missing:
        lines.append(f"Not visible to this service: {', '.join(assessment.missing)}.")
    if any(item.in_scope for item in assessment.unreadable):
        lines.append("At least one order could not be read; check the medication list itself.")
    lines.append(f"Assessed for {day(assessment.as_of)} with policy {assessment.policy}. {INTENDED_USE}")
    return " ".join(lines)


def no_longer_due(since: date, why: str) -> str:
    """Our note in a Task that a person is at."""
    return f"No longer due since {day(since)}: {why}. Kept open because work on it has begun. {INTENDED_USE}"


_CLOSE_REASONS = {
    "reviewed": "a review has been recorded",
    "resolved": "the record no longer asks for one",
    "expired": "the time in which it could be acted on has passed",
    "source-error": "the orders or the patient's record were taken back",
}


def close_reason(reason: str) -> str:
    """A close reason in words."""
    return _CLOSE_REASONS.get(reason, reason)
