"""Dosage text (exposure.md, appendix). A text is read whole or not at all."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from unicodedata import category

from . import days
from .drugs import Strength, names_in_scope

Range = tuple[float, float]


@dataclass
class Parsed:
    amount: Range | None = None
    unit: str | None = None  # a word of section 3, singular
    times: Range | None = None  # a day
    maximum: float | None = None  # a day
    maximum_unit: str | None = None  # None: no unit was written
    duration: int | None = None  # days


WORDS = {
    word: n
    for n, word in enumerate(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], start=1
    )
}
UNITS = (
    "milligram|mg|mcg|ug|µg|microgram|g|tablet|tab|tbl|capsule|cap|unit|dose|each|spray|actuation|puff"
    "|millilitre|milliliter|ml"
)
_N = r"(?:\d+\.\d+|\d+|" + "|".join(WORDS) + r"|half|1/2)"
_END = r"(?![\w./-])"  # the end of a word
_START = r"(?<![\w./-])"
_UNIT = rf"(?P<unit>{UNITS})s?{_END}"

AS_NEEDED = re.compile(
    rf"{_START}(?:as needed|as required|if needed|when needed|if required|when required|prn)(?![\w/-])",
    re.IGNORECASE,
)

# Frequencies: (name of the kind, pattern, what it means a day). Longer phrases stand before their parts.
_DAILY, _NIGHT, _BEDTIME, _MORNING, _PLAIN = "daily", "night", "bedtime", "morning", "plain"


def _n(word: str) -> float:
    if word in WORDS:
        return float(WORDS[word])
    return 0.5 if word in ("half", "1/2") else float(word)


def _count(found: re.Match[str]) -> Range:
    times = {"once": 1.0, "twice": 2.0}.get(found["how"])
    times = times if times is not None else _n(found["how"].split()[0])
    return (times, times)


def _hours(found: re.Match[str]) -> Range | None:
    first = _n(found["n"])
    last = _n(found["m"]) if found["m"] else first
    return (24 / max(first, last), 24 / min(first, last)) if min(first, last) > 0 else None


def _fixed(times: float) -> Callable[[re.Match[str]], Range]:
    def fixed(_: re.Match[str]) -> Range:
        return (times, times)

    return fixed


def _coded(found: re.Match[str]) -> Range:
    hours = int(found["h"])
    return (24 / hours, 24 / hours)


FREQUENCIES: list[tuple[str, str, Callable[[re.Match[str]], Range | None]]] = [
    (_PLAIN, r"every other day|(?:on )?alternate days", _fixed(0.5)),
    (_DAILY, r"once daily|once a day", _fixed(1)),
    (_PLAIN, rf"(?P<how>once|twice|{_N} times)(?: (?:a|per|each|every))? (?:day|daily)", _count),
    (_PLAIN, rf"every (?P<n>{_N})(?:-(?P<m>{_N}))? hours", _hours),
    (_PLAIN, rf"(?P<n>{_N})(?:-(?P<m>{_N}))? hourly", _hours),
    (_PLAIN, r"once a week|once weekly|weekly", _fixed(1 / 7)),
    (_PLAIN, r"morning and (?:night|evening)", _fixed(2)),
    (_BEDTIME, r"at bedtime|before bed|after bed|hs|qhs", _fixed(1)),
    (_NIGHT, r"at night|every night|nightly|nocte", _fixed(1)),
    (_MORNING, r"in the morning|every morning|mane|om|qam|qpm", _fixed(1)),
    (_DAILY, r"daily|every day|each day|od|qd", _fixed(1)),
    (_NIGHT, r"on", _fixed(1)),
    (_PLAIN, r"bd|bid", _fixed(2)),
    (_PLAIN, r"tds|tid", _fixed(3)),
    (_PLAIN, r"qds|qid", _fixed(4)),
    (_PLAIN, r"q(?P<h>4|5|6|7|8|9|10|11|12)h", _coded),
]

_MAXIMUM = re.compile(
    rf"{_START}(?:maximum|max|not more than|up to|no more than) (?P<n>{_N})(?: (?P<unit>{UNITS})s?)?"
    rf"(?: (?:a|per|in)| ?/) ?(?:day|24 hours){_END}"
)
_DURATION = re.compile(rf"{_START}for (?P<n>{_N}) (?P<what>day|week|month)s?{_END}")
_AMOUNTS = [
    re.compile(rf"{_START}(?P<half>one and a half|one and half|1 ?½) ?{_UNIT}"),
    re.compile(rf"{_START}(?P<n>{_N})(?:-| to | or )(?P<m>{_N}) ?{_UNIT}"),
    re.compile(rf"{_START}(?P<n>{_N}) ?{_UNIT}"),
]

_FILLERS = [
    r"by mouth|orally|oral|po|under the tongue|sublingually|sl",
    r"(?:with|without) (?:food|water|milk|meals)",
    r"(?:before|after) (?:food|meals|breakfast|lunch|dinner)",
    r"take|give|use|swallow|chew|dissolve|place|put|apply",
    r"about|approximately|only",
]


def parse(text: str, ingredient: str, strength: Strength | None, structure_has_amount: bool) -> Parsed | None:
    """The text with the drug's strength left in, else with it dropped; None when something is left over."""
    clean = _without_name(_without_reasons(_normal(text)), ingredient)
    for attempt in (clean, _without_strength(clean, strength)):
        parsed = _whole(attempt)
        if parsed is not None and (structure_has_amount or parsed.amount is not None):
            return parsed
    return None


