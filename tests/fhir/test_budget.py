"""The rate of a source, its pauses, and the breaker."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.budget import Breaker, RateBudget
from service.fhir.errors import NotSentError
from tests.fhir.serving import LeapingClock


@pytest.mark.failure("F28")
@given(
    st.floats(0.5, 50),
    st.lists(st.floats(0, 3), min_size=1, max_size=60),
)
def test_no_second_ever_sees_more_than_the_rate_and_its_burst(per_second, idle):
    clock = LeapingClock()
    budget = RateBudget(clock, per_second)
    times = []
    for seconds in idle:
        clock.seconds += seconds
        budget.take(1e9)
        times.append(clock.seconds)
    for start in times:
        within = [at for at in times if start <= at < start + 1]
        assert len(within) <= max(1.0, per_second) + per_second + 1


def test_a_steady_caller_gets_the_rate():
    clock = LeapingClock()
    budget = RateBudget(clock, 2.0)
    for _ in range(22):
        budget.take(60)
    assert clock.seconds - 1000 == pytest.approx(10.0)


def test_a_pause_holds_everybody_back_and_then_the_rate_goes_on():
    clock = LeapingClock()
    budget = RateBudget(clock, 2.0)
    budget.pause(30)
    budget.take(60)
    budget.take(60)
    assert clock.seconds - 1000 == pytest.approx(30.5)


def test_who_has_no_patience_is_told_how_long_it_would_take_and_loses_no_turn():
    clock = LeapingClock()
    budget = RateBudget(clock, 2.0)
    budget.pause(600)
    with pytest.raises(NotSentError) as refused:
        budget.take(30)
    assert refused.value.retry_after == pytest.approx(600)
    assert clock.slept == []


def test_the_breaker_opens_after_failures_in_a_row_only():
    breaker = Breaker(LeapingClock(), 3, 60)
    for _ in range(5):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    assert not breaker.must_probe()
    for _ in range(3):
        breaker.failed()
    with pytest.raises(NotSentError):
        breaker.must_probe()


@pytest.mark.failure("F30")
def test_an_open_breaker_lets_one_caller_probe_each_period():
    clock = LeapingClock()
    breaker = Breaker(clock, 1, 60)
    breaker.failed()
    clock.seconds += 61
    assert breaker.must_probe()
    with pytest.raises(NotSentError) as refused:
        breaker.must_probe()
    assert refused.value.retry_after == pytest.approx(60)
    breaker.succeeded()
    assert not breaker.must_probe()
