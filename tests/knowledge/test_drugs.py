"""Drugs in scope by code and by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.knowledge import Strength, knowledge
from service.knowledge.names import NameFinder

DRUGS = knowledge().drugs


@pytest.mark.parametrize(
    ("rxcui", "ingredient", "strength", "ongoing_use"),
    [
        ("197591", "diazepam", Strength(5, per_ml=False), True),
        ("485413", "alprazolam", Strength(0.25, per_ml=False), True),  # disintegrating
        ("309843", "diazepam", Strength(1, per_ml=True), True),  # oral solution
        ("889614", "chlordiazepoxide", Strength(5, per_ml=False), True),  # with clidinium 2.5 mg
        (
            "856769",
            "chlordiazepoxide",
            Strength(5, per_ml=False),
            True,
        ),  # with amitriptyline 12.5 mg, named first
        ("197465", "clorazepate", Strength(3.75, per_ml=False), True),  # clorazepate dipotassium
        ("828692", "zolpidem", Strength(5, per_ml=False), True),  # 5 mg an actuation
        ("801966", "diazepam", Strength(5, per_ml=True), False),  # rectal gel
        ("2272624", "diazepam", Strength(100, per_ml=True), False),  # pack of nasal sprays
        ("2682564", "diazepam", Strength(5, per_ml=False), False),  # buccal film
        ("238100", "lorazepam", Strength(2, per_ml=True), False),  # injectable
        ("311376", "lorazepam", Strength(2, per_ml=True), True),
        ("422410", "midazolam", Strength(2, per_ml=True), False),  # oral, but premedication
        ("317408", "lorazepam", Strength(4, per_ml=True), False),  # a component, no product
    ],
)
def test_an_rxnorm_product_has_its_ingredient_and_strength(
    rxcui: str, ingredient: str, strength: Strength, ongoing_use: bool
) -> None:
    product = DRUGS.rxnorm_product(rxcui)
    assert product is not None
    assert (product.ingredient, product.strength, product.ongoing_use) == (ingredient, strength, ongoing_use)
    assert product.source


@pytest.mark.parametrize(
    ("sctid", "ingredient", "strength"),
    [
        ("321197008", "diazepam", Strength(5, per_ml=False)),
        ("322896004", "clonazepam", Strength(0.4, per_ml=True)),
        ("442140000", "zolpidem", Strength(5, per_ml=False)),  # spray
        ("373981005", "triazolam", Strength(0.125, per_ml=False)),
    ],
)
def test_a_snomed_clinical_drug_has_its_ingredient_and_strength(
    sctid: str, ingredient: str, strength: Strength
) -> None:
    product = DRUGS.snomed_drug(sctid)
    assert product is not None
    assert (product.ingredient, product.strength, product.ongoing_use) == (ingredient, strength, True)


def test_an_ingredient_is_found_by_each_of_its_codes() -> None:
    found = [
        DRUGS.ingredient_by_rxcui("39993"),
        DRUGS.ingredient_by_snomed("387569009"),
        DRUGS.ingredient_by_snomed("96231005"),
        DRUGS.ingredient_by_atc("N05CF02"),
        DRUGS.ingredient_by_atc("n05cf02"),
    ]
    assert found == [DRUGS.ingredients["zolpidem"]] * 5
    assert DRUGS.ingredients["zolpidem"].is_z_drug
    assert not DRUGS.ingredients["clobazam"].is_z_drug


@pytest.mark.parametrize("code", ["", "0", "7052", "197591x", "N05BA", "diazepam"])
def test_a_code_that_is_not_listed_is_nothing(code: str) -> None:
    assert DRUGS.rxnorm_product(code) is None
    assert DRUGS.snomed_drug(code) is None
    assert DRUGS.ingredient_by_rxcui(code) is None
    assert DRUGS.ingredient_by_snomed(code) is None
    assert DRUGS.ingredient_by_atc(code) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Diazepam 5mg tablets", [("diazepam", "Diazepam")]),
        ("CLORAZEPATE DIPOTASSIUM 7.5 MG", [("clorazepate", "CLORAZEPATE")]),
        ("ethyl \n loflazepate 2 mg", [("ethyl loflazepate", "ethyl \n loflazepate")]),
        ("ethyl\xa0loflazepate", [("ethyl loflazepate", "ethyl\xa0loflazepate")]),
        ("Rivotril 0.5 mg", [("clonazepam", "Rivotril")]),
        ("lorazepam (Ativan) 1 mg", [("lorazepam", "lorazepam"), ("lorazepam", "Ativan")]),
        ("diazepam or lorazepam", [("diazepam", "diazepam"), ("lorazepam", "lorazepam")]),
        ("diazepam-ratiopharm 10", [("diazepam", "diazepam")]),
        ("Valtoco 10 MG Dose Kit", [("diazepam", "Valtoco 10 MG Dose Kit")]),
        ("lormetazepam", [("lormetazepam", "lormetazepam")]),  # neither metazepam nor medazepam
        ("nordiazepam, diazepam5, diazepam_5, diazepamä, ädiazepam", []),
        ("amlodipine 5 mg", []),
        ("", []),
    ],
)
def test_a_text_names_drugs_as_whole_words(text: str, found: list[tuple[str, str]]) -> None:
    mentions = DRUGS.named_in(text)
    assert [(mention.ingredient, text[mention.start : mention.end]) for mention in mentions] == found


@pytest.mark.parametrize(
    ("text", "is_rescue"),
    [
        ("Diastat", True),
        ("valtoco", True),
        ("Valtoco 5 mg dose kit", True),
        ("Libervant", True),  # only in the RxNorm file
        ("Buccolam", True),  # only in brands.csv
        ("Ativan", False),  # injectable and oral rows
        ("Dormicum", False),
        ("Valium", False),
        ("diazepam", False),  # no brand
    ],
)
def test_a_brand_is_a_rescue_brand_when_all_its_rows_are(text: str, is_rescue: bool) -> None:
    (mention,) = DRUGS.named_in(text)
    assert mention.is_rescue_brand is is_rescue


@given(
    st.sampled_from(["diazepam", "Xanax", "kalma", "serax", "ethyl loflazepate"]),
    st.text("aZ9_äßıſKж", max_size=3),
    st.text("aZ9_äßıſKж", max_size=3),
)
def test_a_name_inside_a_word_is_never_found(name: str, before: str, after: str) -> None:
    found = DRUGS.named_in(f"x {before}{name}{after} y")
    assert bool(found) is (not before and not after)


@given(st.text(st.sampled_from("diazepmknxılſKİ \xa0-"), max_size=40))
def test_any_text_can_be_searched(text: str) -> None:
    for mention in DRUGS.named_in(text):
        assert mention.ingredient in DRUGS.ingredients
        assert 0 <= mention.start < mention.end <= len(text)


def test_the_longest_name_at_a_place_wins() -> None:
    finder = NameFinder(["Valtoco", "Valtoco 5 mg kit"])
    assert [match.name for match in finder.find("VALTOCO 5  MG kit, valtoco 5 mg kits")] == [
        "valtoco 5 mg kit",
        "valtoco",
    ]


def test_a_finder_of_no_names_finds_nothing() -> None:
    assert NameFinder([]).find("diazepam ") == ()
