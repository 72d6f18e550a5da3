"""How the release budget would spread a backlog."""

from hypothesis import given
from hypothesis import strategies as st

from service.cycle.forecast import Waiting, forecast
from service.model.assessment import Priority

EYRE, POOL = "Practitioner/eyre", None


def waiting(count, owner=EYRE, priority=Priority.ROUTINE, dependence=0):
    rank = (int(priority), dependence, 0.0, 0, 0)
    return [Waiting(owner, priority, rank, f"{owner}{n}") for n in range(count)]


def test_a_backlog_goes_out_at_so_many_a_day_for_each_owner():
    assert forecast(waiting(80), per_owner=5, per_source=100) == {EYRE: (35, 35, 10)}


def test_the_source_has_a_limit_of_its_own():
    found = forecast([*waiting(30, "a"), *waiting(30, "b")], per_owner=5, per_source=5)
    assert [sum(week) for week in zip(*found.values(), strict=True)] == [35, 25]


def test_asap_goes_out_at_once_and_takes_nothing_from_the_budget():
    found = forecast([*waiting(50, priority=Priority.ASAP), *waiting(36)], per_owner=5, per_source=5)
    assert found == {EYRE: (85, 1)}


def test_a_budget_of_nothing_ends():
    assert forecast(waiting(3), per_owner=0, per_source=0) == {}


def test_nothing_waiting_is_nothing():
    assert forecast([], per_owner=5, per_source=100) == {}


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", POOL]), st.sampled_from(list(Priority))), max_size=60),
    st.integers(1, 9),
    st.integers(1, 30),
)
def test_everything_goes_out_once_and_never_faster_than_allowed(people, per_owner, per_source):
    backlog = [Waiting(owner, p, (int(p), 0, 0.0, 0, 0), str(n)) for n, (owner, p) in enumerate(people)]
    found = forecast(backlog, per_owner=per_owner, per_source=per_source)
    assert sum(map(sum, found.values())) == len(people)
    for owner, weeks in found.items():
        asap = sum(1 for who, p in people if who == owner and p is Priority.ASAP)
        assert all(
            count <= 7 * min(per_owner, per_source) + (asap if week == 0 else 0)
            for week, count in enumerate(weeks)
        )
