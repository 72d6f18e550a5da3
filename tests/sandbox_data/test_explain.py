"""`explain` on patients of third-party data: it tells every order, finding and refusal, and never fails."""

import pytest

from service.assess import assess
from service.cli.explanation import as_text
from service.explain import as_json, explain
from service.knowledge import knowledge, load_policy
from tests.sandbox_data.assessing import read
from tests.sandbox_data.by_hand import BY_HAND, ByHand


@pytest.mark.parametrize("case", BY_HAND, ids=lambda case: f"{case.folder}-{case.patient}")
def test_a_patient_of_the_sandbox_data_can_be_explained(case: ByHand):
    record, policy = the_record(case), load_policy("us")
    told = explain(record, assess(record, policy, knowledge(), case.as_of), policy, knowledge())
    text = as_text(told, knowledge())
    assert as_json(told)["patient"] == told.answer.patient
    for finding in (*told.answer.findings, *told.answer.suppressed):
        assert f"  {finding.rule} {finding.priority.word}: " in text
    for reading in told.readings:
        assert f"  {reading.reference}: " in text
    for aside in (*told.answer.unreadable, *told.answer.ignored):
        assert f"  {aside.reference}: {aside.reason}: " in text


def the_record(case: ByHand):
    (record,) = (r for r in read(case.folder).records if r.patient_id.startswith(case.patient))
    return record
