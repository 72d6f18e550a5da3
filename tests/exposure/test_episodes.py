"""Episodes, regular use, dependence, stale orders (exposure.md §5, §6): boundaries on both sides."""

import pytest

from service.exposure import Exposure
from service.model.facts import Range
from tests.exposure.builders import D, a_dosage, a_phase, an_order, exposed


def episode(exposure: Exposure, on: int) -> tuple[int, int] | None:
    """First day and day after the last of the episode ongoing on a day."""
    found = exposure.episode(D + on)
    return None if found is None else (found.start - D, found.end_on(D + on) - D)


A = an_order("a", 0, days=28)
NEEDED = an_order("a", 0, days=28, as_needed=True)


@pytest.mark.parametrize(
    ("clause", "told", "on", "expected"),
    [
        ("on its first day", [A], 0, (0, 28)),
        ("a gap of 30 days joins", [A, an_order("b", 58)], 60, (0, 86)),
        ("a gap of 31 days parts", [A, an_order("b", 59)], 60, (59, 87)),
        ("60 days after as-needed supplies alone", [NEEDED, an_order("b", 88)], 90, (0, 116)),
        ("61 days part even then", [NEEDED, an_order("b", 89)], 90, (89, 117)),
        (
            "30 days where a scheduled one touches the end too",
            [NEEDED, an_order("s", 0, days=28, ingredient="lorazepam"), an_order("b", 59)],
            60,
            (59, 87),
        ),
        ("ongoing on the last day of the gap", [A], 57, (0, 28)),
        ("over on the day after", [A], 58, None),
        ("an open supply reaches the day after", [an_order("a", 0, days=None)], 40, (0, 41)),
        ("it ends with its 365th day", [an_order("a", 0, days=None)], 370, (0, 365)),
    ],
)
def test_an_episode_is(clause, told, on, expected):
    assert episode(exposed(*told, on=on), on) == expected


def test_an_earlier_day_knows_nothing_of_a_later_supply():
    exposure = exposed(A, an_order("b", 40), on=80)
    assert [episode(exposure, on) for on in (27, 39, 40)] == [(0, 28), (0, 28), (0, 68)]


def test_a_renewal_is_known_before_it_starts():
    exposure = exposed(A, an_order("b", 28, authored=20), on=22)
    assert [D + day in exposure.renewal for day in (19, 20, 27, 28)] == [False, True, True, False]


@pytest.mark.parametrize(("gap", "new"), [(89, False), (90, True)])
def test_new_use_has_no_supply_in_the_90_days_before(gap, new):
    exposure = exposed(A, an_order("b", 28 + gap), on=150)
    found = exposure.episode(D + 28 + gap)
    assert found is not None
    assert exposure.is_new_use(found) is new


@pytest.mark.parametrize(("days", "regular"), [(15, False), (16, True)])
def test_regular_is_16_of_the_last_28_days(days, regular):
    assert exposed(an_order(days=days), on=27).is_regular(D + 27) is regular
    assert exposed(an_order(days=days), on=28).is_regular(D + 28) is False


@pytest.mark.parametrize(
    ("tablets", "regular"),
    [(35, True), (34, False)],  # 26 days at n / 60 a day, and the one day of the second counts 1
)
def test_as_needed_tablets_are_spread_to_the_next_start(tablets, regular):
    def needed(name, start):
        return an_order(name, start, days=28, as_needed=True, quantity_units=tablets)

    exposure = exposed(needed("a", 0), needed("b", 60), on=61)
    assert exposure.is_regular(D + 61) is regular


def test_a_single_as_needed_supply_counts_its_covered_days():
    exposure = exposed(an_order(days=28, as_needed=True, quantity_units=5), on=20)
    assert exposure.is_regular(D + 20)
    assert exposure.use(D + 20).frequency_unknown


@pytest.mark.parametrize(
    ("clause", "told", "on", "expected"),
    [
        ("never regular", [an_order(days=15)], 15, "unlikely"),
        ("31 days, whatever the dose", [an_order(days=31, mg=40)], 30, "possible"),
        ("32 days at a high dose", [an_order(days=32, mg=10.01)], 31, "likely"),
        ("32 days at 10 mg", [an_order(days=32, mg=10)], 31, "possible"),
        ("32 days of unknown dose", [an_order(days=32, mg=None)], 31, "likely"),
        ("89 days at 10 mg", [an_order(days=100)], 88, "possible"),
        ("90 days at 10 mg", [an_order(days=100)], 89, "likely"),
        ("59 days after the last one, no longer regular", [an_order(days=100)], 158, "unlikely"),
        ("60 days after the last one", [an_order(days=100)], 159, "none"),
    ],
)
def test_dependence_is(clause, told, on, expected):
    assert exposed(*told, on=on).dependence(D + on) == expected


def test_the_equivalent_adds_up_and_is_unknown_where_a_part_is():
    told = [an_order("a", 0, mg=10), an_order("b", 10, ingredient="lorazepam", mg=2)]
    dme = exposed(*told, an_order("c", 20, mg=None, ingredient="temazepam"), on=25).dme
    assert [dme.typical.at(D + day) for day in (5, 15, 25, 60)] == [10, 20, None, 0]
    assert (dme.low.at(D + 15), dme.high.at(D + 15)) == (20, 30)


def test_z_drugs_count_to_the_last_dose_only():
    exposure = exposed(an_order(ingredient="zopiclone", mg=7.5), on=5)
    assert (exposure.dme.typical.at(D + 5), exposure.dme_with_z_drugs.typical.at(D + 5)) == (0, 5)


def test_a_dme_is_rounded_half_up():
    assert exposed(an_order(mg=2.505), on=5).dme.high.at(D + 5) == 2.51


def test_a_dose_follows_its_phases():
    phases = [a_phase(15, 7), a_phase(10, 7), a_phase(5, None)]
    exposure = exposed(an_order(days=28, dosage=a_dosage(phases=phases)), on=20)
    assert [exposure.dme.typical.at(D + day) for day in (0, 6, 7, 14, 27)] == [15, 15, 10, 5, 5]
    assert exposure.supplies[0].doses[0].mg == Range(15, 15)


@pytest.mark.parametrize(("on", "stale"), [(365, False), (366, True), (760, True), (761, False)])
def test_an_order_active_for_more_than_a_year_and_never_renewed_is_stale(on, stale):
    exposure = exposed(an_order(days=None), on=on)
    assert (D + on in exposure.stale) is stale


def test_it_is_not_stale_while_another_supply_is_less_than_a_year_ago():
    exposure = exposed(
        an_order("a", 0, days=None), an_order("b", 100, days=28, ingredient="lorazepam"), on=500
    )
    assert exposure.stale.first() == D + 127 + 365
