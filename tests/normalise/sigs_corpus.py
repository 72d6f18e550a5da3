"""The dosage texts of `sigs/*.csv` with the readings stated for them."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from service.model.facts import Drug, Range, Role
from service.normalise.sig import Amount, Sig
from service.normalise.units import UNIT_WORDS, Unit, UnitKind

_FOLDER = Path(__file__).parent / "sigs"
_MG = {"mg": 1.0, "micrograms": 0.001}


@dataclass(frozen=True)
class Stated:
    """One row: a text about a drug, and what it comes to."""

    where: str
    text: str
    drug: Drug
    sig: Sig


def corpus() -> Iterator[Stated]:
    for path in sorted(_FOLDER.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                yield Stated(
                    f"{path.name}:{number}",
                    row["text"],
                    a_drug(row["drug"], row["strength"]),
                    _sig(row),
                )


def a_drug(name: str = "diazepam", strength: str = "5 mg") -> Drug:
    """`5 mg` of a solid, `0.4 mg/mL` of a liquid."""
    number, unit = strength.split()
    mass, _, volume = unit.partition("/")
    return Drug(Role.IN_SCOPE, name, float(number) * _MG[mass], liquid=bool(volume))


def _sig(row: dict[str, str]) -> Sig:
    as_needed = row["as_needed"] == "yes"
    if row.get("amount", "unknown") == "unknown":
        return Sig(as_needed=as_needed)
    return Sig(
        as_needed=as_needed,
        amount=Amount(_range(row["amount"]), UNIT_WORDS[row["unit"].lower()]),
        times_per_day=_range(row["times"]) if row["times"] else None,
        maximum_per_day=_maximum(row["maximum"]) if row["maximum"] else None,
        days=int(row["days"]) if row["days"] else None,
        whole=True,
    )


def _range(written: str) -> Range:
    low, _, high = written.partition("-")
    return Range(float(low), float(high or low))


def _maximum(written: str) -> Amount:
    number, _, unit = written.partition(" ")
    return Amount(_range(number), UNIT_WORDS[unit] if unit else Unit(UnitKind.NONE))


def rounded(sig: Sig) -> Sig:
    """With times per day to six decimals, as a table can state them."""
    times = sig.times_per_day
    if times is None:
        return sig
    return Sig(
        sig.as_needed,
        sig.amount,
        Range(round(times.low, 6), round(times.high, 6)),
        sig.maximum_per_day,
        sig.days,
        sig.whole,
    )
