"""What the second pass keeps: the resources of the patients concerned, shard by shard, and what is nobody's own.

A shard is small enough to be thought about in memory, whatever the size of the whole.  Shard 0 holds what is
no patient's own: Medications, people, and what names no patient.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from service.record.elements import WITH_SUBJECT, PractitionerRole
from service.record.group import SHARED, Directory, Gathered, PatientRecord, Traits
from service.record.read import Reading, Unreadable, read
from service.record.references import local_reference
from service.sources.documents import MIB, Part
from service.sources.scan import Plain
from service.sources.spill import Spill

KEPT_IN_MEMORY = 64 * MIB  # of all processes together; beside it stand some 40 MiB of code and knowledge each
_INDEX_IN_MEMORY = 4 * MIB
PATIENTS_A_SHARD = 256  # some 15 MiB of NDJSON
NOBODYS = 0
_BUCKETS = 64  # of the index: 10 million resources make 150,000 entries of each
_HEAD = struct.Struct("<8sIII")  # key of the reference, part of the input, place in it, length
_ENTRY = struct.Struct("<8sI")  # key, shard
_NO_KEY = bytes(8)
_DRUGGED = frozenset({"MedicationRequest", "MedicationDispense"})

ShardOf = Callable[[str], int]
"""`Patient/id` → its shard, counted from 1."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the second pass looks for."""

    patients: Set[str]
    medications: Set[str] | None  # that these patients were given; None: too many to know


class InOrder:
    """Shards by first appearance, so that they hold the patients in order of first appearance."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def __call__(self, patient: str) -> int:
        return 1 + self._places.setdefault(patient, len(self._places)) // PATIENTS_A_SHARD


@dataclass(frozen=True, slots=True)
class ByHash:
    """Shards that are the same in all processes."""

    count: int

    def __call__(self, patient: str) -> int:
        return 1 + int.from_bytes(_key(patient), "little") % self.count


@dataclass(slots=True)
class Shards:
    """The resources kept, by shard, and an index of them by reference."""

    folder: Path
    writer: str = "0"  # of several processes that share the folder
    limit: int = KEPT_IN_MEMORY
    named: set[str] = field(init=False, default_factory=set)  # what orders and fills name of shard 0
    _kept: Spill = field(init=False)
    _index: Spill = field(init=False)

    def __post_init__(self) -> None:
        self._kept = Spill(self.folder / "kept", self.writer, self.limit, _HEAD.size, _length)
        index_limit = min(_INDEX_IN_MEMORY, self.limit)
        self._index = Spill(self.folder / "index", self.writer, index_limit, _ENTRY.size, lambda _head: 0)

    def add(self, found: Plain | Reading, part: int, wanted: Wanted, shard_of: ShardOf) -> None:
        """Keep a resource, unless it turns out to be another patient's."""
        if isinstance(found, Plain):
            self._keep(shard_of(found.patient), f"{found.kind}/{found.id}", part, found.raw)
            if found.kind in _DRUGGED:
                self.named.update(_named(found.raw, medications=wanted.medications is None))
            return
        if found.body is None:
            return
        shard = NOBODYS
        if found.patient is not None and found.kind not in SHARED:
            if found.patient not in wanted.patients:
                return
            shard = shard_of(found.patient)
        if found.reference.startswith(f"{found.kind}/#"):  # no id: there is no other copy
            place = int(found.reference.rpartition(":")[2])
            self._kept.add(shard, _HEAD.pack(_NO_KEY, part, place, len(found.raw)), found.raw)
        else:
            self._keep(shard, found.reference, part, found.raw)
        if found.kind in _DRUGGED:
            self.named.update(_named(found.raw, medications=wanted.medications is None))

    def _keep(self, shard: int, reference: str, part: int, raw: bytes) -> None:
        key = _key(reference)
        self._index.add(key[0] % _BUCKETS, _ENTRY.pack(key, shard))
        self._kept.add(shard, _HEAD.pack(key, part, 0, len(raw)), raw)

    def flush(self) -> None:
        self._kept.flush()
        self._index.flush()

    def of_patients(self) -> list[int]:
        """The shards with patients in them."""
        return [shard for shard in self._kept.shards() if shard != NOBODYS]

    def in_several(self) -> set[bytes]:
        """Keys of the references with copies in more than one shard: of several patients."""
        found: set[bytes] = set()
        for bucket in self._index.shards():
            shards: dict[bytes, int] = {}
            for entry, _ in self._index.records(bucket):
                key, shard = _ENTRY.unpack(entry)
                if shards.setdefault(key, shard) != shard:
                    found.add(key)
        return found

    def read(
        self, shard: int, places: "Places", only: Set[bytes] | None = None
    ) -> Iterator[tuple[bytes, Reading]]:
        """(key, resource) of a shard, be it all or only those of some keys."""
        for head, raw in self._kept.records(shard):
            key, part, place, _ = _HEAD.unpack(head)
            if only is None or key in only:
                yield key, read(raw, places.name(part, place) if place else "")


