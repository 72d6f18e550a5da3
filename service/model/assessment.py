"""The answer for one patient on one day (interfaces.md, Assessment)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum

from service.model.facts import Range, SetAside


class Priority(IntEnum):
    """How soon; never `stat`."""

    ROUTINE = 1
    URGENT = 2
    ASAP = 3

    @property
    def word(self) -> str:
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> "Priority":
        return cls[word.upper()]


@dataclass(frozen=True, slots=True)
class Number:
    """A number that a finding used, with its unit and where it came from."""

    value: float | int | str
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that holds for one patient on one day."""

    rule: str
    title: str
    priority: Priority
    since: date
    due_on: date
    facts: Mapping[str, object]  # JSON values; dates as ISO text
    evidence: tuple[str, ...]  # references
    citation: str
    actions: tuple[str, ...]
    numbers: Mapping[str, Number] = field(default_factory=dict)  # thresholds used, by policy name
    suppressed_by: str | None = None


@dataclass(frozen=True, slots=True)
class DmeToday:
    low: float
    typical: float
    high: float


@dataclass(frozen=True, slots=True)
class EpisodeSummary:
    """The ongoing episode, else the last one, as of the day."""

    start: date
    end: date
    covered_days: int
    ongoing: bool
    covered: bool
    new_use: bool
    regular: bool
    ingredients: tuple[str, ...]
    daily_dose_mg: Mapping[str, Range | None]
    dme: DmeToday | None  # None: unknown; nothing covers: zeros
    dependence: str


@dataclass(frozen=True, slots=True)
class ItemSummary:
    """What the unsuppressed findings ask for together."""

    priority: Priority
    due_on: date
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What `assess` answers; `render` in `service/assess.py` gives its JSON shape."""

    patient: str
    as_of: date
    policy: str
    complete: bool
    missing: tuple[str, ...]
    confidence: str
    flags: tuple[str, ...]
    episode: EpisodeSummary | None
    last_review: date | None
    findings: tuple[Finding, ...]  # unsuppressed, in order of priority, then rule id
    suppressed: tuple[Finding, ...]
    item: ItemSummary | None
    wake_on: date | None
    unreadable: tuple[SetAside, ...]
    ignored: tuple[SetAside, ...]
    listed: bool  # has an order, a fill, an unreadable, or an ignored one in scope or of unknown drug
    focus: str | None = None  # the newest in-scope order
    prescriber: str | None = None  # reference of its requester
    failed_reads: tuple[str, ...] = ()  # types whose read failed
    unavailable_reads: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()  # suppressions that mute nothing but ask for careful words: "S8"
