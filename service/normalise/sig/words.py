"""The words of dosage texts, as tables (exposure.md Appendix).

A row of phrases is a comma-separated list; the phrases are spelled in lower case, without `the`, which is
a filler and dropped from texts before phrases are looked for.
"""

from collections.abc import Iterable
from enum import Enum

from service.normalise.units import UNIT_WORDS, Unit

HALF = "half"  # as `½` is read too: a number that is no digit, so that `1½` is not `1 0.5`

NUMBERS: dict[str, float] = {
    "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0,
    "six": 6.0, "seven": 7.0, "eight": 8.0, "nine": 9.0, "ten": 10.0,
}  # fmt: skip

# The unit words of §3 except `1`, each with its plural.
UNITS: dict[str, Unit] = {
    spelling: unit for word, unit in UNIT_WORDS.items() if word != "1" for spelling in (word, f"{word}s")
}


class Kind(Enum):
    """Which frequencies may stand together: a daily one with a time of day, a night with a bedtime."""

    DAILY = "daily"
    DAYTIME = "daytime"  # a time of day that is neither night nor bedtime
    NIGHT = "night"
    BEDTIME = "bedtime"
    OTHER = "other"


TOGETHER: frozenset[frozenset[Kind]] = frozenset(
    frozenset(pair)
    for pair in (
        (Kind.DAILY, Kind.DAYTIME),
        (Kind.DAILY, Kind.NIGHT),
        (Kind.DAILY, Kind.BEDTIME),
        (Kind.NIGHT, Kind.BEDTIME),
    )
)
"""The pairs that are once a day; no other two frequencies may stand in one text."""

Words = tuple[str | float, ...]


def _phrases(row: str) -> Iterable[Words]:
    return (tuple(phrase.split()) for phrase in row.split(","))


# Kind, times per day, phrases
_FREQUENCIES: tuple[tuple[Kind, float, str], ...] = (
    (Kind.DAILY, 1, "daily, once daily, once a day, every day, each day, od, qd"),
    (Kind.DAYTIME, 1, "in morning, every morning, mane, om, qam, qpm"),
    (Kind.NIGHT, 1, "at night, every night, nightly, nocte, on"),
    (Kind.BEDTIME, 1, "at bedtime, hs, qhs, before bed, after bed"),
    (Kind.OTHER, 2, "bd, bid, morning and night, morning and evening"),
    (Kind.OTHER, 3, "tds, tid"),
    (Kind.OTHER, 4, "qds, qid"),
    (Kind.OTHER, 1 / 2, "every other day, alternate days, on alternate days"),
    (Kind.OTHER, 1 / 7, "once a week, once weekly, weekly"),
    *((Kind.OTHER, 24 / hours, f"q{hours}h") for hours in range(4, 13)),
)
FREQUENCIES: dict[Words, tuple[Kind, float]] = {
    phrase: (kind, times) for kind, times, row in _FREQUENCIES for phrase in _phrases(row)
}
LONGEST_FREQUENCY = max(map(len, FREQUENCIES))
FREQUENCY_STARTS = frozenset(phrase[0] for phrase in FREQUENCIES)

TIMES: dict[str, float] = {"once": 1.0, "twice": 2.0}
A_DAY_LINKS = frozenset({"a", "per", "each", "every"})
A_DAY = frozenset({"day", "daily"})

AS_NEEDED = frozenset(
    _phrases("prn, as needed, as required, if needed, if required, when needed, when required")
)

MAXIMUM = frozenset(_phrases("max, maximum, not more than, no more than, up to"))
PER_DAY_LINKS = frozenset({"a", "per", "in", "/"})

RANGE_LINKS = frozenset({"-", "to", "or"})

# `for n …`: days in one; None: a month of the policy
PERIODS: dict[str, int | None] = {
    "day": 1, "days": 1, "week": 7, "weeks": 7, "month": None, "months": None,
}  # fmt: skip

# A reason is `for` and words; with one of these it would be about time.
NOT_IN_A_REASON = frozenset({*PERIODS, "night", "nights", *NUMBERS, HALF})

FILLERS = frozenset(
    phrase[0]
    for row in (
        "take, give, use, swallow, chew, dissolve, place, put, apply",
        "orally, oral, po, sublingually, sl",
        "about, approximately, only, the",
    )
    for phrase in _phrases(row)
)
PAIRED_FILLERS = frozenset(
    (
        *_phrases("by mouth, under tongue"),
        *((link, thing) for link in ("with", "without") for thing in ("food", "water", "milk", "meals")),
        *(
            (link, thing)
            for link in ("before", "after")
            for thing in ("food", "meals", "breakfast", "lunch", "dinner")
        ),
    )
)
PAIRED_FILLER_STARTS = frozenset(pair[0] for pair in PAIRED_FILLERS)
ARTICLES = frozenset({"a", "an"})  # fillers before a unit
