"""The drugs that matter beside a benzodiazepine: opioids, other sedatives, naloxone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from service.knowledge.names import NameFinder, fold_name
from service.knowledge.table import Row

OPIOID_COLUMNS = ("rxcui", "tty", "ingredient", "moud")
SEDATIVE_COLUMNS = ("ingredient", "rxcui", "group", "strong_signal")
ATC_COLUMNS = ("atc_prefix", "role", "group", "moud", "strong_signal")

_OPIOIDS = "opioid"
_ANTAGONISTS = "opioid-antagonist"
_NALOXONE = "naloxone"
_FULL_ATC_CODE = 7  # letters and digits down to the substance
_URGENT_GROUP = "barbiturate"  # R06
_URGENT_INGREDIENTS = frozenset({"carisoprodol", "meprobamate", "sodium oxybate"})  # R06


class Role(StrEnum):
    OPIOID = "opioid"
    SEDATIVE = "sedative"
    NALOXONE = "naloxone"


@dataclass(frozen=True, slots=True)
class Concomitant:
    """An opioid, another sedative or naloxone, as an order names it.

    `ingredient` is what overlap days are counted by: a name, or the ATC code where a site codes by ATC and
    the group row stands for several substances.
    """

    role: Role
    ingredient: str
    group: str
    moud: bool  # medication for opioid use disorder: never to be disrupted
    strong_signal: bool  # R06 after few overlap days
    source: str

    @property
    def is_cns_active(self) -> bool:
        """Whether it counts among the CNS-active drugs of an older adult (R06); drugs in scope do as well."""
        return self.role is not Role.NALOXONE

    @property
    def is_urgent_sedative(self) -> bool:
        """Whether R06 is urgent for it: barbiturates, carisoprodol and meprobamate, oxybate."""
        return self.role is Role.SEDATIVE and (
            self.group == _URGENT_GROUP or self.ingredient in _URGENT_INGREDIENTS
        )


class Concomitants:
    """Lookups of concomitant drugs; to be asked only about a medication that is no drug in scope.

    Nalmefene is in the table so that nobody takes it for a sedative; it is never found.  A text may name
    several; naloxone beside an opioid (Suboxone's two ingredients) is part of that opioid.

    Raises KnowledgeError where rows contradict one another.
    """

    __slots__ = ("_by_atc", "_by_name", "_by_rxcui", "_finder", "_longest_atc")

    def __init__(self, opioids: Iterable[Row], sedatives: Iterable[Row], atc: Iterable[Row]) -> None:
        self._by_rxcui: dict[str, Concomitant] = {}
        self._by_name: dict[str, Concomitant] = {}
        for row, tty, found in (*_opioids(opioids), *_sedatives(sedatives)):
            rxcui = row.required("rxcui")
            if rxcui in self._by_rxcui:
                raise row.error(f"rxcui {rxcui} is also the one of {self._by_rxcui[rxcui].ingredient}")
            self._by_rxcui[rxcui] = found
            self._add_name(row, tty, found)
        self._by_atc = self._atc_rows(atc)
        self._longest_atc = max(map(len, self._by_atc), default=0)
        self._finder = NameFinder(self._by_name)

    def by_rxcui(self, rxcui: str) -> Concomitant | None:
        return self._by_rxcui.get(rxcui)

    def by_atc(self, code: str) -> Concomitant | None:
        """The drug of the longest listed prefix of an ATC `code`."""
        code = code.upper()
        for length in range(min(len(code), self._longest_atc), 0, -1):
            found = self._by_atc.get(code[:length])
            if found is not None:
                return found if length == _FULL_ATC_CODE else replace(found, ingredient=code)
        return None

    def named_in(self, text: str) -> tuple[Concomitant, ...]:
        """The different drugs that `text` names by ingredient, in their order."""
        found = dict.fromkeys(self._by_name[match.name] for match in self._finder.find(text))
        if any(drug.role is Role.OPIOID for drug in found):
            return tuple(drug for drug in found if drug.role is not Role.NALOXONE)
        return tuple(found)

    def _add_name(self, row: Row, tty: str, found: Concomitant) -> None:
        """An ingredient row speaks for its name, else its first product."""
        name = fold_name(found.ingredient)
        known = self._by_name.get(name)
        if known is None or tty == "IN":
            self._by_name[name] = found
        elif known.role is not found.role or known.group != found.group:
            raise row.error(f"{found.ingredient} is also a {known.role} of group {known.group}")

    def _atc_rows(self, rows: Iterable[Row]) -> dict[str, Concomitant]:
        found: dict[str, Concomitant] = {}
        for row in rows:
            prefix = row.required("atc_prefix").upper()
            if prefix in found:
                raise row.error(f"{prefix} stands twice")
            ingredient = row.required("group")
            role = Role(row.one_of("role", list(Role)))
            found[prefix] = Concomitant(
                role=role,
                ingredient=ingredient,
                group=self._group(role, ingredient),
                moud=_flag(row, "moud"),
                strong_signal=_flag(row, "strong_signal"),
                source=row["source"],
            )
        return found

    def _group(self, role: Role, name: str) -> str:
        """The group that the ingredient of this name has in its own file, else the name itself."""
        if role is Role.OPIOID:
            return _OPIOIDS
        known = self._by_name.get(fold_name(name))
        return known.group if known else name.replace(" ", "-")


def _opioids(rows: Iterable[Row]) -> Iterator[tuple[Row, str, Concomitant]]:
    for row in rows:
        ingredient, moud = row.required("ingredient"), row.yes("moud")
        yield row, row["tty"], Concomitant(Role.OPIOID, ingredient, _OPIOIDS, moud, False, row["source"])


def _sedatives(rows: Iterable[Row]) -> Iterator[tuple[Row, str, Concomitant]]:
    for row in rows:
        ingredient, group = row.required("ingredient"), row.required("group")
        if group == _ANTAGONISTS and ingredient != _NALOXONE:
            continue
        role = Role.NALOXONE if ingredient == _NALOXONE else Role.SEDATIVE
        strong = _flag(row, "strong_signal")
        yield row, "", Concomitant(role, ingredient, group, False, strong, row["source"])


def _flag(row: Row, column: str) -> bool:
    """yes or no; empty or n/a where the column does not apply to the row's role."""
    return row.one_of(column, ("yes", "no", "", "n/a")) == "yes"
