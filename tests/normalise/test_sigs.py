"""Dosage texts (exposure.md Appendix): read whole or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.knowledge import knowledge
from service.model.facts import Drug, Range, Role
from service.normalise.sig import Sig, SigReader
from tests.normalise.sigs_corpus import Stated, a_drug, corpus, rounded

READ = SigReader(knowledge().drugs, month_days=30)
CORPUS = list(corpus())
WHOLE = [one for one in CORPUS if one.sig.whole]


def read(text: str, drug: Drug | None = None, *, amount_due: bool = True) -> Sig:
    return READ.read(text, drug or a_drug(), amount_due)


@pytest.mark.parametrize("one", CORPUS, ids=lambda one: one.where)
def test_a_text_of_the_corpus_comes_to_the_reading_stated_for_it(one: Stated):
    assert rounded(read(one.text, one.drug)) == one.sig, one.text


def test_the_corpus_is_large_and_has_texts_of_both_kinds_and_no_text_twice():
    assert len(CORPUS) >= 300
    assert len(WHOLE) >= 200
    assert len(CORPUS) - len(WHOLE) >= 100
    assert len({(one.text, one.drug) for one in CORPUS}) == len(CORPUS)


# -- properties ------------------------------------------------------------------------------------

AMOUNTS = [
    "1 tablet",
    "1-2 tablets",
    "half a tablet",
    "1½ tablets",
    "one and a half tablets",
    "5 mg",
    "2 or 3 caps",
]
FREQUENCIES = [
    "twice daily", "3 times a day", "at night", "every 4-6 hours", "8 hourly", "on alternate days", "weekly",
    "in the morning", "morning and night", "up to three times a day", "qds", "q6h", "before bed", "on",
]  # fmt: skip
AS_NEEDED = ["as needed", "if required", "prn"]
MAXIMA = ["max 4 tablets per day", "not more than 3 in 24 hours", "up to 10 mg a day", "maximum 4/day"]
DURATIONS = ["for 7 days", "for two weeks", "for 1 month"]
FILLERS = [
    "take",
    "by mouth",
    "with food",
    "under the tongue",
    "only",
    "after meals",
    "diazepam",
    "for anxiety,",
]
FOREIGN = ["not", "then", "and", "except", "until", "xyzzy", "2", "11", "x", "+", "weeks", "-", "midazolam,"]

phrases = st.tuples(
    st.sampled_from(AMOUNTS),
    *(st.sampled_from(["", *some]) for some in (FREQUENCIES, AS_NEEDED, MAXIMA, DURATIONS, FILLERS)),
).map(lambda found: [phrase for phrase in found if phrase])


@given(phrases, st.data())
def test_any_phrases_together_are_read_and_their_order_never_matters(found, data):
    first = read(" ".join(found))
    assert first.whole
    assert read(" ".join(data.draw(st.permutations(found)))) == first


@given(st.sampled_from(WHOLE), st.sampled_from(FOREIGN), st.data())
def test_a_foreign_word_anywhere_leaves_the_text_unknown(one, word, data):
    words = one.text.lower().split()
    before_a_reason = words.index("for") if "for" in words else len(words)  # a reason has any words
    at = data.draw(st.integers(0, before_a_reason))
    found = read(" ".join([*words[:at], word, *words[at:]]), one.drug)
    assert found == Sig(as_needed=found.as_needed)


@given(st.sampled_from(CORPUS), st.sampled_from([str.lower, str.upper, str.title, str.swapcase]))
def test_case_never_matters(one, change):
    assert read(change(one.text), one.drug) == read(one.text, one.drug)


@given(st.sampled_from(CORPUS), st.sampled_from([" ", "  ", "\n", "\t", "\u00a0 "]))
def test_spacing_never_matters(one, space):
    assert read(f"{space}{space.join(one.text.split())}{space}", one.drug) == read(one.text, one.drug)


@given(st.text(max_size=60))
def test_any_text_at_all_is_read_or_unknown(text):
    found = read(text)
    assert found.whole or found == Sig(as_needed=found.as_needed)


@given(st.lists(st.sampled_from(sorted({w for one in CORPUS for w in one.text.lower().split()})), max_size=8))
def test_what_is_read_is_always_a_dose_that_can_be_given(words):
    found = read(" ".join(words))
    if found.whole:
        assert found.amount is not None
        assert 0 <= found.amount.value.low <= found.amount.value.high
        assert found.times_per_day is None or 0 <= found.times_per_day.low <= found.times_per_day.high
        assert found.days is None or found.days >= 1


# -- what the structure says, and the drug ---------------------------------------------------------


def test_a_text_needs_an_amount_only_where_the_structure_has_none():
    assert not read("at night for 7 days").whole
    found = read("at night for 7 days", amount_due=False)
    assert (found.times_per_day, found.days) == (Range(1, 1), 7)


def test_two_amounts_are_unknown_also_where_the_structure_has_one():
    assert not read("1 tablet or 2 tablets at night", amount_due=False).whole


def test_the_strength_is_the_dose_where_nothing_else_is():
    found = read("diazepam 5 mg at night")
    assert found.amount is not None
    assert found.amount.value == Range(5, 5)


def test_an_unknown_strength_is_not_dropped():
    assert not read("1 tablet (5 mg) at night", Drug(Role.IN_SCOPE, "diazepam", None)).whole


def test_a_drug_out_of_scope_may_be_named_too():
    tramadol = Drug(Role.OPIOID, "tramadol", 50.0)
    assert read("Take one tramadol 50 mg capsule twice daily", tramadol).whole
    assert not read("Take one tramadol 50 mg capsule twice daily").whole


def test_a_month_is_as_long_as_the_policy_says():
    reader = SigReader(knowledge().drugs, month_days=28)
    assert reader("1 tablet at night for 2 months", a_drug(), True).days == 56


def test_the_same_text_of_another_strength_is_read_anew():
    text = "1 tablet (5 mg) at night"
    assert READ(text, a_drug(), True).whole
    assert READ(text, a_drug(), True).whole
    assert not READ(text, a_drug(strength="10 mg"), True).whole
    assert READ(text, a_drug(), False).whole
