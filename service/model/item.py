"""The item: the one open review per patient, and its projection into the EHR (lifecycle.md §2, §3)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from service.model.assessment import Priority


class ItemState(StrEnum):
    """Where an item stands."""

    HELD = "held"  # found; waits for release
    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"  # a person deleted its Task in the EHR


class CloseReason(StrEnum):
    """Why an item closed; also the code of a Task that we end (`urn:reviewdue:close`)."""

    REVIEWED = "reviewed"
    RESOLVED = "resolved"
    EXPIRED = "expired"
    SOURCE_ERROR = "source-error"
    SUPERSEDED = "superseded"
    RECALLED = "recalled"


@dataclass(frozen=True, slots=True)
class Reason:
    """One unsuppressed finding, as the item shows it."""

    rule: str
    priority: Priority
    since: date
    due_on: date


@dataclass(frozen=True, slots=True)
class Item:
    """The one review of a patient that is, or was, due."""

    source: str
    patient: str  # bare id: "p1"
    base: str
    n: int
    state: ItemState
    priority: Priority
    due_on: date
    reasons: tuple[Reason, ...]
    content: str  # digest of what the Task shows; the Task is rewritten when it changes
    since: date  # the day on which it was found
    rank: tuple[int, int, float, int, int] = (0, 0, 0.0, 0, 0)  # priority, dependence, DME, age, length
    owner: str | None = None  # reference that the owner resolver gave
    excluded: bool = False  # a test patient: never written for
    opened_on: date | None = None  # the day of release
    had_task: bool = False
    not_due_since: date | None = None  # nothing fires any more, but a person is at its Task
    not_due_why: str | None = None
    incomplete_since: datetime | None = None
    incomplete_why: str | None = None
    close_reason: CloseReason | None = None
    closed_on: date | None = None
    withdrawn_on: date | None = None
    recalled: bool = False  # an operator withdrew it, and it is not to be made again as it was

    @property
    def key(self) -> str:
        """Task.identifier.value, and the Task's id where the server lets clients choose."""
        return f"{self.base}-{self.n}"

    @property
    def live(self) -> bool:
        return self.state in (ItemState.HELD, ItemState.OPEN)


class Doing(StrEnum):
    """What a request for a projection is up to."""

    NONE = "none"
    INFLIGHT = "inflight"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Attempt:
    """The one request of a projection that may be under way."""

    doing: Doing = Doing.NONE
    fence: int | None = None  # the lease's number when it was sent
    since: datetime | None = None  # sent at, or unknown since
    generation: int | None = None  # of the desired that was sent
    baseline: Mapping[str, object] | None = None  # `SeenTask.baseline` once it is confirmed


@dataclass(frozen=True, slots=True)
class Desired:
    """What the EHR object should be.

    `elements` are ours alone (lifecycle.md §4), as FHIR JSON; on create the channel adds the rest.
    `close` is set when the Task should be ended, with the close reason.
    """

    elements: Mapping[str, object]
    generation: int  # grows with each change
    close: CloseReason | None = None
    person_at_it_note: str | None = None  # "no longer due since …", written while a person is at the Task


@dataclass(frozen=True, slots=True)
class SeenTask:
    """What the EHR object is, as far as we know."""

    reference: str  # "Task/…"
    version: str | None  # ETag as given
    baseline: Mapping[str, object]  # people's elements and our note as we last wrote them
    generation: int  # the desired generation that it shows
    status: str
    gone: int = 0  # cycles in which it was not found


class ProjectionState(StrEnum):
    """What people are shown of a delivery."""

    PLANNED = "planned"
    SENDING = "sending"
    UNKNOWN = "unknown"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Projection:
    """One EHR object that we own: what it should be, what it is, and the request between the two."""

    source: str
    key: str
    patient: str  # bare id
    kind: str  # "Task"
    desired: Desired | None
    seen: SeenTask | None = None
    attempt: Attempt = Attempt()
    tries: int = 0
    next_try_at: datetime | None = None
    error: str | None = None  # class and issue codes, no patient text
    rejected: bool = False

    @property
    def state(self) -> ProjectionState:
        if self.attempt.doing is Doing.INFLIGHT:
            return ProjectionState.SENDING
        if self.attempt.doing is Doing.UNKNOWN:
            return ProjectionState.UNKNOWN
        if self.rejected:
            return ProjectionState.REJECTED
        if self.desired is None or (self.seen and self.seen.generation >= self.desired.generation):
            return ProjectionState.CONFIRMED
        return ProjectionState.PLANNED

    @property
    def is_ending(self) -> bool:
        """We decided to end it, and the EHR was not seen to show that."""
        if self.desired is None or self.desired.close is None:
            return False
        return self.seen is None or self.seen.generation < self.desired.generation

    def shown_as(self, reference: str, version: str | None) -> "Projection":
        """The same; to be compared again where the EHR shows another version than the one that we know.

        A person's edit makes a newer one, a restored EHR an older one; where the EHR tells none (`version`,
        meta.versionId, is None) it may be any.
        """
        seen, desired = self.seen, self.desired
        if seen is None or desired is None or desired.close is not None:
            return self
        if self.attempt.doing is not Doing.NONE:
            return self
        known = (seen.version or "").removeprefix("W/").strip('"')
        if seen.reference != reference or known == version or seen.generation < desired.generation:
            return self
        number = None if version is None else f'W/"{version}"'
        return replace(self, seen=replace(seen, version=number, generation=desired.generation - 1))
