"""Population `sweep`: the whole source by `_lastUpdated`, and now and then everything (lifecycle.md §1)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from service.fhir.client import FhirClient
from service.fhir.errors import AuthError, DroppedFilterError, FhirError, FhirRejectedError, IncompleteError
from service.fhir.page import Page
from service.knowledge import Knowledge
from service.model.facts import COMPLETE, Outcome, Read
from service.normalise.evidence import EXPECTED_DELIVERY
from service.normalise.medication import Medicines
from service.ports import Noticed, ReadFailure, SourceState
from service.record.elements import Task
from service.record.group import PatientRecord
from service.record.own_tasks import own_task
from service.record.read import Reading, Unreadable
from service.sources.asker import Asker, Questions
from service.sources.cohort import cohort_until, medication_named
from service.sources.gather import Gather
from service.sources.settings import SweepSettings
from service.sources.shared import Shared

DRUGGED = ("MedicationRequest", "MedicationDispense")
SWEPT = (*DRUGGED, "Task")
WATCHED = (
    *SWEPT,
    "Patient",
    "Condition",
    "Procedure",
    "Encounter",
    "CarePlan",
    "QuestionnaireResponse",
    "Observation",
)

_MUST_BE_SWEPT = frozenset({"MedicationRequest", "Task"})


class Sweep:
    """The Source of an EHR that can be searched across all patients; thread-safe but for `discover`."""

    def __init__(self, client: FhirClient, knowledge: Knowledge, settings: SweepSettings) -> None:
        self.id = settings.id
        self._client = client
        self._settings = settings
        self._medicines = Medicines(knowledge)
        self._asker = Asker(client)
        codes = (*knowledge.reviews.codes("Observation"), EXPECTED_DELIVERY)
        self._questions = Questions(settings.traits.item_system, codes)
        self._shared = Shared(client, settings.ids_per_request)
        self._gather = Gather(client, self._asker, self._questions, self._shared, settings)
        self._unwatchable: set[str] = set()  # no `_lastUpdated`; tried again with each full sweep
        self._seen: dict[str, dict[str, int]] = {}  # by type: reference → hash, of the last watch's rows

    def discover(self, state: SourceState, *, full: bool, now: datetime) -> Iterator[Noticed | ReadFailure]:
        """Pages of whom to look at, type by type; begins a new run.

        A type without a watermark starts at the server's present time: the cohort is read afterwards anyway.
        """
        self._begin(full=full)
        started: datetime | None = None  # by the server's clock
        for kind in WATCHED:
            cursor = state.cursors.get(kind)
            everything = kind in SWEPT and (full or cursor is None)
            if not everything and cursor is None:
                if started is not None:
                    yield Noticed(kind, (), (), watermark=started)
                continue
            if not everything and kind in self._unwatchable:
                continue
            answered = False
            try:
                for found in self._pages(kind, None if everything else cursor, state, now):
                    answered, started = True, started or found.watermark
                    yield found
            except AuthError as error:
                yield ReadFailure(kind, str(error))
                return
            except (FhirRejectedError, DroppedFilterError) as error:
                broke_off = answered and isinstance(error, FhirRejectedError)
                if broke_off or (everything and kind in _MUST_BE_SWEPT):
                    yield ReadFailure(kind, str(error))
                elif not everything:  # covered by max_age_days, and by the full sweep if it is swept
                    self._unwatchable.add(kind)
            except FhirError as error:
                yield ReadFailure(kind, str(error))

    def gather(
        self,
        patients: Sequence[str],
        outcomes: Mapping[str, Sequence[Outcome]],
        once_complete: frozenset[str],
    ) -> list[PatientRecord]:
        """The records of these patients, one each, in their order, with completeness per type."""
        return self._gather.gather(patients, outcomes, once_complete)

    def own_tasks(self) -> tuple[list[bytes], Read]:
        """Every own Task in the EHR (raw resources), each once, and how completely they were read."""
        found: dict[str, bytes] = {}
        try:
            for page in self._asker.pages("own", "Task", self._questions.ways("Task", [], ordered=True)):
                found.update((row.reference, row.raw) for row in page.rows if self._is_ours(row))
        except FhirError as error:
            return list(found.values()), Read("failed", str(error))
        return list(found.values()), COMPLETE

    # -- discover ----------------------------------------------------------------------------------

    def _begin(self, *, full: bool) -> None:
        self._asker.forget()
        self._shared.forget()
        self._gather.forget()
        if full:
            self._unwatchable.clear()

    def _pages(
        self, kind: str, since: datetime | None, state: SourceState, now: datetime
    ) -> Iterator[Noticed]:
        """The pages of one type; the watermark is the server's time at the first page, given after the last.

        What came in the last watch too, because windows overlap, names nobody again while it is the same.
        """
        params = [] if since is None else [("_lastUpdated", f"ge{_instant(self._overlapped(since))}")]
        ways = self._questions.ways(kind, params, ordered=True)
        swept_at = state.last_full_sweep_at if since is None else None
        changed_since = self._overlapped(swept_at) if swept_at is not None else None
        seen = self._seen.setdefault(kind, {})
        window: dict[str, int] = {}
        started: datetime | None = None
        for page in self._asker.pages("watch" if params else "sweep", kind, ways):
            started = started or page.date or now
            rows = self._rows(kind, page)
            yield self._noticed(kind, rows, changed_since, now)
            recent = self._overlapped(
                started
            )  # stored by now: whoever asks for the next page has kept this one
            stored = {row.reference: hash(row.raw) for row in rows if _changed(row, recent) or params}
            window |= stored
            seen |= stored
        self._seen[kind] = window
        yield Noticed(kind, (), (), watermark=started)

    def _overlapped(self, moment: datetime) -> datetime:
        return moment - timedelta(seconds=self._settings.overlap_seconds)

    def _rows(self, kind: str, page: Page) -> list[Reading]:
        rows = [row for row in page.rows if row.kind == kind and row.patient is not None]
        return [row for row in rows if self._is_ours(row)] if kind == "Task" else rows

    def _noticed(
        self, kind: str, rows: list[Reading], changed_since: datetime | None, now: datetime
    ) -> Noticed:
        """Whom rows name.  A full sweep names only those whose rows changed since the last one, or may have."""
        seen = self._seen[kind]
        named = [
            _patient_id(row)
            for row in rows
            if seen.get(row.reference) != hash(row.raw)
            and (changed_since is None or _changed(row, changed_since))
        ]
        cohort = self._cohort(rows, now) if kind in DRUGGED else {}
        return Noticed(kind, tuple(dict.fromkeys(named)), tuple(sorted(cohort.items())))

    def _cohort(self, rows: list[Reading], now: datetime) -> dict[str, date]:
        """Until when these orders or fills keep whom in the cohort.

        Raises AuthError, or IncompleteError where a Medication could not be read: its drug is not known yet.
        """
        for error in self._shared.fetch(name for row in rows if (name := medication_named(row))).values():
            if isinstance(error, AuthError):
                raise error
            raise IncompleteError(f"a Medication could not be read: {error}")
        zone = self._settings.traits.timezone
        today = now.astimezone(ZoneInfo(zone) if zone else UTC).date()
        cohort: dict[str, date] = {}
        for row in rows:
            until = cohort_until(row, self._medicines, self._shared.medication, self._settings, today)
            if until is not None:
                patient = _patient_id(row)
                cohort[patient] = max(until, cohort.get(patient, until))
        return cohort

    def _is_ours(self, row: Reading) -> bool:
        traits = self._settings.traits
        if isinstance(row.body, Unreadable):
            return traits.item_system.encode() in row.raw
        return (
            isinstance(row.body, Task) and own_task(row.body, traits.item_system, traits.timezone) is not None
        )


def _patient_id(row: Reading) -> str:
    return (row.patient or "").removeprefix("Patient/")


def _changed(row: Reading, since: datetime) -> bool:
    """Whether its meta.lastUpdated is not before `since`; True where there is none."""
    meta = getattr(row.body, "meta", None)
    try:
        at = datetime.fromisoformat(meta.last_updated) if meta and meta.last_updated else None
    except ValueError:
        return True
    return at is None or at.tzinfo is None or at >= since


def _instant(moment: datetime) -> str:
    """With a time and `Z`: some servers read a bare date in a zone of their own (fhir-quirks.md Q-10, Q-11)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
