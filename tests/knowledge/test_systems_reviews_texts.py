"""Code systems, review evidence, and what rules are called."""

import pytest

from service.knowledge import System, knowledge, system_of

REVIEWS = knowledge().reviews
TEXTS = knowledge().texts


@pytest.mark.parametrize(
    ("uri", "system"),
    [
        ("http://www.nlm.nih.gov/research/umls/rxnorm", System.RXNORM),
        ("urn:oid:2.16.840.1.113883.6.88", System.RXNORM),
        ("http://snomed.info/sct", System.SNOMED),
        ("urn:oid:2.16.840.1.113883.6.96", System.SNOMED),
        ("http://www.whocc.no/atc", System.ATC),
        ("urn:oid:2.16.840.1.113883.6.73", System.ATC),
        ("http://hl7.org/fhir/sid/icd-10-cm", System.ICD10),
        ("http://hl7.org/fhir/sid/icd-10", System.ICD10),
        ("urn:oid:2.16.840.1.113883.6.90", System.ICD10),
        ("http://loinc.org", System.LOINC),
        ("http://www.ama-assn.org/go/cpt", System.CPT),
        ("http://hl7.org/fhir/sid/ndc", None),
        ("", None),
        (None, None),
    ],
)
def test_a_system_is_known_by_its_spellings(uri: str | None, system: System | None) -> None:
    assert system_of(uri) is system


@pytest.mark.parametrize(
    ("system", "code", "resource_type", "strength"),
    [
        (System.SNOMED, "182836005", "Procedure", "strong"),
        (System.SNOMED, "182836005", "Observation", "strong"),
        (System.SNOMED, "314530002", "Condition", "strong"),
        (System.SNOMED, "182836005", "Condition", None),
        (System.SNOMED, "719327002", "Procedure", "moderate"),
        (System.SNOMED, "391156007", "Procedure", "weak"),
        (System.SNOMED, "314529007", "Observation", "none"),  # review due is no review
        (System.CPT, "99605", "Procedure", "strong"),
        (System.CPT, "99213", "Encounter", "context"),
        (System.CPT, "99213", "Procedure", None),
        (System.LOINC, "182836005", "Procedure", None),
        (None, "182836005", "Procedure", None),
    ],
)
def test_a_code_shows_a_review_more_or_less_strongly(
    system: System | None, code: str, resource_type: str, strength: str | None
) -> None:
    assert REVIEWS.strength(system, code, resource_type) == strength


def test_only_strong_and_configurable_evidence_resets_the_clock() -> None:
    def resets(code: str) -> tuple[bool, bool]:
        found = REVIEWS.evidence(System.SNOMED, code, "Procedure")
        assert found is not None
        return found.is_strong, found.is_moderate

    assert resets("413143000") == (True, False)
    assert resets("454111000124101") == (False, True)
    assert resets("461621000124108") == (False, False)  # PDMP review
    assert resets("61480009") == (False, False)  # "R13 only"


def test_every_rule_and_suppression_has_its_text() -> None:
    assert list(TEXTS.rules) == [f"R{number:02}" for number in range(17)]
    assert list(TEXTS.suppressions) == [f"S{number}" for number in range(1, 16)]


def test_a_rule_says_what_to_do_and_who_says_so() -> None:
    rule = TEXTS.rule("R04")
    assert rule.title == "Stopped or lapsed without a taper"
    assert rule.actions[0].startswith("contact the patient")
    assert "FDA 2020 boxed warning" in rule.citations
    assert rule.mark == "guideline"
    assert list(rule.variants) == ["R04a", "R04b", "R04c", "R04d", "R04e"]
    assert TEXTS.suppression("S2").title == "Hospice"


def test_an_unknown_rule_is_an_error() -> None:
    with pytest.raises(KeyError, match="R99"):
        TEXTS.rule("R99")


def test_no_action_tells_anybody_to_stop() -> None:
    actions = [action for rule in TEXTS.rules.values() for action in rule.actions]
    assert not [action for action in actions if action.lower().startswith("stop")]
