"""Policies: every number with its source, and nothing else."""

import pickle
from pathlib import Path

import pytest

from service.knowledge import PolicyError, load_policy
from service.knowledge.policy_file import read_policy

US = load_policy("us")
UK = load_policy("uk")

# The numbers that the rules page prints in bold.
BOLD = {
    "R01.covered_days_min": 21,
    "R01.covered_days_min_older": 14,
    "R02.interval": 90,
    "R02.urgent_after": 180,
    "R03.ratio_min": 1.25,
    "R03.rise_min": 5,
    "R03.urgent_rise": 10,
    "R04b.gap_short": 5,
    "R04b.gap_long": 7,
    "R04c.ends_within": 3,
    "R05.new_within": 30,
    "R10.dme_min": 30,
    "R12.events_min": 2,
    "R12.supply_min": 110,
    "episode.gap": 30,
    "episode.gap_as_needed": 60,
    "stale.to": 760,
    "dependence.possible_below": 32,
}


def site(text: str) -> str:
    return f'name = "site"\nversion = 3\nextends = "us"\n{text}'


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as refused:
        read_policy("f.toml", text.encode())
    assert str(refused.value) == "\n".join(refused.value.problems)
    return list(refused.value.problems)


def test_both_presets_state_every_number_with_source_and_mark() -> None:
    assert len(US.thresholds) == len(UK.thresholds) == 171
    for policy in (US, UK):
        for name, threshold in policy.thresholds.items():
            assert threshold.name == name
            assert threshold.source
            assert threshold.unit
            assert threshold.mark in ("guideline", "project")


@pytest.mark.parametrize(("name", "value"), BOLD.items())
def test_a_number_is_the_one_of_the_rules_page(name: str, value: float) -> None:
    assert US.threshold(name).value == UK.threshold(name).value == value


def test_the_presets_differ_only_in_the_labels_that_r10_reads() -> None:
    assert (US.label, UK.label) == ("us@1", "uk@1")
    assert (US.extends, UK.extends) == (None, "us")
    assert (US.daily_maximum, UK.daily_maximum) == ("us_label", "other")
    assert US.thresholds == UK.thresholds


def test_a_number_is_read_as_what_it_is() -> None:
    assert US.days("R02.interval") == 90
    assert US.count("age_older") == 65
    assert US.number("R03.ratio_min") == 1.25
    assert US.number("R12.early_below") == 85
    assert US.window("R13.finished_first") == (28, 42)
    assert US.days("S13.S15.R04_answer") == 14
    assert US.threshold("R02.interval").unit == "days"


def test_asking_for_the_wrong_kind_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"age_older is of kind count, not days"):
        US.days("age_older")
    with pytest.raises(TypeError, match=r"R02\.interval is of kind days, not count"):
        US.count("R02.interval")
    with pytest.raises(TypeError, match=r"R02\.interval is of kind days, not number"):
        US.number("R02.interval")
    with pytest.raises(TypeError, match=r"R02\.interval is of kind days, not window"):
        US.window("R02.interval")


def test_an_unknown_name_is_an_error_that_names_it() -> None:
    with pytest.raises(KeyError, match=r"policy us@1 has no threshold 'R02\.intervall'"):
        US.days("R02.intervall")


def test_a_policy_can_be_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(UK)).thresholds == UK.thresholds  # noqa: S301 (our own bytes)


