"""The measures' own expected results: we agree with them, or the difference has its reason."""

import pytest

from tests.sandbox_data.place import QICORE_PAGE
from tests.sandbox_data.qicore import agrees, answer, in_the_data
from tests.sandbox_data.qicore_expected import CASES, Case, Question
from tests.sandbox_data.qicore_page import page


def test_every_case_of_the_folder_is_compared():
    found = [(edition, patient[:8]) for edition, patient in in_the_data()]
    assert found == sorted((case.edition, case.patient) for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.edition}-{case.patient}")
def test_we_answer_as_the_measure_expects_or_the_difference_has_a_reason(case: Case):
    differing = {question for question in Question if agrees(case, question) is False}
    assert differing == {each.question for each in case.differences}


def test_every_numerator_of_the_measures_is_asked_about():
    wanted = [case for case in CASES if case.numerator and not case.exclusion]
    assert len(wanted) == 7
    assert all(answer(case).rule for case in wanted)


def test_nobody_is_asked_about_whom_the_measure_does_not_count_at_all():
    assert not [case for case in CASES if not case.initial_population and answer(case).rule]


def test_the_committed_page_is_what_a_fresh_run_gives():
    assert QICORE_PAGE.read_text(encoding="utf-8") == page(), "write it anew: python -m tests.sandbox_data"
