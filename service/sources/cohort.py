"""Until when an order or a fill keeps somebody in the cohort (lifecycle.md §1)."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta

from service.model.days import date_of
from service.normalise.medication import Medicines
from service.record.dates import last_day
from service.record.elements import Medication, MedicationDispense, MedicationRequest
from service.record.read import Reading, Unreadable
from service.record.references import local_reference
from service.sources.settings import SweepSettings

MedicationOf = Callable[[str], Medication | None]
"""Reference → the Medication, if it could be read."""

_NEVER_COUNTS = frozenset({"entered-in-error", "draft", "cancelled"})


def cohort_until(
    reading: Reading, medicines: Medicines, medication_of: MedicationOf, settings: SweepSettings, today: date
) -> date | None:
    """The last day of membership that a MedicationRequest or MedicationDispense gives; None for none.

    Counts whatever could be about a drug in scope: also one whose drug nobody can tell, or that cannot be read.
    """
    body = reading.body
    if isinstance(body, Unreadable):
        named = medication_of(body.medication) if body.medication else None
        if named is not None and not (body.codings or body.texts):
            could_be = medicines.identify(None, named, None).could_be_in_scope
        else:
            could_be = medicines.could_be_in_scope(body.codings, body.texts)
        return today + timedelta(days=settings.cohort_days) if could_be else None
    if not isinstance(body, MedicationRequest | MedicationDispense) or body.status in _NEVER_COUNTS:
        return None
    reference = body.medication_reference
    named = body.contained_medication
    if named is None and reference is not None and (local := medication_named(reading)) is not None:
        named = medication_of(local)
    display = reference.display if reference is not None else None
    if not medicines.identify(body.medication_codeable_concept, named, display).could_be_in_scope:
        return None
    is_open = isinstance(body, MedicationRequest) and body.status == "active" and not _has_length(body)
    days = settings.cohort_days_open if is_open else settings.cohort_days
    until = _latest(body, settings.traits.timezone, today) + timedelta(days=days)
    return until if until >= today else None


def medication_named(reading: Reading) -> str | None:
    """`Medication/id` that an order or a fill refers to, outside of itself."""
    body = reading.body
    if isinstance(body, Unreadable):
        found = local_reference(body.medication)
    elif isinstance(body, MedicationRequest | MedicationDispense) and body.contained_medication is None:
        found = local_reference(body.medication_reference.reference) if body.medication_reference else None
    else:
        return None
    return found if found is not None and found.startswith("Medication/") else None


def _has_length(order: MedicationRequest) -> bool:
    """Whether it says for how long it is, other than by a quantity that only a dose would turn into days."""
    supply = order.dispense_request
    if supply is not None and (supply.expected_supply_duration or _end(supply.validity_period)):
        return True
    for line in order.dosage_instruction or ():
        repeat = line.timing.repeat if line.timing else None
        if repeat is not None and (
            repeat.bounds_duration or repeat.bounds_range or repeat.count or _end(repeat.bounds_period)
        ):
            return True
    return False


def _end(period: object) -> str | None:
    return getattr(period, "end", None)


def _latest(body: MedicationRequest | MedicationDispense, timezone: str | None, today: date) -> date:
    """The latest day, up to today, on which something of it is dated; today where nothing is."""
    days = (last_day(text, timezone) for text in _dates(body))
    past = [found for day in days if day is not None and (found := min(date_of(day), today))]
    return max(past, default=today)


def _dates(body: MedicationRequest | MedicationDispense) -> Iterator[str | None]:
    if isinstance(body, MedicationDispense):
        yield from (body.when_handed_over, body.when_prepared)
        return
    yield body.authored_on
    periods: Iterable[object] = (
        body.dispense_request.validity_period if body.dispense_request else None,
        *(
            line.timing.repeat.bounds_period
            for line in body.dosage_instruction or ()
            if line.timing and line.timing.repeat
        ),
    )
    for period in periods:
        yield getattr(period, "start", None)
        yield getattr(period, "end", None)
