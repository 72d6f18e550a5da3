"""The service and the day-by-day reading of the pages say the same of invented people; and time is only a shift."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from .comparing import differences, served, told
from .records import Example, example, examples

LONG = os.environ.get("FAULTS") == "long"
FIRST = 2_000_000  # the seed of the first record of the long run; always the same
SHARDS, OF_A_SHARD = (100, 200) if LONG else (1, 20)
QUICK = 300


def quietly(count: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`count` examples without a deadline; a failure names its seed, which is smaller than any shrunk record."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=False,  # `seed` does that
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
        print_blob=False,
    )


def differing(one: Example) -> dict[str, tuple[Any, Any]]:
    """Name → (service, reference) of one record."""
    what = one.resources, one.as_of, one.policy
    return differences(served(*what), told(*what))


@pytest.mark.parametrize("part", range(4))
def test_the_service_and_the_reference_agree(part):
    @seed(part)
    @quietly(QUICK // 4)
    @given(examples)
    def all_agree(one):
        assert differing(one) == {}, f"seed {one.seed}: name → (service, reference)"

    all_agree()


@pytest.mark.faults
@pytest.mark.parametrize("shard", range(SHARDS))
def test_they_agree_on_many_more(shard):
    first = FIRST + shard * OF_A_SHARD
    records = [example(number) for number in range(first, first + OF_A_SHARD)]
    assert {one.seed: found for one in records if (found := differing(one))} == {}, "(service, reference)"
