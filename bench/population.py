"""A seeded population in FHIR NDJSON, as a bulk export gives it: one file per resource type.

    python -m bench.population FOLDER --patients 1000

Person n of a seed is the same whatever the size of the population, so that populations nest.
"""

import argparse
import json
import random
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import IO

from bench import noise
from bench import templates as t
from bench.cohort import Person

BASE_DAY = date(2026, 6, 1)
SEED = 7
EVERY = 25  # one person in 25 is on a benzodiazepine: 4 %
PER_PRACTITIONER = 200
_YEARS_BACK = 6
_BUFFER = 1 << 20  # bytes of a file's write buffer

Line = tuple[str, bytes]  # resource type, the resource with its line end


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    patients: int
    cohort: int
    resources: int
    bytes: int


def write_population(folder: Path, patients: int, *, seed: int = SEED, base_day: date = BASE_DAY) -> Written:
    """Write `<Type>.ndjson` files into `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    resources = size = 0
    with ExitStack() as opened:
        files: dict[str, IO[bytes]] = {}
        for kind, line in population(range(patients), seed=seed, base_day=base_day):
            file = files.get(kind)
            if file is None:
                path = folder / f"{kind}.ndjson"
                file = files[kind] = opened.enter_context(path.open("wb", buffering=_BUFFER))
            file.write(line)
            resources += 1
            size += len(line)
    return Written(patients, sum(map(is_in_cohort, range(patients))), resources, size)


def population(people: Iterable[int], *, seed: int = SEED, base_day: date = BASE_DAY) -> Iterator[Line]:
    """The resources of these people, and of the practitioners whom they see."""
    calendar = _calendar(base_day)
    seen: set[int] = set()
    for n in people:
        if (prescriber := n // PER_PRACTITIONER) not in seen:
            seen.add(prescriber)
            number = b"%05d" % prescriber
            yield t.PRACTITIONER.fill(_prescriber(n), calendar[-1], number, number)
        yield from _person(n, random.Random(f"{seed}/{n}"), calendar, base_day)


def is_in_cohort(n: int) -> bool:
    """Whether person n takes, or once took, a benzodiazepine or a z-drug."""
    return n % EVERY == EVERY // 2


def patient_id(n: int) -> str:
    return f"p{n:07d}"


def _prescriber(n: int) -> bytes:
    return b"dr%05d" % (n // PER_PRACTITIONER)


def _calendar(base_day: date) -> list[bytes]:
    """The days up to the base day, as text; the last is the base day."""
    first = base_day - timedelta(days=365 * _YEARS_BACK)
    return [(first + timedelta(days=n)).isoformat().encode() for n in range(365 * _YEARS_BACK + 1)]


def _person(n: int, rng: random.Random, calendar: list[bytes], base_day: date) -> Iterator[Line]:
    me, prescriber = patient_id(n).encode(), _prescriber(n)
    born = date(rng.randrange(1935, 2006), rng.randrange(1, 13), rng.randrange(1, 29)).isoformat().encode()
    gender = rng.choice((b"female", b"male"))
    yield t.PATIENT.fill(me, calendar[-1], me, b"Example", b"Person", gender, born, prescriber)
    days = sorted(rng.sample(range(len(calendar)), rng.randrange(3, 10)))
    for visit, day in enumerate(days):
        yield from _visit(me, prescriber, b"%b-%d" % (me, visit), calendar[day], rng)
    if is_in_cohort(n):
        taker = Person(f"Patient/{patient_id(n)}", f"Practitioner/{prescriber.decode()}", rng, base_day)
        for resource in taker.resources():
            yield resource["resourceType"], json.dumps(resource, separators=(",", ":")).encode() + b"\n"


def _visit(me: bytes, prescriber: bytes, visit: bytes, day: bytes, rng: random.Random) -> Iterator[Line]:
    """An encounter with all that was noted and ordered in it."""
    pick = rng.random
    chosen = t.ENCOUNTERS[int(pick() * len(t.ENCOUNTERS))]
    yield chosen.fill(visit, day, visit, me, prescriber, day, day)
    yield t.BLOOD_PRESSURE.fill(
        visit + b"-bp", day, me, visit, day, day, b"%d" % (100 + pick() * 60), b"%d" % (60 + pick() * 35)
    )
    for n in range(1 + int(pick() * 6)):
        observation = t.OBSERVATIONS[int(pick() * len(t.OBSERVATIONS))]
        yield observation.fill(b"%b-o%d" % (visit, n), day, me, visit, day, day, b"%.1f" % (pick() * 200))
    if pick() < 0.5:
        condition = t.CONDITIONS[int(pick() * len(t.CONDITIONS))]
        yield condition.fill(visit + b"-c", day, me, visit, day, day)
    if pick() < 0.4:
        procedure = t.PROCEDURES[int(pick() * len(t.PROCEDURES))]
        yield procedure.fill(visit + b"-p", day, me, visit, day, day)
    for n in range(int(pick() * 3)):
        yield from _order(me, prescriber, visit, b"%b-m%d" % (visit, n), day, rng)


def _order(
    me: bytes, prescriber: bytes, visit: bytes, order: bytes, day: bytes, rng: random.Random
) -> Iterator[Line]:
    which = int(rng.random() * len(noise.ORDERS))
    status = b"active" if rng.random() < 0.3 else b"completed"
    if rng.random() < noise.RARE_SHARE:
        rare = noise.RARE_ORDERS[which % len(noise.RARE_ORDERS)]
        yield rare.fill(order, day, order, status, me, visit, day, prescriber)
        return
    yield noise.ORDERS[which].fill(order, day, order, status, me, visit, day, prescriber)
    if rng.random() < 0.4:
        yield noise.FILLS[which].fill(order + b"-f", day, me, order, day)


def main() -> None:
    """Write a population and say what it came to."""
    parser = argparse.ArgumentParser(prog="python -m bench.population", description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--base-day", type=date.fromisoformat, default=BASE_DAY)
    asked = parser.parse_args()
    written = write_population(asked.folder, asked.patients, seed=asked.seed, base_day=asked.base_day)
    print(
        f"{written.patients} people, {written.cohort} of them on a benzodiazepine, "
        f"{written.resources} resources, {written.bytes / 1e6:.1f} MB; assess them --as-of {asked.base_day}"
    )


if __name__ == "__main__":
    main()
