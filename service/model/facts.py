"""What one patient's record states, in our own words: the input of exposure and rules.

`normalise` makes these from the FHIR elements of a `PatientRecord`; nothing here was inferred
from anything else.  "Not stated" is None.  Days are day numbers at the clinic.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from service.model.days import Day, Period


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """An amount known from `low` to `high`."""

    low: float
    high: float

    @property
    def mid(self) -> float:
        return (self.low + self.high) / 2

    def scaled(self, low: float, high: float | None = None) -> "Range":
        """Both ends multiplied, each by its own factor."""
        return Range(self.low * low, self.high * (low if high is None else high))


class Role(StrEnum):
    """What a medicine is to us."""

    IN_SCOPE = "in-scope"
    OPIOID = "opioid"
    SEDATIVE = "sedative"
    NALOXONE = "naloxone"


@dataclass(frozen=True, slots=True)
class Drug:
    """A recognised medicine."""

    role: Role
    ingredient: str
    strength: float | None  # mg per unit; mg per mL when `liquid`
    liquid: bool = False
    group: str | None = None  # of sedatives: "barbiturate", "gabapentinoid" …
    moud: bool = False  # medication for opioid use disorder
    strong_signal: bool = False  # rules.md R06
    by_text: bool = False  # flag `identified_by_text`


@dataclass(frozen=True, slots=True)
class Phase:
    """What a dosage says for a stretch of days (exposure.md §3)."""

    daily_mg: Range | None  # None: unknown
    units_per_day: Range | None  # tablets or mL a day, for quantities; None: unknown
    days: int | None  # its own length, where stated


@dataclass(frozen=True, slots=True)
class Dosage:
    """All dosage lines of an order or a fill, read together.

    Concurrent lines are summed into one phase; otherwise the phases follow each other.
    """

    phases: tuple[Phase, ...]  # empty: no line at all
    as_needed: bool
    units_per_administration: float | None  # low end, for as-needed rates (exposure.md §5)
    every_line_has_length: bool
    bounds: Period | None  # rule 1 of §4: earliest start to the day after the latest end
    days: int | None  # rule 2 of §4: bounds duration or count, over all lines
    first_bounds_start: Day | None
    flags: frozenset[str] = frozenset()
    unknown: str | None = None  # why the dose is unknown


class OrderStatus(StrEnum):
    """MedicationRequest.status, R5's `ended` read as `stopped`; fills use ACTIVE and COMPLETED."""

    ACTIVE = "active"
    COMPLETED = "completed"
    STOPPED = "stopped"
    ON_HOLD = "on-hold"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Order:
    """A MedicationRequest that counts, of any role."""

    reference: str  # "MedicationRequest/a"
    drug: Drug
    status: OrderStatus
    start: Day
    authored: Day | None
    dosage: Dosage
    stop_day: Day | None = None  # of stopped and on-hold ones: the first day that it no longer covers
    stop_unknown: bool = False  # stopped, and nothing says when
    expected_days: int | None = None  # dispenseRequest.expectedSupplyDuration, one fill
    quantity_units: float | None = None  # dispenseRequest.quantity in tablets or mL, one fill
    repeats: int | None = None  # numberOfRepeatsAllowed; None: not stated
    validity_end: Day | None = None  # dispenseRequest.validityPeriod.end
    bounds_end: Day | None = None  # last day of the latest boundsPeriod that has an end
    prior: str | None = None  # reference that `priorPrescription` names
    requester: str | None = None  # one person or role, resolved: equal strings are the same requester
    organizations: frozenset[str] = frozenset()  # of the requester's roles
    reason_concepts: frozenset[str] = frozenset()  # concepts of reasonCode and reasonReference
    flags: frozenset[str] = frozenset()  # identified_by_text, date_imprecise

    @property
    def known_on(self) -> Day:
        """The day from which on the order is known."""
        return self.start if self.authored is None else self.authored


@dataclass(frozen=True, slots=True)
class Fill:
    """A MedicationDispense that counts."""

    reference: str
    drug: Drug
    start: Day  # handed over, else prepared
    handed_over: bool
    orders: tuple[str, ...]  # known ones that `authorizingPrescription` names: none gives supply of its own
    days: int | None  # daysSupply
    quantity_units: float | None
    dosage: Dosage | None  # its own instruction; None: the order's
    flags: frozenset[str] = frozenset()

    @property
    def order(self) -> str | None:
        """The first of them, whose dose it is."""
        return self.orders[0] if self.orders else None


