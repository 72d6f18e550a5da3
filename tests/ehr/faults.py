"""Which fault meets which request: rules with a rate or a count, drawn from a seed and so the same every time."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from service.sandbox.message import Request
from tests.ehr.bundles import SPOILS
from tests.ehr.replies import AFTER_COMMIT, INSTEAD

WRITES = ("create", "update", "delete")
LISTS = ("search", "page")
_GROUPS = {"write": WRITES, "list": LISTS}

DEFAULT_ON = {
    # fault: the requests that it strikes unless the rule says otherwise
    **{name: on for name, (on, _) in INSTEAD.items()},
    **dict.fromkeys(AFTER_COMMIT, "write"),
    **dict.fromkeys(SPOILS, "list"),
    "slow": "any",
    "cut-reply": "any",
    "drip": "any",
    "dropped-filter": "search",
    "ignored-if-none-exist": "create",
    "ignored-if-match": "update",
    "no-last-updated": "any",
    "no-location": "write",
}


@dataclass(frozen=True, slots=True)
class Occasion:
    """One request as rules see it.  `interaction` is metadata, batch, page, search, read, create, update or delete.

    `type` is the resource type; of a page the type of its search, "" if that is not known.
    """

    interaction: str
    type: str
    asked: str  # path and query, decoded
    in_batch: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """When a fault strikes.

    `on` is an interaction, "write", "list" (search and page) or "any", with a resource type behind it if wanted:
    "create Task".  Empty: the fault's own default.  `where` has to be part of the decoded path and query.
    Of the requests that fit, `skip` pass, then each is struck by chance `rate`, until `times` were (None: no end).
    `value` means something to some faults: a Retry-After, a status, seconds, parameter names, an origin.
    """

    fault: str
    rate: float = 1.0
    times: int | None = None
    skip: int = 0
    on: str = ""
    where: str = ""
    value: Any = None

    def __post_init__(self) -> None:
        if self.fault not in DEFAULT_ON:
            raise ValueError(f"no such fault: {self.fault!r}; there are {', '.join(sorted(DEFAULT_ON))}")

    def fits(self, occasion: Occasion) -> bool:
        interaction, _, type_ = (self.on or DEFAULT_ON[self.fault]).partition(" ")
        wanted = _GROUPS.get(interaction, (interaction,))
        return (
            (interaction == "any" or occasion.interaction in wanted)
            and type_ in ("", occasion.type)
            and self.where in occasion.asked
        )


@dataclass
class _Tally:
    fitted: int = 0
    struck: int = 0


@dataclass
class FaultPlan:
    """The rules in force.  Safe from several threads; `struck` counts by fault what happened."""

    seed: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    _rules: list[tuple[Rule, _Tally]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: str, **conditions: Any) -> Rule:
        """Put a rule in force: `add("lost-reply", times=2, on="create Task")`.  The fields are those of Rule."""
        return self.put(Rule(fault, **conditions))

    def put(self, rule: Rule) -> Rule:
        with self._lock:
            self._rules.append((rule, _Tally()))
        return rule

    def clear(self) -> None:
        """Let no rule be in force; what struck so far stays counted."""
        with self._lock:
            self._rules.clear()

    def rules(self) -> list[Rule]:
        with self._lock:
            return [rule for rule, _ in self._rules]

    def strikes(self, rule: Rule) -> bool:
        """Decide for one request that fits the rule, and count it."""
        with self._lock:
            for position, (each, tally) in enumerate(self._rules):
                if each is rule:
                    return self._decide(rule, tally, position)
        return False

    def _decide(self, rule: Rule, tally: _Tally, position: int) -> bool:
        tally.fitted += 1
        if tally.fitted <= rule.skip or (rule.times is not None and tally.struck >= rule.times):
            return False
        chance = random.Random(f"{self.seed}|{rule.fault}|{position}|{tally.fitted}").random()
        if chance >= rule.rate:
            return False
        tally.struck += 1
        self.struck[rule.fault] += 1
        return True


def occasion_of(request: Request, page_types: dict[str, str]) -> Occasion:
    """Say what a request asks for; `page_types` gives the type for the ids of pages."""
    segments = request.segments
    asked = unquote_plus(f"{request.path}?{request.query}")
    type_ = segments[0] if segments else ""
    match request.method, segments:
        case "GET", []:
            interaction = "page"
            type_ = page_types.get(dict(parse_qsl(request.query)).get("_getpages", ""), "")
        case "POST", []:
            interaction = "batch"
        case "GET", ["metadata"]:
            interaction = "metadata"
        case ("GET", [_]) | ("POST", [_, "_search"]):
            interaction = "search"
            asked += unquote_plus(request.body.decode("utf-8", "replace"))
        case "POST", [_]:
            interaction = "create"
        case _:
            interaction = {"GET": "read", "PUT": "update", "DELETE": "delete"}.get(request.method, "other")
    return Occasion(interaction, type_, asked, request.in_batch)


def read_rates(text: str) -> list[Rule]:
    """Read `lost-reply=0.3,unavailable=0.1` into rules."""
    pairs = (part.partition("=") for part in text.split(",") if part)
    return [Rule(name.strip(), rate=float(rate or 1)) for name, _, rate in pairs]
