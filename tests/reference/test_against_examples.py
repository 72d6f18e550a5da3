"""Every example of the specification, read by the reference."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.reference import assess

FOLDER = Path(__file__).resolve().parents[1] / "spec" / "examples"
CASES = [
    (path.stem, case)
    for path in sorted(FOLDER.glob("*.json"))
    for case in json.loads(path.read_text("utf-8"))
]


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{stem}:{case['id']}") for stem, case in CASES])
def test_example(case: dict[str, Any]) -> None:
    got = assess(case["resources"], case["as_of"], case.get("policy", "us"))
    assert differences(case["expect"], got) == []


def differences(expect: dict[str, Any], got: dict[str, Any] | None) -> list[str]:
    """What an example names and the assessment does not say."""
    if got is None or not expect["listed"]:
        return [] if (got is not None) == expect["listed"] else ["listed"]
    found = {f["rule"]: f for f in got["findings"]}
    pairs: list[tuple[str, Any, Any]] = [
        ("findings", expect["findings"], {rule: f["priority"] for rule, f in found.items()}),
        ("suppressed", expect["suppressed"], {s["rule"]: s["by"] for s in got["suppressed"]}),
    ]
    for name, field in (("since", "since"), ("due", "due_on")):
        for rule, day in expect.get(name, {}).items():
            pairs.append((f"{name} of {rule}", day, found.get(rule, {}).get(field)))
    pairs += [(n, expect[n], got[n]) for n in ("last_review", "wake_on", "item") if n in expect]
    for name in ("unreadable", "ignored"):
        have = {u["reference"]: u["reason"] for u in got[name]}
        pairs += [(name, expect[name], have)] if name in expect else []
    pairs += _episode_pairs(expect, got)
    return [f"{name}: expected {want}, got {have}" for name, want, have in pairs if want != have]


def _episode_pairs(expect: dict[str, Any], got: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    pairs: list[tuple[str, Any, Any]] = []
    episode = got["episode"]
    if "episode" in expect:
        if expect["episode"] is None or episode is None:
            pairs.append(("episode", expect["episode"], episode))
        else:
            for name, value in expect["episode"].items():
                have = episode[name]
                pairs.append(
                    (name, sorted(value), sorted(have)) if name == "ingredients" else (name, value, have)
                )
    if "dme" in expect:
        have = episode["dme"] if episode is not None else None
        if expect["dme"] is None or have is None:
            pairs.append(("dme", expect["dme"], have))
        else:
            for name, value in expect["dme"].items():
                close = abs(value - have[name]) <= 0.01
                pairs.append((f"dme {name}", value, value if close else have[name]))
    return pairs
