"""The drugs in scope: benzodiazepines and z-drugs, by code and by name."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from service.knowledge.names import NameFinder, fold_name
from service.knowledge.table import Row

INGREDIENT_COLUMNS = ("ingredient", "rxcui", "atc", "snomed", "snomed_product", "class")
RXNORM_COLUMNS = ("rxcui", "name", "ingredient", "strength", "unit", "form", "brand", "ongoing_use_scope")
SNOMED_COLUMNS = ("sctid", "ingredient", "strength", "unit", "form")
BRAND_COLUMNS = ("brand", "ingredient", "rescue_or_parenteral")

_CLASSES = ("benzodiazepine", "z-drug")
_UNITS: Mapping[str, tuple[float, bool]] = {  # unit, lower-case: mg in one of it, per mL?
    "mg": (1, False),
    "mg/actuat": (1, False),  # one actuation of a spray is a unit of dose, like a tablet
    "mcg": (0.001, False),
    "mg/ml": (1, True),
    "mcg/ml": (0.001, True),
}


@dataclass(frozen=True, slots=True)
class Strength:
    """How much of the ingredient is in one unit of the product, or in one mL of it."""

    mg: float
    per_ml: bool


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A drug in scope.  A code is None where no source gives one."""

    name: str
    is_z_drug: bool
    rxcui: str | None
    atc: str | None
    snomed_substance: str | None
    snomed_product: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Product:
    """A product of RxNorm or a clinical drug of SNOMED CT.

    Of a combination the strength is that of the ingredient in scope.  `ongoing_use` is False for rescue,
    parenteral and premedication products and for what is no product; only the RxNorm table says it.
    """

    code: str
    ingredient: str
    strength: Strength
    form: str
    ongoing_use: bool
    source: str


@dataclass(frozen=True, slots=True)
class DrugMention:
    """A drug in scope that a text names at `text[start:end]`; its strength is looked for from `end` on."""

    start: int
    end: int
    ingredient: str
    is_brand: bool
    is_rescue_brand: bool  # no product of this brand is for ongoing use


@dataclass(frozen=True, slots=True)
class _Name:
    ingredient: str
    is_brand: bool
    is_rescue_brand: bool


class Drugs:
    """Lookups of the drugs in scope.  A code or a name that is not theirs gives None, or nothing.

    Raises KnowledgeError where a row contradicts another one or names an unknown ingredient.
    """

    __slots__ = (
        "_by_atc",
        "_by_rxcui",
        "_by_snomed",
        "_finder",
        "_names",
        "_rxnorm",
        "_snomed",
        "ingredients",
    )

    ingredients: Mapping[str, Ingredient]

    def __init__(
        self, ingredients: Iterable[Row], rxnorm: Iterable[Row], snomed: Iterable[Row], brands: Iterable[Row]
    ) -> None:
        self._by_rxcui: dict[str, Ingredient] = {}
        self._by_snomed: dict[str, Ingredient] = {}
        self._by_atc: dict[str, Ingredient] = {}
        self.ingredients = dict(self._ingredients(ingredients))
        rxnorm_rows = list(rxnorm)
        self._rxnorm = self._products(rxnorm_rows, "rxcui")
        self._snomed = self._products(snomed, "sctid")
        self._names = self._spell(rxnorm_rows, brands)
        self._finder = NameFinder(self._names)

    def rxnorm_product(self, rxcui: str) -> Product | None:
        return self._rxnorm.get(rxcui)

    def snomed_drug(self, sctid: str) -> Product | None:
        return self._snomed.get(sctid)

    def ingredient_by_rxcui(self, rxcui: str) -> Ingredient | None:
        return self._by_rxcui.get(rxcui)

    def ingredient_by_snomed(self, sctid: str) -> Ingredient | None:
        """The ingredient of a SNOMED CT substance or of a product without strength."""
        return self._by_snomed.get(sctid)

    def ingredient_by_atc(self, code: str) -> Ingredient | None:
        return self._by_atc.get(code.upper())

    def named_in(self, text: str) -> tuple[DrugMention, ...]:
        """The drugs in scope that `text` names by ingredient or brand, in their order in the text."""
        return tuple(
            DrugMention(match.start, match.end, name.ingredient, name.is_brand, name.is_rescue_brand)
            for match in self._finder.find(text)
            for name in (self._names[match.name],)
        )

    def _ingredients(self, rows: Iterable[Row]) -> Iterator[tuple[str, Ingredient]]:
        seen: set[str] = set()
        for row in rows:
            name = row.required("ingredient")
            if name in seen:
                raise row.error(f"{name} stands twice")
            seen.add(name)
            ingredient = Ingredient(
                name=name,
                is_z_drug=row.one_of("class", _CLASSES) == "z-drug",
                rxcui=row["rxcui"] or None,
                atc=row["atc"] or None,
                snomed_substance=row["snomed"] or None,
                snomed_product=row["snomed_product"] or None,
                source=row["source"],
            )
            self._index(row, self._by_rxcui, ingredient.rxcui, ingredient)
            self._index(row, self._by_atc, ingredient.atc, ingredient)
            self._index(row, self._by_snomed, ingredient.snomed_substance, ingredient)
            self._index(row, self._by_snomed, ingredient.snomed_product, ingredient)
            yield name, ingredient

    @staticmethod
    def _index(row: Row, index: dict[str, Ingredient], code: str | None, ingredient: Ingredient) -> None:
        if code is None:
            return
        if code in index:
            raise row.error(f"code {code} is also the one of {index[code].name}")
        index[code] = ingredient

    def _products(self, rows: Iterable[Row], code_column: str) -> dict[str, Product]:
        products: dict[str, Product] = {}
        for row in rows:
            code = row.required(code_column)
            if code in products:
                raise row.error(f"{code_column} {code} stands twice")
            products[code] = Product(
                code=code,
                ingredient=self._known_ingredient(row),
                strength=_strength(row),
                form=row["form"],
                ongoing_use="ongoing_use_scope" not in row.cells or row.yes("ongoing_use_scope"),
                source=row["source"],
            )
        return products

    def _known_ingredient(self, row: Row) -> str:
        return row.one_of("ingredient", self.ingredients)

    def _spell(self, rxnorm: Iterable[Row], brands: Iterable[Row]) -> dict[str, _Name]:
        names = {fold_name(name): _Name(name, False, False) for name in self.ingredients}
        for row, is_rescue in (
            *((row, not row.yes("ongoing_use_scope")) for row in rxnorm if row["brand"]),
            *((row, row.yes("rescue_or_parenteral")) for row in brands),
        ):
            spelling, ingredient = fold_name(row.required("brand")), self._known_ingredient(row)
            known = names.get(spelling)
            if known is not None and (known.ingredient != ingredient or not known.is_brand):
                raise row.error(f"{row['brand']} is also a name of {known.ingredient}")
            names[spelling] = _Name(ingredient, True, is_rescue and (known is None or known.is_rescue_brand))
        return names


def _strength(row: Row) -> Strength:
    unit = row["unit"].lower()
    if unit not in _UNITS:
        raise row.error(f"unit {row['unit']!r} is not a strength in mg")
    mg, per_ml = _UNITS[unit]
    return Strength(row.number("strength") * mg, per_ml)
