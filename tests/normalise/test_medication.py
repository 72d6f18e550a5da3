"""Which drug a medication is, and how strong (exposure.md §1)."""

import pytest

from service.knowledge import knowledge
from service.normalise.medication import Medicines
from service.normalise.strength import strength_in
from service.record.read import read
from tests.record.build import RXNORM, raw

SNOMED = "http://snomed.info/sct"
ATC = "http://www.whocc.no/atc"
MEDICINES = Medicines(knowledge())


def medicine(*codings, text=None, display=None):
    """Codings as (system, code, display)."""
    listed = [dict(zip(("system", "code", "display"), one, strict=False)) for one in codings]
    resource = {"resourceType": "Medication", "id": "m", "code": {"coding": listed, "text": text}}
    return MEDICINES.identify(read(raw(resource), "x").body.code, None, display)


def referenced(**elements):
    return MEDICINES.identify(
        None, read(raw({"resourceType": "Medication", "id": "m", **elements}), "x").body, None
    )


@pytest.mark.parametrize(
    ("codings", "text", "ingredient", "strength", "by_text"),
    [
        ([(RXNORM, "197591")], None, "diazepam", 5, False),
        ([("urn:oid:2.16.840.1.113883.6.88", "197591")], None, "diazepam", 5, False),
        ([(RXNORM, "3322")], "diazepam 2 mg tablets", "diazepam", 2, False),
        ([(RXNORM, "3322"), (RXNORM, "197591")], "diazepam 2 mg", "diazepam", 5, False),
        ([(SNOMED, "48546005")], None, "diazepam", None, False),
        ([(SNOMED, "387264003")], None, "diazepam", None, False),
        ([(SNOMED, "321241004")], None, "alprazolam", 0.25, False),
        ([(ATC, "N05BA01")], None, "diazepam", None, False),
        ([(ATC, "N05BA01")], "Stesolid 10 mg", "diazepam", 10, False),
        ([("http://local", "19", "LORazepam 1 mg")], None, "lorazepam", 1, True),
        ([], "Rivotril 0,5 mg", "clonazepam", 0.5, True),
        ([], "valium 5 nocte", "diazepam", None, True),
        ([(RXNORM, "7052")], "diazepam 5 mg", "diazepam", 5, True),
    ],
)
def test_the_first_tier_that_resolves_names_the_drug(codings, text, ingredient, strength, by_text):
    drug = medicine(*codings, text=text).drug
    assert drug is not None
    assert (drug.ingredient, drug.strength, drug.by_text) == (ingredient, strength, by_text)


def test_the_display_of_a_reference_is_text():
    found = MEDICINES.identify(None, None, "Temazepam 15 mg capsules")
    assert found.drug is not None
    assert (found.drug.ingredient, found.drug.strength) == ("temazepam", 15)


@pytest.mark.parametrize(
    ("text", "end", "mg", "per_ml"),
    [
        ("diazepam 5 mg tablet", 8, 5, False),
        ("5 mg diazepam", 13, 5, False),
        ("1 mg, diazepam 5mg", 14, 5, False),
        ("x 0,5 mg", None, 0.5, False),
        ("x 0.25 MG", None, 0.25, False),
        ("x 250 micrograms", None, 0.25, False),
        ("x 250 microgram", None, 0.25, False),
        ("x 500mcg/mL", None, 0.5, True),
        ("x 5 mg/5 mL", None, 1, True),
        ("x 2 mg/ml", None, 2, True),
        ("x 10 mg / 2,5 mL", None, 4, True),
    ],
)
def test_a_strength_is_read_from_a_text(text, end, mg, per_ml):
    found = strength_in([text], [end])
    assert found is not None
    assert found.mg == pytest.approx(mg)
    assert found.per_ml == per_ml


@pytest.mark.parametrize(
    "text",
    ["x", "x 5", "x 5 mg/tablet", "x 5 mg/g", "x 1,000 mg", "x .5 mg", "x 5 mgs", "x 0 mg", "x 5 mg/0 mL"],
)
def test_anything_else_is_no_strength(text):
    assert strength_in([text], [None]) is None


def ingredient(code=None, text=None, active=None, numerator=None, denominator=None):
    found = {
        "itemCodeableConcept": {"coding": [{"system": RXNORM, "code": code}] if code else None, "text": text}
    }
    strength = {"numerator": numerator, "denominator": denominator} if numerator else None
    return found | {"isActive": active, "strength": strength}


@pytest.mark.parametrize(
    ("numerator", "denominator", "strength", "liquid"),
    [
        ({"value": 5, "unit": "mg"}, {"value": 1, "unit": "tablet"}, 5, False),
        ({"value": 5, "unit": "mg"}, {"value": 1}, 5, False),
        ({"value": 5, "unit": "mg"}, None, 5, False),
        ({"value": 500, "unit": "mcg"}, {"value": 1, "code": "{tbl}"}, 0.5, False),
        ({"value": 10, "unit": "mg"}, {"value": 5, "unit": "mL"}, 2, True),
        ({"value": 5, "unit": "mg"}, {"value": 1, "unit": "box"}, None, False),
        ({"value": "5", "unit": "mg"}, {"value": 1}, None, False),
    ],
)
def test_the_one_active_ingredient_in_scope_names_drug_and_strength(numerator, denominator, strength, liquid):
    found = referenced(
        ingredient=[
            ingredient("3322", numerator=numerator, denominator=denominator),
            ingredient("6470", active=False),
            ingredient(text="lactose"),
        ]
    ).drug
    assert found is not None
    assert (found.ingredient, found.strength, found.liquid) == ("diazepam", strength, liquid)


def test_two_ingredients_in_scope_contradict():
    assert referenced(ingredient=[ingredient("3322"), ingredient("6470")]).contradicting


def test_a_code_without_strength_takes_that_of_its_ingredient():
    part = ingredient("3322", numerator={"value": 5, "unit": "mg"}, denominator={"value": 1})
    found = referenced(code={"text": "diazepam"}, ingredient=[part]).drug
    assert found is not None
    assert found.strength == 5


def test_the_form_of_a_medication_can_say_that_it_is_parenteral():
    assert referenced(code={"text": "diazepam"}, form={"text": "Solution for injection"}).rescue
    assert not referenced(code={"text": "diazepam"}, form={"text": "tablet"}).rescue


@pytest.mark.parametrize(
    ("elements", "known"),
    [
        ({}, False),
        ({"code": {"coding": [{"system": "http://local", "code": "1"}]}}, False),
        ({"code": {"coding": [{"system": RXNORM, "code": "17767"}]}}, True),
        ({"code": {"text": "amlodipine"}}, True),
        ({"ingredient": [ingredient(text="amlodipine")]}, True),
    ],
)
def test_a_local_code_without_any_text_says_nothing_about_the_drug(elements, known):
    found = referenced(**elements)
    assert (found.drug, found.known) == (None, known)


def test_an_opioid_is_named_by_rxnorm_then_atc_then_text():
    for found in (
        medicine((RXNORM, "7052")),
        medicine((ATC, "N02AA01")),
        medicine(("http://local", "1", "Morphine 10 mg")),
    ):
        assert found.drug is not None
        assert found.drug.role == "opioid"
