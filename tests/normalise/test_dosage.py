"""Daily dose, phases and lengths of the structure (exposure.md §3 and §4)."""

from datetime import date

import pytest

from service.knowledge import load_policy
from service.model.facts import Drug, Range, Role
from service.normalise.dosage import read_dosage
from service.normalise.sig import Amount, Sig, read_as_needed
from service.normalise.units import PIECE, Calendar
from service.record.read import read
from tests.normalise.build import facts
from tests.record.build import a_line, an_order, raw

TABLET_5_MG = Drug(Role.IN_SCOPE, "diazepam", 5.0)
LIQUID_2_MG_PER_ML = Drug(Role.IN_SCOPE, "diazepam", 2.0, liquid=True)
UNKNOWN_STRENGTH = Drug(Role.IN_SCOPE, "diazepam", None)
CALENDAR = Calendar(30, 365)


def dosage(*lines, drug=TABLET_5_MG, read_sig=read_as_needed):
    body = read(raw(an_order(dosageInstruction=list(lines))), "x").body
    return read_dosage(body.dosage_instruction or (), drug, CALENDAR, None, read_sig)


def a_day(*lines, drug=TABLET_5_MG):
    """(low, high) mg a day; None: unknown."""
    (phase,) = dosage(*lines, drug=drug).phases
    return None if phase.daily_mg is None else (phase.daily_mg.low, phase.daily_mg.high)


def amount(value=1, **unit):
    return a_line(doseAndRate=[{"doseQuantity": {"value": value, **unit}}])


def timed(**repeat):
    return a_line(timing={"repeat": repeat})


@pytest.mark.parametrize(
    ("unit", "drug", "mg"),
    [
        ({"unit": "mg"}, TABLET_5_MG, 2),
        ({"unit": "milligrams"}, TABLET_5_MG, 2),
        ({"code": "mg", "unit": "tablet"}, TABLET_5_MG, 2),
        ({"code": "ug"}, TABLET_5_MG, 0.002),
        ({"unit": "µg"}, TABLET_5_MG, 0.002),
        ({"unit": "g"}, TABLET_5_MG, 2000),
        ({"unit": "tablet"}, TABLET_5_MG, 10),
        ({"unit": "Tablets"}, TABLET_5_MG, 10),
        ({"unit": "TAB"}, TABLET_5_MG, 10),
        ({"code": "{tbl}"}, TABLET_5_MG, 10),
        ({"code": "1"}, TABLET_5_MG, 10),
        ({"unit": "puffs"}, TABLET_5_MG, 10),
        ({"unit": "tablet", "code": "428673006", "system": "http://snomed.info/sct"}, TABLET_5_MG, 10),
        ({"code": "732936001", "system": "http://snomed.info/sct"}, TABLET_5_MG, 10),
        ({"code": "258684004", "system": "http://snomed.info/sct"}, TABLET_5_MG, 2),
        ({}, TABLET_5_MG, 10),
        ({"unit": "mL"}, LIQUID_2_MG_PER_ML, 4),
        ({"unit": "millilitres"}, LIQUID_2_MG_PER_ML, 4),
        ({"unit": "mg"}, LIQUID_2_MG_PER_ML, 2),
        ({"unit": "tablet"}, LIQUID_2_MG_PER_ML, None),
        ({}, LIQUID_2_MG_PER_ML, None),
        ({"unit": "mL"}, TABLET_5_MG, None),
        ({"unit": "box"}, TABLET_5_MG, None),
        ({"code": "999", "system": "http://snomed.info/sct"}, TABLET_5_MG, None),
        ({"unit": "tablet"}, UNKNOWN_STRENGTH, None),
        ({"unit": "mg"}, UNKNOWN_STRENGTH, 2),
    ],
)
def test_an_amount_is_counted_in_its_unit(unit, drug, mg):
    found = a_day(amount(2, **unit), drug=drug)
    assert found == (None if mg is None else pytest.approx((mg, mg)))


def test_a_missing_unit_on_a_solid_form_is_assumed_and_flagged():
    assert dosage(amount(2)).flags == {"unit_assumed"}
    assert dosage(amount(2, unit="tablet")).flags == frozenset()


@pytest.mark.parametrize("value", [0, -1, "2", None])
def test_an_amount_that_is_no_number_above_0_is_unknown(value):
    assert a_day(amount(value, unit="tablet")) is None


