"""FHIR files without a server: two passes over them, one PatientRecord per patient concerned.

The first pass reads Medication, MedicationRequest and MedicationDispense to find out whose records matter;
the second sets aside everything of those patients; then they are looked at, some at a time.  Memory follows
the ids of the patients concerned and of the Medications, not the bytes of the input.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from service.knowledge import Knowledge
from service.normalise.concern import Concerned
from service.record.group import PatientRecord, Traits
from service.sources.crew import Alone, Crew, SideBySide
from service.sources.documents import MIB, Found, InputFile, Part, Problem, cut, find_files, lines_before
from service.sources.passes import Sorted, Work
from service.sources.shards import Places, Wanted, look_at_whole

PART = 32 * MIB  # of a file that several processes share: a second of work or less
_PARTS_PER_JOB = 8  # at least, so that all end at about the same time …
_LEAST_PART = MIB  # … but none smaller than this

T = TypeVar("T")
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

    `jobs` processes share the work; `least_part` bytes of a file is the smallest share.
    Raises FileNotFoundError for a path that does not exist.
    """

    def __init__(
        self,
        paths: Iterable[Path],
        knowledge: Knowledge,
        traits: Traits | None = None,
        on_progress: OnProgress | None = None,
        *,
        jobs: int = 1,
        least_part: int = _LEAST_PART,
    ) -> None:
        self.found: Found = find_files(paths)
        self.report = FilesReport(files=len(self.found.files), ignored_files=self.found.ignored)
        self._knowledge = knowledge
        self._traits = traits or Traits()
        self._progress = _Progress(on_progress or (lambda _done, _total: None), self.found.size)
        self._jobs, self._least_part = jobs, least_part

    def records(self) -> Iterator[PatientRecord]:
        """The records of the patients concerned; with one job in order of first appearance."""
        return self.each(_itself)

    def each(self, work: Work[T]) -> Generator[T, None, None]:
        """What `work` makes of each of these records, where the record is: with several jobs in their processes.

        `work` and what it gives must then be picklable.  `report` is filled on the way.  Raises
        WorkerDiedError when one of the processes is killed, SpillError when there is no room for temporary
        files.  Nothing of either is left when the iterator ends or is closed.
        """
        with tempfile.TemporaryDirectory(prefix="reviewdue-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            crew: Crew = (
                Alone(folder, self._knowledge, self._progress.told)
                if self._jobs == 1
                else SideBySide(folder, self._jobs, self._progress.told)
            )
            with closing(crew):
                yield from self._each(crew, work)

    def _each(self, crew: Crew, work: Work[T]) -> Iterator[T]:
        concerned, first = self._seek(crew)
        parts = [part for file in self.found.files for part in self._cut(file, whole=first[file].has_bundles)]
        wanted = Wanted(concerned.patients, concerned.medications())
        self._progress.begin(1, parts)
        found = list(crew.sort(parts, wanted))
        places = Places(tuple(parts), _offsets(parts, found))
        named = {name for one in found for name in one.named}
        whole = look_at_whole(crew.shards, named, wanted, places, self._traits)
        self._tell(parts, found, first)
        self.report.astray = sorted(set(whole.astray))
        yield from crew.work(whole, work)

    def _seek(self, crew: Crew) -> tuple[Concerned, dict[InputFile, "_Seen"]]:
        """Who is concerned, and what there is in each file."""
        parts = [part for file in self.found.files for part in self._cut(file)]
        known: Concerned | None = None
        while True:
            self._progress.begin(0, parts)
            concerned, seen = Concerned(), {file: _Seen() for file in self.found.files}
            for part, sought in zip(parts, crew.seek(parts, known), strict=True):
                concerned.merge(sought.concerned)
                seen[part.file].has_bundles |= sought.has_bundles
                seen[part.file].lines += sought.lines
            if not concerned.overflowed or known is not None:
                break
            known = replace(concerned, patients=set())  # all Medications are known now
        concerned.settle()
        return (concerned if known is None else replace(concerned, overflowed=True)), seen

    def _cut(self, file: InputFile, *, whole: bool = False) -> list[Part]:
        if self._jobs == 1 or whole:
            return [Part(file)]
        fair = self.found.size // (self._jobs * _PARTS_PER_JOB)
        return cut(file, min(PART, max(fair, self._least_part)))

    def _tell(
        self, parts: Sequence[Part], found: Sequence[Sorted], first: Mapping[InputFile, "_Seen"]
    ) -> None:
        """Report what the second pass saw, with lines as they count in the whole file."""
        problems = self.report.problems
        documents: Counter[InputFile] = Counter()
        for part, one in zip(parts, found, strict=True):
            self.report.resources += one.resources
            documents[part.file] += one.documents
            before = lines_before(part) if part.start and one.problems else 0
            problems += [
                problem if problem.line is None else replace(problem, line=problem.line + before)
                for problem in one.problems
            ]
        named = {problem.file for problem in problems}
        for file in self.found.files:
            count, lines = documents[file], first[file].lines
            if count == 0 and str(file.path) not in named:
                problems.append(Problem(str(file.path), None, "the file is empty"))
            if count != lines:
                problems.append(Problem(str(file.path), None, f"{count} documents on {lines} lines"))


@dataclass(slots=True)
class _Seen:
    """What the first pass saw of a file.

    One with Bundles is read by one process: a Bundle is several resources on one line, so that the places of
    what comes after it are known only to whoever has read it.
    """

    has_bundles: bool = False
    lines: int = 0


def _itself(record: PatientRecord) -> PatientRecord:
    return record


def _offsets(parts: Sequence[Part], found: Sequence[Sorted]) -> tuple[int, ...]:
    """How many resources of its file come before each part."""
    offsets: list[int] = []
    count = 0
    for part, one in zip(parts, found, strict=True):
        count = 0 if part.start == 0 else count
        offsets.append(count)
        count += one.resources
    return tuple(offsets)


class _Progress:
    """How much of two passes is done."""

    def __init__(self, tell: OnProgress, size: int) -> None:
        self._tell, self._size, self._pass = tell, size, 0
        self._before: list[int] = []

    def begin(self, number: int, parts: Sequence[Part]) -> None:
        """Begin a pass over all parts: 0 or 1."""
        self._pass = number
        self._before = [0]
        for part in parts:
            self._before.append(self._before[-1] + part.size)

    def told(self, part: int, done: int) -> None:
        """So many bytes of a part are done."""
        self._tell(self._pass * self._size + self._before[part] + done, 2 * self._size)
