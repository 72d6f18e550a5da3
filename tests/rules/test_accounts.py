"""What a finding says for itself: the facts and the orders that it rests on, one row per kind (rules.md)."""

import pytest

from service.model.assessment import Finding
from service.model.days import date_of
from service.model.facts import Role
from tests.exposure.builders import D, a_condition, a_plan, a_review, an_order
from tests.rules.answers import assessed

OLDER = D - 70 * 366
TRAMADOL = {"ingredient": "tramadol", "role": Role.OPIOID, "mg": 100}
GABAPENTIN = {"ingredient": "gabapentin", "role": Role.SEDATIVE, "mg": 300}
CODEINE = {"ingredient": "codeine", "role": Role.OPIOID, "mg": 30}
LORAZEPAM = {"ingredient": "lorazepam", "mg": 2}


def finding(rule: str, *told: object, on: int, **more: object) -> Finding:
    assessment = assessed(*told, on=on, **more)
    (found,) = (each for each in (*assessment.findings, *assessment.suppressed) if each.rule == rule)
    return found


def iso(day: int) -> str:
    return date_of(D + day).isoformat()


def orders(names: str) -> tuple[str, ...]:
    return tuple(name if "/" in name else f"MedicationRequest/{name}" for name in names.split())


@pytest.mark.parametrize(
    ("clause", "rule", "told", "on", "facts", "rests_on"),
    [
        ("R02 from the start, never reviewed", "R02", [an_order(days=200)], 100,
            {"anchor": iso(0), "anchor_is": "start of the episode", "interval_days": 90}, "a"),
        ("R02 after a review on the first day", "R02", [an_order(days=200), a_review(0)], 100,
            {"anchor": iso(0), "anchor_is": "last review", "interval_days": 90}, "a"),
        ("R02 after a review before the start", "R02", [an_order(days=200), a_review(-3)], 100,
            {"anchor": iso(0), "anchor_is": "start of the episode"}, "a"),
        ("R04 d: a higher dose of 13 days was not held", "R04", [an_order(days=77, mg=20),
            an_order("b", 77, days=13, mg=30), an_order("c", 90, days=60)], 90, {"held_dme_mg": 20, "dme_mg": 10}, "c"),
        ("R04 d: in two courses of 7 days it was", "R04", [an_order(days=69, mg=20), an_order("b", 69, days=7, mg=30),
            an_order("c", 76, days=7, mg=20), an_order("d", 83, days=7, mg=30), an_order("e", 90, days=60)], 90,
            {"held_dme_mg": 30, "dme_mg": 10}, "e"),
        ("R04 e: the last of the orders of two drugs", "R04",
            [order for n in range(4) for order in (an_order(f"a{n}", 30 * n, days=None),
             an_order(f"b{n}", 30 * n + 2, days=None, **LORAZEPAM))], 155,
            {"variants": ["R04e"], "last_order_on": iso(92), "last_covered_day": iso(155)}, "a3 b3"),
        ("R04 c: until when it is covered, and the newest order", "R04",
            [an_order(days=200), an_order("b", 10, days=20, repeats=0, bounds_end=D + 190, **LORAZEPAM)], 198,
            {"variants": ["R04c"], "covered_until": iso(199)}, "a b"),
        ("R05: an overlap that begins today", "R05", [an_order(days=100), an_order("o", 20, days=5, **TRAMADOL)], 20,
            {"overlap_began": iso(20), "last_overlap_day": iso(20), "overlap_today": True, "naloxone_decided": True},
            "a o"),
        ("R05: an order that begins later is no overlap yet", "R05", [an_order(days=100),
            an_order("o", 20, days=5, **TRAMADOL), an_order("q", 60, authored=22, days=5, **TRAMADOL)], 22,
            {"overlap_began": iso(20), "last_overlap_day": iso(22)}, "a o"),
        ("R05: what does not overlap has no part in it", "R05",
            [an_order("x", -60, days=40), an_order(days=100), an_order("p", -15, days=10, **TRAMADOL),
             an_order("o", 20, days=5, **TRAMADOL), an_order("q", 23, authored=22, days=5, **CODEINE)], 22,
            {"overlap_began": iso(20), "opioids": ["tramadol"]}, "a o"),
        ("R05 ongoing: from the first overlap day", "R05", [an_order(days=40), an_order("b", 40, days=200),
            an_order("o", 20, days=10, **TRAMADOL), an_order("q", 60, days=40, **TRAMADOL)], 99,
            {"variant": "ongoing", "overlap_began": iso(60), "last_overlap_day": iso(99)}, "a b o q"),
        ("R06: the supplies of the last 60 days", "R06", [an_order(days=200), an_order("s", 0, days=20, **GABAPENTIN),
            an_order("t", 50, days=30, **GABAPENTIN)], 78, {"overlap_began": iso(0)}, "a s t"),
        ("R06: not what ended 60 days ago", "R06", [an_order(days=200), an_order("s", 0, days=20, **GABAPENTIN),
            an_order("t", 50, days=30, **GABAPENTIN)], 79, {"overlap_began": iso(0)}, "a t"),
        ("R06: what begins today, not tomorrow", "R06", [an_order(days=200), an_order("s", 31, days=30, **GABAPENTIN),
            an_order("t", 61, days=5, **GABAPENTIN), an_order("u", 62, authored=61, days=5, ingredient="gabapentin",
            role=Role.SEDATIVE)], 61, {"overlap_began": iso(31)}, "a s t"),
        ("R06: an opioid of the day has no part in two", "R06", [an_order(days=100),
            an_order("s", 20, days=40, **GABAPENTIN), an_order("o", 20, days=40, **TRAMADOL)], 50, {"cns_active": []},
            "a s"),
        ("R13 too fast: the highest before, past an unknown dose", "R13", [an_order(days=90, mg=20),
            an_order("b", 90, days=5, mg=None), an_order("c", 95, days=5, mg=20), an_order("d", 100, days=50, mg=14),
            a_plan(60)], 100, {"variants": ["too fast"], "taper_began": iso(60), "last_cut": iso(60), "dme_mg": 14,
             "highest_before_dme_mg": 20, "lowest_dme_mg": 20, "last_covered_day": iso(100)}, "a b c d CarePlan/t"),
        ("R13 too fast: what was higher 15 days ago is passed over", "R13", [an_order(days=85, mg=30),
            an_order("b", 85, days=15, mg=20), an_order("c", 100, days=50, mg=14), a_plan(60)], 100,
            {"highest_before_dme_mg": 20}, "a b c CarePlan/t"),
        ("R13 too fast: 14 days ago it counts", "R13", [an_order(days=86, mg=30), an_order("b", 86, days=14, mg=20),
            an_order("c", 100, days=50, mg=14), a_plan(60)], 99, {"dme_mg": 20, "highest_before_dme_mg": 30},
            "a b CarePlan/t"),
        ("R13 stalled: the last cut and the lowest since", "R13", [an_order(days=30, mg=20),
            an_order("b", 30, days=30, mg=15), an_order("c", 60, days=200)], 116, {"variants": ["stalled"],
             "taper_began": iso(0), "last_cut": iso(60), "lowest_dme_mg": 10, "last_covered_day": iso(116)}, "a b c"),
        ("R13 stalled: a plan counts the lowest since it began", "R13", [an_order(days=60, mg=5),
            an_order("b", 60, days=200), a_plan(80)], 140, {"lowest_dme_mg": 10, "last_cut": iso(80)},
            "a b CarePlan/t"),
        ("R13 finished: the last day, no stage any more", "R13", [an_order(days=30), an_order("b", 30, days=30, mg=5),
            an_order("c", 60, days=30, mg=2.5)], 173, {"variants": ["finished"], "last_covered_day": iso(89),
             "taper_began": None, "last_cut": None, "lowest_dme_mg": None, "highest_before_dme_mg": None}, "a b c"),
        ("R03 step: before and now", "R03", [an_order(days=100), an_order("b", 100, days=60, mg=20)], 140,
            {"variants": ["step"], "before_dme_mg": {"low": 10, "high": 10}, "recent_dme_mg": {"low": 20, "high": 20},
             "year_ago_dme_mg": None}, "a b"),
        ("R04 a: the stop and the last dose", "R04", [an_order(days=200, stopped=100)], 102,
            {"variants": ["R04a"], "stopped_on": iso(100), "last_covered_day": iso(99), "dependence": "likely",
             "last_dose_mg": {"diazepam": {"low": 10, "high": 10}}}, "a"),
        ("R04 d: the held dose and the present one", "R04", [an_order(days=100, mg=20), an_order("b", 90, days=60)], 95,
            {"variants": ["R04d"], "held_dme_mg": 20, "dme_mg": 10, "last_covered_day": iso(95)}, "b"),
        ("R05 new: two courses with a short hole are one overlap", "R05",
            [an_order(days=100), an_order("o", 20, days=5, **TRAMADOL), an_order("q", 40, days=5, **TRAMADOL)], 43,
            {"variant": "new", "opioids": ["tramadol"], "overlap_began": iso(20), "last_overlap_day": iso(43),
             "overlap_today": True, "naloxone_on_record": False, "opioid_use_disorder_medication": False}, "a o q"),
        ("R05 new: what comes later is not told", "R05",
            [an_order(days=100), an_order("o", 20, days=5, **TRAMADOL), an_order("q", 40, days=5, **TRAMADOL)], 26,
            {"variant": "new", "overlap_began": iso(20), "last_overlap_day": iso(24), "overlap_today": False}, "a o"),
        ("R05 ongoing", "R05", [an_order(days=200), an_order("o", 20, days=60, **TRAMADOL)], 79,
            {"variant": "ongoing", "overlap_began": iso(20), "overlap_today": True,
             "cancer_pain_or_sickle_cell": False}, "a o"),
        ("R06: since when both", "R06", [an_order(days=100), an_order("s", 20, days=40, **GABAPENTIN)], 50,
            {"sedatives": ["gabapentin"], "cns_active": [], "overlap_began": iso(20)}, "a s"),
        ("R06: after the benzodiazepine the episode is named", "R06",
            [an_order(days=60), an_order("s", 20, days=60, **GABAPENTIN)], 70, {"overlap_began": iso(20)}, "a s"),
        ("R07: since when both", "R07", [an_order(days=100), an_order("b", 20, days=60, **LORAZEPAM)], 70,
            {"ingredients": ["diazepam", "lorazepam"], "overlap_began": iso(20)}, "a b"),
        ("R07: a third drug has no part in it", "R07", [an_order(days=100), an_order("b", 20, days=60, **LORAZEPAM),
            an_order("c", 65, days=5, ingredient="temazepam", mg=20)], 70, {"ingredients": ["diazepam", "lorazepam"]},
            "a b"),
        ("R10: the label's maximum", "R10", [an_order(days=100, mg=50)], 20,
            {"what": ["above the label maximum", "high in diazepam equivalents"], "dme_low_mg": 50,
             "highest_dme_low_mg": 50,
             "exceeded": [{"ingredient": "diazepam", "highest_daily_mg": 50, "maximum_mg": 40, "maximum": "label"}]},
            "a"),
        ("R10: the highest is of the last 28 covered days, the present one is apart", "R10",
            [an_order(days=14, mg=50), an_order("b", 14, days=60, mg=20)], 27,
            {"dme_low_mg": 20, "highest_dme_low_mg": 50}, "a b"),
        ("R10: in equivalents alone nothing is exceeded", "R10", [an_order(days=100, mg=30)], 20,
            {"what": ["high in diazepam equivalents"], "exceeded": [], "highest_dme_low_mg": 30}, "a"),
        ("R10: what was higher 29 covered days ago is passed over", "R10",
            [an_order(days=20, mg=38), an_order("b", 20, days=60, mg=32)], 48, {"highest_dme_low_mg": 32}, "b"),
        ("R10: of 28 covered days the first counts", "R10",
            [an_order(days=20, mg=38), an_order("b", 20, days=60, mg=32)], 46, {"highest_dme_low_mg": 38}, "a b"),
        ("R10: what begins today counts, what begins tomorrow does not", "R10", [an_order(days=30, mg=32),
            an_order("b", 30, days=1, mg=38), an_order("c", 31, authored=30, days=60, mg=39)], 30,
            {"highest_dme_low_mg": 38}, "a b"),
        ("R10: the first of fewer than 28 covered days counts", "R10",
            [an_order(days=1, mg=38), an_order("b", 1, days=60, mg=32)], 20, {"highest_dme_low_mg": 38}, "a b"),
        ("R10: in a gap those of the last 28 covered days are named", "R10",
            [an_order("x", -60, days=30), an_order(days=14, mg=50), an_order("b", 14, days=14, mg=50)], 35,
            {"dme_low_mg": 0, "highest_dme_low_mg": 50}, "a b"),
        ("R10: two drugs together", "R10",
            [an_order(days=100, mg=20), an_order("b", 0, days=100, **LORAZEPAM), an_order("c", 30, days=5, mg=20)], 20,
            {"what": ["high in diazepam equivalents"], "dme_low_mg": 30, "exceeded": []}, "a b"),
        ("R12: the early ones, the days supplied and the days passed", "R12",
            [an_order(str(n), 14 * n, days=28) for n in range(5)], 60,
            {"early_refills": [iso(14), iso(28), iso(42), iso(56)], "ingredients": ["diazepam"], "supplied_days": 112,
             "passed_days": 56}, "0 1 2 3 4"),
        ("R12: only those begun by then", "R12", [an_order(str(n), 14 * n, days=28) for n in range(5)], 44,
            {"early_refills": [iso(14), iso(28), iso(42)], "supplied_days": 84, "passed_days": 42}, "0 1 2 3"),
    ],
)  # fmt: skip
def test_a_finding_says_what_it_rests_on(clause, rule, told, on, facts, rests_on):
    found = finding(rule, *told, on=on)
    assert {name: found.facts[name] for name in facts} == facts
    assert tuple(found.evidence) == orders(rests_on)


