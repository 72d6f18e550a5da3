"""Rules at what a site may set, beside the presets that the tables are about."""

from datetime import timedelta

import pytest

from tests.spec.said import Answer
from tests.spec.told_dose import DAY_0

ONE_EVENT = """
name = "site"
version = 1
extends = "us"
[R12]
events_min = { value = 1, unit = "events", source = "medicines committee", mark = "project" }
"""


@pytest.mark.parametrize(
    ("told", "on", "held"),
    [
        (
            "diazepam 10 mg @0 300d; diazepam 10 mg @190 300d",  # the first has left the 180 days
            195,
            False,
        ),
        ("diazepam 10 mg @0 300d; diazepam 10 mg @150 300d", 155, True),
    ],
)
def test_r12_needs_two_supplies_in_its_window_even_where_one_early_refill_is_enough(tmp_path, told, on, held):
    file = tmp_path / "site.toml"
    file.write_text(ONE_EVENT)
    found = Answer(told, DAY_0 + timedelta(days=on), str(file)).assessment.findings
    assert ("R12" in {finding.rule for finding in found}) is held
