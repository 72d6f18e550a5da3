"""The results as text."""

from collections.abc import Iterable, Sequence

from bench.offline import Row
from bench.online import CycleRow
from bench.patient import PatientTimes


def offline(rows: Iterable[Row]) -> str:
    head = (
        "patients",
        "MB",
        "pass",
        "s",
        "CPU s",
        "start s",
        "patients/s",
        "MB/s",
        "× bare",
        "× orjson",
        "peak MiB",
        "with a finding",
    )
    return _table(
        head,
        (
            (
                f"{row.patients:,}",
                f"{row.megabytes:.0f}",
                row.name,
                f"{row.seconds:.2f}",
                f"{row.cpu_seconds:.2f}",
                f"{row.start_seconds:.2f}",
                _or_dash(row.patients_per_second, ",.0f"),
                _or_dash(row.megabytes_per_second, ".0f"),
                _or_dash(row.of_bare, ".2f"),
                _or_dash(row.of_orjson, ".2f"),
                _or_dash(row.peak_mib, ".0f"),
                _or_dash(row.findings, ",d"),
            )
            for row in rows
        ),
    )


def patient(times: PatientTimes) -> str:
    head = (f"ms per patient (median of {times.patients} on a benzodiazepine)", "ms", "× decode")
    return _table(
        head,
        (
            ("decode all resources, typed", f"{times.decode_ms:.2f}", "1.0"),
            ("normalise", f"{times.normalise_ms:.2f}", f"{times.normalise_ms / times.decode_ms:.1f}"),
            ("exposure", f"{times.exposure_ms:.2f}", f"{times.exposure_of_decode:.1f}"),
            ("assess, all of it", f"{times.assess_ms:.2f}", f"{times.assess_of_decode:.1f}"),
        ),
    )


def online(rows: Iterable[CycleRow]) -> str:
    head = (
        "cycle",
        "patients looked at",
        "created",
        "updated",
        "requests",
        "per patient",
        "of them reads",
        "s",
    )
    return _table(
        head,
        (
            (
                row.name,
                str(row.patients),
                str(row.created),
                str(row.updated),
                str(row.requests),
                _or_dash(row.requests_per_patient, ".2f"),
                str(row.reads),
                f"{row.seconds:.1f}",
            )
            for row in rows
        ),
    )


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as they need to be; the first to the left, the others to the right."""
    lines = [head, *rows]
    wide = [max(len(line[n]) for line in lines) for n in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.rjust(w) if n else cell.ljust(w) for n, (cell, w) in enumerate(zip(line, wide, strict=True))
        )
        for line in lines
    )
