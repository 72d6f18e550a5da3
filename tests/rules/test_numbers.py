"""Which numbers of the policy a finding names, one row per rule and variant (rules.md)."""

import pytest

from tests.spec.said import answer

OLDER = "patient born=1950-01-01; "
BLUE = "diazepam 10 mg @0 365d"
URGENT_R02 = "R02.lead R02.first_from R02.urgent_after R02.urgent_if_interval_at_most"
R03 = "R03.ratio_min R03.rise_min R03.covered_days_min_each"
R04 = "R04.until R04.last_dose_over dependence.likely_from"
R13 = "taper.levels_min taper.first_to_last_at_most"
R12 = "R12.window R12.early_below R12.events_min R12.supply_min R12.urgent_events"
R10 = "R10.days_min R10.window R10.dme_min R10.urgent_dme"
R06 = "R06.window R06.strong_days R06.any_days R06.cns_active_older"
R05 = "R05.hole_ends_stretch R05.naloxone_look_back"
R11 = "R11.overlapping_min R11.overlap_days R11.window R11.many R11.open_ended_counts"
QUIET = "diazepam 10 mg @0; diazepam 10 mg @30; diazepam 10 mg @60; diazepam 10 mg @90"
DOWN = "diazepam 10 mg @0 30d; diazepam 5 mg @30 30d; diazepam 2.5 mg @60 30d"


@pytest.mark.parametrize(
    ("told", "on", "rule", "numbers"),
    [
        ("diazepam 10 mg @0", 366, "R00", "stale.from_over stale.to R00.due"),
        (BLUE, 20, "R01", "R01.covered_days_min R01.end_after_start R01.until R01.due"),
        (OLDER + BLUE, 20, "R01", "R01.covered_days_min_older R01.end_after_start R01.until R01.due_older"),
        (OLDER + "zopiclone 7.5 mg @0 60d", 20, "R01",
            "R01.covered_days_min_older R01.end_after_start R01.until R01.due_older_z_drug_only"),
        (BLUE, 80, "R02", "R02.interval R02.lead R02.first_from"),
        (f"{BLUE}; review @10", 100, "R02", "R02.interval R02.lead"),
        (f"{BLUE}; condition copd @-400", 180, "R02", f"R02.interval_copd_sleep_breathing_bipolar {URGENT_R02}"),
        ("diazepam 10 mg @0 100d; diazepam 15 mg @100 100d", 120, "R03",
            f"{R03} R03.due"),
        ("diazepam 20 mg @0 100d; diazepam 30 mg @100 100d", 120, "R03",
            f"{R03} R03.urgent_ratio R03.urgent_rise R03.due_urgent"),
        ("diazepam 10 mg @0 200d stopped@100", 102, "R04", f"{R04} R04.due_asap"),
        ("diazepam 10 mg @0 100d", 106, "R04", f"{R04} R04.due_asap R04b.gap_short R04b.gap_long"),
        ("diazepam 10 mg @0 100d repeats=0 valid=..100", 98, "R04", f"{R04} R04.due_urgent R04c.ends_within"),
        ("diazepam 20 mg @0 90d; diazepam 10 mg @90 60d", 90, "R04",
            f"{R04} R04.due_asap R04d.window R04d.held_min R04d.ratio_max"),
        (QUIET, 151, "R04", f"{R04} R04e.due R04e.supplies_min R04e.starts_apart_max R04e.quiet_over"),
        (f"{BLUE}; tramadol 100 mg @50 10d", 55, "R05",
            f"R05.new_within R05.latest_within {R05} R05.due_asap"),
        (f"{BLUE}; tramadol 100 mg @50 60d", 90, "R05",
            f"R05.ongoing_days R05.ongoing_window {R05} R05.due_urgent"),
        (f"{BLUE}; tramadol 100 mg @50 10d; condition cancer_pain @-100", 55, "R05",
            f"R05.new_within R05.latest_within {R05} R05.due_routine"),
        (f"{BLUE}; gabapentin 300 mg @50 10d", 56, "R06", f"{R06} R06.due"),
        (f"{BLUE}; phenobarbital 30 mg @50 10d", 56, "R06", f"{R06} R06.due_urgent"),
        (f"{BLUE}; lorazepam 2 mg @50 60d", 95, "R07",
            "R07.overlap_days R07.grace R07.hole R07.latest_within R07.due"),
        (OLDER + "diazepam 5 mg @0 28d repeats=1", 5, "R08",
            "age_older R08.look_back R08.orders_min R08.review_within R08.due"),
        (f"{BLUE}; condition pregnancy @50", 55, "R09",
            "R09.condition_within R09.edd_before R09.edd_after R09.covered_within R09.due"),
        ("diazepam 30 mg @0 60d", 20, "R10", f"{R10} R10.due"),
        ("diazepam 50 mg @0 60d", 20, "R10", f"{R10} R10.due_urgent"),
        ("diazepam 10 mg @0 30d by=anna; lorazepam 1 mg @20 30d by=ben", 27, "R11", f"{R11} R11.due"),
        ("diazepam 10 mg @0 28d; diazepam 10 mg @20 28d; diazepam 10 mg @40 28d", 40, "R12", f"{R12} R12.due"),
        ("diazepam 10 mg @0 28d; diazepam 10 mg @20 28d; diazepam 10 mg @40 28d; diazepam 10 mg @60 28d", 60, "R12",
            f"{R12} R12.due_urgent"),
        ("diazepam 20 mg @0 100d; diazepam 14 mg @100 60d; plan @90", 100, "R13",
            f"{R13} R13.fast_due R13.fast_window R13.fast_fall_over R13.fast_step_over R13.fast_from_over"),
        (f"{BLUE}; plan @50", 106, "R13", f"{R13} R13.stalled_due R13.stalled_from R13.stalled_to"),
        ("diazepam 10 mg @0 60d; diazepam 8 mg @60 30d; diazepam 10 mg @90 60d; plan @50", 94, "R13",
            f"{R13} R13.rebound_due R13.rebound_ratio"),
        (DOWN, 117, "R13", f"{R13} R13.finished_due R13.finished_first R13.finished_second"),
        (f"{BLUE}; condition drug_overdose @50", 55, "R14", "R14.new_within R14.event_within R14.due"),
        (f"{BLUE}; condition home_oxygen @50", 55, "R15", "R15.due"),
        (f"{BLUE}; condition falls @50", 55, "R16", "R16.event_within R16.after_covered R16.due"),
    ],
)  # fmt: skip
def test_a_finding_names_its_numbers(told, on, rule, numbers):
    assert set(answer(told, str(on)).findings[rule]["numbers"]) == set(numbers.split())


def test_a_number_that_is_a_window_shows_both_of_its_ends():
    numbers = answer(DOWN, "117").findings["R13"]["numbers"]
    assert numbers["R13.finished_first"]["value"] == "28 to 42"
    assert numbers["taper.levels_min"]["value"] == 3
