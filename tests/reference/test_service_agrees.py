"""The service and the day-by-day reading of the pages say the same of invented people."""

import os

import pytest

from .comparing import differing
from .records import example

LONG = os.environ.get("FAULTS") == "long"
FIRST = 2_000_000  # the seed of the first record; always the same
SHARDS, OF_A_SHARD = (100, 200) if LONG else (15, 20)


@pytest.mark.faults
@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_service_and_the_reference_agree(shard):
    first = FIRST + shard * OF_A_SHARD
    records = [example(number) for number in range(first, first + OF_A_SHARD)]
    assert {one.seed: found for one in records if (found := differing(one))} == {}, "(service, reference)"
