"""Which clinical concepts a code stands for: indications, risks, events, hospice."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from service.knowledge.systems import System
from service.knowledge.table import Row

CONDITION_COLUMNS = ("concept", "snomed", "icd10cm", "role", "match", "rules")

SEIZURE_DISORDER = "seizure_disorder"
NO_SEIZURE_DISORDER = "seizure_disorder_not_valid_exclusion"
NICOTINE = "nicotine_dependence_not_sud"
PALLIATIVE_OR_HOSPICE = "palliative_or_hospice"

_ROLES = ("exclusion", "risk", "modifier", "not_exclusion", "not_risk")
_IN_REMISSION = re.compile(r"F1\d(?:11|21|91)")
_RANGE = re.compile(r"range:([A-Z]\d\d)-([A-Z]\d\d)")
_CATEGORY = 3  # characters of an ICD-10 category
_ICD_LENGTH = 7  # an ICD-10-CM code with its encounter character
_LATER_VISIT = "DS"  # subsequent encounter, sequela
_LATER_VISIT_OF_FRACTURE = "EFGHJKMNPQR"  # later visits for an open fracture, late or no healing


@dataclass(frozen=True, slots=True)
class ConditionRow:
    """One row of conditions.csv: a code that stands for a concept."""

    concept: str
    code: str  # ICD: upper case, without dots
    role: str  # exclusion, risk, modifier; not_exclusion, not_risk: see Conditions.overridden_by
    match: str  # exact, prefix, descendants (the code itself, without a terminology server), range:A-B
    rules: str  # what reads it, in words
    source: str

    @property
    def is_hospice(self) -> bool:
        """Whether a palliative-or-hospice row means hospice (S2) and not palliative care (S3)."""
        return self.concept == PALLIATIVE_OR_HOSPICE and "hospice" in self.source.lower()

    @property
    def is_use_disorder(self) -> bool:
        return self.rules.startswith("R14") and (
            self.concept.endswith("_use_disorder") or self.concept == "other_sud"
        )

    @property
    def is_self_harm_or_overdose(self) -> bool:
        """Whether it is an event of R14; the rows of poisonings hold the ICD-10-CM intents 1 to 4 only."""
        return self.rules.startswith("R14 urgent") and not self.is_use_disorder

    @property
    def is_accident_or_delirium(self) -> bool:
        """Whether it is an event of R16."""
        return self.rules.startswith("R16")


class Conditions:
    """Lookups of conditions.csv, for SNOMED CT and ICD-10(-CM) codes as records write them.

    Raises KnowledgeError for a row that can match nothing, or stands twice.
    """

    __slots__ = (
        "_icd_exact",
        "_icd_prefix",
        "_icd_ranges",
        "_prefix_lengths",
        "_snomed",
        "accident_or_delirium",
        "concepts",
        "risk",
        "self_harm_or_overdose",
        "substance_use",
    )

    concepts: frozenset[str]
    risk: frozenset[str]  # a new one lifts a decision to continue
    substance_use: frozenset[str]  # the use disorders, not in remission
    self_harm_or_overdose: frozenset[str]  # the events of R14
    accident_or_delirium: frozenset[str]  # the events of R16

    def __init__(self, rows: Iterable[Row]) -> None:
        self._snomed: dict[str, tuple[ConditionRow, ...]] = {}
        self._icd_exact: dict[str, tuple[ConditionRow, ...]] = {}
        self._icd_prefix: dict[str, tuple[ConditionRow, ...]] = {}
        self._icd_ranges: list[tuple[str, str, ConditionRow]] = []
        found = [self._add(row) for row in rows]
        self._prefix_lengths = sorted({len(prefix) for prefix in self._icd_prefix})
        self.concepts = frozenset(row.concept for row in found)
        self.risk = frozenset(row.concept for row in found if row.role == "risk")
        self.substance_use = frozenset(row.concept for row in found if row.is_use_disorder)
        self.self_harm_or_overdose = frozenset(row.concept for row in found if row.is_self_harm_or_overdose)
        self.accident_or_delirium = frozenset(row.concept for row in found if row.is_accident_or_delirium)

    def rows_of(self, system: System | None, code: str) -> tuple[ConditionRow, ...]:
        """The rows that a coding matches, also those of a concept that overrides another."""
        if system == System.SNOMED:
            return self._snomed.get(code, ())
        if system == System.ICD10:
            return self._icd_rows(icd(code))
        return ()

    def concepts_of(self, system: System | None, code: str) -> frozenset[str]:
        """The concepts that a coding stands for; what overrides them is not taken off."""
        return frozenset(row.concept for row in self.rows_of(system, code))

    def overridden_by(self, concept: str) -> frozenset[str]:
        """The concepts that do not hold for a Condition any of whose codes stands for `concept`."""
        if concept == NO_SEIZURE_DISORDER:
            return frozenset({SEIZURE_DISORDER})
        return self.substance_use if concept == NICOTINE else frozenset()

    def is_in_remission(self, system: System | None, code: str) -> bool:
        """Whether the code says that a use disorder is in remission: no active disorder."""
        if system == System.ICD10 and _IN_REMISSION.fullmatch(icd(code)):
            return True
        return any(concept.endswith("_in_remission") for concept in self.concepts_of(system, code))

    def _icd_rows(self, code: str) -> tuple[ConditionRow, ...]:
        found = list(self._icd_exact.get(code, ()))
        for length in self._prefix_lengths:
            if length <= len(code):
                found += self._icd_prefix.get(code[:length], ())
        if len(code) >= _CATEGORY:
            category = code[:_CATEGORY]
            found += [row for first, last, row in self._icd_ranges if first <= category <= last]
        return tuple(found)

    def _add(self, row: Row) -> ConditionRow:
        snomed, icd10 = row["snomed"], icd(row["icd10cm"])
        if bool(snomed) == bool(icd10):
            raise row.error("needs one code, either snomed or icd10cm")
        match = row.required("match")
        found = ConditionRow(
            concept=row.required("concept"),
            code=snomed or icd10,
            role=row.one_of("role", _ROLES),
            match=match,
            rules=row.required("rules"),
            source=row["source"],
        )
        if snomed and match in ("exact", "descendants"):
            _put(self._snomed, row, found)
        elif icd10 and match == "exact":
            _put(self._icd_exact, row, found)
        elif icd10 and match == "prefix":
            _put(self._icd_prefix, row, found)
        elif icd10 and (limits := _RANGE.fullmatch(match)) and limits[1] <= limits[2]:
            self._icd_ranges.append((limits[1], limits[2], found))
        else:
            raise row.error(f"match {match!r} does not fit the code {found.code}")
        return found


def icd(code: str) -> str:
    """An ICD code as our tables compare it: upper case, without dots."""
    return code.replace(".", "").strip().upper()


def is_later_visit(code: str, *, of_fracture: bool) -> bool:
    """Whether an ICD-10-CM code is of a later visit or a sequela, by its 7th character: no new event."""
    code = icd(code)
    later = _LATER_VISIT + (_LATER_VISIT_OF_FRACTURE if of_fracture else "")
    return len(code) == _ICD_LENGTH and code[-1] in later


def _put(index: dict[str, tuple[ConditionRow, ...]], row: Row, found: ConditionRow) -> None:
    there = index.get(found.code, ())
    if any(other.concept == found.concept for other in there):
        raise row.error(f"{found.code} stands twice for {found.concept}")
    index[found.code] = (*there, found)