@dataclass(frozen=True, slots=True)
class ConditionFact:
    """A Condition whose code is one of conditions.csv.

    `active` is its clinicalStatus and verificationStatus alone; days decide the rest.
    """

    reference: str
    concepts: frozenset[str]
    code: str  # "ICD-10-CM S72.001G": the coding that matched, for texts and for the 7th character
    active: bool  # clinicalStatus active, recurrence, relapse or missing; no code says "in remission"
    valid: bool  # verificationStatus neither refuted nor entered-in-error
    start: Day | None  # onset, else recordedDate; None: always
    recorded: Day | None  # recordedDate, else onset
    abated: Day | None  # abatement: no longer from that day on
    hospice: bool = False  # matched by a palliative-or-hospice row whose source says hospice
    later_visit: bool = False  # a code of a later visit (rules.md R16)


@dataclass(frozen=True, slots=True)
class EncounterFact:
    """An Encounter that S2–S4 may ask about."""

    reference: str
    status: str
    klass: str | None  # "IMP", "EMER" …
    start: Day | None
    end: Day | None  # last day; None: not ended
    hospice: bool
    palliative: bool
    hospice_discharge: bool


@dataclass(frozen=True, slots=True)
class ProcedureFact:
    """A completed Procedure of hospice or palliative care (S2, S3)."""

    reference: str
    day: Day
    hospice: bool


@dataclass(frozen=True, slots=True)
class ReviewFact:
    """Evidence that a review was done (rules.md, last_review)."""

    reference: str
    day: Day
    strong: bool  # else moderate
    kind: str  # "procedure", "observation", "response"


@dataclass(frozen=True, slots=True)
class PlanFact:
    """A taper CarePlan (urn:reviewdue:careplan|benzodiazepine-taper)."""

    reference: str
    status: str  # "active", "completed", …
    start: Day | None  # period.start, else created
    end: Day | None  # last day


@dataclass(frozen=True, slots=True)
class DeliveryFact:
    """An expected date of delivery (Observation LOINC 11778-8)."""

    reference: str
    known: Day | None
    expected: Day


class OutcomeKind(StrEnum):
    """What a clinician decided; `reviewed` when a completed Task says no more."""

    CONTINUE = "continue"
    REDUCE = "reduce"
    TAPER = "taper"
    ALREADY_STOPPED = "already-stopped"
    NOT_APPLICABLE = "not-applicable"
    SNOOZE = "snooze"
    REVIEWED = "reviewed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer to an item, given in our inbox or read from an own Task that a person ended."""

    key: str
    reference: str  # "Task/…" or the key: ties of one day go to the greatest
    day: Day
    kind: OutcomeKind
    completed: bool  # only a completed one is a review
    rules: frozenset[str]  # what it answered
    until: Day | None = None
    reason: str | None = None
    by: str | None = None  # reference of who answered, where known


@dataclass(frozen=True, slots=True)
class SetAside:
    """A resource that counts for nothing, and why; never silently."""

    reference: str
    reason: str  # "bad-date", "inpatient" …
    in_scope: bool = True  # could be, or is, about a drug in scope


@dataclass(frozen=True, slots=True)
class Read:
    """How completely one resource type of a patient was read (lifecycle.md §1)."""

    state: str  # "complete", "unavailable", "failed"
    why: str | None = None

    @property
    def failed(self) -> bool:
        return self.state == "failed"


COMPLETE = Read("complete")


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that one patient's record states."""

    patient: str  # "Patient/p"
    born: Day | None  # partial dates: their first day
    deceased: Day | None
    deceased_undated: bool
    active: bool
    orders: tuple[Order, ...] = ()
    fills: tuple[Fill, ...] = ()
    conditions: tuple[ConditionFact, ...] = ()
    encounters: tuple[EncounterFact, ...] = ()
    procedures: tuple[ProcedureFact, ...] = ()
    reviews: tuple[ReviewFact, ...] = ()
    plans: tuple[PlanFact, ...] = ()
    deliveries: tuple[DeliveryFact, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    unreadable: tuple[SetAside, ...] = ()
    ignored: tuple[SetAside, ...] = ()
    reads: Mapping[str, Read] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()  # e.g. date_imprecise of the birth date
