"""Diazepam equivalents and daily maxima."""

import pytest

from service.knowledge import knowledge

EQUIVALENCES = knowledge().equivalences


@pytest.mark.parametrize(
    ("ingredient", "default", "low", "high"),
    [
        ("diazepam", 1, 1, 1),
        ("alprazolam", 10, 10, 20),
        ("lorazepam", 5, 5, 10),
        ("clonazepam", 10, 10, 20),
        ("temazepam", 0.6667, 0.5, 0.6667),
    ],
)
def test_an_ingredient_has_its_factors(ingredient: str, default: float, low: float, high: float) -> None:
    found = EQUIVALENCES[ingredient]
    assert (found.dme_per_mg, found.dme_per_mg_low, found.dme_per_mg_high) == (default, low, high)


@pytest.mark.parametrize(
    ("ingredient", "us", "uk", "older"),
    [
        ("alprazolam", 10, 3, None),  # "4 anxiety; 10 panic [LBL]"
        ("lorazepam", 10, 4, None),
        ("clonazepam", 20, 20, None),  # only the US label states one
        ("nitrazepam", 10, 10, 5),  # "not US"
        ("bromazepam", 60, 60, None),  # "3-18 usual outpatients"
        ("temazepam", 30, 40, None),
        ("zolpidem", 12.5, 10, 6.25),  # "10 IR; 12.5 ER", "6.25 ER; 5 IR [LBL]"
        ("zopiclone", 7.5, 7.5, 7.5),
        ("halazepam", None, None, None),  # "withdrawn"
    ],
)
def test_the_largest_number_of_the_policys_column_is_the_maximum(
    ingredient: str, us: float | None, uk: float | None, older: float | None
) -> None:
    found = EQUIVALENCES[ingredient]
    assert (found.max_daily_mg("us_label"), found.max_daily_mg("other")) == (us, uk)
    assert found.max_daily_mg_older == older


@pytest.mark.parametrize(
    ("ingredient", "is_short"),
    [("lorazepam", True), ("zolpidem", True), ("diazepam", False), ("clobazam", False)],
)
def test_a_lapse_of_a_short_acting_drug_is_told_apart(ingredient: str, is_short: bool) -> None:
    assert EQUIVALENCES[ingredient].is_short_acting is is_short


def test_tablets_are_listed_from_the_smallest() -> None:
    assert EQUIVALENCES["diazepam"].oral_strengths_mg == (2, 5, 10)
    assert EQUIVALENCES["ketazolam"].oral_strengths_mg == (15, 30, 45)  # "15;30;45 [M]"
    assert EQUIVALENCES["nordazepam"].oral_strengths_mg == ()


def test_without_a_row_nothing_is_known() -> None:
    missing = knowledge().drugs.ingredients.keys() - EQUIVALENCES.keys()
    assert missing == {
        "ethyl loflazepate",
        "etizolam",
        "clotiazepam",
        "cloxazolam",
        "tetrazepam",
        "remimazolam",
    }


def test_every_row_has_a_source() -> None:
    assert all(equivalence.source for equivalence in EQUIVALENCES.values())
