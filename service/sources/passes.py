"""The passes over the input, as work that one process or several can do, part by part."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from service.knowledge import Knowledge
from service.normalise.concern import Concern, Concerned
from service.record.group import PatientRecord
from service.sources.documents import Block, Part, Problem, blocks
from service.sources.scan import Reader, note_concerned
from service.sources.shards import ShardOf, Shards, Wanted, Whole, records

T = TypeVar("T")

OnBytes = Callable[[int], None]
"""Bytes of the part used up so far."""

Work = Callable[[PatientRecord], T]


@dataclass(frozen=True, slots=True)
class Sought:
    """First pass over a part."""

    concerned: Concerned
    has_bundles: bool
    lines: int  # that are not blank; of a .json, one


@dataclass(slots=True)
class Sorted:
    """Second pass over a part; its problems count lines from the part's first."""

    documents: int = 0
    resources: int = 0
    problems: list[Problem] = field(default_factory=list)
    named: set[str] = field(default_factory=set)  # what the orders and fills kept name of shard 0


def seek(part: Part, knowledge: Knowledge, known: Concerned | None, on_bytes: OnBytes) -> Sought:
    """Who is concerned, as far as the orders, fills and Medications of a part say."""
    concern, has_bundles, lines = Concern(knowledge, known), False, 0
    for block in blocks(part, on_bytes):
        if isinstance(block, Block):
            has_bundle, count = note_concerned(block, concern)
            has_bundles |= has_bundle
            lines += count
    return Sought(concern.found, has_bundles, lines)


def sort(
    part: Part, number: int, wanted: Wanted, shards: Shards, shard_of: ShardOf, on_bytes: OnBytes
) -> Sorted:
    """Keep what is wanted of a part."""
    found = Sorted()
    reader = Reader(part, wanted.patients, wanted.medications)
    for block in blocks(part, on_bytes):
        for one in (reader.problem(block),) if isinstance(block, Problem) else reader.read(block):
            if isinstance(one, Problem):
                found.problems.append(one)
            else:
                shards.add(one, number, wanted, shard_of)
    found.documents, found.resources = reader.documents, reader.resources
    found.named, shards.named = shards.named, set()
    return found


def work_through(shards: Shards, shard: int, whole: Whole, work: Work[T]) -> Iterator[T]:
    """What `work` makes of each patient of a shard."""
    return map(work, records(shards, shard, whole))
