"""docs/clinical/{exposure,behaviour,facts}.md, written from the tables: `python -m tests.spec.pages`."""

from collections.abc import Iterator
from pathlib import Path

from service.knowledge import knowledge
from service.knowledge.threshold import Threshold
from tests.spec.facts import described
from tests.spec.said import policy
from tests.spec.table import PLACEHOLDER, Section, sections

FOLDER = Path(__file__).resolve().parents[2] / "docs/clinical"

_HOW_TO_READ = """
## How to read the tables

Each row is a case that the tests work through the whole way, from the FHIR resources to the answer; what is expected
was worked out by hand. Days are counted from day 0 (1 January 2026); `0..28` is day 0 up to, not including, day 28.
The person was born in 1976 unless a row says otherwise.

| In a record | means |
|---|---|
| `diazepam 10 mg @0 28d` | 10 mg once a day, ordered on day 0 for 28 days; the first order is *a*, then *b* |
| `5..10 mg`, `2 tablets strength=5`, `prn`, `dose=?` | 5 to 10 mg; two tablets of 5 mg; as needed; no dose |
| `times=2 per=1d`, `for=14d`, `from=0 to=13` | twice in one day; the line lasts 14 days; from day 0 to day 13 |
| `then`, `plus` | a later phase; another line at the same time |
| no length | nothing says how long: open-ended while active |
| `qty=56`, `repeats=2`, `valid=..40` | quantity, repeats allowed, valid until day 40 |
| `stopped@50`, `changed@50`, `status=…` | stopped, its version being of day 50; status changed on day 50 (R5) |
| `prior=a`, `by=anna` | follows order *a*; written by anna |
| `fill of a @3 14d` | order *a* was handed over on day 3 for 14 days |
| `condition copd @50`, `review @50`, `plan @50`, `stay IMP @50` | recorded, done, begun on day 50 |
| `outcome taper @50 until=80 answers=R02` | a person ended our Task of R02 on day 50 with that outcome |
| `.element=…` | that element of the FHIR resource |

| Expected | means |
|---|---|
| `R02 urgent since 76 due 90` | the rule holds since day 76 without a break, with this priority, due on day 90 |
| `R04 asap (R04a, R04b)` | by these variants |
| `R02 muted by S3`, `no R02` | it holds and the suppression mutes it; it does not hold |
| `supplies a 0..28`, `episode 0..86` | the days that an order or fill covers; first day and end of the episode |
| `dme 5..7.5..20` | diazepam equivalents of the day: low, typical, high |
| `diazepam 5..10 mg`, `diazepam unknown` | the daily dose, or that it cannot be known |
"""

_EXPOSURE = """# From the record to exposure, case by case

How orders, fills and their instructions become days of supply, episodes and doses: one section per clause of the
specification. Nothing is guessed; what cannot be read is unknown, flagged and shown.
Rules and suppressions: [behaviour](behaviour.md).
"""

_BEHAVIOUR = """# What the rules do, case by case

Every rule, variant and suppression, with its boundaries on both sides. It stands on
[how a record becomes exposure](exposure.md); the facts that findings carry are listed in [facts](facts.md).
A finding asks for a review by a clinician; it never asks to stop.
"""

_FACTS = """# Facts of the findings

The names inside `facts` of each rule in the JSON of an assessment, stable once chosen: a name may be added, none
changes its meaning. Dates are ISO text, doses mg a day, `null` means not known or none. What the rules do:
[behaviour](behaviour.md).
"""


def exposure_page() -> str:
    return "".join([_EXPOSURE, _HOW_TO_READ, *_sections("exposure"), *_numbers("exposure")])


def behaviour_page() -> str:
    return "".join([_BEHAVIOUR, *_titles(), _HOW_TO_READ, *_sections("rules"), *_numbers("rules")])


def facts_page() -> str:
    rows = [_FACTS, "\n| Rule | Name | Says |\n|---|---|---|\n"]
    for rule, names in described().items():
        rows += [f"| {rule} | `{name}` | {words} |\n" for name, words in names.items()]
    return "".join(rows)


PAGES = {"exposure.md": exposure_page, "behaviour.md": behaviour_page, "facts.md": facts_page}


def _sections(folder: str) -> Iterator[str]:
    for section in sections(folder):
        yield f"\n## {section.title}\n\n*{section.clause}*"
        yield f" · policy `{section.policy}`\n" if section.policy != "us" else "\n"
        if section.text:
            yield f"\n{_with_numbers(section)}\n"
        if section.given:
            yield f"\nIn every case: `{section.given}`, and\n"
        yield "\n| Case | Record | Day | Expected |\n|---|---|---|---|\n"
        for row in section.rows:
            told = f"`{row.told}`" if row.told else ""
            yield f"| {row.case} | {told} | {row.day} | {row.expected} |\n"


def _with_numbers(section: Section) -> str:
    thresholds = policy(section.policy)
    return PLACEHOLDER.sub(lambda match: _shown(thresholds.threshold(match[1])), section.text)


def _shown(threshold: Threshold) -> str:
    value = threshold.value
    return f"{value[0]} to {value[1] - 1}" if isinstance(value, tuple) else f"{value:g}"


def _titles() -> Iterator[str]:
    texts = knowledge().texts
    yield "\n| Rule | | Mark |\n|---|---|---|\n"
    for rule, text in sorted(texts.rules.items()):
        yield f"| {rule} | {text.title} | {text.mark}: {text.mark_note} |\n"
    yield "\n| Suppression | |\n|---|---|\n"
    for name, suppression in sorted(texts.suppressions.items(), key=lambda pair: int(pair[0][1:])):
        yield f"| {name} | {suppression.title} |\n"


def _numbers(folder: str) -> Iterator[str]:
    """Every number that the sections name, with its source and mark."""
    names = sorted({name for section in sections(folder) for name in section.numbers})
    yield (
        "\n## The numbers\n\nOf the policy `us`; *guideline*: the number, or the direction, stands in the named text; "
        "*project*: our own choice, to be signed off.\n\n| Number | Value | Mark | Source |\n|---|---|---|---|\n"
    )
    for name in names:
        threshold = policy("us").threshold(name)
        yield f"| {name} | {_shown(threshold)} {threshold.unit} | {threshold.mark} | {threshold.source} |\n"


if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
