"""What was assumed, refused or left out, in words."""

from collections.abc import Mapping

LENGTH_RULES: Mapping[str, str] = {
    "bounds": "start and end in the dosage",
    "duration": "duration or count in the dosage",
    "expected": "expected supply duration, with its repeats",
    "quantity": "quantity with its repeats, by the dose at the high end",
    "open": "active, and nothing says how long",
    "assumed": "nothing says how long: assumed",
    "fill": "what was handed over",
}
"""Which statement gave the length of a supply, by `Supply.rule`."""

FLAGS: Mapping[str, str] = {
    "age_unknown": "no birth date: the rules for adults hold, those for older adults do not",
    "assumed": "nothing says how long it lasts: the usual length was assumed",
    "assumed_replaced": "two doses of one medicine overlapped: the later was taken to replace the earlier",
    "date_imprecise": "a date without a day: its first day counts for a start or a birth, its last for an end",
    "dose_unknown": "the daily dose could not be worked out",
    "frequency_unknown": "how often it is taken when needed could not be worked out: counted as taken regularly",
    "identified_by_text": "recognised by its name only, not by a code",
    "open_ended": "no end is written down: it counts until the next supply, for a year at most",
    "repeats_assumed": "all repeats were taken to be collected",
    "stop_date_unknown": "stopped, and nothing says when: not cut",
    "unit_assumed": "an amount without a unit was taken as tablets",
}
"""By flag of an assessment."""

REFUSED: Mapping[str, str] = {
    "malformed": "an element has the wrong JSON type",
    "no-subject": "it names no patient",
    "bad-status": "its status is missing or not one of FHIR",
    "no-medication": "nothing says which medicine it is",
    "contradicting-codings": "its codes name different medicines",
    "bad-date": "a date is impossible or not written as FHIR writes dates",
    "no-start": "nothing says when it begins",
    "status": "entered in error, a draft or cancelled",
    "intent": "a proposal or a plan, no order",
    "do-not-perform": "it says not to give it",
    "reported": "only reported, not prescribed here",
    "inpatient": "for a stay in hospital",
    "not-in-scope": "not a benzodiazepine or z-drug",
    "rescue-or-parenteral": "a rescue or injected product, no ongoing use",
}
"""By reason of an unreadable or ignored resource."""


def length_rule(rule: str | None) -> str:
    return LENGTH_RULES.get(rule or "", rule or "")


def flag(name: str) -> str:
    return FLAGS.get(name, name.replace("_", " "))


def refusal(reason: str) -> str:
    return REFUSED.get(reason, reason.replace("-", " "))
