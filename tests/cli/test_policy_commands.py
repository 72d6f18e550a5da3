"""`reviewdue policy show|check`, and a site's policy in use: only what differs is written down."""

import pytest

from service.bootstrap import SystemClock
from service.demo.population import base_day, folder
from tests.cli.command import people, reviewdue, settings
from tests.ehr.running import running_ehr

SITE = """\
name = "hillside"
version = 4
extends = "uk"

[R02]
interval = { value = 200, unit = "days", source = "medicines committee, 3 May 2026", mark = "project" }
"""
WRONG = """\
name = "hillside"
version = 4
extends = "uk"

[R02]
lead = { value = 14, unit = "days", source = "x", mark = "project" }
interval = { value = 5000, unit = "weeks", source = "x", mark = "project" }
"R03.ratio_min" = 3

[R13.finished_first]
value = [42, 28]
unit = "days after L"
source = "x"
mark = "mine"
"""
ADA = str(folder() / "patients" / "hapi-periodic-overdue.json")


@pytest.fixture
def site(tmp_path):
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    return "site.toml"


def test_show_prints_every_threshold_with_value_unit_mark_and_source(tmp_path):
    (shown,) = reviewdue(tmp_path, "policy", "show", "--json").documents
    assert len(shown["thresholds"]) > 150
    assert all(each[key] for each in shown["thresholds"] for key in ("name", "unit", "source", "mark"))
    told = reviewdue(tmp_path, "policy", "show").out
    for each in shown["thresholds"]:
        assert each["name"] in told


def test_show_says_where_a_site_differs_from_the_preset(tmp_path, site):
    (shown,) = reviewdue(tmp_path, "policy", "show", "--policy", site, "--json").documents
    differ = [each for each in shown["thresholds"] if each["preset"] is not None]
    assert [(each["name"], each["value"], each["preset"]) for each in differ] == [("R02.interval", 200, 90)]
    told = reviewdue(tmp_path, "policy", "show", "--policy", site).out
    assert (
        "policy hillside@4, which changes uk@1; R10 reads the maxima of labels outside the US first" in told
    )
    assert "200 (preset 90)" in told


def test_check_of_a_good_file_says_what_it_changes(tmp_path, site):
    ended = reviewdue(tmp_path, "policy", "check", site)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("policy hillside@4 is good, which changes 1 of ")
    assert "R02.interval: 200 days, 90 in the preset" in ended.out
    (checked,) = reviewdue(tmp_path, "policy", "check", site, "--json").documents
    assert checked["changed"] == [{"name": "R02.interval", "value": 200, "preset": 90}]


def test_check_names_every_error_with_its_key_and_line(tmp_path):
    (tmp_path / "wrong.toml").write_text(WRONG, encoding="utf-8")
    ended = reviewdue(tmp_path, "policy", "check", "wrong.toml")
    assert (ended.code, ended.out) == (2, "")
    assert ended.problems == [
        "policy wrong.toml:R02.interval: unit is 'weeks', not 'days' (line 7)",
        "policy wrong.toml:R02.interval: value is 5000, not between 14 and 365 days (line 7)",
        "policy wrong.toml:R02.R03.ratio_min: is not known here (line 8)",
        "policy wrong.toml:R13.finished_first: mark is 'mine', not one of guideline, project (line 10)",
        "policy wrong.toml:R13.finished_first: value is [42, 28], not [first, end] from 7 to 365 days (line 10)",
    ]


@pytest.mark.parametrize("content", ["name = \nversion = 1\n", "a = 1\na = 2\nb = 3\n"])
def test_check_of_a_file_that_is_no_toml_says_where(tmp_path, content):
    (tmp_path / "wrong.toml").write_text(content, encoding="utf-8")
    ended = reviewdue(tmp_path, "policy", "check", "wrong.toml")
    assert (ended.code, len(ended.problems)) == (2, 1)
    assert "wrong.toml: is not TOML" in ended.err
    assert "at line " in ended.err


def test_check_of_a_file_that_is_not_there_is_exit_2(tmp_path):
    ended = reviewdue(tmp_path, "policy", "check", "nowhere.toml")
    assert (ended.code, len(ended.problems)) == (2, 1)
    assert "nowhere.toml" in ended.err


def test_assess_uses_a_site_s_policy(tmp_path, site):
    words = ["assess", ADA, "--as-of", base_day().isoformat(), "--all", "--json"]
    (usual,) = reviewdue(tmp_path, *words).documents
    (changed,) = reviewdue(tmp_path, *words, "--policy", site).documents
    assert (usual["policy"], changed["policy"]) == ("us@1", "hillside@4")
    assert [each["due_on"] for each in usual["findings"]] == ["2026-07-15"]
    assert [each["due_on"] for each in changed["findings"]] == ["2026-11-02"]
    (number,) = (each["numbers"]["R02.interval"] for each in changed["findings"])
    assert number == {"value": 200, "unit": "days", "source": "medicines committee, 3 May 2026"}


def test_a_cycle_uses_a_site_s_policy(tmp_path, site):
    ada = [each for each in people() if "hapi-periodic-overdue" in str(each) or each["id"] == "hapi-vale"]
    with running_ehr(ada, clock=SystemClock().now) as ehr:
        settings(tmp_path, ehr.base, more=f'[policy]\nname = "{site}"\n')
        reviewdue(tmp_path, "release", "on")
        (report,) = reviewdue(tmp_path, "cycle", "--json").documents
        assert report["created"] == 1
        (task,) = ehr.all("Task")
        policies = [
            each["valueString"] for each in task["input"] if each["type"]["coding"][0]["code"] == "policy"
        ]
        assert policies == ["hillside@4"]
        assert "every 200 days" in task["reasonCode"]["text"]


def test_a_wrong_policy_in_the_settings_is_refused_with_every_problem(tmp_path):
    (tmp_path / "wrong.toml").write_text(WRONG, encoding="utf-8")
    ended = reviewdue(tmp_path, "assess", ADA, "--policy", "wrong.toml")
    assert (ended.code, len(ended.problems)) == (2, 5)
    assert all(line.startswith("policy.name: policy wrong.toml:") for line in ended.problems)
