"""Every golden example passes, except those that `not-yet.txt` lists with the clause that is left for later."""

import pytest

from tests.spec.golden import answer, differences, examples, not_yet

ALL = {example["id"]: example for example in examples()}


@pytest.mark.parametrize("name", ALL)
def test_an_example_comes_to_what_was_stated_by_hand(name):
    different = differences(ALL[name]["expect"], answer(ALL[name]))
    if name in not_yet():
        assert different, f"{name} passes now: take it off not-yet.txt"
    else:
        assert different == {}, ALL[name]["why"]


def test_only_known_examples_are_listed_as_not_yet_and_each_says_why():
    listed = not_yet()
    assert set(listed) <= set(ALL)
    assert [name for name, why in listed.items() if not why] == []
