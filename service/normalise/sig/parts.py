"""The parts of a dosage text, and what a reader of such texts is."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from service.model.facts import Drug, Range
from service.normalise.units import Unit

_AS_NEEDED = re.compile(r"\b(?:(?:as|if|when)\s+(?:needed|required)|prn)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of some unit."""

    value: Range
    unit: Unit


@dataclass(frozen=True, slots=True)
class Sig:
    """The parts of a dosage text.  None: not said, or the text does not parse whole."""

    as_needed: bool = False
    amount: Amount | None = None
    times_per_day: Range | None = None
    maximum_per_day: Amount | None = None
    days: int | None = None
    whole: bool = False  # nothing of the text was left over


ReadSig = Callable[[str, Drug, bool], Sig]
"""Text, the drug it is about and whether it has to state the amount → its parts."""


def read_as_needed(text: str, _drug: Drug, _amount_due: bool) -> Sig:
    """Only whether the text has as-needed words; that counts whether or not the rest is understood."""
    return Sig(as_needed=_AS_NEEDED.search(text) is not None)
