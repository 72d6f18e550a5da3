"""What one cycle works with: the real parts of one source, handed in by `bootstrap`."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from service.config import SourceSettings
from service.fhir.client import FhirClient
from service.identity import Identity
from service.knowledge import Knowledge, Policy
from service.ports import Clock, Ledger, Log, Source


@dataclass(frozen=True, slots=True)
class Parts:
    """One source, ready to work on."""

    settings: SourceSettings
    source: Source
    client: FhirClient
    ledger: Ledger
    identity: Identity
    knowledge: Knowledge
    policy: Policy
    clock: Clock
    log: Log

    @property
    def id(self) -> str:
        return self.settings.id

    def now(self) -> datetime:
        return self.clock.now()

    def day(self, when: datetime) -> date:
        """The calendar date at the clinic."""
        return when.astimezone(ZoneInfo(self.settings.timezone)).date()

    def release_days(self) -> dict[str, int]:
        """Days after the release before which no Task asks for an answer, by priority."""
        return {word: self.policy.days(f"release.after_{word}") for word in ("asap", "urgent", "routine")}
