"""What the service and the reference say about one record, and where they differ."""

from typing import Any

from tests.spec.golden import answer

from . import assess
from .records import Example

Answer = dict[str, Any] | None
SAME = (
    *(
        "patient",
        "as_of",
        "policy",
        "complete",
        "missing",
        "confidence",
        "flags",
        "last_review",
        "item",
        "wake_on",
    ),
    *("unreadable", "ignored", "suppressed"),
)
OF_A_FINDING = ("rule", "priority", "since", "due_on")
DME_TOLERANCE = 0.01


def served(resources: list[dict[str, Any]], as_of: str, policy: str) -> Answer:
    return answer({"resources": resources, "as_of": as_of, "policy": policy})


def told(resources: list[dict[str, Any]], as_of: str, policy: str) -> Answer:
    return assess(resources, as_of, policy, "example.ndjson")


def differing(one: Example) -> dict[str, tuple[Any, Any]]:
    """Name → (service, reference) of one record."""
    what = one.resources, one.as_of, one.policy
    return differences(served(*what), told(*what))


def differences(one: Answer, two: Answer) -> dict[str, tuple[Any, Any]]:
    """Name → (what the one says, what the other says); empty when they agree."""
    if one is None or two is None:
        return {} if one is two else {"listed": (one is not None, two is not None)}
    pairs = {name: (_in_order(one[name]), _in_order(two[name])) for name in SAME}
    pairs["findings"] = (_findings(one), _findings(two))
    if one["episode"] is None or two["episode"] is None:
        pairs["episode"] = (one["episode"], two["episode"])
    else:
        for name in {*one["episode"], *two["episode"]}:
            pairs[f"episode {name}"] = (one["episode"].get(name), two["episode"].get(name))
    return {name: pair for name, pair in pairs.items() if not _alike(*pair)}


def _findings(said: dict[str, Any]) -> list[tuple[Any, ...]]:
    return sorted(tuple(found[name] for name in OF_A_FINDING) for found in said["findings"])


def _in_order(value: Any) -> Any:
    """Lists of objects in one order: the page gives none."""
    return sorted(value, key=str) if isinstance(value, list) else value


def _alike(one: Any, two: Any) -> bool:
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(_alike(one[name], two[name]) for name in one)
    numbers = all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in (one, two))
    return abs(one - two) <= DME_TOLERANCE if numbers else bool(one == two)
