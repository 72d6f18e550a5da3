"""The synthetic people of fixtures/, moved to another day."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from service.record.bundle import read_bundle

Json = dict[str, Any]

_PACKAGE = Path(__file__).resolve().parent.parent
_DATED = re.compile(r"(\d{4}-\d\d-\d\d)(T.+)?")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a clinician should find of one person on the base day (fixtures/expected.json)."""

    file: str
    patient: str  # "Patient/p"
    name: str
    why: str
    findings: Sequence[Mapping[str, str]]  # rule, priority, due_on
    suppressed: Sequence[Mapping[str, str]]  # rule, by
    unreadable: Sequence[Mapping[str, str]]  # reference, reason
    ignored: Sequence[Mapping[str, str]]  # reference, reason


def folder() -> Path:
    """Where the fixtures are: inside an installed package, or beside it in a checkout.

    Raises FileNotFoundError when they are in neither place.
    """
    for place in (_PACKAGE / "fixtures", _PACKAGE.parent / "fixtures"):
        if (place / "base_day.txt").is_file():
            return place
    raise FileNotFoundError("the fixtures are neither in the package nor beside it")


def base_day() -> date:
    """The day for which the dates in the files are written."""
    return date.fromisoformat((folder() / "base_day.txt").read_text(encoding="utf-8").strip())


def files() -> list[Path]:
    """The Bundles, one person each, by name."""
    return sorted((folder() / "patients").glob("*.json"))


def expected() -> list[Expected]:
    """One row per person, in the order of the file."""
    tree = json.loads((folder() / "expected.json").read_text(encoding="utf-8"))
    return [Expected(**row) for row in tree["patients"]]


def resources(to_day: date) -> Iterator[Json]:
    """All resources as a FHIR server would hold them on `to_day`: rolled, references as `Type/id`.

    A resource that stands in several files (a prescriber) comes several times, always the same.
    """
    for file in files():
        for entry in read_bundle(file.read_bytes(), file=file.name).entries:
            yield roll(json.loads(entry.raw), to_day)


def roll(tree: Any, to_day: date) -> Any:
    """The JSON with every date and instant in it moved by the whole days from the base day to `to_day`.

    The time of day and its offset stay as written; what is no real date (2026-02-30) stays too.  Birth
    dates move as well: each birthday is far enough from the base day for all ages to hold.
    """
    return _moved(tree, to_day - base_day())


def _moved(tree: Any, by: timedelta) -> Any:
    if isinstance(tree, dict):
        return {name: _moved(value, by) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_moved(value, by) for value in tree]
    return _moved_text(tree, by) if isinstance(tree, str) else tree


def _moved_text(text: str, by: timedelta) -> str:
    found = _DATED.fullmatch(text)
    if found is None:
        return text
    try:
        return (date.fromisoformat(found[1]) + by).isoformat() + (found[2] or "")
    except ValueError:
        return text
