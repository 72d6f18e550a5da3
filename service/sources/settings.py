"""What a source is read by."""

from dataclasses import dataclass, field

from service.record.group import Traits


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """One source of population `sweep`; the defaults are those of interfaces.md and lifecycle.md §1."""

    id: str
    traits: Traits = field(default_factory=Traits)
    overlap_seconds: float = 600.0
    concurrency: int = 4
    cohort_days: int = 400  # after the last in-scope order or fill
    cohort_days_open: int = 760  # after an active order that says nothing of its length
    patients_per_request: int = 25
    ids_per_request: int = 50
