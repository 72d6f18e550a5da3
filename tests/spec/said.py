"""What the tables expect, asked of the answer.  Expectations are separated by `;`; a day is a number, see `told.py`.

- `R02 urgent since 76 due 90`; `R04 asap (R04a, R04b)`: its variants; `R02 muted by S3`; `no R02`; `nothing`: no rule
  holds, muted or not; `only R01 R02`: no other finding that is not muted; `item asap due 101: R04, R02`; `no item`.
- `supplies a 0..28, b 28..56`; `no supply`; `episode 0..86`; `no episode`; `ongoing`, `over`, `covered`, `uncovered`,
  `new use`, `no new use`, `regular`, `irregular`; `covered days 28`; `ingredients diazepam, lorazepam`.
- `dme 10`, `dme 5..10..15` (low, typical, high), `dme unknown`; `diazepam 10 mg`, `diazepam 0..10 mg`,
  `diazepam unknown`.
- `dependence likely`; `confidence medium`; `flag assumed`, `no flag assumed`, `no flags`.
- `reviewed 50`, `never reviewed`; `wakes 90`, `never wakes`.
- `counts a`; `ignored a: inpatient`; `unreadable a: bad-date`; `not listed`; `complete`, `incomplete`.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Any

from service.assess import assess, render
from service.exposure import Exposure, build_exposure
from service.knowledge import knowledge, load_policy
from service.model.assessment import Assessment
from service.model.days import date_of, day_of
from service.normalise import facts_of
from service.record.group import PatientRecord, group
from service.record.read import read
from tests.spec.told import Resource, resources
from tests.spec.told_dose import DAY_0, day

policy = cache(load_policy)
NUMBER = r"-?\d+(?:\.\d+)?"


@dataclass(frozen=True)
class Answer:
    """Everything that is said of a record on a day."""

    told: str
    day: date
    policy: str = "us"

    @property
    def exposure(self) -> Exposure:
        facts = facts_of(self.record, knowledge(), policy(self.policy))
        return build_exposure(facts, policy(self.policy), knowledge(), day_of(self.day))

    @property
    def record(self) -> PatientRecord:
        return record_of(resources(self.told))

    @property
    def assessment(self) -> Assessment:
        return _assessed(self.told, self.day, self.policy)

    @property
    def shown(self) -> dict[str, Any]:
        return {**render(self.assessment), "listed": self.assessment.listed}

    @property
    def episode(self) -> dict[str, Any]:
        found: dict[str, Any] = self.shown["episode"]
        assert found is not None, "there is no episode"
        return found

    @property
    def findings(self) -> dict[str, dict[str, Any]]:
        return {each["rule"]: each for each in self.shown["findings"]}

    @property
    def suppressed(self) -> dict[str, str]:
        return {each["rule"]: each["by"] for each in self.shown["suppressed"]}


def record_of(found: Iterable[Resource]) -> PatientRecord:
    """The record of the one patient that resources are about."""
    lines = (json.dumps(each).encode() for each in found)
    (record,) = group([read(line, f"table.ndjson:{n}") for n, line in enumerate(lines, 1)])
    return record


@lru_cache(maxsize=2_000)
def _assessed(told: str, on: date, name: str) -> Assessment:
    return assess(record_of(resources(told)), policy(name), knowledge(), on)


def answer(told: str, on: str, name: str = "us") -> Answer:
    return Answer(told, date.fromisoformat(day(on)), name)


def different(answer: Answer, expected: str) -> list[str]:
    """The expectations that are not met, each with what was said instead."""
    found: list[str] = []
    for each in filter(None, (part.strip() for part in expected.split(";"))):
        got = _ask(answer, each)
        if got != each:
            found.append(f"expected: {each} | said: {got}")
    return found


def _ask(answer: Answer, expected: str) -> str:
    """What is said where `expected` is expected, in the same words."""
    for pattern, ask in QUESTIONS:
        match = re.fullmatch(pattern, expected)
        if match:
            return ask(answer, match)
    raise ValueError(f"not understood: {expected}")


# -- rules ---------------------------------------------------------------------------------------


def _rule(answer: Answer, match: re.Match[str]) -> str:
    rule = match["rule"]
    finding = answer.findings.get(rule)
    if finding is None:
        by = answer.suppressed.get(rule)
        return f"{rule} muted by {by}" if by else f"no {rule}"
    said = f"{rule} {finding['priority']}"
    if match["variants"]:
        said += f" ({', '.join(finding['facts']['variants'])})"
    if match["since"]:
        said += f" since {_n(finding['since'])}"
    if match["due"]:
        said += f" due {_n(finding['due_on'])}"
    return said


def _any_rule(answer: Answer, match: re.Match[str]) -> str:
    rule = match["rule"]
    if rule in answer.findings:
        return f"{rule} {answer.findings[rule]['priority']}"
    return f"{rule} muted by {answer.suppressed[rule]}" if rule in answer.suppressed else f"no {rule}"


def _nothing(answer: Answer, _match: re.Match[str]) -> str:
    rules = [*answer.findings, *answer.suppressed]
    return " ".join(rules) if rules else "nothing"


def _only(answer: Answer, _match: re.Match[str]) -> str:
    return " ".join(["only", *sorted(answer.findings)])


def _item(answer: Answer, _match: re.Match[str]) -> str:
    item = answer.shown["item"]
    if item is None:
        return "no item"
    return f"item {item['priority']} due {_n(item['due_on'])}: {', '.join(item['reasons'])}"


# -- exposure ------------------------------------------------------------------------------------


def _supplies(answer: Answer, _match: re.Match[str]) -> str:
    spans = [
        f"{s.reference.partition('/')[2]} {_n(date_of(s.start))}..{_n(date_of(s.end))}"
        for s in answer.exposure.supplies
    ]
    return f"supplies {', '.join(spans)}" if spans else "no supply"


def _episode(answer: Answer, _match: re.Match[str]) -> str:
    episode = answer.shown["episode"]
    return "no episode" if episode is None else f"episode {_n(episode['start'])}..{_n(episode['end'])}"


def _either(name: str, yes: str, no: str) -> Callable[[Answer, re.Match[str]], str]:
    return lambda answer, _match: yes if answer.episode[name] else no


def _said(name: str, words: str) -> Callable[[Answer, re.Match[str]], str]:
    return lambda answer, _match: f"{words} {answer.episode[name]}"


def _ingredients(answer: Answer, _match: re.Match[str]) -> str:
    return f"ingredients {', '.join(answer.episode['ingredients'])}"


def _dme(answer: Answer, match: re.Match[str]) -> str:
    dme = answer.episode["dme"]
    if dme is None:
        return "dme unknown"
    ends = [dme["low"], dme["typical"], dme["high"]]
    return f"dme {ends[0]}" if len(set(ends)) == 1 else f"dme {'..'.join(str(end) for end in ends)}"


def _mg(answer: Answer, match: re.Match[str]) -> str:
    drug = match["drug"]
    found = answer.episode["daily_dose_mg"]
    if drug not in found:
        return f"{drug} is not covering"
    mg = found[drug]
    if mg is None:
        return f"{drug} unknown"
    return f"{drug} {mg['low']} mg" if mg["low"] == mg["high"] else f"{drug} {mg['low']}..{mg['high']} mg"


def _flag(answer: Answer, match: re.Match[str]) -> str:
    flag = match["flag"]
    return f"flag {flag}" if flag in answer.shown["flags"] else f"no flag {flag}"


def _no_flags(answer: Answer, _match: re.Match[str]) -> str:
    return "no flags" if not answer.shown["flags"] else f"flags {' '.join(answer.shown['flags'])}"


# -- the rest ------------------------------------------------------------------------------------


def _reviewed(answer: Answer, _match: re.Match[str]) -> str:
    day = answer.shown["last_review"]
    return "never reviewed" if day is None else f"reviewed {_n(day)}"


def _wakes(answer: Answer, _match: re.Match[str]) -> str:
    day = answer.shown["wake_on"]
    return "never wakes" if day is None else f"wakes {_n(day)}"


def _class(answer: Answer, match: re.Match[str]) -> str:
    """What became of an order or a fill."""
    name = match["name"]
    for kind in ("ignored", "unreadable"):
        for each in answer.shown[kind]:
            if each["reference"].partition("/")[2] == name:
                return f"{kind} {name}: {each['reason']}"
    facts = facts_of(answer.record, knowledge(), policy(answer.policy))
    known = {each.reference.partition("/")[2] for each in (*facts.orders, *facts.fills)}
    return f"counts {name}" if name in known else f"{name} is nowhere"


def _listed(answer: Answer, _match: re.Match[str]) -> str:
    return "listed" if answer.shown["listed"] else "not listed"


def _complete(answer: Answer, _match: re.Match[str]) -> str:
    return "complete" if answer.shown["complete"] else "incomplete"


def _n(iso: str | date) -> str:
    when = date.fromisoformat(iso) if isinstance(iso, str) else iso
    return str((when - DAY_0).days)


_DETAILS = rf"(?P<variants> \([^)]*\))?(?P<since> since {NUMBER})?(?P<due> due {NUMBER})?"
QUESTIONS: list[tuple[str, Callable[[Answer, re.Match[str]], str]]] = [
    (rf"(?P<rule>R\d\d) (?:routine|urgent|asap){_DETAILS}", _rule),
    (r"(?P<rule>R\d\d) muted by S\d+", _any_rule),
    (r"no (?P<rule>R\d\d)", _any_rule),
    (r"nothing", _nothing),
    (r"only(?: R\d\d)*", _only),
    (r"item .*|no item", _item),
    (r"supplies .*|no supply", _supplies),
    (rf"episode {NUMBER}\.\.{NUMBER}|no episode", _episode),
    (r"ongoing|over", _either("ongoing", "ongoing", "over")),
    (r"covered|uncovered", _either("covered", "covered", "uncovered")),
    (r"new use|no new use", _either("new_use", "new use", "no new use")),
    (r"regular|irregular", _either("regular", "regular", "irregular")),
    (r"covered days \d+", _said("covered_days", "covered days")),
    (r"dependence \w+", _said("dependence", "dependence")),
    (r"ingredients .*", _ingredients),
    (r"dme .*", _dme),
    (rf"(?P<drug>\w+) (?:unknown|{NUMBER}(?:\.\.{NUMBER})? mg)", _mg),
    (r"confidence \w+", lambda answer, _match: f"confidence {answer.shown['confidence']}"),
    (r"(?:no )?flag (?P<flag>\w+)", _flag),
    (r"no flags", _no_flags),
    (rf"reviewed {NUMBER}|never reviewed", _reviewed),
    (rf"wakes {NUMBER}|never wakes", _wakes),
    (r"(?:ignored|unreadable|counts) (?P<name>\w+)(?:: [\w-]+)?", _class),
    (r"(?:not )?listed", _listed),
    (r"complete|incomplete", _complete),
]
