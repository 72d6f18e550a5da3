"""Which drug a medication is (exposure.md §1: identify, strength, rescue, contradiction)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.knowledge import Concomitant, Knowledge, Product, Strength, System, system_of
from service.model.facts import Drug, Role
from service.normalise.strength import strength_in, strength_of_ratio
from service.record.datatypes import CodeableConcept, Coding
from service.record.elements import Ingredient, Medication

_RESCUE_WORDS = re.compile(
    r"\b(?:rectal|rectally|enema|suppository|nasal|intranasal|buccal|oromucosal|injection|injectable|ampoule"
    r"|infusion|intravenous|intramuscular|subcutaneous)\b",
    re.IGNORECASE,
)
_MOST_KEPT = 50_000  # different medications of a source; when full, the cache starts again


@dataclass(frozen=True, slots=True)
class Medicine:
    """What a medication turned out to be."""

    drug: Drug | None = None  # recognised, of any role
    stated: bool = True  # there is a concept, a Medication or a display
    known: bool = True  # something says which drug it is, ours or another
    contradicting: bool = False
    rescue: bool = False  # product, brand, text or form: rescue or parenteral

    @property
    def could_be_in_scope(self) -> bool:
        in_scope = self.drug is not None and self.drug.role is Role.IN_SCOPE
        return in_scope or self.contradicting or not self.known


class Medicines:
    """Identifies medications; each different one once."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._kept: dict[tuple[CodeableConcept | None, Medication | None, str | None], Medicine] = {}

    def identify(
        self, concept: CodeableConcept | None, medication: Medication | None, display: str | None
    ) -> Medicine:
        """The drug of a concept; where the concept says nothing, of the Medication and the display of its reference."""
        if concept is not None and _says_something(concept):
            medication = display = None
        else:
            concept = None
        key = (concept, medication, display)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            found = self._kept[key] = self._identify(concept, medication, display)
        return found

    def could_be_in_scope(self, codings: Sequence[Coding], texts: Sequence[str]) -> bool:
        """Whether these could be about a drug in scope: one of them is, or they name no drug at all."""
        return self._of(codings, texts).could_be_in_scope

    def _identify(
        self, concept: CodeableConcept | None, medication: Medication | None, display: str | None
    ) -> Medicine:
        if concept is None and medication is None and not display:
            return Medicine(stated=False, known=False)
        code = concept or (medication.code if medication else None) or CodeableConcept()
        form = medication.form if medication else None
        texts = _texts(code, display)
        found = self._of(code.codings, texts, _texts(form) if form else ())
        if medication is None or found.contradicting:
            return found
        return self._with_ingredients(found, medication.ingredient or (), texts)

    def _of(self, codings: Sequence[Coding], texts: Sequence[str], forms: Sequence[str] = ()) -> Medicine:
        drugs = self._knowledge.drugs
        mentions = [drugs.named_in(text) for text in texts]
        named = {one.ingredient for found in mentions for one in found}
        coded = {ingredient for one in codings if (ingredient := self._ingredient(one)) is not None}
        rescue = any(one.is_rescue_brand for found in mentions for one in found)
        rescue = rescue or any(_RESCUE_WORDS.search(text) for text in (*texts, *forms))
        if len(coded) > 1 or (not coded and len(named) > 1):
            return Medicine(contradicting=True, rescue=rescue)
        ingredient = next(iter(coded or named), None)
        if ingredient is None:
            known = bool(texts) or any(system_of(one.system) and one.code for one in codings)
            return Medicine(self._concomitant(codings, texts), known=known, rescue=rescue)
        product = self._product(codings)
        ends = [next((one.end for one in found if one.ingredient == ingredient), None) for found in mentions]
        strength = product.strength if product else strength_in(texts, ends)
        rescue = rescue or (product is not None and not product.ongoing_use)
        drug = _drug(Role.IN_SCOPE, ingredient, strength, by_text=not coded)
        return Medicine(drug, rescue=rescue)

    def _ingredient(self, coding: Coding) -> str | None:
        """The drug in scope that a coding names."""
        drugs, code = self._knowledge.drugs, (coding.code or "").strip()
        if not code:
            return None
        system = system_of(coding.system)
        if system is System.RXNORM:
            product, found = drugs.rxnorm_product(code), drugs.ingredient_by_rxcui(code)
        elif system is System.SNOMED:
            product, found = drugs.snomed_drug(code), drugs.ingredient_by_snomed(code)
        else:
            product, found = None, drugs.ingredient_by_atc(code) if system is System.ATC else None
        return product.ingredient if product else found.name if found else None

    def _product(self, codings: Iterable[Coding]) -> Product | None:
        """The first RxNorm product, else the first SNOMED clinical drug."""
        drugs = self._knowledge.drugs
        pairs = [(system_of(one.system), (one.code or "").strip()) for one in codings]
        for system, find in ((System.RXNORM, drugs.rxnorm_product), (System.SNOMED, drugs.snomed_drug)):
            for own, code in pairs:
                if own is system and (found := find(code)) is not None:
                    return found
        return None

    def _concomitant(self, codings: Iterable[Coding], texts: Sequence[str]) -> Drug | None:
        """The opioid, sedative or naloxone: RxNorm, then ATC, then text."""
        found = self._coded_concomitant(codings)
        if found is None:
            named = (one for text in texts for one in self._knowledge.concomitants.named_in(text))
            found = next(named, None)
            if found is None:
                return None
            return _beside(found, texts, by_text=True)
        return _beside(found, texts, by_text=False)

    def _coded_concomitant(self, codings: Iterable[Coding]) -> Concomitant | None:
        beside = self._knowledge.concomitants
        pairs = [(system_of(one.system), (one.code or "").strip()) for one in codings]
        for system, find in ((System.RXNORM, beside.by_rxcui), (System.ATC, beside.by_atc)):
            for own, code in pairs:
                if own is system and code and (found := find(code)) is not None:
                    return found
        return None

    # -- Medication.ingredient -------------------------------------------------------------------

    def _with_ingredients(
        self, found: Medicine, ingredients: Sequence[Ingredient], texts: Sequence[str]
    ) -> Medicine:
        """`found`, or what the ingredients say where the code says less."""
        parts = [
            (self._of(concept.codings, _texts(concept)), one)
            for one in ingredients
            if one.is_active is not False and (concept := one.item_codeable_concept) is not None
        ]
        ours = [(part.drug, one) for part, one in parts if part.drug and part.drug.role is Role.IN_SCOPE]
        if found.drug is not None and found.drug.role is Role.IN_SCOPE:
            return _strengthened(
                found, [one for drug, one in ours if drug.ingredient == found.drug.ingredient]
            )
        if len(ours) > 1 and len({drug.ingredient for drug, _ in ours}) > 1:
            return Medicine(contradicting=True, rescue=found.rescue)
        if ours:
            drug, ingredient = ours[0]
            strength = strength_of_ratio(ingredient.strength) or _strength_of(drug)
            strength = strength or strength_in(texts, [None] * len(texts))
            return Medicine(
                _drug(Role.IN_SCOPE, drug.ingredient, strength, by_text=drug.by_text), rescue=found.rescue
            )
        known = found.known or any(part.known for part, _ in parts)
        beside = found.drug or next((part.drug for part, _ in parts if part.drug), None)
        return Medicine(beside, known=known, rescue=found.rescue)


