"""docs/clinical/qi-core.md, written from a run."""

from tests.sandbox_data.page import table_of
from tests.sandbox_data.qicore import RULES, agrees, answer, expected
from tests.sandbox_data.qicore_expected import CASES, Case, Question

_HEAD = """# Two quality measures beside our rules

The test cases of two US quality measures, with what their authors expect, against what `assess` with policy `us`
says of the same records. CMS156 (high-risk medications in older adults) asks what R08 asks, CMS506 (an opioid and a
benzodiazepine at discharge) what R05 asks. A measure looks back on a year and counts patients; a rule looks at
one day and asks for a review. Where they ask the same they must agree, or the difference has its reason below.

The cases are in the folder `ecqm-qicore` of the public sandbox data, which is not part of this repository; the
expected counts are those of each case's own MeasureReport (cqframework/ecqm-content-qicore-2024 and -2025, CC0-1.0).
Written by `python -m tests.sandbox_data`; where the data is at hand, a test compares this page with a fresh run.

- *counted*: the measure has the case in its initial population (CMS156: by age and visit alone); exposure of ours
  begins in the measurement period
- *asked about*: the measure has it in the numerator and does not exclude it; R08 holds on the last day of the
  period (CMS156), R05 on the day of discharge (CMS506), unsuppressed
- *excluded*: the measure excludes it; S1, S2 or S3 mutes what holds on the last day of the period (CMS156) or 25
  days after the discharge (CMS506); – where nothing holds that could be muted

Each cell is the measure's answer, then ours; **bold** where they differ.

"""
_COLUMNS = (
    "measure", "case", "title", *map(str, Question), "exposure in the period", "rule", "at the end of the period",
)  # fmt: skip


def page() -> str:
    """The whole page."""
    return _HEAD + table_of(_COLUMNS, map(_row, CASES)) + "\n" + _sums() + "\n" + _differences()


def _row(case: Case) -> tuple[str, ...]:
    found = answer(case)
    rule = RULES[case.edition[:6]]
    asked = "–" if found.rule is None else f"{rule} {found.rule.priority.word} since {found.rule.since}"
    end = found.at_the_end
    said = [f"{f.rule} {f.priority.word}" for f in end.findings]
    said += [f"{f.rule} by {f.suppressed_by}" for f in end.suppressed]
    cells = (_cell(case, question) for question in Question)
    return (
        case.edition,
        case.patient,
        case.title,
        *cells,
        found.exposure or "–",
        asked,
        ", ".join(said) or "–",
    )


def _cell(case: Case, question: Question) -> str:
    said = answer(case).to(question)
    both = f"{_word(expected(case, question))}, {'–' if said is None else _word(said)}"
    return f"**{both}**" if agrees(case, question) is False else both


def _word(value: bool) -> str:
    return "yes" if value else "no"


def _sums() -> str:
    lines = []
    for question in Question:
        found = [agrees(case, question) for case in CASES]
        agreeing, differing, unseen = (found.count(each) for each in (True, False, None))
        lines.append(f"- {question}: {agreeing} agree, {differing} differ, {unseen} –\n")
    return f"Of {len(CASES)} cases:\n\n" + "".join(lines)


def _differences() -> str:
    rows = [
        (case.edition, case.patient, str(each.question), _word(expected(case, each.question)),
         _word(bool(answer(case).to(each.question))), each.reason, each.clause)
        for case in CASES
        for each in case.differences
    ]  # fmt: skip
    columns = ("measure", "case", "question", "measure expects", "reviewdue says", "why", "clause")
    return "## Every difference\n\n" + table_of(columns, rows)
