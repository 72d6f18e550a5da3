"""FHIR files without a server: two passes over them, one PatientRecord per patient concerned.

The first pass reads Medication, MedicationRequest and MedicationDispense to find out whose records matter;
the second reads everything of those patients.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from service.knowledge import Knowledge
from service.normalise.concern import Concern
from service.record.group import Gathered, PatientRecord, Traits
from service.sources.documents import Block, Found, InputFile, Problem, blocks, find_files
from service.sources.scan import Reader, note_concerned

_PASSES = 2

OnProgress = Callable[[int, int], None]
"""Bytes done, bytes in all."""


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
        for _, block in self._blocks():
            if isinstance(block, Block):
                note_concerned(block, concern)
        patients = concern.patients()
        gathered = self._gather(patients, concern.medications())
        self.report.astray = sorted(set(gathered.astray()))
        yield from (record for record in gathered.records() if record.reference in patients)

    def _gather(self, patients: set[str], medications: set[str]) -> Gathered:
        gathered, reader = Gathered(self._traits), None
        for file, block in self._blocks():
            if reader is None or reader.file is not file:
                self.report.resources += reader.resources if reader else 0
                reader = Reader(file, patients, medications)
            for part in (block,) if isinstance(block, Problem) else reader.read(block):
                if isinstance(part, Problem):
                    self.report.problems.append(part)
                else:
                    gathered.add(part)
        self.report.resources += reader.resources if reader else 0
        return gathered

    def _blocks(self) -> Iterator[tuple[InputFile, Block | Problem]]:
        """One pass over all files."""
        total = self.found.size * _PASSES
        for file in self.found.files:
            start = self._done

            def on_bytes(used: int, start: int = start) -> None:
                self._on_progress(start + used, total)

            for block in blocks(file, on_bytes):
                yield file, block
            self._done = start + file.size
            self._on_progress(self._done, total)
