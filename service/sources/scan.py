"""The two passes over the content of one file; written for speed, since every line of an export goes through.

What is in the usual form (`{"resourceType":"…"` first, a relative reference) takes a short way; everything
else goes through `read`, which decides.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field, replace

import msgspec

from service.normalise.concern import Concern
from service.record.bundle import read_bundle
from service.record.elements import KINDS, WITH_SUBJECT, Drugged, MedicationDispense, MedicationRequest
from service.record.group import SHARED
from service.record.read import NotFhirError, Reading, kind_of, patient_at_a_glance, read
from service.sources.documents import HERE, Block, Part, Problem, blocks

_TYPE = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"(\w+)"')
_PLAIN = re.compile(r"Patient/[^/?#\s]+").fullmatch
_MOST_KEPT = 10_000  # references
_NO_PREFIX = b"\0"  # begins no JSON
_DRUGGED: dict[bytes, Callable[[bytes], Drugged]] = {
    b"MedicationRequest": msgspec.json.Decoder(MedicationRequest).decode,
    b"MedicationDispense": msgspec.json.Decoder(MedicationDispense).decode,
}
_DRUG_KINDS = frozenset({"Medication", "MedicationRequest", "MedicationDispense"})
_SPEAKS_OF_DRUGS = frozenset(kind.encode() for kind in (*_DRUG_KINDS, "Bundle"))
_READ = frozenset({*KINDS, "Bundle"})


# -- first pass ----------------------------------------------------------------------------------


def note_concerned(block: Block, concern: Concern) -> tuple[bool, int]:
    """What the orders, fills and Medications of a block say about who is concerned.

    Gives whether the block holds a Bundle, and how many of its lines are not blank.
    """
    if not block.is_lines:
        return _note_with_care(block.raw, concern), 1
    raw, size, at = block.raw, len(block.raw), 0
    prefix, has_bundle, lines = _NO_PREFIX, False, 0
    while at < size:
        lines += 1
        if raw.startswith(prefix, at):  # of a type that says nothing of drugs, as the line before
            at = raw.find(b"\n", at) + 1 or size
            continue
        start, at = at, raw.find(b"\n", at) + 1 or size
        found = _TYPE.match(raw, start, at)
        if found is None and raw[start:at].isspace():
            lines -= 1
        elif found is None or found[1] in _SPEAKS_OF_DRUGS:
            has_bundle |= _note(raw[start:at], found and found[1], concern)
        else:
            prefix = raw[start : found.end()]
    return has_bundle, lines


def _note(line: bytes, kind: bytes | None, concern: Concern) -> bool:
    decode = _DRUGGED.get(kind) if kind is not None else None
    if decode is not None:
        try:
            body = decode(line)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return _note_with_care(line, concern)
        if body.contained is None and body.medication is None:
            concern.add_plain(body)
            return False
    return _note_with_care(line, concern)


def _note_with_care(raw: bytes, concern: Concern) -> bool:
    kind = ""
    try:
        kind = kind_of(raw)
        if kind in _DRUG_KINDS:
            concern.add(read(raw, ""))
        elif kind == "Bundle":
            for reading in read_bundle(raw, wanted=lambda kind, _: kind in _DRUG_KINDS).entries:
                concern.add(reading)
    except NotFhirError:
        pass  # the second pass says so
    return kind == "Bundle"


# -- second pass ---------------------------------------------------------------------------------


class _Subject(msgspec.Struct, gc=False):
    reference: str | None = None


class _Glance(msgspec.Struct, gc=False, rename="camel"):
    """Just enough of a resource to tell whether it is plainly none of our business."""

    resource_type: str | None = None
    id: str | None = None
    subject: _Subject | None = None


@dataclass(frozen=True, slots=True)
class Plain:
    """A resource of a patient concerned that is not read yet: it can be, and it has an id and a subject."""

    kind: str
    id: str
    patient: str  # "Patient/p"
    raw: bytes


Found = Plain | Reading | Problem

_glances = msgspec.json.Decoder(_Glance).decode_lines


@dataclass(slots=True)
class Reader:
    """Second pass over a part of a file: the resources of some patients, and those that are nobody's own.

    A resource without id is named after its place in the part, and lines count from the part's first.
    """

    part: Part
    patients: Set[str]
    medications: Set[str] | None  # those that these patients were given; None: not known
    documents: int = 0  # seen so far: resources, Bundles and what is neither
    resources: int = 0  # seen so far, wanted or not
    _others: set[str] = field(default_factory=set)  # some references to patients whom nobody asked about
    _blocks: int = 0
    _lines: int | None = None  # before the present block; None: not counted, which costs time

    def problem(self, problem: Problem) -> Problem:
        """A problem of the file itself."""
        if problem.line != HERE:
            return problem
        self._blocks += 1
        found = replace(problem, line=self._number(0))
        self._lines = found.line
        return found

    def read(self, block: Block) -> Iterator[Found]:
        """The resources wanted of a block, and what is no FHIR."""
        if not block.is_lines:
            yield from self._document(block.raw, None)
            return
        self._blocks += 1
        hits, count = self._hits(block.raw)
        if hits is None or hits:
            yield from self._of_lines(block.raw, hits, count)
        else:
            self.documents += count
            self.resources += count
        if self._lines is not None:
            self._lines += block.raw.count(b"\n")

    def _hits(self, raw: bytes) -> tuple[dict[int, _Glance] | None, int]:
        """The documents of a block that are not plainly none of our business, by place, and how many there are.

        None: one of them is no JSON; each line has to be looked at.
        """
        try:
            glances = _glances(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return None, 0
        others, hits = self._others, {}
        for n, glance in enumerate(glances):
            subject = glance.subject
            if subject is None:
                kind = glance.resource_type
                if kind == "Patient" and glance.id and f"Patient/{glance.id}" not in self.patients:
                    continue
                if kind is None or kind in _READ:
                    hits[n] = glance
            elif subject.reference not in others and not self._is_anothers(subject.reference):
                hits[n] = glance
        return hits, len(glances)

    def _is_anothers(self, named: str | None) -> bool:
        """Whether it is plainly a patient whom nobody asked about."""
        if named is None or named in self.patients or not _PLAIN(named):
            return False
        if len(self._others) >= _MOST_KEPT:
            self._others.clear()
        self._others.add(named)
        return True

    def _of_lines(self, raw: bytes, hits: dict[int, _Glance] | None, count: int) -> Iterator[Found]:
        lines = raw.removesuffix(b"\n").split(b"\n")
        is_regular = len(lines) == count and all(line.startswith(b"{") for line in lines)  # one on each
        if hits is None or not is_regular:
            for n, line in enumerate(lines):
                if line and not line.isspace():
                    yield from self._document(line, n)
            return
        done = 0
        for n, glance in hits.items():
            self._skip(n - done)
            done = n + 1
            plain = self._plain(glance, lines[n])
            if plain is None:
                yield from self._document(lines[n], n)
            else:
                self._skip(1)
                yield plain
        self._skip(count - done)

    def _skip(self, resources: int) -> None:
        self.documents += resources
        self.resources += resources

    def _plain(self, glance: _Glance, line: bytes) -> Plain | None:
        """Where nothing but wrong types could be wrong with it, and those do not keep it from being read."""
        kind, subject = glance.resource_type, glance.subject
        patient = subject.reference if subject is not None else None
        if kind is None or kind not in WITH_SUBJECT or not glance.id or patient is None:
            return None
        if patient not in self.patients:
            return None
        if b"\\" in line or not line.isascii():
            return None
        return Plain(kind, glance.id, patient, line)

    def _number(self, line: int) -> int:
        """The number in the part of a line that is numbered from 0 in the present block."""
        if self._lines is None:
            before = itertools.islice(blocks(self.part, lambda _: None), self._blocks - 1)
            self._lines = sum(1 if isinstance(one, Problem) else one.raw.count(b"\n") for one in before)
        return self._lines + line + 1

    def _problem(self, line: int | None, reason: str) -> Problem:
        return Problem(str(self.part.file.path), None if line is None else self._number(line), reason)

    def _document(self, raw: bytes, line: int | None) -> Iterator[Found]:
        self.documents += 1
        place = self.resources + 1
        try:
            kind = kind_of(raw)
            if kind == "Bundle":
                yield from self._bundle(raw, line, place)
            else:
                self.resources += 1
                if self._wants(kind, raw):
                    yield from self._kept(read(raw, f"{self.part.file.name}:{place}"))
        except NotFhirError as problem:
            self.resources = place
            yield self._problem(line, str(problem))

    def _bundle(self, raw: bytes, line: int | None, place: int) -> Iterator[Found]:
        page = read_bundle(raw, file=self.part.file.name, first=place, wanted=self._wants)
        self.resources += page.size
        for reading in page.entries:
            yield from self._kept(reading)
        for problem in page.problems:
            entry = problem.place.rpartition(":")[2]
            yield self._problem(line, f"entry {entry}: {problem.reason}")

    def _wants(self, kind: str, raw: bytes) -> bool:
        if kind in SHARED:
            return True
        if kind not in KINDS:
            return False
        patient = patient_at_a_glance(kind, raw)
        return patient is None or patient in self.patients

    def _kept(self, reading: Reading) -> Iterator[Reading]:
        """All but the Medications that nobody of these patients was given."""
        if self.medications is None or reading.kind != "Medication" or reading.reference in self.medications:
            yield reading
