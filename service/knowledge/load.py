"""Builds all lookups, once, from the tables that come with the package."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files

from service.knowledge.concomitant import ATC_COLUMNS, OPIOID_COLUMNS, SEDATIVE_COLUMNS, Concomitants
from service.knowledge.conditions import CONDITION_COLUMNS, Conditions
from service.knowledge.drugs import BRAND_COLUMNS, INGREDIENT_COLUMNS, RXNORM_COLUMNS, SNOMED_COLUMNS, Drugs
from service.knowledge.equivalence import EQUIVALENCE_COLUMNS, Equivalence, read_equivalences
from service.knowledge.reviews import REVIEW_COLUMNS, Reviews
from service.knowledge.table import Row, read_table
from service.knowledge.texts import Texts

ReadText = Callable[[str], str]
"""File name → its text."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Codes, names, equivalents and texts.  The numbers of the rules are in Policy."""

    drugs: Drugs
    concomitants: Concomitants
    equivalences: Mapping[str, Equivalence]  # by ingredient; not every one has a row
    conditions: Conditions
    reviews: Reviews
    texts: Texts


@cache
def knowledge() -> Knowledge:
    """The knowledge of this package, built on the first call."""
    return build_knowledge(_packaged)


def build_knowledge(read_text: ReadText) -> Knowledge:
    """Build all lookups from the files that `read_text` gives.

    Raises KnowledgeError, naming file and line, for a row without source or one that contradicts another.
    """
    table = partial(_table, read_text)
    drugs = Drugs(
        ingredients=table("ingredients.csv", INGREDIENT_COLUMNS),
        rxnorm=table("rxnorm_benzodiazepines.csv", RXNORM_COLUMNS),
        snomed=table("snomed_clinical_drugs.csv", SNOMED_COLUMNS),
        brands=table("brands.csv", BRAND_COLUMNS),
    )
    concomitants = Concomitants(
        opioids=table("opioids_ingredients.csv", OPIOID_COLUMNS),
        sedatives=table("sedatives_ingredients.csv", SEDATIVE_COLUMNS),
        atc=table("atc_groups.csv", ATC_COLUMNS),
    )
    return Knowledge(
        drugs=drugs,
        concomitants=concomitants,
        equivalences=read_equivalences(table("equivalence.csv", EQUIVALENCE_COLUMNS), drugs.ingredients),
        conditions=Conditions(table("conditions.csv", CONDITION_COLUMNS)),
        reviews=Reviews(table("review_evidence.csv", REVIEW_COLUMNS)),
        texts=Texts("rules.toml", read_text("rules.toml")),
    )


def _table(read_text: ReadText, file: str, columns: tuple[str, ...]) -> Iterator[Row]:
    return read_table(file, read_text(file), columns)


def _packaged(file: str) -> str:
    return (files(__package__) / "data" / file).read_text(encoding="utf-8")
