"""Real third-party data: nothing crashes, and the committed page says what comes out."""

import pytest

from tests.sandbox_data.assessing import DAYS, figures, one
from tests.sandbox_data.by_hand import BY_HAND, ByHand
from tests.sandbox_data.orders import order_figures, reading
from tests.sandbox_data.page import page
from tests.sandbox_data.place import DATA, PAGE
from tests.sandbox_data.strangest import STRANGEST, Strange


def test_every_folder_has_its_days():
    assert sorted(DAYS) == sorted(each.name for each in DATA.iterdir() if each.is_dir())


@pytest.mark.parametrize("folder", DAYS)
def test_every_folder_can_be_assessed_on_its_days(folder):
    for day in DAYS[folder]:
        assert figures(folder, day).patients == figures(folder, DAYS[folder][0]).patients


def test_a_review_or_an_opioid_comes_out_wherever_the_data_has_it():
    silent = {"cdc-opioid-cds", "negative-controls", "nhs-eps-uk"}  # no order in scope that could be read
    for folder in DAYS.keys() - silent:
        found = [figures(folder, day) for day in DAYS[folder]]
        rules = {name[:3] for each in found for name in (*each.findings, *each.suppressed)}
        assert rules & {"R02", "R05"}, folder


@pytest.mark.parametrize("case", BY_HAND, ids=lambda case: f"{case.folder}-{case.patient}")
def test_a_patient_read_by_hand_gets_the_same_answer(case: ByHand):
    found = one(case.folder, case.patient, case.as_of)
    assert (found.episode and (found.episode.start, found.episode.end)) == case.episode
    assert tuple(f"{f.rule} {f.priority.word} {f.due_on}" for f in found.findings) == case.findings
    assert tuple(f"{f.rule} by {f.suppressed_by}" for f in found.suppressed) == case.suppressed
    assert tuple(aside.reason for aside in found.unreadable) == case.unreadable
    assert found.wake_on == case.wake_on


@pytest.mark.parametrize("order", STRANGEST, ids=lambda order: order.reference)
def test_a_strange_order_is_read_as_it_was_by_hand(order: Strange):
    assert reading(order.folder, order.reference) == order.reading


@pytest.mark.parametrize("folder", DAYS)
def test_every_order_and_fill_gives_a_length_or_gives_way_to_its_fills(folder):
    found = order_figures(folder)
    assert found.orders <= found.stated + found.open_ended + found.assumed <= found.orders + found.fills
    assert found.dose_from_text <= found.dose_known <= found.orders


@pytest.mark.parametrize("folder", DAYS)
def test_no_order_that_the_manifest_names_is_lost(folder):
    found = order_figures(folder)
    elsewhere = {"cdc-opioid-cds": 8, "nhs-eps-uk": 4}  # within CDS Hooks requests; repeated with the same id
    assert found.orders + found.set_aside + found.unreadable.total() == found.named - elsewhere.get(folder, 0)


def test_the_committed_page_is_what_a_fresh_run_gives():
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python -m tests.sandbox_data"
