"""Days, doses and names as a clinician reads them."""

from collections.abc import Iterable, Mapping
from datetime import date

from service.model.assessment import DmeToday, EpisodeSummary
from service.model.facts import Range

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day(when: date) -> str:
    """`2 Apr 2026`."""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def stated_day(value: object) -> str:
    """A day as facts carry it (ISO text) in words; any other value as it is."""
    try:
        return day(date.fromisoformat(str(value)))
    except ValueError:
        return str(value)


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


def stated_amount(value: object) -> str:
    """`{"low": …, "high": …}` of a daily dose in mg; None: unknown."""
    return amount(Range(value["low"], value["high"]) if isinstance(value, Mapping) else None)


def stated_doses(value: object) -> str:
    """`{ingredient: {"low": …, "high": …}}`: `diazepam 10 mg/day and zolpidem 5 mg/day`."""
    if not isinstance(value, Mapping):
        return "dose unknown"
    return listed(f"{name} {stated_amount(mg)}" for name, mg in value.items()) or "dose unknown"


def listed(names: Iterable[object]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    words = [str(name) for name in names]
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def doses(episode: EpisodeSummary) -> str:
    """Each medicine that covers the day with its dose, else the names alone."""
    if not episode.daily_dose_mg:
        return listed(episode.ingredients)
    return ", ".join(f"{name} {amount(mg)}" for name, mg in sorted(episode.daily_dose_mg.items()))


def equivalent(dme: DmeToday | None) -> str:
    """`10 mg/day as diazepam`, a range where the sources differ."""
    return f"{amount(Range(dme.low, dme.high) if dme else None)} as diazepam"
