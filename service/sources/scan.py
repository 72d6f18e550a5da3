"""The two passes over the content of one file; written for speed, since every line of an export goes through.

What is in the usual form (`{"resourceType": "…"` first, a relative reference) takes a short way; everything
else goes through `read`, which decides.
"""

import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass

import msgspec

from service.normalise.concern import Concern
from service.record.bundle import read_bundle
from service.record.elements import KINDS, WITH_SUBJECT, Drugged, MedicationDispense, MedicationRequest
from service.record.read import NotFhirError, Reading, glance, kind_of, patient_at_a_glance, read
from service.sources.documents import Block, Part, Problem

_TYPE = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"(\w+)"')
_PLAIN = re.compile(r"Patient/[^/?#\s]+").fullmatch
_DRUGGED: dict[bytes, Callable[[bytes], Drugged]] = {
    b"MedicationRequest": msgspec.json.Decoder(MedicationRequest).decode,
    b"MedicationDispense": msgspec.json.Decoder(MedicationDispense).decode,
}
_DRUG_KINDS = frozenset({"Medication", "MedicationRequest", "MedicationDispense"})
_SHARED = frozenset({"Medication", "Practitioner", "PractitionerRole"})
_OTHERS = frozenset({b"Claim", b"ExplanationOfBenefit", b"Patient", *(kind.encode() for kind in KINDS)}) - {
    b"Medication",
    *_DRUGGED,
}
_WITH_SUBJECT = frozenset(kind.encode() for kind in WITH_SUBJECT)

Wanted = Callable[[str, bytes], bool]


def note_concerned(block: Block, concern: Concern) -> bool:
    """First pass: what the orders, fills and Medications of a block say about who is concerned.

    Gives whether the block holds a Bundle.
    """
    raw = block.raw
    if b"Medication" not in raw and b"Bundle" not in raw and b"\\u" not in raw:
        return False  # nothing here is, or spells, one of them
    has_bundle = False
    match = _TYPE.match
    for line in (raw,) if block.line is None else raw.split(b"\n"):
        found = match(line)
        if found is not None:
            decode = _DRUGGED.get(found[1])
            if decode is not None:
                try:
                    body = decode(line)
                except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
                    has_bundle |= _note_with_care(line, concern)
                    continue
                if body.contained is None and body.medication is None:
                    concern.add_plain(body)
                    continue
            elif found[1] in _OTHERS:
                continue
        elif not line or line.isspace():
            continue
        has_bundle |= _note_with_care(line, concern)
    return has_bundle


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


@dataclass(slots=True)
class Reader:
    """Second pass over a part of a file: the resources of some patients, and those that are nobody's own.

    A resource without id is named after its place in the part.
    """

    part: Part
    patients: Set[str]
    medications: Set[str] | None  # those that these patients were given; None: not known
    resources: int = 0  # seen so far, wanted or not

    def read(self, block: Block) -> Iterator[Reading | Problem]:
        """The resources wanted of a block, and what is no FHIR."""
        match = _TYPE.match
        for n, line in enumerate((block.raw,) if block.line is None else block.raw.split(b"\n")):
            found = match(line)
            if found is not None:
                if found[1] in _WITH_SUBJECT and self._is_anothers(line):
                    self.resources += 1
                    continue
            elif not line or line.isspace():
                continue
            yield from self._document(line, None if block.line is None else block.line + n)

    def _is_anothers(self, raw: bytes) -> bool:
        """Whether it is plainly of a patient whom nobody asked about."""
        try:
            subject = glance(raw).subject
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return False
        named = subject.reference if subject is not None else None
        if named is None or named in self.patients:
            return False
        return _PLAIN(named) is not None

    def _document(self, raw: bytes, number: int | None) -> Iterator[Reading | Problem]:
        place = self.resources + 1
        try:
            kind = kind_of(raw)
            if kind == "Bundle":
                yield from self._bundle(raw, number, place)
            else:
                self.resources += 1
                if self._wants(kind, raw):
                    yield from self._kept(read(raw, f"{self.part.file.name}:{place}"))
        except NotFhirError as problem:
            self.resources = place
            yield Problem(str(self.part.file.path), number, str(problem))

    def _bundle(self, raw: bytes, number: int | None, place: int) -> Iterator[Reading | Problem]:
        page = read_bundle(raw, file=self.part.file.name, first=place, wanted=self._wants)
        self.resources += page.size
        for reading in page.entries:
            yield from self._kept(reading)
        for problem in page.problems:
            entry = problem.place.rpartition(":")[2]
            yield Problem(str(self.part.file.path), number, f"entry {entry}: {problem.reason}")

    def _wants(self, kind: str, raw: bytes) -> bool:
        if kind in _SHARED:
            return True
        if kind not in KINDS:
            return False
        patient = patient_at_a_glance(kind, raw)
        return patient is None or patient in self.patients

    def _kept(self, reading: Reading) -> Iterator[Reading]:
        """All but the Medications that nobody of these patients was given."""
        if self.medications is None or reading.kind != "Medication" or reading.reference in self.medications:
            yield reading
