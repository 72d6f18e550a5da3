"""The sentence of each rule and variant, from the facts of a finding and the numbers that it used.

A sentence names dates, never a count of days that goes on growing: it stays true while the Task stands.
Every rule says what was found; what may be done about it are the actions of knowledge/data/rules.toml.
"""

from collections.abc import Callable, Iterator, Mapping

from service.model.assessment import Finding
from service.wording.words import listed, number, stated_amount, stated_day, stated_doses

Facts = Mapping[str, object]  # of a finding: JSON values

EMERGENCY = (
    "A seizure, confusion, hallucinations or thoughts of suicide need emergency care now; "
    "this prompt does not replace it."
)
NO_DISRUPTION = "Never disrupt the treatment of opioid use disorder because of this."
NEVER_ABRUPTLY = "A seizure disorder is on record: never stop abruptly."

LABELS: Mapping[str, str] = {
    "R00": "order never renewed",
    "R03": "dose going up",
    "R04a": "order stopped",
    "R04b": "supply lapsed",
    "R04c": "supply running out",
    "R04d": "dose halved",
    "R04e": "no new order",
    "R05": "opioid at the same time",
    "R06": "other sedatives",
    "R07": "two agents",
    "R08": "older adult",
    "R09": "pregnancy",
    "R10": "high dose",
    "R11": "several prescribers",
    "R12": "early refills",
    "too fast": "taper too fast",
    "stalled": "taper stalled",
    "rebound": "dose going up again",
    "finished": "after a taper",
    "R14": "substance use or overdose",
    "R15": "breathing disorder",
    "R16": "fall or delirium",
}
"""What a description adds to `review due`, by rule or variant; R01 and R02 are that review."""

_CONCEPTS: Mapping[str, str] = {
    "bzd_poisoning": "benzodiazepine poisoning",
    "falls": "fall",
    "other_sud": "substance use disorder",
    "pregnancy": "pregnancy",
    "expected delivery": "expected delivery",
    "home_oxygen": "oxygen at home",
}
"""Concepts of conditions.csv whose id, with spaces, would not do."""

_INTERVALS: Mapping[str, str] = {
    "R02.interval_substance_use_disorder": "shorter because of a substance use disorder",
    "R02.interval_copd_sleep_breathing_bipolar": (
        "shorter because of lung disease, disturbed breathing in sleep or bipolar disorder"
    ),
    "R02.interval_seizure_other_ingredient": "longer with a seizure disorder, never to be stopped abruptly",
    "R02.interval_S7_S9": "longer because it treats a disorder for which long use is accepted",
}


def label(finding: Finding) -> str | None:
    """What a description calls the finding, by its first variant or its rule."""
    return next((LABELS[n] for n in (*_variants(finding), finding.rule) if n in LABELS), None)


def _variants(finding: Finding) -> list[str]:
    return [str(name) for name in _list(finding.facts, "variants")]


def sentence(finding: Finding) -> str:
    """What was found, without the title and the dates of the finding."""
    return "; ".join(filter(None, _SENTENCES[finding.rule](finding.facts, finding)))


def cautions(finding: Finding) -> Iterator[str]:
    """What must be said beside the actions."""
    if finding.rule == "R04":
        yield EMERGENCY
    if finding.facts.get("opioid_use_disorder_medication"):
        yield NO_DISRUPTION


def _stale(facts: Facts, _finding: Finding) -> Iterator[str]:
    yield f"{_names(facts, 'ingredients')}, ordered {_day(facts, 'ordered_on')}, still active and never renewed"


def _first(facts: Facts, finding: Finding) -> Iterator[str]:
    start = _day(facts, "episode_start")
    yield f"new use of {_names(facts, 'ingredients')} since {start}, and supply for more; no review since"
    if "R01.covered_days_min_older" in finding.numbers:
        yield "sooner in an older adult"


