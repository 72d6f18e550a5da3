"""What in a record shows that a review took place, and how strongly."""

from collections.abc import Iterable
from dataclasses import dataclass

from service.knowledge.systems import System, system_of
from service.knowledge.table import Row

REVIEW_COLUMNS = ("system", "code", "meaning", "fhir_resource", "strength", "resets_review_clock")

_OURS = "project"  # Task outcomes, the review form, the taper plan: known by their resource, not by a code
_STRENGTHS = ("strong", "moderate", "weak", "supporting", "context", "none")


@dataclass(frozen=True, slots=True)
class ReviewEvidence:
    """A code that says something about a review."""

    system: System
    code: str
    meaning: str
    resource_types: frozenset[str]
    strength: str  # strong, moderate, weak, supporting, context, none
    resets_review_clock: str  # yes, no, configurable, or a condition in words
    source: str

    @property
    def is_strong(self) -> bool:
        """Whether it resets the review clock by itself."""
        return self.strength == "strong" and self.resets_review_clock == "yes"

    @property
    def is_moderate(self) -> bool:
        """Whether it counts once between two strong ones (rules.md, last_review)."""
        return self.strength == "moderate" and self.resets_review_clock == "configurable"


class Reviews:
    """Lookups of review_evidence.csv.

    Raises KnowledgeError for a row that can match nothing, or stands twice.
    """

    __slots__ = ("_by_code",)

    def __init__(self, rows: Iterable[Row]) -> None:
        self._by_code: dict[tuple[System, str], ReviewEvidence] = {}
        for row in rows:
            if row["system"] == _OURS:
                continue
            evidence = _evidence(row)
            key = evidence.system, evidence.code
            if key in self._by_code:
                raise row.error(f"{evidence.code} stands twice")
            self._by_code[key] = evidence

    def evidence(self, system: System | None, code: str, resource_type: str) -> ReviewEvidence | None:
        """What a coding of a resource of this type (`Procedure`, `Encounter` …) says, or None."""
        if system is None or (found := self._by_code.get((system, code))) is None:
            return None
        return found if resource_type in found.resource_types else None

    def codes(self, resource_type: str) -> tuple[str, ...]:
        """The codes that may reset the review clock in a resource of this type, of any system."""
        return tuple(
            sorted(
                code
                for (_, code), found in self._by_code.items()
                if resource_type in found.resource_types and (found.is_strong or found.is_moderate)
            )
        )

    def strength(self, system: System | None, code: str, resource_type: str) -> str | None:
        found = self.evidence(system, code, resource_type)
        return found.strength if found else None


def _evidence(row: Row) -> ReviewEvidence:
    system = system_of(row["system"])
    if system is None:
        raise row.error(f"unknown system {row['system']!r}")
    return ReviewEvidence(
        system=system,
        code=row.required("code"),
        meaning=row["meaning"],
        resource_types=_resource_types(row.required("fhir_resource")),
        strength=row.one_of("strength", _STRENGTHS),
        resets_review_clock=row.required("resets_review_clock"),
        source=row["source"],
    )


def _resource_types(cell: str) -> frozenset[str]:
    """`Procedure|Encounter.type` → Procedure, Observation, Encounter.

    Sites record the same act as either of the first two, and rules.md reads the codes in both.
    """
    types = {part.partition(".")[0] for part in cell.split("|")}
    if types & {"Procedure", "Observation"}:
        types |= {"Procedure", "Observation"}
    return frozenset(types)
