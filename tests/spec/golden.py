"""The golden examples: what a record of one patient must come to, stated by hand from the specification."""

import json
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from service.assess import assess, render
from service.knowledge import knowledge, load_policy
from service.record.group import group
from service.record.read import read

EXAMPLES = Path(__file__).parent / "examples"
NOT_YET = Path(__file__).parent / "not-yet.txt"
DME_TOLERANCE = 0.01


def examples() -> Iterator[dict[str, Any]]:
    for file in sorted(EXAMPLES.glob("*.json")):
        yield from json.loads(file.read_text(encoding="utf-8"))


def not_yet() -> dict[str, str]:
    """Example id → the clause that is left for later, and why."""
    lines = NOT_YET.read_text(encoding="utf-8").splitlines()
    return {line.split()[0]: line.partition("  ")[2] for line in lines if line.strip() and line[0] != "#"}


policy = cache(load_policy)


def answer(example: dict[str, Any]) -> dict[str, Any] | None:
    """The rendered assessment of `Patient/p`; None where `assess --all` would not print the patient."""
    lines = (json.dumps(resource).encode() for resource in example["resources"])
    readings = [read(line, f"example.ndjson:{n}") for n, line in enumerate(lines, 1)]
    (record,) = group(readings)
    as_of = date.fromisoformat(example["as_of"])
    assessment = assess(record, policy(example["policy"]), knowledge(), as_of)
    return render(assessment) if assessment.listed else None


def differences(expect: dict[str, Any], got: dict[str, Any] | None) -> dict[str, tuple[Any, Any]]:
    """What is named in `expect` and is otherwise: name → (expected, got)."""
    if got is None:
        return {} if not expect["listed"] else {"listed": (True, False)}
    shown: dict[str, Any] = {
        "listed": True,
        "findings": {each["rule"]: each["priority"] for each in got["findings"]},
        "suppressed": {each["rule"]: each["by"] for each in got["suppressed"]},
        "unreadable": {each["reference"]: each["reason"] for each in got["unreadable"]},
        "ignored": {each["reference"]: each["reason"] for each in got["ignored"]},
        "last_review": got["last_review"],
        "wake_on": got["wake_on"],
        "item": got["item"],
    }
    for name, key in (("since", "since"), ("due", "due_on")):
        by_rule = {each["rule"]: each[key] for each in got["findings"]}
        shown[name] = {rule: by_rule.get(rule) for rule in expect.get(name, {})}
    shown["episode"] = _episode(got["episode"], expect.get("episode"))
    shown["dme"] = got["episode"]["dme"] if got["episode"] else None
    return {
        name: (value, shown[name]) for name, value in expect.items() if not _same(name, value, shown[name])
    }


def _episode(got: dict[str, Any] | None, named: dict[str, Any] | None) -> dict[str, Any] | None:
    if got is None or named is None:
        return got
    return {name: set(got[name]) if name == "ingredients" else got[name] for name in named}


def _same(name: str, expected: Any, got: Any) -> bool:
    if name == "dme" and expected is not None and got is not None:
        return all(abs(expected[end] - got[end]) <= DME_TOLERANCE for end in expected)
    if name == "episode" and expected is not None and "ingredients" in expected:
        expected = {**expected, "ingredients": set(expected["ingredients"])}
    return bool(expected == got)