def _periodic(facts: Facts, finding: Finding) -> Iterator[str]:
    why = next((text for name, text in _INTERVALS.items() if name in finding.numbers), None)
    every = f"every {facts['interval_days']} days{f' ({why})' if why else ''}"
    yield f"{every}, counted from the {facts['anchor_is']} on {_day(facts, 'anchor')}"


def _up(facts: Facts, _finding: Finding) -> Iterator[str]:
    recent = f"{stated_amount(facts['recent_dme_mg'])} as diazepam in the last weeks"
    compared = (
        ("before_dme_mg", "in the 90 days before"),
        ("year_ago_dme_mg", "in the same season a year ago"),
    )
    was = [f"{stated_amount(facts[name])} {when}" for name, when in compared if facts.get(name)]
    yield f"{recent}, up from {listed(was)}"


def _stopped(facts: Facts, _finding: Finding) -> Iterator[str]:
    found = _list(facts, "variants")
    if "R04a" in found:
        yield "stopped by the newest order" + (
            f" on {_day(facts, 'stopped_on')}" if "stopped_on" in facts else ""
        )
    if "R04b" in found:
        yield "lapsed, the supply has run out and was not renewed"
    if "R04c" in found:
        yield f"running out: the last order says that it is the last, and lasts until {_day(facts, 'covered_until')}"
    if "R04d" in found:
        yield (
            f"dose halved without a plan to taper, from {_mg(facts, 'held_dme_mg')} to {_mg(facts, 'dme_mg')} "
            "mg/day as diazepam"
        )
    if "R04e" in found:
        yield f"gone quiet: no new order since {_day(facts, 'last_order_on')}, still taking it?"
        yield "nothing says that it was stopped"
    last = stated_doses(facts["last_dose_mg"])
    if {"R04a", "R04b"} & set(found):
        yield f"last covered day {_day(facts, 'last_covered_day')} with {last}"
    else:
        yield last
    yield f"dependence {facts['dependence']}"


def _opioid(facts: Facts, _finding: Finding) -> Iterator[str]:
    said = f"{_names(facts, 'opioids')} together with it since {_day(facts, 'overlap_began')}"
    if not facts["overlap_today"] and facts["last_overlap_day"] != facts["overlap_began"]:
        said += f", last on {_day(facts, 'last_overlap_day')}"
    yield said
    yield "naloxone on record" if facts["naloxone_on_record"] else "no naloxone on record"
    if facts["opioid_use_disorder_medication"]:
        yield "treats opioid use disorder, not to be disrupted"
    if facts["cancer_pain_or_sickle_cell"]:
        yield "cancer pain or sickle cell disease on record"


def _sedatives(facts: Facts, finding: Finding) -> Iterator[str]:
    if _list(facts, "sedatives"):
        yield f"{_names(facts, 'sedatives')} together with it since {_day(facts, 'overlap_began')}"
    active = _list(facts, "cns_active")
    if active:
        least = finding.numbers["R06.cns_active_older"].value
        yield f"{len(active)} drugs that act on the brain ({listed(active)}), {least} or more in an older adult"


def _two(facts: Facts, _finding: Finding) -> Iterator[str]:
    since = _day(facts, "overlap_began")
    yield f"{_names(facts, 'ingredients')} at the same time since {since}, longer than a switch takes"


def _older(facts: Facts, finding: Finding) -> Iterator[str]:
    orders, repeats = facts["orders"], facts["repeats"]
    found = f"{orders} {'order' if orders == 1 else 'orders'}"
    if repeats:
        found += f", one with {repeats} {'repeat' if repeats == 1 else 'repeats'},"
    window = finding.numbers["R08.look_back"].value
    yield f"{facts['older_from']} years or older, {found} in the last {window} days and no review in a year"


def _pregnant(facts: Facts, _finding: Finding) -> Iterator[str]:
    if "expected_on" in facts:
        yield f"delivery expected on {_day(facts, 'expected_on')}"
    if "pregnancy" in _list(facts, "what"):
        yield "pregnancy on record"
    if facts["recorded_on"]:
        yield f"recorded {_day(facts, 'recorded_on')}"


