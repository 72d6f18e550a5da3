"""`assess` on the QI-Core test cases, each read on its own, against what its measure expects."""

import gzip
import json
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from service.assess import assess
from service.knowledge import knowledge, load_policy
from service.model.assessment import Assessment, Finding
from service.model.days import date_of
from service.model.facts import Role
from service.normalise import facts_of
from service.record.group import PatientRecord
from service.sources.files import FilesSource
from tests.sandbox_data.place import DATA
from tests.sandbox_data.qicore_expected import CASES, Case, Question

FOLDER = DATA / "ecqm-qicore"
RULES = {"cms156": "R08", "cms506": "R05"}  # the rule that asks what the measure asks
YEARS = {"cms156": 2025, "cms506": 2026}  # the measurement period
_MEASURED_AFTER = timedelta(days=25)  # after a discharge R01 holds, so that one sees whether it is muted
_CARE = frozenset({"S1", "S2", "S3"})


@dataclass(frozen=True)
class Answer:
    """What the service says of one case."""

    exposure: str | None  # ingredients, from when; None: none begins in the period
    day: date  # the last of the stay (CMS506), the last of the period (CMS156)
    rule: Finding | None  # R08 or R05 on that day, unsuppressed
    muted: tuple[str, ...] | None  # by S1 to S3, later on; None: nothing holds that could be muted
    at_the_end: Assessment  # on the last day of the period

    def to(self, question: Question) -> bool | None:
        """None: it cannot be seen."""
        if question is Question.COUNTED:
            return self.exposure is not None
        if question is Question.ASKED:
            return self.rule is not None
        return None if self.muted is None else bool(self.muted)


def expected(case: Case, question: Question) -> bool:
    if question is Question.COUNTED:
        return case.initial_population > 0
    if question is Question.ASKED:
        return case.numerator > 0 and case.exclusion == 0
    return case.exclusion > 0


def agrees(case: Case, question: Question) -> bool | None:
    """Whether measure and service say the same; None: one of them says nothing."""
    said = answer(case).to(question)
    return None if said is None else said == expected(case, question)


@cache
def answer(case: Case) -> Answer:
    measure = case.edition[:6]
    end = date(YEARS[measure], 12, 31)
    resources, record = _bundle(case), _record(case)
    day = end if measure == "cms156" else _last_day_of_stay(resources)
    found = _on(record, day)
    later = _on(record, end if measure == "cms156" else day + _MEASURED_AFTER)
    held = [*later.findings, *later.suppressed]
    return Answer(
        exposure=_exposure(record, end),
        day=day,
        rule=next((f for f in found.findings if f.rule == RULES[measure]), None),
        muted=tuple(f.rule for f in later.suppressed if f.suppressed_by in _CARE) if held else None,
        at_the_end=_on(record, end),
    )


def in_the_data() -> list[tuple[str, str]]:
    """(edition, id) of every case of the folder."""
    return sorted((edition, str(each["id"])) for edition in _editions() for each in _bundles(edition))


def _editions() -> list[str]:
    return sorted({case.edition for case in CASES})


@cache
def _bundles(edition: str) -> tuple[dict[str, Any], ...]:
    with gzip.open(FOLDER / f"{edition}.bundles.ndjson.gz", "rt", encoding="utf-8") as lines:
        return tuple(json.loads(line) for line in lines)


def _bundle(case: Case) -> dict[str, Any]:
    (found,) = (each for each in _bundles(case.edition) if each["id"].startswith(case.patient))
    return found


def _record(case: Case) -> PatientRecord:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "case.json"
        file.write_text(json.dumps(_bundle(case)), encoding="utf-8")
        (record,) = FilesSource([file], knowledge()).records()
    return record


def _on(record: PatientRecord, day: date) -> Assessment:
    return assess(record, load_policy("us"), knowledge(), day)


def _last_day_of_stay(bundle: dict[str, Any]) -> date:
    stays = (e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Encounter")
    return max(date.fromisoformat(stay["period"]["end"][:10]) for stay in stays)


def _exposure(record: PatientRecord, end: date) -> str | None:
    orders = facts_of(record, knowledge(), load_policy("us")).orders
    starts = [(date_of(o.start), o.drug.ingredient) for o in orders if o.drug.role is Role.IN_SCOPE]
    begun = sorted(each for each in starts if each[0].year == end.year)
    return ", ".join(f"{ingredient} {start}" for start, ingredient in begun) or None
