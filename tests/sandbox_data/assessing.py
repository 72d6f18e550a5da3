"""`assess` on the folders of the sandbox data, and what came of it in figures."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from service.assess import assess
from service.knowledge import knowledge, load_policy
from service.model.assessment import Assessment
from service.model.facts import Role
from service.normalise import facts_of
from service.record.group import PatientRecord
from service.sources.files import FilesReport, FilesSource
from tests.sandbox_data.place import DATA

# The days on which something comes out: R02 or R05 where the folder has it, else one day of its time.
DAYS: dict[str, tuple[date, ...]] = {
    "ahrq-pain-summary": (date(2017, 11, 15),),
    "cdc-opioid-cds": (date(2020, 1, 1),),
    "cdc-opioid-cpg": (date(2025, 11, 15),),
    "cds4cpm": (date(2013, 8, 1), date(2023, 3, 20)),
    "ecqm-qicore": (date(2026, 1, 15), date(2026, 5, 15)),
    "hl7-r4-examples": (date(2015, 1, 25),),
    "negative-controls": (date(2019, 1, 15),),
    "nhs-eps-uk": (date(2023, 1, 1),),
    "synthea-2020-us": (date(1959, 12, 10), date(1991, 10, 20), date(2008, 12, 1), date(2019, 12, 1)),
    "synthea-2020-us-all": (date(1959, 12, 10), date(1991, 10, 20), date(2008, 12, 1), date(2019, 12, 1)),
    "synthea-bulk-uscore-10": (date(1971, 7, 10),),
}


@dataclass(frozen=True)
class Read:
    """A folder, read."""

    records: tuple[PatientRecord, ...]
    report: FilesReport


@dataclass(frozen=True)
class Figures:
    """What came of one folder on one day."""

    folder: str
    as_of: date
    input: str  # hash of all files
    patients: int  # with anything that is, or may be, in scope
    in_scope: int  # with an order or a fill of a drug in scope that can be read
    findings: Counter[str]  # rule, priority
    suppressed: Counter[str]  # rule, by what
    unreadable: Counter[str]  # by reason
    ignored: Counter[str]  # by reason
    documents: int  # that are no FHIR
    astray: int  # resources without a subject


@cache
def read(folder: str) -> Read:
    """Raises whatever reading raises."""
    source = FilesSource([DATA / folder], knowledge())
    return Read(tuple(source.records()), source.report)


def assessments(folder: str, as_of: date) -> Iterator[Assessment]:
    policy = load_policy("us")
    return (assess(record, policy, knowledge(), as_of) for record in read(folder).records)


def one(folder: str, patient: str, as_of: date) -> Assessment:
    """The assessment of the patient whose id begins so."""
    (found,) = (a for a in assessments(folder, as_of) if a.patient.startswith(f"Patient/{patient}"))
    return found


def figures(folder: str, as_of: date) -> Figures:
    found = list(assessments(folder, as_of))
    report = read(folder).report
    return Figures(
        folder=folder,
        as_of=as_of,
        input=input_hash(DATA / folder),
        patients=sum(each.listed for each in found),
        in_scope=sum(map(_has_drug_in_scope, read(folder).records)),
        findings=Counter(f"{f.rule} {f.priority.word}" for each in found for f in each.findings),
        suppressed=Counter(f"{f.rule} by {f.suppressed_by}" for each in found for f in each.suppressed),
        unreadable=_reasons(aside.reason for each in found for aside in each.unreadable),
        ignored=_reasons(aside.reason for each in found for aside in each.ignored),
        documents=len(report.problems),
        astray=len(report.astray),
    )


def input_hash(folder: Path) -> str:
    """sha256 over the lines `sha256  path` of all files, sorted; the first 16 digits."""
    lines = (
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder).as_posix()}"
        for file in folder.rglob("*")
        if file.is_file()
    )
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]


def _has_drug_in_scope(record: PatientRecord) -> bool:
    facts = facts_of(record, knowledge(), load_policy("us"))
    return any(each.drug.role is Role.IN_SCOPE for each in (*facts.orders, *facts.fills))


def _reasons(reasons: Iterable[str]) -> Counter[str]:
    return Counter(reasons)