@dataclass(frozen=True, slots=True)
class Places:
    """What resources without id are called: after their file and their place in all of it."""

    parts: tuple[Part, ...]
    offsets: tuple[int, ...]  # resources of the file before each part

    def name(self, part: int, place: int) -> str:
        return f"{self.parts[part].file.name}:{self.offsets[part] + place}"


@dataclass(frozen=True, slots=True)
class Whole:
    """What one must know of all shards to understand one of them."""

    directory: Directory
    astray: tuple[tuple[str, str], ...]  # (reference, reason)
    owners: Mapping[str, str | None]  # of the references in several shards: whose the copy is that counts
    keys: Set[bytes]  # of these references
    places: Places
    traits: Traits


def look_at_whole(shards: Shards, named: Set[str], wanted: Wanted, places: Places, traits: Traits) -> Whole:
    """Settle what goes across shards."""
    keys = shards.in_several()
    copies = Gathered(traits)
    for shard in (NOBODYS, *shards.of_patients()) if keys else ():
        for _, reading in shards.read(shard, places, keys):
            copies.add(reading)
    owners = copies.owners()

    def nobodys() -> Iterator[Reading]:
        for key, reading in shards.read(NOBODYS, places):
            if key not in keys or owners[reading.reference] is None:
                yield reading

    needed = _needed(nobodys, named, all_medications=wanted.medications is not None)
    gathered = Gathered(traits)
    for reading in nobodys():
        if reading.reference in needed:
            gathered.add(reading)
    return Whole(gathered.directory(), tuple(gathered.astray()), owners, keys, places, traits)


def records(shards: Shards, shard: int, whole: Whole) -> Iterator[PatientRecord]:
    """The patients of a shard."""
    gathered = Gathered(whole.traits, whole.directory)
    for key, reading in shards.read(shard, whole.places):
        if key in whole.keys and whole.owners[reading.reference] != reading.patient:
            if reading.patient is not None:
                gathered.see(reading.patient)
        else:
            gathered.add(reading)
    return gathered.records()


def _needed(
    nobodys: Callable[[], Iterable[Reading]], named: Set[str], *, all_medications: bool
) -> frozenset[str]:
    """What of shard 0 is worth memory: what orders name, the roles of these people, and what must be told.

    All copies of a reference are needed where one is.
    """
    people = set(named)
    for reading in nobodys():
        if isinstance(reading.body, PractitionerRole) and reading.reference in named:
            people.update(_practitioner(reading.body))
    found: set[str] = set()
    for reading in nobodys():
        body = reading.body
        is_needed = (
            reading.reference in people
            or isinstance(body, Unreadable)
            or (reading.kind == "Medication" and all_medications)
            or (isinstance(body, PractitionerRole) and not people.isdisjoint(_practitioner(body)))
            or (reading.kind in WITH_SUBJECT and not reading.has_subject)
        )
        if is_needed:
            found.add(reading.reference)
    return frozenset(found)


def _practitioner(role: PractitionerRole) -> tuple[str, ...]:
    found = local_reference(role.practitioner.reference) if role.practitioner else None
    return () if found is None else (found,)


class _Names(msgspec.Struct, gc=False, rename="camel"):
    """What an order or a fill may name that is no patient's own; of any type, since it may be wrong."""

    requester: Any = None
    medication_reference: Any = None
    medication: Any = None  # R5


_names = msgspec.json.Decoder(_Names).decode


def _named(raw: bytes, *, medications: bool) -> Iterator[str]:
    names = _names(raw)
    newer = names.medication.get("reference") if isinstance(names.medication, dict) else None
    for named in (names.requester, *((names.medication_reference, newer) if medications else ())):
        text = named.get("reference") if isinstance(named, dict) else None
        reference = local_reference(text) if isinstance(text, str) else None
        if reference is not None:
            yield reference


def _length(head: bytes) -> int:
    length: int = _HEAD.unpack(head)[3]
    return length


def _key(reference: str) -> bytes:
    return blake2b(reference.encode(), digest_size=8).digest()
