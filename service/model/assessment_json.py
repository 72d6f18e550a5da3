"""An Assessment as the JSON object that interfaces.md shows."""

import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from service.model.assessment import Assessment, EpisodeSummary, Finding, Number, Priority
from service.model.facts import Range, SetAside

_DECIMALS = 2
_TOLERANCE = 1e-9  # what floats make of a half


def render(assessment: Assessment) -> dict[str, Any]:
    """One JSON object per patient; numbers are rounded to 2 decimals, dates are ISO text."""
    item = assessment.item
    return {
        "patient": assessment.patient,
        "as_of": assessment.as_of.isoformat(),
        "policy": assessment.policy,
        "complete": assessment.complete,
        "missing": list(assessment.missing),
        "confidence": assessment.confidence,
        "flags": list(assessment.flags),
        "episode": None if assessment.episode is None else _episode(assessment.episode),
        "last_review": _iso(assessment.last_review),
        "findings": [render_finding(each) for each in assessment.findings],
        "cautions": list(assessment.cautions),
        "suppressed": [{"rule": each.rule, "by": each.suppressed_by} for each in assessment.suppressed],
        "item": None
        if item is None
        else {
            "priority": item.priority.word,
            "due_on": item.due_on.isoformat(),
            "reasons": list(item.reasons),
        },
        "wake_on": _iso(assessment.wake_on),
        "unreadable": _asides(assessment.unreadable),
        "ignored": _asides(assessment.ignored),
    }


def _episode(episode: EpisodeSummary) -> dict[str, Any]:
    dme = episode.dme
    return {
        "start": episode.start.isoformat(),
        "end": episode.end.isoformat(),
        "covered_days": episode.covered_days,
        "ongoing": episode.ongoing,
        "covered": episode.covered,
        "new_use": episode.new_use,
        "regular": episode.regular,
        "ingredients": list(episode.ingredients),
        "daily_dose_mg": {name: _range(mg) for name, mg in episode.daily_dose_mg.items()},
        "dme": None
        if dme is None
        else {"low": _number(dme.low), "typical": _number(dme.typical), "high": _number(dme.high)},
        "dependence": episode.dependence,
    }


def render_finding(finding: Finding) -> dict[str, Any]:
    """A finding as it stands in the JSON of an assessment."""
    return {
        "rule": finding.rule,
        "title": finding.title,
        "priority": finding.priority.word,
        "since": finding.since.isoformat(),
        "due_on": finding.due_on.isoformat(),
        "facts": _plain(finding.facts),
        "numbers": {
            name: {"value": _plain(number.value), "unit": number.unit, "source": number.source}
            for name, number in finding.numbers.items()
        },
        "evidence": list(finding.evidence),
        "citation": finding.citation,
        "actions": list(finding.actions),
    }


def finding_of(tree: Mapping[str, Any]) -> Finding:
    """A finding as `render` wrote it; what an earlier version did not write is empty."""
    return Finding(
        rule=tree["rule"],
        title=tree["title"],
        priority=Priority.of(tree["priority"]),
        since=date.fromisoformat(tree["since"]),
        due_on=date.fromisoformat(tree["due_on"]),
        facts=tree["facts"],
        evidence=tuple(tree["evidence"]),
        citation=tree["citation"],
        actions=tuple(tree["actions"]),
        numbers={name: Number(**number) for name, number in tree.get("numbers", {}).items()},
    )


def _plain(value: object) -> Any:
    """A JSON value with rounded numbers."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return _number(value) if isinstance(value, float) else value


def _number(value: float) -> float | int:
    """Rounded half up, as a DME is; a whole number without a point."""
    near = math.floor(value * 10**_DECIMALS + 0.5 + _TOLERANCE) / 10**_DECIMALS
    return int(near) if near == int(near) else near


def _range(mg: Range | None) -> dict[str, Any] | None:
    return None if mg is None else {"low": _number(mg.low), "high": _number(mg.high)}


def _asides(asides: Iterable[SetAside]) -> list[dict[str, str]]:
    return [{"reference": aside.reference, "reason": aside.reason} for aside in asides]


def _iso(when: date | None) -> str | None:
    return None if when is None else when.isoformat()
