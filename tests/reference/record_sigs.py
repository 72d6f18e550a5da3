"""Dosage texts of generated records: parts of the grammar in any order and spelling, at times one too many."""

from random import Random

UNITS = ("tablet", "tablets", "tab", "tabs", "capsule", "caps", "cap", "unit", "dose")
VERBS = ("", "", "Take ", "take ", "Give ", "Use ", "swallow ", "Dissolve ", "place ")
ROUTES = ("", "", "", " by mouth", " orally", " PO", " with food", " under the tongue", " sl", " after meals")
OFTEN = {
    times: tuple(words.split(", "))
    for times, words in {
        1: "daily, once daily, once a day, od, qd, every day, at night, nocte, at bedtime, on, hs, every morning, "
        "mane, in the morning, qhs, q24h, every 24 hours, each day, before bed, once daily at night, om, "
        "at night before bed, every day in the morning, one time a day, nightly, in the morning at night, qpm",
        2: "twice daily, twice a day, bd, BID, 2 times a day, two times per day, every 12 hours, q12h, 2 times daily, "
        "morning and night, morning and evening, 12 hourly, twice per day",
        3: "three times a day, tds, TID, 3 times daily, every 8 hours, 8 hourly, q8h, three times each day",
        4: "four times a day, qds, qid, every 6 hours, q6h, 4 times per day, 6 hourly, QDS",
    }.items()
}
RARELY = ("every other day", "on alternate days", "alternate days", "once a week", "weekly", "once weekly")
BETWEEN = (
    "every 4-6 hours",
    "4-6 hourly",
    "every 6 to 8 hours",
    "up to twice a day",
    "up to three times a day",
)
WHEN_NEEDED = (
    "as needed",
    "as required",
    "if needed",
    "when needed",
    "if required",
    "when required",
    "prn",
    "PRN",
)
REASONS = ("for anxiety", "for sleep", "for muscle spasm", "for acute anxiety or panic", "for two reasons")
AT_MOST = (
    "max 2 tablets per day",
    "maximum 3 a day",
    "not more than 2 tablets in 24 hours",
    "max 4 in 24 hours",
)
AT_MOST_TOO = ("up to 3 tablets a day", "no more than 2 per day", "max 10 mg/day", "maximum 20mg in 24 hours")
LASTING = (
    "for 7 days",
    "for 2 weeks",
    "for 14 days",
    "for 1 month",
    "for ten days",
    "for four weeks",
    "for 28 days",
)
ODD = (
    "as directed",
    "then review",
    "2 refills",
    "at 8 pm",
    "half at noon",
    "nightly",
    "or two",
    "with water",
    "daily",
)
NUMBERS = {0.5: ("half", "½", "1/2", "0.5", "half a"), 1: ("1", "one", "ONE", "a", "1.0"), 1.5: ("1.5", "1½"),
           2: ("2", "two", "TWO"), 3: ("3", "three"), 4: ("4", "four")}  # fmt: skip


def a_sig(r: Random, tablets: float, times: int, strength: float | None, as_needed: bool, name: str) -> str:
    """A text that says so many tablets so many times a day, or something near it."""
    parts = [_amount(r, tablets, strength), _often(r, times)]
    if as_needed or r.random() < 0.15:
        parts.append(r.choice(WHEN_NEEDED))
    for chance, words in ((0.12, (*AT_MOST, *AT_MOST_TOO)), (0.12, LASTING), (0.1, REASONS), (0.06, ODD)):
        if r.random() < chance:
            parts.append(r.choice(words))
    if r.random() < 0.15:
        tail = parts[1:]
        r.shuffle(tail)
        parts[1:] = tail
    if r.random() < 0.03:
        parts.pop(r.randrange(len(parts)))
    joint = r.choice((" ", " ", " ", ", ", "; ", ". "))
    text = r.choice(VERBS) + joint.join(part for part in parts if part)
    if r.random() < 0.08:
        text = f"{name} {text}" if strength is None or r.random() < 0.5 else f"{name} {strength:g}mg {text}"
    text += r.choice(ROUTES) if r.random() < 0.3 else ""
    return r.choice((text, text, text, text.upper(), text.capitalize(), f"{text}."))


def _amount(r: Random, tablets: float, strength: float | None) -> str:
    chance = r.random()
    if chance < 0.2 and strength is not None:
        return r.choice(
            (f"{tablets * strength:g} mg", f"{tablets * strength:g}mg", f"{tablets * strength:g} MG")
        )
    if chance < 0.28:
        return r.choice(
            ("1-2 tablets", "1 to 2 tabs", "one or two tablets", "1 or 2 tablets", "half to one tablet")
        )
    number = r.choice(NUMBERS.get(tablets, (f"{tablets:g}",)))
    return f"{number} {r.choice(UNITS)}"


def _often(r: Random, times: int) -> str:
    if r.random() < 0.1:
        return r.choice((*RARELY, *BETWEEN))
    return r.choice(OFTEN[times])