def _says_something(concept: CodeableConcept) -> bool:
    return bool(concept.text) or any(one.code or one.display for one in concept.codings)


def _texts(concept: CodeableConcept, display: str | None = None) -> tuple[str, ...]:
    """text, displays, the display of the reference: those that are there."""
    found = (concept.text, *(one.display for one in concept.codings), display)
    return tuple(dict.fromkeys(text for text in found if text))


def has_rescue_word(text: str | None) -> bool:
    """Whether a text has one of the words of exposure.md §1, rescue-or-parenteral."""
    return bool(text) and _RESCUE_WORDS.search(text or "") is not None


def _drug(role: Role, ingredient: str, strength: Strength | None, *, by_text: bool) -> Drug:
    mg, liquid = (strength.mg, strength.per_ml) if strength else (None, False)
    return Drug(role, ingredient, mg, liquid=liquid, by_text=by_text)


def _beside(found: Concomitant, texts: Sequence[str], *, by_text: bool) -> Drug:
    strength = strength_in(texts, [None] * len(texts))
    mg, liquid = (strength.mg, strength.per_ml) if strength else (None, False)
    return Drug(
        Role(found.role.value),
        found.ingredient,
        mg,
        liquid=liquid,
        group=found.group,
        moud=found.moud,
        strong_signal=found.strong_signal,
        by_text=by_text,
    )


def _strength_of(drug: Drug) -> Strength | None:
    return None if drug.strength is None else Strength(drug.strength, drug.liquid)


def _strengthened(found: Medicine, ingredients: Sequence[Ingredient]) -> Medicine:
    """The code names the drug; without a strength of its own, that of the one ingredient counts."""
    drug = found.drug
    if drug is None or drug.strength is not None or len(ingredients) != 1:
        return found
    strength = strength_of_ratio(ingredients[0].strength)
    return Medicine(_drug(drug.role, drug.ingredient, strength, by_text=drug.by_text), rescue=found.rescue)