def test_a_sites_file_states_only_what_differs(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(
        'name = "site"\nversion = 3\nextends = "uk"\n[R02]\n'
        'interval = { value = 84, unit = "days", source = "medicines committee", mark = "project" }\n'
    )
    for policy in (load_policy(file), load_policy(str(file))):
        assert policy.label == "site@3"
        assert policy.days("R02.interval") == 84
        assert policy.threshold("R02.interval").source == "medicines committee"
        assert policy.days("R02.lead") == 14
        assert policy.daily_maximum == "other"


def test_a_number_may_be_named_in_one_piece() -> None:
    text = '"R02.interval" = { value = 84, unit = "days", source = "s", mark = "project" }'
    assert read_policy("f.toml", site(text).encode()).days("R02.interval") == 84


def test_every_problem_is_reported_at_once() -> None:
    assert problems(
        """
        extends = "fr"
        daily_maximum = "fr_label"
        R03.ratio_min = 3
        [R02]
        interval = { value = 5000, unit = "weeks", source = " ", mark = "mine", note = "x" }
        lead = { value = 7 }
        intervall = { value = 1, unit = "days", source = "s", mark = "project" }
        [R02.urgent_after]
        """
    ) == [
        "policy f.toml:name: is missing, empty or holds an @",
        "policy f.toml:version: is missing or not a whole number from 1 on",
        "policy f.toml:extends: is 'fr', not one of us, uk",
        "policy f.toml:daily_maximum: is 'fr_label', not one of us_label, other",
        "policy f.toml:R03.ratio_min: is 3, not a table of value, unit, source and mark",
        "policy f.toml:R02.interval: note is not known here",
        "policy f.toml:R02.interval: unit is 'weeks', not 'days'",
        "policy f.toml:R02.interval: source is empty",
        "policy f.toml:R02.interval: mark is 'mine', not one of guideline, project",
        "policy f.toml:R02.interval: value is 5000, not between 14 and 365 days",
        "policy f.toml:R02.lead: unit is missing",
        "policy f.toml:R02.lead: source is missing",
        "policy f.toml:R02.lead: mark is missing",
        "policy f.toml:R02.intervall: is not known here",
        "policy f.toml:R02.urgent_after: value is missing",
        "policy f.toml:R02.urgent_after: unit is missing",
        "policy f.toml:R02.urgent_after: source is missing",
        "policy f.toml:R02.urgent_after: mark is missing",
    ]


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("R02.interval", '"90"', "value is '90', not a whole number"),
        ("R02.interval", "90.0", "value is 90.0, not a whole number"),
        ("R02.interval", "true", "value is True, not a whole number"),
        ("R02.interval", "-90", "value is -90, not between 14 and 365 days"),
        ("R03.ratio_min", "nan", "value is nan, not between 1.05 and 3 times"),
        ("R03.ratio_min", "[1, 2]", "value is [1, 2], not a number"),
        ("R13.finished_first", "28", "value is 28, not [first, end] from 7 to 365 days"),
        ("R13.finished_first", "[42, 28]", "value is [42, 28], not [first, end] from 7 to 365 days"),
        ("R13.finished_first", "[28, 42, 56]", "value is [28, 42, 56], not [first, end] from 7 to 365 days"),
        ("R13.finished_first", "[true, 42]", "value is [True, 42], not [first, end] from 7 to 365 days"),
        ("R10.dme_min", "61", "value is 61, above R10.urgent_dme, which is 60"),
        ("regular.window", "15", "value is 16, above regular.window, which is 15"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(name: str, value: str, what: str) -> None:
    unit = US.threshold(name).unit
    text = f'"{name}" = {{ value = {value}, unit = "{unit}", source = "s", mark = "project" }}'
    (problem,) = problems(site(text))
    assert problem.endswith(what)
    assert problem.startswith("policy f.toml:")


def test_a_file_that_extends_nothing_states_everything() -> None:
    found = problems('name = "site"\nversion = 1\ndaily_maximum = "other"')
    assert len(found) == 171
    assert "policy f.toml:R02.interval: is missing" in found


def test_a_site_cannot_take_the_name_of_a_preset() -> None:
    assert problems('name = "us"\nversion = 1\nextends = "us"') == [
        "policy f.toml:name: us is the name of a preset; choose another"
    ]


def test_a_number_stated_twice_is_refused() -> None:
    cells = '{ value = 84, unit = "days", source = "s", mark = "project" }'
    assert problems(site(f'"R02.interval" = {cells}\nR02.interval = {cells}')) == [
        "policy f.toml:R02.interval: stands twice"
    ]


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe", b"a = 1\na = 2"])
def test_a_file_that_is_no_toml_is_refused(content: bytes) -> None:
    with pytest.raises(PolicyError, match=r"^policy f\.toml: is not TOML: "):
        read_policy("f.toml", content)


def test_deep_nesting_is_only_an_unknown_name() -> None:
    deep = ".".join("a" * 500)
    (problem,) = problems(site(f"{deep} = 1"))
    assert problem == "policy f.toml:a.a.a.a: is not known here"


def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(PolicyError, match=r"^policy .*: cannot be read: .*presets are us, uk$"):
            load_policy(path)