@pytest.mark.parametrize(
    ("low", "high", "mg"),
    [
        ({"value": 1, "unit": "tablet"}, {"value": 2, "unit": "tablet"}, (5, 10)),
        (None, {"value": 2, "unit": "tablet"}, (0, 10)),
        ({"value": 0, "unit": "tablet"}, {"value": 2, "unit": "tablet"}, (0, 10)),
        ({"value": 1}, {"value": 2, "unit": "mg"}, (1, 2)),
        ({"value": 1, "unit": "tablet"}, None, None),
        ({"value": 3, "unit": "tablet"}, {"value": 2, "unit": "tablet"}, None),
        ({"value": 1, "unit": "tablet"}, {"value": 2, "unit": "mg"}, None),
        ({"value": "1", "unit": "tablet"}, {"value": 2, "unit": "tablet"}, None),
    ],
)
def test_a_range_goes_from_low_to_high(low, high, mg):
    stated = {key: side for key, side in (("low", low), ("high", high)) if side is not None}
    assert a_day(a_line(doseAndRate=[{"doseRange": stated}])) == mg


@pytest.mark.parametrize(
    ("timing", "times"),
    [
        ({"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}, (2, 2)),
        ({"repeat": {"period": 1, "periodUnit": "d"}}, (1, 1)),
        ({"repeat": {"frequency": 1, "frequencyMax": 3, "period": 1.0, "periodUnit": "d"}}, (1, 3)),
        ({"repeat": {"frequency": 1, "period": 8, "periodUnit": "h"}}, (3, 3)),
        ({"repeat": {"frequency": 1, "period": 4, "periodMax": 6, "periodUnit": "h"}}, (4, 6)),
        ({"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}}, (1 / 7, 1 / 7)),
        ({"repeat": {"frequency": 1, "period": 1, "periodUnit": "mo"}}, (1 / 30, 1 / 30)),
        (
            {"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk", "dayOfWeek": ["mon", "wed", "mon"]}},
            (2 / 7, 2 / 7),
        ),
        (
            {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d", "dayOfWeek": ["mon", "tue"]}},
            (4 / 7, 4 / 7),
        ),
        ({"repeat": {"timeOfDay": ["09:00:00", "21:00:00"], "frequency": 5}}, (2, 2)),
        ({"repeat": {"when": ["MORN", "NOON", "HS"]}}, (3, 3)),
        ({"code": {"coding": [{"code": "BID"}]}}, (2, 2)),
        ({"code": {"text": "qod"}}, (0.5, 0.5)),
        ({"code": {"text": "Q8H"}}, (3, 3)),
        ({"code": {"text": "WK"}}, (1 / 7, 1 / 7)),
        ({"code": {"text": "MO"}}, (1 / 30, 1 / 30)),
        ({"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}, "code": {"text": "BID"}}, (1, 1)),
        ({"repeat": {"frequency": 1, "period": 1, "periodUnit": "min"}}, None),
        ({"repeat": {"frequency": 1, "period": 1}}, None),
        ({"repeat": {"frequency": "1", "period": 1, "periodUnit": "d"}}, None),
        ({"repeat": {"frequency": 0, "period": 1, "periodUnit": "d"}}, None),
        ({"repeat": {"frequency": 1, "period": -1, "periodUnit": "d"}}, None),
        ({"repeat": {"frequency": 2}}, None),
        ({"code": {"text": "0900"}}, None),
        ({}, None),
    ],
)
def test_how_often_comes_from_the_first_part_that_says_so(timing, times):
    found = a_day(amount(1, unit="mg") | {"timing": timing})
    assert found == (None if times is None else pytest.approx(times))


@pytest.mark.parametrize(
    "says",
    [
        {"asNeededBoolean": True},
        {"asNeededCodeableConcept": {"text": "anxiety"}},
        {"asNeeded": True},
        {"asNeededFor": [{"text": "anxiety"}]},
        {"text": "1 tablet daily PRN"},
        {"text": "if  required"},
        {"text": "take when needed."},
    ],
)
def test_as_needed_lowers_the_low_end(says):
    assert a_day(a_line(**says)) == (0, 5)
    assert dosage(a_line(**says)).as_needed


@pytest.mark.parametrize(
    "says", [{"asNeededBoolean": False}, {"text": "needed daily"}, {"text": "prnx"}, {"asNeededFor": []}]
)
def test_other_words_are_not_as_needed(says):
    assert a_day(a_line(**says)) == (5, 5)


def test_a_dosage_is_as_needed_when_every_line_is():
    assert not dosage(a_line(asNeededBoolean=True), a_line()).as_needed
    assert a_day(a_line(asNeededBoolean=True), a_line()) == (5, 10)


@pytest.mark.parametrize(
    ("numerator", "denominator", "mg"),
    [
        ({"value": 3, "unit": "tablet"}, {"value": 1, "unit": "day"}, (15, 15)),
        ({"value": 12, "unit": "mg"}, {"value": 24, "code": "h"}, (12, 12)),
        ({"value": 84, "unit": "mg"}, {"value": 1, "unit": "wk"}, (12, 12)),
        ({"value": 100, "unit": "mg"}, {"value": 1, "unit": "d"}, (20, 20)),
        ({"value": "3", "unit": "tablet"}, {"value": 1, "unit": "day"}, (20, 20)),
        ({"value": 3, "unit": "tablet"}, None, (20, 20)),
    ],
)
def test_a_maximum_caps_both_ends(numerator, denominator, mg):
    ratio = {"numerator": numerator} | ({"denominator": denominator} if denominator else {})
    line = a_line(4, maxDosePerPeriod=ratio)
    assert a_day(line) == pytest.approx(mg)
    assert a_day(a_line(4, maxDosePerPeriod=[ratio])) == pytest.approx(mg)


def test_a_maximum_gives_no_dose_by_itself():
    ratio = {"numerator": {"value": 3, "unit": "tablet"}, "denominator": {"value": 1, "unit": "d"}}
    assert a_day({"maxDosePerPeriod": ratio}) is None


# -- several lines ---------------------------------------------------------------------------------


def phased(sequence, tablets, **repeat):
    timing = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d", **repeat}}
    return a_line(tablets, sequence=sequence, timing=timing)


def week(sequence, tablets):
    return phased(sequence, tablets, boundsDuration={"value": 1, "unit": "week"})


def levels(found):
    return [(phase.daily_mg and phase.daily_mg.high, phase.days) for phase in found.phases]


def test_lines_that_share_a_sequence_or_have_none_are_summed():
    assert a_day(phased(1, 1), phased(1, 2)) == (15, 15)
    assert a_day(phased(None, 1), phased(2, 2)) == (15, 15)
    assert a_day(phased(1, 1), phased("2", 2)) == (15, 15)


def test_lines_of_rising_sequence_are_phases_in_that_order():
    found = dosage(week(3, 1), week(1, 3), week(2, 2))
    assert levels(found) == [(15, 7), (10, 7), (5, 7)]
    assert (found.every_line_has_length, found.days) == (True, 21)


def test_lines_that_share_a_sequence_among_phases_are_one_phase():
    assert levels(dosage(week(1, 1), week(1, 2), week(2, 1))) == [(15, 7), (5, 7)]


def test_only_the_last_phase_may_be_without_length():
    found = dosage(week(1, 2), phased(2, 1))
    assert levels(found) == [(10, 7), (5, None)]
    assert (found.every_line_has_length, found.days) == (False, None)
    (spread,) = dosage(phased(1, 3), week(2, 1)).phases
    assert spread.daily_mg == Range(5, 15)


def test_a_phase_may_be_of_0_and_nothing_else_may():
    assert levels(dosage(week(1, 2), week(2, 0), week(3, 1))) == [(10, 7), (0, 7), (5, 7)]
    assert levels(dosage(week(1, 0))) == [(None, 7)]


# -- lengths -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("repeat", "days"),
    [
        ({"boundsDuration": {"value": 28, "unit": "days"}}, 28),
        ({"boundsDuration": {"value": 28, "unit": "Day", "code": "d"}}, 28),
        ({"boundsDuration": {"value": 2, "code": "wk"}}, 14),
        ({"boundsDuration": {"value": 2, "unit": "months"}}, 60),
        ({"boundsDuration": {"value": 1, "code": "a"}}, 365),
        ({"boundsDuration": {"value": 48, "code": "h"}}, 2),
        ({"boundsDuration": {"value": 1, "code": "h"}}, 1),
        ({"boundsDuration": {"value": 28}}, None),
        ({"boundsDuration": {"value": "28", "unit": "days"}}, None),
        ({"boundsDuration": {"value": 0, "unit": "days"}}, None),
        ({"boundsRange": {"low": {"value": 1, "unit": "d"}, "high": {"value": 10, "unit": "d"}}}, 10),
        ({"boundsRange": {"low": {"value": 1, "unit": "d"}}}, None),
        ({"boundsPeriod": {"start": "2026-01-01", "end": "2026-01-28"}}, 28),
        ({"boundsPeriod": {"start": "2026-01-01"}}, None),
        ({"count": 56}, 28),
        ({"count": 57}, 28),
        ({"count": 1}, 1),
        ({"duration": 30, "durationUnit": "min"}, None),
    ],
)
def test_a_line_says_how_long_it_lasts(repeat, days):
    found = dosage(timed(frequency=2, period=1, periodUnit="d", **repeat))
    assert (found.days, found.every_line_has_length) == (days, days is not None)


def test_concurrent_lines_last_as_long_as_the_longest():
    assert dosage(week(1, 1), phased(1, 1, boundsDuration={"value": 10, "unit": "d"})).days == 10


def test_bounds_go_from_the_earliest_start_to_the_latest_end():
    found = dosage(
        timed(boundsPeriod={"start": "2026-01-05", "end": "2026-01-31"}),
        timed(boundsPeriod={"start": "2026-01-01", "end": "2026-01-20"}),
    )
    assert found.bounds is not None
    assert (date.fromordinal(found.bounds.start), date.fromordinal(found.bounds.end)) == (
        date(2026, 1, 1),
        date(2026, 2, 1),
    )
    assert found.first_bounds_start == date(2026, 1, 1).toordinal()
    assert dosage(timed(boundsPeriod={"start": "2026-01-05", "end": "2026-01-31"}), a_line()).bounds is None


def test_units_at_once_are_the_low_end():
    quantity = {"low": {"value": 1, "unit": "tablet"}, "high": {"value": 2, "unit": "tablet"}}
    assert (
        dosage(a_line(doseAndRate=[{"doseRange": quantity}], asNeededBoolean=True)).units_per_administration
        == 1
    )
    assert dosage(amount(10, unit="mg")).units_per_administration == 2
    assert dosage(amount(10, unit="box")).units_per_administration is None


def test_no_line_is_no_dosage():
    found = dosage()
    assert (found.phases, found.as_needed, found.every_line_has_length, found.days) == (
        (),
        False,
        False,
        None,
    )


# -- the text --------------------------------------------------------------------------------------


def test_a_text_fills_only_what_the_structure_lacks():
    def sig(_text, _drug, _amount_due):
        return Sig(amount=Amount(Range(2, 2), PIECE), times_per_day=Range(3, 3), days=9)

    (phase,) = dosage({"text": "…"}, read_sig=sig).phases
    assert phase.daily_mg == Range(30, 30)
    assert dosage({"text": "…"}, read_sig=sig).days == 9
    (structured,) = dosage(a_line(text="…"), read_sig=sig).phases
    assert structured.daily_mg == Range(5, 5)
    unknown = dosage(amount("1", unit="tablet") | {"text": "…"}, read_sig=sig).phases[0]
    assert unknown.daily_mg is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (amount(1, unit="box"), "unit is not understood"),
        (amount("1"), "amount is not a number above 0"),
        (amount(0), "amount is 0"),
        (a_line(timing=None), "no frequency"),
        ({"text": "as directed"}, "no amount"),
        (a_line(), None),
    ],
)
def test_an_unknown_dose_says_why(line, why):
    assert dosage(line).unknown == why


def test_a_month_is_as_long_as_the_policy_says():
    line = timed(boundsDuration={"value": 1, "unit": "month"})
    (order,) = facts(an_order(dosageInstruction=[line])).orders
    assert order.dosage.days == load_policy("us").days("unit.month")


# -- what the order says beside ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "medication", "units"),
    [
        ({"value": 28, "unit": "tablet"}, None, 28),
        ({"value": 28}, None, 28),
        ({"value": 140, "unit": "mg"}, None, 28),
        ({"value": 28, "unit": "box"}, None, None),
        ({"value": "28", "unit": "tablet"}, None, None),
        ({"value": 0, "unit": "tablet"}, None, None),
        ({"value": 500, "unit": "mL"}, {"text": "diazepam 2 mg/5 mL"}, 500),
        ({"value": 500}, {"text": "diazepam 2 mg/5 mL"}, None),
    ],
)
def test_a_quantity_counts_in_tablets_or_ml(quantity, medication, units):
    changes = {"medicationCodeableConcept": medication} if medication else {}
    (order,) = facts(an_order(dispenseRequest={"quantity": quantity}, **changes)).orders
    assert order.quantity_units == units


@pytest.mark.parametrize(
    ("stated", "repeats"), [(0, 0), (3, 3), (2.0, 2), (-1, None), ("3", None), (None, None)]
)
def test_repeats_that_are_0_differ_from_repeats_not_stated(stated, repeats):
    (order,) = facts(an_order(dispenseRequest={"numberOfRepeatsAllowed": stated})).orders
    assert order.repeats == repeats
