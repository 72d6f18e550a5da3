"""FHIR files without a server: two passes over them, one PatientRecord per patient concerned (design, 14).

The first pass reads Medication, MedicationRequest and MedicationDispense to find out whose records matter;
the second reads everything of those patients.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from service.knowledge import Knowledge
from service.normalise.concern import KINDS as DRUG_KINDS
from service.normalise.concern import Concern
from service.record.bundle import read_bundle
from service.record.elements import KINDS
from service.record.group import Gathered, PatientRecord, Traits
from service.record.read import NotFhirError, Reading, kind_of, patient_at_a_glance, read
from service.sources.documents import Document, Found, InputFile, Problem, documents, find_files

_PASSES = 2
_SHARED = frozenset({"Medication", "Practitioner", "PractitionerRole"})

OnProgress = Callable[[int, int], None]
"""Bytes done, bytes in all."""
Wanted = Callable[[str, bytes], bool]


@dataclass(slots=True)
class FilesReport:
    """What came of the input; complete when the records have been read to the end."""

    files: int = 0
    ignored_files: int = 0  # with another suffix
    resources: int = 0
    problems: list[Problem] = field(default_factory=list)  # documents that are no FHIR
    astray: list[tuple[str, str]] = field(default_factory=list)  # (reference, reason): in no assessment

    @property
    def handled(self) -> bool:
        """Everything could be handled, as far as reading goes (an assessment may know of more)."""
        return not self.problems and not self.astray


class FilesSource:
    """The patients in files and folders.

    Raises FileNotFoundError for a path that does not exist.
    """

    def __init__(
        self,
        paths: Iterable[Path],
        knowledge: Knowledge,
        traits: Traits | None = None,
        on_progress: OnProgress | None = None,
    ) -> None:
        self.found: Found = find_files(paths)
        self.report = FilesReport(files=len(self.found.files), ignored_files=self.found.ignored)
        self._knowledge = knowledge
        self._traits = traits or Traits()
        self._on_progress = on_progress or (lambda _done, _total: None)
        self._done = 0

    def records(self) -> Iterator[PatientRecord]:
        """The records of the patients concerned, in order of first appearance; `report` is filled on the way."""
        concern = Concern(self._knowledge)
        for part in self._read(lambda kind, _raw: kind in DRUG_KINDS):
            if isinstance(part, Reading):
                concern.add(part)
        patients, medications = concern.patients(), concern.medications()
        gathered = Gathered(self._traits)
        self.report.resources = 0
        for part in self._read(_of_these(patients)):
            if isinstance(part, Problem):
                self.report.problems.append(part)
            elif part.kind != "Medication" or part.reference in medications:
                gathered.add(part)
        self.report.astray = sorted(set(gathered.astray()))
        yield from (record for record in gathered.records() if record.reference in patients)

    def _read(self, wanted: Wanted) -> Iterator[Reading | Problem]:
        """One pass over all files: the resources wanted, and what is no FHIR."""
        total = self.found.size * _PASSES
        for file in self.found.files:
            start = self._done

            def on_bytes(used: int, start: int = start) -> None:
                self._on_progress(start + used, total)

            yield from self._read_file(file, wanted, on_bytes)
            self._done = start + file.size
            self._on_progress(self._done, total)

    def _read_file(
        self, file: InputFile, wanted: Wanted, on_bytes: Callable[[int], None]
    ) -> Iterator[Reading | Problem]:
        position = 1
        for document in documents(file, on_bytes):
            if isinstance(document, Problem):
                yield document
                continue
            before = position
            try:
                for part in _parts(document, file, position, wanted):
                    if isinstance(part, int):
                        position += part
                    else:
                        yield part
            except NotFhirError as problem:
                yield Problem(str(file.path), document.line, str(problem))
                position = before + 1
            self.report.resources += position - before


def _parts(
    document: Document, file: InputFile, position: int, wanted: Wanted
) -> Iterator[Reading | Problem | int]:
    """The resources of a document, its problems, and how many places it takes.  Raises NotFhirError."""
    kind = kind_of(document.raw)
    if kind != "Bundle":
        if wanted(kind, document.raw):
            yield read(document.raw, f"{file.name}:{position}")
        yield 1
        return
    page = read_bundle(document.raw, file=file.name, first=position, wanted=wanted)
    yield from page.entries
    for problem in page.problems:
        yield Problem(
            str(file.path), document.line, f"entry {problem.place.rpartition(':')[2]}: {problem.reason}"
        )
    yield page.size


def _of_these(patients: set[str]) -> Wanted:
    """Wants what is of these patients, or nobody's own, or cannot be told without reading it all."""

    def wanted(kind: str, raw: bytes) -> bool:
        if kind in _SHARED:
            return True
        if kind not in KINDS:
            return False
        patient = patient_at_a_glance(kind, raw)
        return patient is None or patient in patients

    return wanted
