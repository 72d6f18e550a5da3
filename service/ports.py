"""What the use cases need from the outside, as protocols; `bootstrap` hands in the real parts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from service.model.assessment import Assessment
from service.model.facts import Outcome, Read
from service.model.item import Item, ItemState, Projection
from service.record.group import PatientRecord


class Clock(Protocol):
    """The only source of time; read once per decision and passed on as a value."""

    def now(self) -> datetime:
        """The instant, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never jumps."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; ends early when the process is asked to stop."""
        ...


# -- the ledger --------------------------------------------------------------------------------


class LedgerError(Exception):
    """The database refused or could not be reached."""


class LeaseLostError(LedgerError):
    """Another worker holds the source now; nothing was written."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a source until `until` (database time); `fence` grows with each holder."""

    source: str
    holder: str
    fence: int
    until: datetime


@dataclass(frozen=True, slots=True)
class SourceState:
    """What the ledger knows of a source."""

    source: str
    released_at: datetime | None = None  # None: shadow
    frozen_since: datetime | None = None  # writes stopped: Tasks vanished
    frozen_why: str | None = None
    stopped_why: str | None = None  # auth or configuration: the channel stands still
    last_complete_at: datetime | None = None  # end of the last cycle whose reads were complete
    last_full_sweep_at: datetime | None = None
    last_task_check_on: date | None = None
    once_complete: frozenset[str] = frozenset()  # types that were complete before (lifecycle.md §1)
    cursors: Mapping[str, datetime] = field(default_factory=dict)  # watermark by watched type


@dataclass(frozen=True, slots=True)
class PatientRow:
    """What the ledger knows of a patient of a source."""

    source: str
    patient: str  # bare id
    base: str  # of the item key, from the id at first sight
    cohort_until: date | None = None
    due: bool = False
    due_why: str | None = None
    first: bool = False  # sent back by deliver: before all others
    gathered_at: datetime | None = None
    complete: bool = False
    incomplete_since: datetime | None = None
    wake_on: date | None = None
    alias_of: str | None = None  # merged into that patient
    fingerprint: Mapping[str, Any] | None = None  # HMACs: {"identifiers": [...], "birth": "..."}
    reads: Mapping[str, Read] = field(default_factory=dict)
    display: Mapping[str, str] | None = None  # name and birth date for the inbox; nothing else identifies


@dataclass(frozen=True, slots=True)
class StoredAssessment:
    """The latest assessment of a patient, and when its facts were gathered."""

    patient: str
    assessed_at: datetime
    body: Mapping[str, Any]  # as `assess.render` gives it


ANOTHER_PERSON = "patient-changed"  # a reused id: nothing of the patient is written any more
NOT_THOUGHT_ABOUT = "assessment-failed"
NOT_READ = "incomplete"  # for two days


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """Something that could not be handled; references, never names."""

    source: str
    patient: str | None  # bare id
    reference: str | None  # of the resource
    key: str | None  # of the item
    reason: str
    since: datetime
    accepted_at: datetime | None = None


