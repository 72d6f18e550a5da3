"""Opioids, other sedatives and naloxone."""

import pytest

from service.knowledge import Role, knowledge

CONCOMITANTS = knowledge().concomitants


@pytest.mark.parametrize(
    ("rxcui", "role", "ingredient", "group", "moud", "strong"),
    [
        ("7052", Role.OPIOID, "morphine", "opioid", False, False),
        ("6813", Role.OPIOID, "methadone", "opioid", True, False),
        ("1996184", Role.OPIOID, "buprenorphine", "opioid", True, False),  # monthly injection
        ("904880", Role.OPIOID, "buprenorphine", "opioid", False, False),  # patch, for pain
        ("2118728", Role.OPIOID, "benzhydrocodone", "opioid", False, False),  # no ingredient row
        ("25480", Role.SEDATIVE, "gabapentin", "gabapentinoid", False, True),
        ("2272408", Role.SEDATIVE, "lemborexant", "orexin-antagonist", False, True),  # a product code
        ("51272", Role.SEDATIVE, "quetiapine", "antipsychotic", False, False),
        ("7242", Role.NALOXONE, "naloxone", "opioid-antagonist", False, False),
    ],
)
def test_a_drug_is_found_by_rxnorm(
    rxcui: str, role: Role, ingredient: str, group: str, moud: bool, strong: bool
) -> None:
    found = CONCOMITANTS.by_rxcui(rxcui)
    assert found is not None
    assert (found.role, found.ingredient, found.group) == (role, ingredient, group)
    assert (found.moud, found.strong_signal) == (moud, strong)
    assert found.source


@pytest.mark.parametrize(
    ("code", "role", "ingredient", "group", "moud"),
    [
        ("N02AA05", Role.OPIOID, "N02AA05", "opioid", False),  # a group row: the code is the ingredient
        ("n02aa05", Role.OPIOID, "N02AA05", "opioid", False),
        ("N02AE01", Role.OPIOID, "buprenorphine", "opioid", False),
        ("N07BC51", Role.OPIOID, "buprenorphine", "opioid", True),
        ("N03AA02", Role.SEDATIVE, "phenobarbital", "barbiturate", False),
        ("N03AA03", Role.SEDATIVE, "primidone", "barbiturate", False),
        ("N03AA01", Role.SEDATIVE, "N03AA01", "barbiturate", False),
        ("N05CJ01", Role.SEDATIVE, "N05CJ01", "orexin-antagonist", False),
        ("N05CJ02", Role.SEDATIVE, "N05CJ02", "orexin-antagonist", False),
        ("N03AX16", Role.SEDATIVE, "pregabalin", "gabapentinoid", False),
        ("V03AB15", Role.NALOXONE, "naloxone", "opioid-antagonist", False),
    ],
)
def test_a_drug_is_found_by_atc(code: str, role: Role, ingredient: str, group: str, moud: bool) -> None:
    found = CONCOMITANTS.by_atc(code)
    assert found is not None
    assert (found.role, found.ingredient, found.group, found.moud) == (role, ingredient, group, moud)


@pytest.mark.parametrize("code", ["", "N", "N07BC04", "N07BC", "N05BA01", "C07AB02"])
def test_another_atc_code_is_none_of_them(code: str) -> None:
    assert CONCOMITANTS.by_atc(code) is None


@pytest.mark.parametrize(
    ("text", "ingredients"),
    [
        ("Tramadol 50 mg capsules", ["tramadol"]),
        ("sodium  OXYBATE solution", ["sodium oxybate"]),
        ("carisoprodol / aspirin / codeine", ["carisoprodol", "codeine"]),
        ("buprenorphine 8 MG / naloxone 2 MG film", ["buprenorphine"]),
        ("naloxone nasal spray", ["naloxone"]),
        ("morphine or morphine", ["morphine"]),
        ("dihydrocodeine", ["dihydrocodeine"]),
        ("apomorphine", []),
        ("nalmefene", []),
        ("diazepam", []),
    ],
)
def test_a_text_names_drugs_by_ingredient(text: str, ingredients: list[str]) -> None:
    assert [found.ingredient for found in CONCOMITANTS.named_in(text)] == ingredients


def test_an_antagonist_is_no_sedative() -> None:
    naloxone = CONCOMITANTS.by_rxcui("7242")
    assert naloxone is not None
    assert not naloxone.is_cns_active
    assert CONCOMITANTS.by_rxcui("31479") is None  # nalmefene


@pytest.mark.parametrize(
    ("text", "urgent"),
    [
        ("phenobarbital", True),
        ("butalbital", True),
        ("carisoprodol", True),
        ("meprobamate", True),
        ("sodium oxybate", True),
        ("gabapentin", False),
        ("morphine", False),
    ],
)
def test_r06_is_urgent_for_a_few_sedatives(text: str, urgent: bool) -> None:
    (found,) = CONCOMITANTS.named_in(text)
    assert found.is_urgent_sedative is urgent
    assert found.is_cns_active


def test_no_drug_in_scope_is_also_one_of_them() -> None:
    for ingredient in knowledge().drugs.ingredients.values():
        assert CONCOMITANTS.by_rxcui(str(ingredient.rxcui)) is None
        assert CONCOMITANTS.by_atc(str(ingredient.atc)) is None
        assert not CONCOMITANTS.named_in(ingredient.name)
