"""How long one patient of the cohort takes, once read: normalise, exposure, rules; beside a typed decode."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import msgspec

from bench.population import BASE_DAY, EVERY, is_in_cohort, population
from service.assess import assess
from service.exposure import build_exposure
from service.knowledge import Knowledge, Policy, knowledge, load_policy
from service.model.days import Day, day_of
from service.model.facts import Facts
from service.normalise import facts_of
from service.record.elements import KINDS
from service.record.group import PatientRecord, group
from service.record.read import read

_TIMES = 3  # the fastest counts


@dataclass(frozen=True, slots=True)
class PatientTimes:
    """Milliseconds, each the median over the cohort."""

    patients: int
    decode_ms: float  # all resources of the patient, by the product's structs
    normalise_ms: float
    exposure_ms: float
    assess_ms: float  # all of it: normalise, exposure, rules, what suppresses them, the day to wake on
    exposure_of_decode: float  # median of the ratios
    assess_of_decode: float


def patient_times(cohort: int) -> PatientTimes:
    """Of as many people on a benzodiazepine."""
    known, policy, day = knowledge(), load_policy("us"), day_of(BASE_DAY)
    people = [n for n in range(cohort * EVERY) if is_in_cohort(n)]
    rows: list[tuple[float, float, float, float]] = []
    for n in people:
        lines = list(population([n]))
        record = _record(lines)
        facts = facts_of(record, known, policy)
        rows.append(
            (
                _fastest(_decode, lines),
                _fastest(facts_of, record, known, policy),
                _fastest(_exposure, facts, policy, known, day),
                _fastest(assess, record, policy, known, BASE_DAY),
            )
        )
    return PatientTimes(
        len(people),
        decode_ms=median(row[0] for row in rows),
        normalise_ms=median(row[1] for row in rows),
        exposure_ms=median(row[2] for row in rows),
        assess_ms=median(row[3] for row in rows),
        exposure_of_decode=median(row[2] / row[0] for row in rows),
        assess_of_decode=median(row[3] / row[0] for row in rows),
    )


def _record(lines: list[tuple[str, bytes]]) -> PatientRecord:
    readings = (read(line, f"line:{n}") for n, (_, line) in enumerate(lines, 1))
    (record,) = group(readings)
    return record


def _exposure(facts: Facts, policy: Policy, known: Knowledge, day: Day) -> tuple[object, ...]:
    """All that an assessment shows of it; its parts are worked out when asked for."""
    exposure = build_exposure(facts, policy, known, day)
    return exposure.ongoing, exposure.last_episode, exposure.dme, exposure.dependence(day), exposure.stale


_decoders = {kind: msgspec.json.Decoder(struct) for kind, struct in KINDS.items()}


def _decode(lines: list[tuple[str, bytes]]) -> None:
    for kind, line in lines:
        _decoders[kind].decode(line)


def _fastest(call: Callable[..., object], *arguments: Any) -> float:
    """Milliseconds."""
    took = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        call(*arguments)
        took.append(time.perf_counter() - started)
    return min(took) * 1000