def test_r06_names_the_active_drugs_of_the_day_of_an_older_adult():
    told = [
        an_order(days=100),
        an_order("b", 20, days=10, **LORAZEPAM),
        an_order("s", 0, days=100, **GABAPENTIN),
        an_order("o", 0, days=100, **TRAMADOL),
    ]
    assert finding("R06", *told, on=25, born=OLDER).facts["cns_active"] == [
        "diazepam", "gabapentin", "lorazepam", "tramadol",
    ]  # fmt: skip
    assert finding("R06", *told, on=35, born=OLDER).facts["cns_active"] == [
        "diazepam",
        "gabapentin",
        "tramadol",
    ]


def test_r08_counts_the_orders_of_its_look_back_and_the_most_repeats():
    told = [an_order("x", -400, days=20), an_order(days=28), an_order("b", 28, days=28, repeats=2)]
    found = finding("R08", *told, on=30, born=OLDER)
    assert found.facts == {"orders": 2, "older_from": 65, "repeats": 2}
    assert found.evidence == orders("a b")


def test_r11_counts_the_prescribers_and_names_their_orders_of_its_window():
    told = [
        an_order(days=60, requester="Practitioner/x"),
        an_order("b", 5, days=60, requester="Practitioner/y", **LORAZEPAM),
        an_order("old", -200, days=20, requester="Practitioner/x"),
        an_order("next", 55, days=20, requester="Practitioner/x"),
    ]
    found = finding("R11", *told, on=50)
    assert (found.facts["prescribers"], found.facts["variant"]) == (2, "overlapping")
    assert found.evidence == orders("a b")


def test_an_event_is_named_with_the_latest_day_and_the_episode():
    found = finding(
        "R16", an_order(days=100), a_condition("falls", 20), a_condition("hip_fracture", 24), on=30
    )
    assert found.facts == {"what": ["falls", "hip_fracture"], "recorded_on": iso(24)}
    assert found.evidence == ("Condition/falls", "Condition/hip_fracture", *orders("a"))


def test_r05_tells_of_the_present_overlap_not_of_the_one_before():
    told = [
        an_order(days=200),
        an_order("o", 20, days=20, **TRAMADOL),
        an_order("q", 80, days=20, **TRAMADOL),
    ]
    found = finding("R05", *told, on=85)
    assert (found.facts["overlap_began"], found.facts["last_overlap_day"]) == (iso(80), iso(85))
    assert found.evidence == orders("a q")
