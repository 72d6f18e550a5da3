"""Everything that an EHR holds of some patients, in few requests, and how completely it was read."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from service.fhir.client import FhirClient
from service.fhir.errors import (
    AuthError,
    FhirError,
    FhirRejectedError,
    GoneError,
    IncompleteError,
    NotFoundError,
)
from service.model.facts import COMPLETE, Outcome, Read
from service.record.elements import MedicationRequest, PractitionerRole
from service.record.group import PatientRecord, group
from service.record.read import Reading
from service.record.references import local_reference
from service.sources.asker import Asker, Questions, or_list
from service.sources.cohort import medication_named
from service.sources.settings import SweepSettings
from service.sources.shared import Shared

OF_A_PATIENT = (
    "MedicationRequest",
    "MedicationDispense",
    "Condition",
    "Procedure",
    "Observation",
    "Encounter",
    "CarePlan",
    "QuestionnaireResponse",
    "Task",
)
NEVER_UNAVAILABLE = frozenset({"Patient", "MedicationRequest", "Task"})  # lifecycle.md §1

_DENIED = frozenset({403, 404})
_TYPE_UNKNOWN = 404  # a search is never answered so because of a patient
_HOPELESS = 3  # patients asked one by one, and each failed: the others are not asked
_PEOPLE = ("Practitioner/", "PractitionerRole/")


@dataclass
class _Answer:
    """What one type gave for some patients: rows, and the error of each patient that has one."""

    rows: list[Reading] = field(default_factory=list)
    errors: dict[str, FhirError] = field(default_factory=dict)  # by bare id


class Gather:
    """Reads records of a source; thread-safe.  `forget` begins a new run."""

    def __init__(
        self, client: FhirClient, asker: Asker, questions: Questions, shared: Shared, settings: SweepSettings
    ) -> None:
        self._client = client
        self._asker = asker
        self._questions = questions
        self._shared = shared
        self._settings = settings
        self._refused: dict[str, FhirError] = {}  # types that nobody's answer comes for in this run
        self._complete: set[str] = set()  # types read completely for somebody
        self._one_by_one: set[str] = set()  # types whose lists of patients are refused

    def forget(self) -> None:
        self._refused.clear()
        self._one_by_one.clear()

    def gather(
        self,
        patients: Sequence[str],
        outcomes: Mapping[str, Sequence[Outcome]],
        once_complete: frozenset[str],
    ) -> list[PatientRecord]:
        """The record of each patient (bare ids), in their order; never raises for what the EHR does."""
        asked = list(dict.fromkeys(patients))
        readings: list[Reading] = []
        reads: dict[str, dict[str, Read]] = {patient: {} for patient in asked}
        with ThreadPoolExecutor(self._settings.concurrency, thread_name_prefix="gather") as pool:
            for chunk in _chunks(asked, self._settings.patients_per_request):
                found = list(
                    pool.map(lambda kind, ids=chunk: self._of(kind, ids), ("Patient", *OF_A_PATIENT))
                )
                for kind, answer in zip(("Patient", *OF_A_PATIENT), found, strict=True):
                    readings += answer.rows
                    self._judge(kind, chunk, answer, reads, once_complete)
                readings += list(self._shared_of(list(readings), chunk, reads, once_complete))
        records = group(
            readings,
            traits=self._settings.traits,
            patients=[f"Patient/{patient}" for patient in asked],
            reads={f"Patient/{patient}": each for patient, each in reads.items()},
            outcomes={f"Patient/{patient}": each for patient, each in outcomes.items()},
        )
        by_id = {record.patient_id: record for record in records}
        return [by_id[patient] for patient in asked]

    # -- one type of some patients -----------------------------------------------------------------

    def _of(self, kind: str, patients: list[str]) -> _Answer:
        """Ask for all of them at once; where that fails, for each, so that one never fails the others."""
        if (refused := self._refused.get(kind)) is not None:
            return _Answer(errors=dict.fromkeys(patients, refused))
        if len(patients) == 1 or kind in self._one_by_one:
            return self._each(kind, patients)
        answer, failed = self._ask(kind, patients)
        if failed is None:
            return answer
        if self._client.egress.is_broken or isinstance(failed, AuthError):
            return _Answer(errors=dict.fromkeys(patients, failed))
        answer = self._each(kind, patients)
        if isinstance(failed, FhirRejectedError) and not answer.errors:
            self._one_by_one.add(kind)
        return answer

    def _each(self, kind: str, patients: list[str]) -> _Answer:
        """Ask for one after the other; stop where it is clear that nobody's answer will come."""
        answer = _Answer()
        for done, patient in enumerate(patients, 1):
            single, error = self._ask(kind, [patient])
            answer.rows += single.rows
            answer.errors |= single.errors
            if error is None:
                continue
            answer.errors[patient] = error
            hopeless = _status(error) == _TYPE_UNKNOWN or (done >= _HOPELESS and not _is_denied(error))
            if hopeless and len(answer.errors) == done:
                answer.errors |= dict.fromkeys(patients[done:], error)
                break
        return answer

    def _ask(self, kind: str, patients: list[str]) -> tuple[_Answer, FhirError | None]:
        try:
            if kind == "Patient":
                return self._themselves(patients), None
            rows = self._search(kind, patients)
        except FhirError as error:
            return _Answer(), error
        return _Answer(rows), None

    def _search(self, kind: str, patients: list[str]) -> list[Reading]:
        asked = {f"Patient/{patient}" for patient in patients}
        ways = self._questions.ways(kind, [("patient", or_list(patients))])
        rows: list[Reading] = []
        strayed = False
        for page in self._asker.pages("gather", kind, ways, private=True):
            own = [row for row in page.rows if row.kind == kind]
            rows += [row for row in own if row.patient in asked]
            strayed = strayed or any(row.patient not in asked for row in own)
        if strayed:
            raise IncompleteError("rows of other patients came: the server did not apply patient")
        return rows

    def _themselves(self, patients: list[str]) -> _Answer:
        """The Patients, and for each that a list does not show, whether it is gone."""
        answer = _Answer()
        found: dict[str, Reading] = {}
        if len(patients) > 1:
            for page in self._asker.pages("gather", "Patient", [[("_id", or_list(patients))]], private=True):
                found.update((row.reference, row) for row in page.rows if row.kind == "Patient")
        for patient in patients:
            row = found.get(f"Patient/{patient}")
            try:
                answer.rows.append(row or self._client.read("Patient", patient).reading)
            except (NotFoundError, GoneError) as error:
                answer.errors[patient] = error
        return answer

    # -- how completely ----------------------------------------------------------------------------

    def _judge(
        self,
        kind: str,
        patients: list[str],
        answer: _Answer,
        reads: dict[str, dict[str, Read]],
        once_complete: frozenset[str],
    ) -> None:
        if len(answer.errors) < len(patients):
            self._complete.add(kind)
        known = kind in NEVER_UNAVAILABLE or kind in once_complete or kind in self._complete
        refused = self._is_refused(kind, patients, answer)
        for error in answer.errors.values():
            if refused or isinstance(error, AuthError):
                self._refused[kind] = error
        for patient in patients:
            failure = answer.errors.get(patient)
            if failure is None:
                reads[patient][kind] = COMPLETE
            else:
                state = "unavailable" if refused and not known else "failed"
                reads[patient][kind] = Read(state, str(failure))

    def _is_refused(self, kind: str, patients: list[str], answer: _Answer) -> bool:
        """Whether the EHR lets us read this type of nobody; a 403 about a single patient needs a second look."""
        if len(answer.errors) < len(patients) or not all(map(_is_denied, answer.errors.values())):
            return False
        if kind in self._refused or len(patients) > 1 or _status(answer.errors[patients[0]]) == _TYPE_UNKNOWN:
            return True
        if kind in NEVER_UNAVAILABLE or kind in self._complete:
            return False
        try:
            for _ in self._client.search(kind, [("_summary", "count")]):
                return False
        except FhirRejectedError:
            return True
        except FhirError:
            return False
        return False

    # -- what belongs to no patient ----------------------------------------------------------------

    def _shared_of(
        self,
        readings: Iterable[Reading],
        patients: list[str],
        reads: dict[str, dict[str, Read]],
        once_complete: frozenset[str],
    ) -> Iterator[Reading]:
        """The Medications and people that these patients' orders and fills name."""
        asked = {f"Patient/{patient}" for patient in patients}
        ours = [row for row in readings if row.patient in asked]
        yield from self._named(ours, medication_named, "Medication", reads, once_complete)
        people = list(self._named(ours, _requester, None, reads, once_complete))
        yield from people
        behind = {
            reference: role
            for role in people
            if isinstance(role.body, PractitionerRole) and (reference := _practitioner(role.body)) is not None
        }
        self._shared.fetch(behind)
        yield from (found for reference in behind if (found := self._shared.get(reference)) is not None)

    def _named(
        self,
        rows: Iterable[Reading],
        name_of: Callable[[Reading], str | None],
        always: str | None,
        reads: dict[str, dict[str, Read]],
        once_complete: frozenset[str],
    ) -> Iterator[Reading]:
        """The resources that rows name.  A type that is not `always` shown is only shown when it failed."""
        named = [
            (row.patient.removeprefix("Patient/"), name)
            for row in rows
            if row.patient and (name := name_of(row))
        ]
        errors = self._shared.fetch(name for _, name in named)
        for patient, name in named:
            kind = name.partition("/")[0]
            error = errors.get(name)
            before = reads[patient].get(kind)
            if error is not None:
                reads[patient][kind] = Read("failed", str(error))
            elif kind in self._shared.denied and kind in once_complete:
                reads[patient][kind] = Read("failed", "refused, although it was readable before")
            elif always and before is None:
                unavailable = Read("unavailable", "refused")
                reads[patient][kind] = unavailable if kind in self._shared.denied else COMPLETE
        for name in dict.fromkeys(name for _, name in named):
            if (found := self._shared.get(name)) is not None:
                yield found


def _requester(row: Reading) -> str | None:
    body = row.body
    if not isinstance(body, MedicationRequest) or body.requester is None:
        return None
    found = local_reference(body.requester.reference)
    return found if found is not None and found.startswith(_PEOPLE) and "?" not in found else None


def _practitioner(role: PractitionerRole) -> str | None:
    found = local_reference(role.practitioner.reference) if role.practitioner else None
    return found if found is not None and found.startswith("Practitioner/") and "?" not in found else None


def _status(error: FhirError | None) -> int | None:
    return error.status if isinstance(error, FhirRejectedError) else None


def _is_denied(error: FhirError | None) -> bool:
    return _status(error) in _DENIED


def _chunks(patients: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(patients), size):
        yield patients[start : start + size]
