"""What an offline command does with each record; picklable, since it may be done in other processes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Generic, TypeVar

from service.assess import assess
from service.knowledge import Policy, knowledge, load_policy
from service.model.assessment import Assessment
from service.record.group import PatientRecord

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What came of one record."""

    shown: T | None = None  # None: nothing to show
    unreadable: tuple[tuple[str, str], ...] = ()  # (reference, reason)
    failed: str | None = None  # the assessment came to nothing, and why


@dataclass(frozen=True, slots=True)
class Answering(Generic[T]):
    """Assess a record, and keep what `show` makes of it; one that cannot be thought about stops nobody else."""

    show: Callable[[PatientRecord, Assessment], T]  # a function of a module
    policy: str  # a preset, or a file
    as_of: date
    everyone: bool = False  # those without a finding too, if anything of theirs is in scope or unreadable
    only: str | None = None  # nobody but this patient, with a finding or not
    debug: bool = False  # raise what goes wrong

    def __call__(self, record: PatientRecord) -> Answer[T]:
        if self.only not in (None, record.reference):
            return Answer()
        try:
            found = assess(record, _policy(self.policy), knowledge(), self.as_of)
        except Exception as problem:
            if self.debug:
                raise
            return Answer(failed=f"{record.reference}: assessment failed: {type(problem).__name__}")
        is_shown = self.only is not None or bool(found.findings) or (self.everyone and found.listed)
        return Answer(
            self.show(record, found) if is_shown else None,
            tuple((aside.reference, aside.reason) for aside in found.unreadable),
        )


@cache
def _policy(name: str) -> Policy:
    return load_policy(name)
