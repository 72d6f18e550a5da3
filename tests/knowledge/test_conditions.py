"""Which concepts a code stands for."""

import pytest

from service.knowledge import System, is_later_visit, knowledge

CONDITIONS = knowledge().conditions


@pytest.mark.parametrize(
    ("code", "concepts"),
    [
        ("G40.909", {"seizure_disorder"}),  # prefix G40
        ("g40.909", {"seizure_disorder"}),
        ("G40909", {"seizure_disorder"}),
        ("G40.501", {"seizure_disorder", "seizure_disorder_not_valid_exclusion"}),
        ("G4", set()),
        ("Z51.5", {"palliative_or_hospice"}),
        ("Z51.51", set()),  # the row is exact
        ("F10.20", {"alcohol_use_disorder"}),
        ("F10.230", {"alcohol_use_disorder", "alcohol_withdrawal"}),
        ("F10.21", {"alcohol_use_disorder"}),  # in remission: told apart below
        ("F17.210", {"nicotine_dependence_not_sud"}),
        ("W00.0XXA", {"falls"}),
        ("w19xxxa", {"falls"}),
        ("W20.0XXA", set()),
        ("W1", set()),
        ("V43.52XA", {"motor_vehicle_crash"}),
        ("V59.9XXA", {"motor_vehicle_crash"}),
        ("V60.0XXA", set()),
        ("X71.0XXA", {"self_harm"}),
        ("T42.4X2A", {"bzd_poisoning"}),
        ("T42.4X5A", set()),  # adverse effect
        ("T42.4X6A", set()),  # underdosing
        ("T40.411A", {"opioid_poisoning"}),
        ("Z91.51", {"self_harm_history"}),
        ("Z91.81", {"fall_history"}),
        ("S72.001A", {"hip_fracture"}),
        ("", set()),
        (".", set()),
    ],
)
def test_an_icd_code_stands_for_its_concepts(code: str, concepts: set[str]) -> None:
    assert CONDITIONS.concepts_of(System.ICD10, code) == concepts


@pytest.mark.parametrize(
    ("code", "concepts"),
    [
        ("84757009", {"seizure_disorder"}),  # descendants: the code itself
        ("13645005", {"copd"}),
        ("723926008", {"seizure_disorder_not_valid_exclusion", "alcohol_withdrawal"}),
        ("161474000", {"self_harm_history"}),
        ("8475700", set()),
    ],
)
def test_a_snomed_code_stands_for_its_concepts(code: str, concepts: set[str]) -> None:
    assert CONDITIONS.concepts_of(System.SNOMED, code) == concepts


def test_a_code_of_another_system_stands_for_nothing() -> None:
    assert CONDITIONS.concepts_of(System.RXNORM, "84757009") == frozenset()
    assert CONDITIONS.concepts_of(System.SNOMED, "G40") == frozenset()
    assert CONDITIONS.concepts_of(None, "G40.909") == frozenset()


@pytest.mark.parametrize(
    ("code", "is_hospice"),
    [
        ("170935008", True),
        ("183919006", True),
        ("428361000124107", True),  # discharge disposition
        ("306205009", False),  # a mere referral
        ("103735009", False),
        ("162607003", False),
    ],
)
def test_hospice_is_told_from_palliative_care_by_the_row(code: str, is_hospice: bool) -> None:
    (row,) = CONDITIONS.rows_of(System.SNOMED, code)
    assert row.concept == "palliative_or_hospice"
    assert row.is_hospice is is_hospice
    assert row.rules.startswith("S2" if is_hospice else "S3")


@pytest.mark.parametrize(
    ("system", "code", "in_remission"),
    [
        (System.ICD10, "F10.21", True),
        (System.ICD10, "f11.11", True),
        (System.ICD10, "F19.91", True),
        (System.ICD10, "F10.20", False),
        (System.ICD10, "F10.121", False),  # delirium
        (System.ICD10, "F20.2", False),
        (System.SNOMED, "1231158003", True),
        (System.SNOMED, "191819002", False),
        (None, "F10.21", False),
    ],
)
def test_a_use_disorder_in_remission_is_told_apart(
    system: System | None, code: str, in_remission: bool
) -> None:
    assert CONDITIONS.is_in_remission(system, code) is in_remission


def test_the_concepts_that_rules_read_as_a_group() -> None:
    assert CONDITIONS.substance_use == {
        "alcohol_use_disorder",
        "barbiturate_use_disorder",
        "cannabis_use_disorder",
        "opioid_use_disorder",
        "other_sud",
        "sedative_use_disorder",
        "stimulant_use_disorder",
        "substance_use_disorder",
    }
    assert CONDITIONS.self_harm_or_overdose == {
        "alcohol_poisoning",
        "bzd_poisoning",
        "drug_overdose",
        "opioid_poisoning",
        "sedative_poisoning",
        "self_harm",
        "suicidal_ideation",
        "suicide_attempt",
    }
    assert CONDITIONS.accident_or_delirium == {"delirium", "falls", "hip_fracture", "motor_vehicle_crash"}


def test_an_overriding_concept_takes_off_only_its_own() -> None:
    assert CONDITIONS.overridden_by("seizure_disorder_not_valid_exclusion") == {"seizure_disorder"}
    assert CONDITIONS.overridden_by("nicotine_dependence_not_sud") == CONDITIONS.substance_use
    assert CONDITIONS.overridden_by("fall_history") == frozenset()


@pytest.mark.parametrize(
    ("code", "of_fracture", "later"),
    [
        ("W19.XXXA", False, False),
        ("W19.XXXD", False, True),
        ("w19.xxxs", False, True),
        ("S72.001B", True, False),
        ("S72.001C", True, False),
        ("S72.001G", True, True),
        ("S72.001R", True, True),
        ("W19.XXXG", False, False),
        ("F05", False, False),
        ("R29.6D", False, False),
    ],
)
def test_a_later_visit_is_known_by_the_seventh_character(code: str, of_fracture: bool, later: bool) -> None:
    assert is_later_visit(code, of_fracture=of_fracture) is later
