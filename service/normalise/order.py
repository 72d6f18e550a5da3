"""Classify every MedicationRequest and MedicationDispense: it counts, is ignored or is unreadable (exposure.md §1)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from service.model.days import Day
from service.model.facts import Dosage, Drug, Fill, Order, OrderStatus, Range, Role, SetAside
from service.normalise.dosage import Dosages
from service.normalise.line import given_of
from service.normalise.medication import Medicine, Medicines, has_rescue_word
from service.normalise.order_dates import FillDates, OrderDates
from service.normalise.requester import Requesters
from service.normalise.sig import Amount
from service.normalise.units import floor, number, positive, unit_of, whole_days
from service.record import datatypes as fhir
from service.record.dates import first_day
from service.record.elements import DispenseRequest, Medication, MedicationDispense, MedicationRequest
from service.record.group import Traits
from service.record.references import local_reference

_ORDER_STATUS = {
    "active": OrderStatus.ACTIVE,
    "completed": OrderStatus.COMPLETED,
    "stopped": OrderStatus.STOPPED,
    "ended": OrderStatus.STOPPED,  # R5
    "on-hold": OrderStatus.ON_HOLD,
    "unknown": OrderStatus.UNKNOWN,
}
_NO_ORDER_STATUS = frozenset({"entered-in-error", "draft", "cancelled"})
_FILL_STATUS = frozenset({"in-progress", "completed"})
_NO_FILL_STATUS = frozenset(
    {"preparation", "cancelled", "on-hold", "entered-in-error", "stopped", "declined", "unknown"}
)
_NO_ORDER_INTENT = frozenset({"proposal", "plan", "option"})
_RESCUE_ROUTES = frozenset(
    {"37161004", "46713006", "54471007", "47625008", "78421000", "34206005"}
)  # SNOMED CT
_INHERITED = frozenset({"inpatient", "rescue-or-parenteral"})  # from an order to its fills
_STOPPED = (OrderStatus.STOPPED, OrderStatus.ON_HOLD)

Medications = Mapping[str, Medication]


@dataclass(frozen=True, slots=True)
class Aside:
    """A resource that does not count: unreadable, or ignored on purpose."""

    reference: str
    reason: str
    unreadable: bool
    medicine: Medicine

    @property
    def stated(self) -> SetAside:
        return SetAside(self.reference, self.reason, self.medicine.could_be_in_scope)

    @property
    def is_of_another_role(self) -> bool:
        """Recognised as opioid, sedative or naloxone: such are not listed among the ignored."""
        drug = self.medicine.drug
        return drug is not None and drug.role is not Role.IN_SCOPE


@dataclass(slots=True)
class Classifier:
    """Classifies the orders and fills of one record."""

    medicines: Medicines
    medications: Medications
    requesters: Requesters
    traits: Traits
    dosages: Dosages
    _reasons: dict[str, str] = field(init=False, default_factory=dict)  # of orders set aside
    _known: dict[str, tuple[Drug, Sequence[fhir.Dosage]]] = field(
        init=False, default_factory=dict
    )  # that count

    def order(
        self, request: MedicationRequest, reason_concepts: frozenset[str] = frozenset()
    ) -> Order | Aside:
        """The order, or why it does not count."""
        medicine = self._medicine(request)
        lines = request.dosage_instruction or ()
        drug, reason = medicine.drug, self._order_aside(request, medicine, lines)
        if drug is None or reason is not None:
            return self._set_aside(request, medicine, reason or ("not-in-scope", False))
        dates = OrderDates(request, lines, self.traits.timezone)
        if dates.bad or dates.start is None:
            return self._set_aside(request, medicine, ("bad-date" if dates.bad else "no-start", True))
        self._known[request.reference] = drug, lines
        return self._counted(request, drug, dates, dates.start, lines, reason_concepts)

    def _set_aside(self, request: MedicationRequest, medicine: Medicine, reason: tuple[str, bool]) -> Aside:
        word, unreadable = reason
        self._reasons[request.reference] = word
        return Aside(request.reference, word, unreadable, medicine)

    def fill(self, dispense: MedicationDispense) -> Fill | Aside:
        """The fill, or why it does not count.  To be asked after all orders of the record."""
        medicine = self._medicine(dispense)
        lines = dispense.dosage_instruction or ()
        named = [local_reference(one.reference) for one in dispense.authorizing_prescription or ()]
        inherited = {self._reasons.get(one or "") for one in named} & _INHERITED
        drug, reason = medicine.drug, self._fill_aside(dispense, medicine, lines, inherited)
        if drug is None or reason is not None:
            word, unreadable = reason or ("not-in-scope", False)
            return Aside(dispense.reference, word, unreadable, medicine)
        dates = FillDates(dispense, lines, self.traits.timezone)
        if dates.bad or dates.start is None:
            return Aside(dispense.reference, "bad-date" if dates.bad else "no-start", True, medicine)
        days, orders = dispense.days_supply, tuple(one for one in named if one in self._known)
        return Fill(
            reference=dispense.reference,
            drug=drug,
            start=dates.start,
            handed_over=dispense.when_handed_over is not None,
            orders=orders,
            days=self._days_supply(days),
            quantity_units=_units(dispense.quantity, drug),
            dosage=self._dosage(lines, drug)
            if lines
            else self._dosage_for(drug, orders[0] if orders else None),
            flags=_flags(drug, imprecise=dates.imprecise),
        )

    def _dosage_for(self, drug: Drug, order: str | None) -> Dosage | None:
        """The order's instruction, read for the drug of a fill, where the order's own drug says no mg of it.

        Otherwise None: the fill is used up at the dose in mg of its order, whatever its strength.
        """
        if order is None:
            return None
        ordered, lines = self._known[order]
        same = ordered.ingredient == drug.ingredient and ordered.strength is not None
        return None if same or not lines else self._dosage(lines, drug)

    # -- what sets it aside, in the order of the page --------------------------------------------

    def _order_aside(
        self, request: MedicationRequest, medicine: Medicine, lines: Sequence[fhir.Dosage]
    ) -> tuple[str, bool] | None:
        status = request.status
        if status not in _ORDER_STATUS and status not in _NO_ORDER_STATUS:
            return "bad-status", True
        if status in _NO_ORDER_STATUS:
            return "status", False
        if request.intent in _NO_ORDER_INTENT:
            return "intent", False
        if request.do_not_perform:
            return "do-not-perform", False
        if request.reported_boolean or request.reported_reference is not None:
            return "reported", False
        if _is_inpatient(request.category or ()):
            return "inpatient", False
        return _drug_aside(medicine, lines)

    def _fill_aside(
        self,
        dispense: MedicationDispense,
        medicine: Medicine,
        lines: Sequence[fhir.Dosage],
        inherited: Iterable[str | None],
    ) -> tuple[str, bool] | None:
        if dispense.status not in _FILL_STATUS:
            known = dispense.status in _NO_FILL_STATUS
            return ("status", False) if known else ("bad-status", True)
        if _is_inpatient(dispense.categories) or "inpatient" in inherited:
            return "inpatient", False
        aside = _drug_aside(medicine, lines)
        return ("rescue-or-parenteral", False) if aside is None and inherited else aside

    # -- what it says ----------------------------------------------------------------------------

    def _medicine(self, resource: MedicationRequest | MedicationDispense) -> Medicine:
        named = resource.medication_reference
        medication = resource.contained_medication
        if medication is None and named is not None:
            medication = self.medications.get(local_reference(named.reference) or "")
        display = named.display if named else None
        return self.medicines.identify(resource.medication_codeable_concept, medication, display)

    def _counted(
        self,
        request: MedicationRequest,
        drug: Drug,
        dates: OrderDates,
        start: Day,
        lines: Sequence[fhir.Dosage],
        reason_concepts: frozenset[str],
    ) -> Order:
        status = _ORDER_STATUS[request.status or ""]
        stop_day = self._stop_day(request, dates, start) if status in _STOPPED else None
        dispense = request.dispense_request or DispenseRequest()
        who, organizations = self.requesters.identify(request.requester)
        prior = request.prior_prescription
        repeats = number(dispense.number_of_repeats_allowed)
        return Order(
            reference=request.reference,
            drug=drug,
            status=status,
            start=start,
            authored=dates.authored,
            dosage=self._dosage(lines, drug),
            stop_day=stop_day,
            stop_unknown=status in _STOPPED and stop_day is None,
            expected_days=whole_days(self.dosages.calendar.days_of(dispense.expected_supply_duration)),
            quantity_units=_units(dispense.quantity, drug),
            repeats=floor(repeats) if repeats is not None and repeats >= 0 else None,
            validity_end=dates.validity_end,
            bounds_end=dates.bounds_end,
            prior=local_reference(prior.reference) if prior else None,
            requester=who,
            organizations=organizations,
            reason_concepts=reason_concepts,
            flags=_flags(drug, imprecise=dates.imprecise),
        )

    def _dosage(self, lines: Sequence[fhir.Dosage], drug: Drug) -> Dosage:
        return self.dosages.read(tuple(lines), drug, self.traits.timezone)

    def _stop_day(self, request: MedicationRequest, dates: OrderDates, start: Day) -> Day | None:
        """The first day that a stopped order no longer covers (exposure.md §4, Cuts)."""
        found = [dates.status_changed] if dates.status_changed is not None else []
        if dates.bounds_end is not None:
            found.append(dates.bounds_end + 1)
        if self.traits.last_updated_is_stop and request.meta is not None:
            updated = first_day(request.meta.last_updated, self.traits.timezone)
            if updated is not None and updated >= start:
                found.append(updated)
        return min(found, default=None)

    def _days_supply(self, quantity: fhir.Quantity | None) -> int | None:
        """In days; a number without any unit is one of days."""
        if quantity is not None and not quantity.unit and not quantity.code:
            return whole_days(positive(quantity.value))
        return whole_days(self.dosages.calendar.days_of(quantity))


def _drug_aside(medicine: Medicine, lines: Sequence[fhir.Dosage]) -> tuple[str, bool] | None:
    if not medicine.stated:
        return "no-medication", True
    if medicine.contradicting:
        return "contradicting-codings", True
    if medicine.drug is None:
        return "not-in-scope", False
    if medicine.drug.role is Role.IN_SCOPE and (medicine.rescue or any(map(_is_rescue_line, lines))):
        return "rescue-or-parenteral", False
    return None


def _is_rescue_line(line: fhir.Dosage) -> bool:
    route = line.route or fhir.CodeableConcept()
    if any(one.code in _RESCUE_ROUTES for one in route.codings):
        return True
    return any(map(has_rescue_word, (line.text, route.text, *(one.display for one in route.codings))))


def _is_inpatient(categories: Iterable[fhir.CodeableConcept]) -> bool:
    return any(one.code == "inpatient" for category in categories for one in category.codings)


def _units(quantity: fhir.Quantity | None, drug: Drug) -> float | None:
    """A quantity in tablets or mL (exposure.md §4, rule 4)."""
    value = positive(quantity.value) if quantity else None
    if quantity is None or value is None:
        return None
    units = given_of(Amount(Range(value, value), unit_of(quantity)), drug).units
    return units.high if units else None


def _flags(drug: Drug, *, imprecise: bool) -> frozenset[str]:
    found = {"identified_by_text"} if drug.by_text else set()
    return frozenset(found | ({"date_imprecise"} if imprecise else set()))


def is_known_status(resource: MedicationRequest | MedicationDispense) -> bool:
    """Whether some FHIR version knows the status; a resource with another one is unreadable."""
    if isinstance(resource, MedicationRequest):
        return resource.status in _ORDER_STATUS or resource.status in _NO_ORDER_STATUS
    return resource.status in _FILL_STATUS or resource.status in _NO_FILL_STATUS