class Transaction(Protocol):
    """Reads and writes of one ledger transaction; never open across a network call."""

    # source
    def source_state(self, source: str) -> SourceState: ...
    def save_source_state(self, state: SourceState) -> None: ...

    # patients
    def patient(self, source: str, patient: str) -> PatientRow | None: ...
    def patients(self, source: str, patients: Iterable[str]) -> dict[str, PatientRow]: ...
    def save_patient(self, row: PatientRow) -> None: ...
    def save_patients(self, rows: Iterable[PatientRow]) -> None: ...
    def mark_due(self, source: str, patients: Iterable[str], why: str, *, first: bool = False) -> int:
        """Known patients among them become due; gives how many."""
        ...

    def due_patients(
        self,
        source: str,
        *,
        today: date,
        max_age_before: datetime,  # gathered before that: look again
        asap_before: datetime,  # the same for patients with an open asap item
        incomplete_before: datetime,  # incomplete and gathered before that
    ) -> list[str]:
        """Ids to look at, sent-back ones first, then those with an item by priority, then the rest."""
        ...

    def cohort(self, source: str, *, today: date) -> list[str]:
        """Ids with `cohort_until` ≥ today or a live item."""
        ...

    # items
    def item(self, key: str) -> Item | None: ...
    def items_of(self, source: str, patient: str) -> list[Item]:
        """All items of a patient, newest n last."""
        ...

    def highest_n(self, source: str, base: str) -> int:
        """Of all items with this base, whosever they are now; 0 when there is none."""
        ...

    def items(self, source: str | None = None, state: ItemState | None = None) -> list[Item]: ...
    def items_listing(
        self, source: str | None = None, state: ItemState | None = None
    ) -> list[dict[str, Any]]:
        """One JSON object per item, as `items --json` prints it (interfaces.md)."""
        ...

    def save_item(self, item: Item, now: datetime) -> None:
        """Insert or overwrite.

        The database refuses a second live item of a patient (LedgerError): save the one that
        closes before the one that opens.
        """
        ...

    def opened_between(self, source: str, start: datetime, end: datetime) -> dict[str | None, int]:
        """How many items were released in `[start, end)`, by owner (asap bypass left out)."""
        ...

    def record_release(self, item: Item, now: datetime, *, in_budget: bool) -> None: ...

    # assessments
    def save_assessment(self, source: str, stored: StoredAssessment) -> None: ...
    def assessment(self, source: str, patient: str) -> StoredAssessment | None: ...
    def save_rested_on(self, source: str, key: str, generation: int, stored: StoredAssessment) -> None:
        """What the desired Task of that generation was made from."""
        ...

    def rested_on(self, source: str, key: str, generation: int) -> StoredAssessment | None:
        """What the Task was made from that shows this generation: the latest one up to it."""
        ...

    def forget_rested_on(self, source: str, key: str, shown: int) -> None:
        """Forget those before the one that the generation shown in the EHR was made from."""
        ...

    # projections
    def projection(self, source: str, key: str) -> Projection | None: ...
    def projections_of(self, source: str, patient: str) -> list[Projection]: ...
    def projections(self, source: str) -> list[Projection]: ...
    def save_projection(self, projection: Projection, now: datetime) -> None: ...
    def projection_work(self, source: str, now: datetime) -> list[Projection]:
        """Not confirmed, not rejected, and due: next_try_at missing or ≤ now; asap first."""
        ...

    # outcomes
    def outcomes_of(self, source: str, patients: Iterable[str]) -> dict[str, list[Outcome]]: ...
    def save_outcome(self, source: str, patient: str, outcome: Outcome, now: datetime) -> None:
        """One per key and reference; the same again changes nothing."""
        ...

    def void_outcome(self, source: str, key: str, now: datetime) -> None: ...

    # quarantine
    def set_aside(self, row: QuarantineRow) -> bool:
        """Add it unless it is there; True when it is new."""
        ...

    def settle_quarantine(self, source: str, patient: str, still: Iterable[tuple[str | None, str]]) -> None:
        """Forget the patient's rows whose (reference, reason) is not in `still`.

        Rows with an item's key are about a delivery and stay; `forget_quarantine` ends them.
        """
        ...

    def quarantine(self, source: str | None = None, *, patient: str | None = None) -> list[QuarantineRow]: ...
    def accept_quarantine(self, row: QuarantineRow, now: datetime) -> None:
        """It stays as it is: an operator says so."""
        ...

    def forget_quarantine(
        self, source: str, *, key: str | None = None, patient: str | None = None
    ) -> int: ...

    # audit
    def audit(
        self, source: str | None, act: str, now: datetime, *, actor: str, subject: str, detail: str = ""
    ) -> None:
        """Append a row; `subject` is a key or a reference, never a name."""
        ...

    def audit_trail(
        self, source: str | None = None, *, after: int = 0, limit: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """JSON objects in the order of writing: id, at, source, actor, act, subject, detail.

        Those with a greater id than `after`, at most `limit`.
        """
        ...

    # metrics
    def count_up(self, source: str, amounts: Mapping[tuple[str, str], float]) -> None:
        """Add to the counters by (name, label)."""
        ...

    def counted(self) -> list[tuple[str, str, str, float]]:
        """(source, name, label, value) of every counter."""
        ...

    def tallies(self, source: str) -> dict[str, dict[str, int]]:
        """How many now: `items` and `projections` by state, `findings` of live items by rule, `quarantine`."""
        ...

    def count_flagged(self, source: str, flag: str) -> int:
        """In how many patients' latest assessment this flag stands."""
        ...


class Ledger(Protocol):
    """The database; thread-safe.  Raises LedgerError with a plain message."""

    def acquire(self, source: str, holder: str, seconds: float) -> Lease | None:
        """The lease, or None while another holder's has not run out (database time).

        The same holder gets it again with the same fence: its name must be new with each start of
        a process, or requests of the process before it would pass for its own.
        """
        ...

    def renew(self, lease: Lease, seconds: float) -> Lease:
        """Raises LeaseLostError."""
        ...

    def release(self, lease: Lease) -> None: ...
    def lease(self, source: str) -> Lease | None:
        """Who holds the source now, or None."""
        ...

    def leases(self) -> dict[str, Lease]:
        """Every lease that has not run out, by the name it was asked for."""
        ...

    def write(self, lease: Lease | None) -> AbstractContextManager[Transaction]:
        """One transaction (BEGIN IMMEDIATE on SQLite); with a lease it checks the fence and raises LeaseLostError.

        A LedgerError out of COMMIT leaves open whether it was written: read again.
        """
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """One snapshot, without a write lock; short, for on SQLite it holds back every COMMIT."""
        ...

    def empty(self) -> bool:
        """No source, patient or item is in it yet."""
        ...

    def close(self) -> None: ...


# -- the EHR -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Noticed:
    """A page of a watch or sweep: whom to look at."""

    kind: str  # resource type
    patients: tuple[str, ...]  # bare ids that a change names
    cohort: tuple[tuple[str, date], ...]  # (id, cohort until) of those with an in-scope order or fill
    watermark: datetime | None = None  # on the last page of a complete read: where the next one starts


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """A read of discover that did not complete."""

    kind: str
    why: str


class Source(Protocol):
    """A way to reach the population of one EHR."""

    id: str

    def discover(self, state: SourceState, *, full: bool, now: datetime) -> Iterator[Noticed | ReadFailure]:
        """Pages of whom to look at; a type's failure is a value, the other types go on."""
        ...

    def gather(
        self,
        patients: Sequence[str],
        outcomes: Mapping[str, Sequence[Outcome]],
        once_complete: frozenset[str],
    ) -> list[PatientRecord]:
        """The records of these patients, one each, with completeness per type; never raises for the EHR."""
        ...

    def own_tasks(self) -> tuple[list[bytes], Read]:
        """Every own Task in the EHR (raw resources), and how completely they were read."""
        ...


Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class CycleReport:
    """What one cycle of a source did (interfaces.md, `cycle --json`)."""

    source: str
    patients: int = 0
    assessed: int = 0
    incomplete: int = 0
    quarantined: int = 0
    created: int = 0
    updated: int = 0
    closed: int = 0
    unknown: int = 0
    held: int = 0
    requests: int = 0
    complete: bool = False
    unknown_keys: tuple[str, ...] = ()
    failures: tuple[ReadFailure, ...] = ()
    reads_ok: int = 0  # discover and gather reads that succeeded; 0 means exit 3
    stopped: str | None = None  # why writing stopped: authorisation or configuration


Assess = Callable[[PatientRecord, date], Assessment]


class Log(Protocol):
    """Structured events; the fields never hold a patient's details (`service/logs.py` refuses them)."""

    def info(self, event: str, **fields: object) -> object: ...
    def warning(self, event: str, **fields: object) -> object: ...
