"""How many dosage texts are read: a figure for the bench, and what to widen the grammar by."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from service.model.facts import Role
from service.normalise.facts import Normaliser
from service.normalise.line import states_an_amount
from service.record.group import PatientRecord


@dataclass(slots=True)
class ShareRead:
    """Texts of dosage lines of orders in scope, each counted as often as it stands."""

    read: int = 0
    unread: Counter[str] = field(default_factory=Counter)

    @property
    def texts(self) -> int:
        return self.read + self.unread.total()

    @property
    def share(self) -> float | None:
        """0 to 1; None: there is no text."""
        return self.read / self.texts if self.texts else None


def share_read(records: Iterable[PatientRecord], normaliser: Normaliser) -> ShareRead:
    """Counts the texts that parse whole, and those that do not.

    A text without an amount is unread where the structure has none either, as exposure.md's Appendix says.
    """
    found = ShareRead()
    for record in records:
        orders = normaliser.facts(record).orders
        drugs = {order.reference: order.drug for order in orders if order.drug.role is Role.IN_SCOPE}
        for request in record.orders:
            drug = drugs.get(request.reference)
            for line in request.dosage_instruction or ():
                if drug is None or not line.text:
                    continue
                if normaliser.read_sig(line.text, drug, not states_an_amount(line)).whole:
                    found.read += 1
                else:
                    found.unread[line.text] += 1
    return found
