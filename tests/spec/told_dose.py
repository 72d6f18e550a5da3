"""One dosage line of FHIR from the words of the tables; see `told.py` for the whole notation."""

import re
from datetime import date, timedelta
from typing import Any

DAY_0 = date(2026, 1, 1)
NUMBER = r"\d+(?:\.\d+)?"
UNITS = {"mg", "mcg", "g", "mL", "tablets", "tablet", "capsule", "puff", "drops", "unit"}
PER = {"d": "d", "wk": "wk", "h": "h", "mo": "mo"}
_AMOUNT = re.compile(rf"(?:({NUMBER})\.\.)?({NUMBER})")
_SPAN = re.compile(rf"(?:({NUMBER})\.\.)?({NUMBER})([a-z]*)")


def day(written: str) -> str:
    """A day of the tables as FHIR writes it: a number counts from day 0, anything else stands as it is."""
    if re.fullmatch(r"-?\d+", written) and len(written.lstrip("-")) < 4:
        return (DAY_0 + timedelta(days=int(written))).isoformat()
    return written


def number(written: str) -> float | int:
    value = float(written)
    return int(value) if value == int(value) else value


def is_amount(token: str, following: str | None) -> bool:
    return bool(_AMOUNT.fullmatch(token)) and following in UNITS


def add_amount(line: dict[str, Any], token: str, unit: str | None) -> None:
    """`10 mg`, `5..10 mg`; `..10 mg` has no low end."""
    low, high = _span(token)[:2]
    shown = {} if unit is None else {"unit": unit}
    if low is None:
        line["doseAndRate"] = [{"doseQuantity": {"value": high, **shown}}]
    else:
        line["doseAndRate"] = [
            {"doseRange": {"low": {"value": low, **shown}, "high": {"value": high, **shown}}}
        ]
    line.setdefault("timing", {}).setdefault("repeat", {"frequency": 1, "period": 1, "periodUnit": "d"})


def add_option(line: dict[str, Any], key: str, value: str) -> bool:
    """One `key=value` of a dosage line; False: it is none of a line."""
    repeat = line.setdefault("timing", {}).setdefault("repeat", {})
    low, high, unit = _span(value) if _SPAN.fullmatch(value) else (None, None, "")
    match key:
        case "times":  # times=2, times=1..3: in the period
            repeat["frequency"] = high if low is None else low
            if low is not None:
                repeat["frequencyMax"] = high
        case "per":  # per=2d, per=1..2d, per=6h
            repeat["period"] = high if low is None else low
            repeat["periodUnit"] = unit
            if low is not None:
                repeat["periodMax"] = high
        case "on":
            repeat["dayOfWeek"] = value.split("+")
        case "when":
            repeat["when"] = value.split("+")
        case "at":
            repeat["timeOfDay"] = value.split("+")
        case "code":
            line["timing"]["code"] = {"coding": [{"code": value}]}
        case "for":  # for=14d, for=10..14d
            if low is None:
                repeat["boundsDuration"] = {"value": high, "unit": unit}
            else:
                repeat["boundsRange"] = {
                    "low": {"value": low, "unit": unit},
                    "high": {"value": high, "unit": unit},
                }
        case "from":
            repeat.setdefault("boundsPeriod", {})["start"] = day(value)
        case "to":
            repeat.setdefault("boundsPeriod", {})["end"] = day(value)
        case "count":
            repeat["count"] = high
        case "max":  # max=4tablets, max=15mg, max=15mg/wk
            line["maxDosePerPeriod"] = _maximum(value)
        case "seq":
            line["sequence"] = int(value)
        case "route":
            line["route"] = {"text": value}
        case _:
            return False
    return True


def drop_default_times(line: dict[str, Any]) -> None:
    """Once a day is what a line says that says nothing else."""
    timing = line.get("timing", {})
    repeat = timing.get("repeat", {})
    own = {"when", "timeOfDay"} & repeat.keys() or "code" in timing
    once = {"frequency": 1, "period": 1, "periodUnit": "d"}
    if (own or line.get("text")) and once.items() <= repeat.items():
        for key in once:
            del repeat[key]


def _maximum(value: str) -> dict[str, Any]:
    amount, _, per = value.partition("/")
    found = re.fullmatch(rf"({NUMBER})(\w+)", amount)
    if found is None:
        raise ValueError(f"max={value}")
    return {
        "numerator": {"value": number(found[1]), "unit": found[2]},
        "denominator": {"value": 1, "unit": per or "day", "code": per or "d"},
    }


def _span(value: str) -> tuple[float | int | None, float | int, str]:
    found = _SPAN.fullmatch(value)
    if found is None:
        raise ValueError(f"{value} is no amount")
    return None if found[1] is None else number(found[1]), number(found[2]), found[3]
