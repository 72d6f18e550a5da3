"""An explanation as JSON: the assessment, and beside it what it rests on."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

from service.explain.explanation import Explanation, HeldBack
from service.model.assessment_json import render, render_finding

_DECIMALS = 2


def as_json(told: Explanation) -> dict[str, Any]:
    """The keys of the assessment; then `timeline`, `readings`, `episodes`, `doses`, `assumed`, `held_back` …"""
    return {
        **render(told.answer),
        "timeline": _plain(told.events),
        "readings": _plain(told.readings),
        "episodes": _plain(told.episodes),
        "doses": _plain(told.doses),
        "factors": _plain(told.factors),
        "dependence": _plain(told.dependence),
        "assumed": _plain(told.assumed),
        "held_back": [_held(each) for each in told.held_back],
        "changes": _plain(told.changes),
        "forgotten": told.forgotten,
    }


def _held(held: HeldBack) -> dict[str, Any]:
    return {
        **render_finding(held.finding),
        "by": held.by,
        "until": _plain(held.until),
        "holds_after": held.holds_after,
        "basis": list(held.basis),
    }


def _plain(value: object) -> Any:
    """A JSON value: dates as ISO text, numbers rounded, a dataclass as an object of its fields."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        near = round(value, _DECIMALS)
        return int(near) if near == int(near) else near
    return value