def _normal(text: str) -> str:
    """Lower case; a full stop that stands between digits stays; what is neither a word nor punctuation is `#`."""
    text = "".join(one if _readable(one) else " # " for one in text.lower().replace("μ", "µ"))
    text = re.sub(r"[0-9][0-9.]{9,}|(?<!\d)\.(?=\d)", " # ", text)  # no dose, and `.5`
    text = re.sub(r"(\d)\s*½", r"\1½", text)
    text = re.sub(r"(?<!\d)½", "1/2", text)
    text = re.sub(rf"({_N}) - (?={_N})", r"\1-", text)
    text = re.sub(r"(?<!\d)\.|\.(?!\d)", " ; ", text)
    return re.sub(r"\s+", " ", text).strip()


def _readable(one: str) -> bool:
    """A letter, a digit of ours, a space, punctuation or ½; no sign, no digit of another script."""
    return one in "½\n\t" or (one.isascii() if one.isdigit() else category(one)[0] in "LPZM")


def _without_reasons(text: str) -> str:
    """`for` and words, none of them a number or a time, up to the next stop."""
    kept = []
    for part in re.split(r"([,;])", text):
        for at in re.finditer(r"(?<![\w-])for (?=(?P<words>.*)$)", part):
            if not re.search(
                rf"\d|[½#]|(?<!\w)(?:{'|'.join(WORDS)}|half|days?|nights?|weeks?|months?)(?!\w)", at["words"]
            ):
                part = part[: at.start()]
                break
        kept.append(part)
    text = re.sub(r"[^\w./½#\s-]", " ", "".join(kept))
    return re.sub(r"\s+", " ", text).strip()


def _without_name(text: str, ingredient: str) -> str:
    for _, name, ing in sorted(names_in_scope(), key=lambda item: -len(item[1])):
        if ing == ingredient:
            text = re.sub(rf"(?<!\w){re.escape(name.lower())}(?!\w)", " ", text)
    return re.sub(r"\s+", " ", text).strip()


def _without_strength(text: str, strength: Strength | None) -> str:
    if strength is None:
        return text
    number, liquid = strength[0], strength[1] == "mg/mL"

    def drop(found: re.Match[str]) -> str:
        mg = float(found["n"]) * {"g": 1000.0}.get(
            found["unit"], 1.0 if found["unit"][:2] in ("mg", "mi") else 0.001
        )
        if found["unit"].startswith("microgram"):
            mg = float(found["n"]) / 1000
        per = float(found["m"] or 1) if liquid else 1.0
        return " " if per > 0 and abs(mg / per - number) <= days.TINY * number else found[0]

    ml = r" ?/ ?(?:(?P<m>\d+(?:\.\d+)?) ?)?(?:ml|millilit(?:re|er)s?)"
    mass = r"(?P<n>\d+(?:\.\d+)?) ?(?P<unit>mg|milligrams?|mcg|ug|µg|micrograms?|g)"
    return _tidy(re.sub(rf"{_START}{mass}{ml if liquid else ''}(?![\w.-])", drop, text))


def _whole(text: str) -> Parsed | None:
    parsed = Parsed()
    text = re.sub(r"(\d|½)(?=(?:" + UNITS + rf")s?{_END})", r"\1 ", text)
    text = re.sub(rf"(?<!\w)an? (?=(?:{UNITS})s?{_END})", "", text)

    text, found = _take(_MAXIMUM, text)
    if found is not None:
        parsed.maximum, parsed.maximum_unit = _n(found["n"]), found["unit"]
        if parsed.maximum <= 0:
            return None
    text, found = _take(_DURATION, text)
    if found is not None:
        parsed.duration = int(_n(found["n"]) * {"day": 1, "week": 7, "month": 30}[found["what"]])
    text, _ = _take(AS_NEEDED, text)
    text = _drop_fillers(text)
    for pattern in _AMOUNTS:
        text, found = _take(pattern, text)
        if found is not None:
            parsed.unit = found["unit"]
            parsed.amount = _amount(found)
            if parsed.amount[0] > parsed.amount[1]:
                return None
            break
    text, parsed.times, fine = _frequency(text)
    if not fine:
        return None
    left = re.sub(r"\bthe\b|[|]", " ", text)
    return parsed if not left.strip(" .") else None


def _amount(found: re.Match[str]) -> Range:
    parts = found.groupdict()
    if parts.get("half"):
        return (1.5, 1.5)
    first = _n(parts["n"])
    last = _n(parts["m"]) if parts.get("m") else first
    return (first, last)


def _take(pattern: re.Pattern[str], text: str) -> tuple[str, re.Match[str] | None]:
    """The first match, and the text with a bar in its place (words on both sides do not join)."""
    found = pattern.search(text)
    if found is None:
        return text, None
    return _tidy(text[: found.start()] + " | " + text[found.end() :]), found


def _tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _drop_fillers(text: str) -> str:
    for filler in _FILLERS:
        text = re.sub(rf"{_START}(?:{filler}){_END}", " ", text)
    return _tidy(text)


def _frequency(text: str) -> tuple[str, Range | None, bool]:
    """All frequencies of the text; two are fine only as once a day at one time of day, or twice named bedtime."""
    seen: list[tuple[str, Range]] = []
    for kind, words, meaning in FREQUENCIES:
        while True:
            text, found = _take(re.compile(rf"{_START}(?P<upto>up to )?(?:{words}){_END}"), text)
            if found is None:
                break
            times = meaning(found)
            if times is None or times[1] <= 0:
                return text, None, False
            seen.append((kind, (0.0, times[1]) if found["upto"] else times))
    if not seen:
        return text, None, True
    kinds = sorted(kind if times[0] > 0 else "up to" for kind, times in seen)
    if len(seen) == 1:
        return text, seen[0][1], True
    once_a_day = kinds in ([_BEDTIME, _DAILY], [_DAILY, _NIGHT], [_DAILY, _MORNING], [_BEDTIME, _NIGHT])
    return text, (1.0, 1.0) if once_a_day else None, once_a_day
