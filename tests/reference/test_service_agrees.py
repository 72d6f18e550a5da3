"""The service and the day-by-day reading of the pages say the same of invented people; and time is only a shift."""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from .comparing import differences, served, told
from .records import Example, examples

LONG = os.environ.get("FAULTS") == "long"
SHARDS, OF_A_SHARD = (100, 200) if LONG else (0, 0)
QUICK = 300


def quietly(count: int, derandomize: bool = True) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`count` examples without a deadline; a failure names its seed, which is smaller than any shrunk record."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=derandomize,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
        print_blob=False,
    )


def compare(example: Example) -> None:
    what = example.resources, example.as_of, example.policy
    found = differences(served(*what), told(*what))
    assert found == {}, f"seed {example.seed}: name → (service, reference)"


@pytest.mark.parametrize("part", range(4))
def test_the_service_and_the_reference_agree(part):
    @seed(part)
    @quietly(QUICK // 4, derandomize=False)
    @given(examples)
    def all_agree(example):
        compare(example)

    all_agree()


@pytest.mark.faults
@pytest.mark.parametrize("shard", range(SHARDS) or [pytest.param(0, id="short")])
def test_they_agree_on_many_more(shard):
    @seed(1000 + shard)
    @quietly(OF_A_SHARD or 20, derandomize=False)
    @given(examples)
    def all_agree(example):
        compare(example)

    all_agree()
