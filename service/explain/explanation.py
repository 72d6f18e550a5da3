"""What an explanation holds; days are dates, both ends included."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from service.model.assessment import Assessment, DmeToday, Finding, Number
from service.model.facts import Range


@dataclass(frozen=True, slots=True)
class PhaseRead:
    """A stretch of an instruction: its daily mg (None: unknown), and its own length where stated."""

    daily_mg: Range | None
    days: int | None


@dataclass(frozen=True, slots=True)
class Reading:
    """How an order or a fill was read, and what it covers."""

    reference: str
    is_fill: bool
    role: str  # "in-scope", "opioid", "sedative", "naloxone"
    ingredient: str
    strength: float | None  # mg per tablet, or per mL when `liquid`
    liquid: bool
    status: str | None  # of an order
    written: date | None  # authoredOn
    start: date
    phases: tuple[PhaseRead, ...]
    dose_unknown: str | None  # why
    as_needed: bool
    repeats: int | None
    length_days: int | None  # before any cut
    length_rule: str | None  # `Supply.rule`; None: it gives no supply
    covers_from: date | None
    covers_until: date | None  # the last day; None: nothing, or its end is not known yet
    is_open: bool
    cut: date | None  # the first day that it no longer covers
    cut_why: str | None
    flags: tuple[str, ...]
    no_supply: str | None  # why it covers nothing


@dataclass(frozen=True, slots=True)
class Event:
    """Something dated: a stretch of a supply, a condition, a review, an answer, a stay, a plan."""

    start: date
    end: date | None  # the last day; None: it has no length, or no known end
    what: str
    basis: str
    reference: str


@dataclass(frozen=True, slots=True)
class EpisodeTold:
    """Supplies joined into one use, as far as they are known on the day asked about."""

    start: date
    end: date  # the last covered day
    covered_days: int  # up to the day asked about
    gap_days: int  # the longest gap that still belongs to it
    ingredients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DoseRange:
    """Days with one dose; no medicine: nothing covers them."""

    start: date
    end: date
    daily_mg: Mapping[str, Range | None]
    dme: DmeToday | None  # None: unknown

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1


@dataclass(frozen=True, slots=True)
class Factor:
    """How many mg of diazepam one mg of an ingredient counts as, by which source."""

    ingredient: str
    low: float
    typical: float
    high: float
    source: str


@dataclass(frozen=True, slots=True)
class Dependence:
    """What `regular` and `dependence` rest on."""

    use_days: float  # of the last days, as-needed ones in part
    days_of_use: int  # from the start of the episode to the last covered day; 0: no episode
    numbers: Mapping[str, Number]


@dataclass(frozen=True, slots=True)
class Assumption:
    """A flag of the answer, and the orders and fills that it comes from; none: the patient."""

    flag: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A rule that holds and is not asked about."""

    finding: Finding
    by: str  # the suppression
    until: date | None  # the last day; None: as far as can be seen
    holds_after: bool  # else the rule itself no longer holds by then
    basis: tuple[str, ...]  # the answers that say so


@dataclass(frozen=True, slots=True)
class Changes:
    """What is new since the last answer or review."""

    since: date
    events: tuple[Event, ...]
    dme_then: float | None  # typical
    dme_now: float | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One patient's answer, and all that it rests on."""

    answer: Assessment
    readings: tuple[Reading, ...]
    events: tuple[Event, ...]
    episodes: tuple[EpisodeTold, ...]
    doses: tuple[DoseRange, ...]
    factors: tuple[Factor, ...]
    dependence: Dependence
    assumed: tuple[Assumption, ...]
    held_back: tuple[HeldBack, ...]
    changes: Changes | None
    forgotten: int  # orders active for more than two years and never renewed