def _high(facts: Facts, finding: Finding) -> Iterator[str]:
    days, window = (finding.numbers[name].value for name in ("R10.days_min", "R10.window"))
    for each in _list(facts, "exceeded"):
        if isinstance(each, Mapping):
            of = "label maximum" if each["maximum"] == "label" else "maximum for older adults"
            mg = f"{each['ingredient']} {number(each['highest_daily_mg'])} mg/day"
            yield f"{mg}, above the {of} of {number(each['maximum_mg'])} mg/day"
    if "high in diazepam equivalents" in _list(facts, "what"):
        least = finding.numbers["R10.dme_min"].value
        yield f"{_mg(facts, 'highest_dme_low_mg')} mg/day as diazepam by the lowest factors, {least} or more is high"
    yield f"on {days} or more of the last {window} covered days"


def _prescribers(facts: Facts, finding: Finding) -> Iterator[str]:
    count, window = facts["prescribers"], finding.numbers["R11.window"].value
    if facts["variant"] == "many":
        yield f"orders of {count} prescribers within {window} days"
    else:
        yield f"supplies of {count} prescribers at the same time within {window} days"


def _refills(facts: Facts, finding: Finding) -> Iterator[str]:
    days = [stated_day(each) for each in _list(facts, "early_refills")]
    share = finding.numbers["R12.early_below"].value
    yield f"{_names(facts, 'ingredients')} again on {listed(days)}, before {share}% of the supply was used"
    yield f"{facts['supplied_days']} days supplied for {facts['passed_days']} days"


def _taper(facts: Facts, _finding: Finding) -> Iterator[str]:
    found = _list(facts, "variants")
    if "too fast" in found:
        before = _mg(facts, "highest_before_dme_mg")
        yield f"too fast: from {before} to {_mg(facts, 'dme_mg')} mg/day as diazepam within two weeks"
    if "stalled" in found:
        yield f"stalled: no cut since {_day(facts, 'last_cut')}"
    if "rebound" in found:
        yield (
            f"going up again: {_mg(facts, 'dme_mg')} mg/day as diazepam after {_mg(facts, 'lowest_dme_mg')} "
            "at the lowest"
        )
    if "finished" in found:
        yield f"finished: last covered day {_day(facts, 'last_covered_day')}, a follow-up is due"
    if facts["taper_began"]:
        yield f"taper began {_day(facts, 'taper_began')}"


def _event(facts: Facts, _finding: Finding) -> Iterator[str]:
    when = f", {_day(facts, 'recorded_on')}" if facts["recorded_on"] else ""
    yield f"{listed(_concept(name) for name in _list(facts, 'what'))} on record{when}"


def _accident(facts: Facts, finding: Finding) -> Iterator[str]:
    after = finding.numbers["R16.after_covered"].value
    what = listed(_concept(name) for name in _list(facts, "what"))
    yield f"{what} on {_day(facts, 'recorded_on')}, while taking it or at most {after} days later"


_SENTENCES: Mapping[str, Callable[[Facts, Finding], Iterator[str]]] = {
    "R00": _stale, "R01": _first, "R02": _periodic, "R03": _up, "R04": _stopped, "R05": _opioid,
    "R06": _sedatives, "R07": _two, "R08": _older, "R09": _pregnant, "R10": _high, "R11": _prescribers,
    "R12": _refills, "R13": _taper, "R14": _event, "R15": _event, "R16": _accident,
}  # fmt: skip


def _day(facts: Facts, name: str) -> str:
    return stated_day(facts[name])


def _mg(facts: Facts, name: str) -> str:
    value = facts[name]
    return number(value) if isinstance(value, int | float) else "an unknown dose of"


def _list(facts: Facts, name: str) -> list[object]:
    value = facts.get(name)
    return list(value) if isinstance(value, list | tuple) else []


def _names(facts: Facts, name: str) -> str:
    return listed(_list(facts, name))


def _concept(name: object) -> str:
    return _CONCEPTS.get(str(name), str(name).replace("_", " "))
