"""All facts and references that a finding carries, from the FHIR resources on, one row per kind (rules.md)."""

from datetime import date, timedelta

import pytest

from tests.spec.said import answer

OLDER = "patient born=1950-01-01; "
BLUE = "diazepam 10 mg @0 365d"
EARLY = "diazepam 10 mg @0 28d; diazepam 10 mg @20 28d; diazepam 10 mg @40 28d"

TWO = "diazepam 10 mg @0 30d by=anna; lorazepam 1 mg @20 30d by=ben"
THREE = "diazepam 10 mg @0 28d by=w; diazepam 10 mg @28 28d by=x; diazepam 10 mg @56 28d by=y"


def iso(day: int) -> str:
    return (date(2026, 1, 1) + timedelta(days=day)).isoformat()


@pytest.mark.parametrize(
    ("told", "on", "rule", "facts", "rests_on"),
    [
        ("diazepam 10 mg @0; lorazepam 1 mg @3 stopped@9", 376, "R00",
            {"ingredients": ["diazepam"], "ordered_on": iso(0)}, "a"),
        ("diazepam 10 mg @0 10d; zopiclone 7.5 mg @20 40d", 35, "R01",
            {"episode_start": iso(0), "ingredients": ["diazepam", "zopiclone"]}, "a b"),
        ("diazepam 10 mg @0 100d; diazepam 12 mg @100 100d; diazepam 13.5 mg @200 100d; diazepam 15 mg @300 100d", 316,
            "R03", {"variants": ["creep"], "recent_dme_mg": {"low": 15, "high": 15}, "before_dme_mg": None,
                    "year_ago_dme_mg": {"low": 10, "high": 10}, "episode_start": iso(0)}, "a b c d"),
        ("lorazepam 2 mg @0 100d; lorazepam 3 mg @100 100d", 120, "R03",
            {"variants": ["step"], "recent_dme_mg": {"low": 15, "high": 30}, "before_dme_mg": {"low": 10, "high": 20},
             "year_ago_dme_mg": None, "episode_start": iso(0)}, "a b"),
        (OLDER + "diazepam 5 mg @-365 20d; lorazepam 1 mg @0 28d repeats=1; diazepam 5 mg @20 28d repeats=3", 20, "R08",
            {"orders": 2, "older_from": 65, "repeats": 3}, "b c"),
        (OLDER + "diazepam 5 mg @-345 20d; lorazepam 1 mg @0 28d; diazepam 5 mg @20 28d", 20, "R08",
            {"orders": 3, "older_from": 65, "repeats": 0}, "a b c"),
        (f"{BLUE}; x: condition pregnancy @50; y: condition pregnancy @60", 60, "R09",
            {"what": ["pregnancy"], "recorded_on": iso(60)}, "x y a"),
        (f"{BLUE}; x: condition pregnancy", 60, "R09", {"what": ["pregnancy"], "recorded_on": None}, "x a"),
        (f"{BLUE}; x: delivery 200 @50; y: delivery 210 @55", 60, "R09",
            {"what": ["expected delivery"], "recorded_on": iso(55), "expected_on": iso(210)}, "x y a"),
        (f"{BLUE}; x: delivery 70 @50; y: condition pregnancy @60", 85, "R09",
            {"what": ["pregnancy"], "recorded_on": iso(60)}, "y a"),
        (f"{TWO}; diazepam 10 mg @27 9d by=anna; zopiclone 7.5 mg @28 9d by=ben", 27, "R11",
            {"prescribers": 2, "variant": "overlapping"}, "a b c"),
        (f"{THREE}; diazepam 10 mg @84 28d by=z; diazepam 10 mg @-40 28d by=z", 84, "R11",
            {"prescribers": 4, "variant": "many"}, "a b c d"),
        ("diazepam 10 mg @0 300d by=anna; lorazepam 1 mg @0 300d by=ben", 120, "R11",
            {"prescribers": 2, "variant": "overlapping"}, "a b"),
        ("diazepam 10 mg @0 300d by=anna; lorazepam 1 mg @30 300d by=ben", 119, "R11",
            {"prescribers": 2, "variant": "overlapping"}, "b"),
        ("diazepam 10 mg @0 300d by=anna; lorazepam 1 mg @30 300d by=ben; lorazepam 2 mg @100 5d by=ben", 120, "R11",
            {"prescribers": 2, "variant": "overlapping"}, "c"),
        ("diazepam 10 mg @0 300d by=anna; lorazepam 1 mg @30 300d by=ben; lorazepam 2 mg @100 5d by=ben", 100, "R11",
            {"prescribers": 2, "variant": "overlapping"}, "b c"),
        ("diazepam 10 mg @0 30d by=anna; lorazepam 1 mg @20 300d by=ben; zopiclone 7.5 mg @150 30d by=cleo", 160, "R11",
            {"prescribers": 2, "variant": "overlapping"}, "c"),
        (f"{THREE}; diazepam 10 mg @84 28d by=z; diazepam 10 mg @-40 28d by=q", 84, "R11",
            {"prescribers": 4, "variant": "many"}, "a b c d"),
        (f"{EARLY}; diazepam 10 mg @60 28d; lorazepam 2 mg @90 200d", 200, "R12", {"early_refills": [iso(40), iso(60)],
            "ingredients": ["diazepam"], "supplied_days": 28, "passed_days": 20}, "c d"),
        (f"{BLUE}; lorazepam 2 mg @20 100d; zopiclone 7.5 mg @30 100d", 80, "R07",
            {"ingredients": ["diazepam", "lorazepam", "zopiclone"], "overlap_began": iso(20)}, "a b c"),
        ("diazepam 10 mg @0 20d; diazepam 10 mg @20 50d; lorazepam 2 mg @20 100d; diazepam 10 mg @70 30d", 70, "R07",
            {"ingredients": ["diazepam", "lorazepam"], "overlap_began": iso(20)}, "b c d"),
        (EARLY, 40, "R12", {"early_refills": [iso(20), iso(40)], "ingredients": ["diazepam"], "supplied_days": 56,
            "passed_days": 40}, "a b c"),
        (f"{EARLY}; zopiclone 7.5 mg @0 10d; zopiclone 7.5 mg @6 10d; zopiclone 7.5 mg @12 10d", 40, "R12",
            {"early_refills": [iso(6), iso(12), iso(20), iso(40)], "ingredients": ["diazepam", "zopiclone"],
             "supplied_days": 76, "passed_days": 52}, "a b c d e f"),
        (f"{EARLY}; diazepam 10 mg @-150 28d", 40, "R12", {"early_refills": [iso(20), iso(40)],
            "ingredients": ["diazepam"], "supplied_days": 56, "passed_days": 40}, "a b c"),
        (f"{BLUE}; x: condition alcohol_use_disorder @50; y: condition drug_overdose @55", 60, "R14",
            {"what": ["alcohol_use_disorder", "drug_overdose"], "recorded_on": iso(55)}, "x y a"),
        (f"{BLUE}; x: condition home_oxygen; y: condition myasthenia_gravis @30", 60, "R15",
            {"what": ["home_oxygen", "myasthenia_gravis"], "recorded_on": iso(30)}, "x y a"),
        (f"{BLUE}; x: condition falls @50", 60, "R16", {"what": ["falls"], "recorded_on": iso(50)}, "x a"),
    ],
)  # fmt: skip
def test_a_finding_carries_these_facts(told, on, rule, facts, rests_on):
    found = answer(told, str(on)).findings[rule]
    assert found["facts"] == facts
    names = [reference.partition("/")[2] for reference in found["evidence"]]
    assert names == (rests_on or " ".join(names)).split()
