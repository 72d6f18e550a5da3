"""S1 to S15: what mutes a finding (rules.md, suppressions)."""

from . import days
from .case import RANK, Case
from .conditions import is_hospice_code, is_palliative_code
from .exposure import Episode
from .facts import Outcome

ANSWERED_FROM_R05 = {"R05", "R06", "R07", "R09", "R10", "R11", "R12", "R14", "R15", "R16", "R03", "R13"}
ONLY_PRESENT_STRETCH = {"R05", "R09", "R14", "R16"}


def suppression(case: Case, rule: str, d: int) -> str | None:
    """The lowest-numbered suppression that mutes a rule that holds on d."""
    for name, mutes in ORDER:
        if mutes(case, rule, d):
            return name
    return None


def _episode(case: Case, d: int) -> Episode | None:
    return case.view(d).episode


def s1(case: Case, rule: str, d: int) -> bool:
    facts = case.facts
    return facts.inactive or facts.dead_undated or (facts.death is not None and facts.death <= d)


def s2(case: Case, rule: str, d: int) -> bool:
    last = int(case.policy("S2.finished_within"))
    if any(c.active_on(d) and any(is_hospice_code(*code) for code in c.codes) for c in case.facts.conditions):
        return True
    for stay in case.facts.stays:
        if stay.covers(d) and any(is_hospice_code(*code) for code in stay.by_type):
            return True
        left = stay.end if stay.end is not None else stay.start
        lately = stay.status == "finished" and left is not None and 0 <= d - left < last
        if lately and any(is_hospice_code(*code) for code in stay.discharge):
            return True
    return any(0 <= d - day < last for day in case.facts.hospice_procedures)


def s3(case: Case, d: int) -> bool:
    last = int(case.policy("S3.within"))

    def lately(day: int | None) -> bool:
        return day is not None and 0 <= d - day < last

    for condition in case.facts.conditions:
        if (
            condition.active_on(d)
            and lately(condition.day)
            and any(is_palliative_code(*code) for code in condition.codes)
        ):
            return True
    for stay in case.facts.stays:
        if lately(stay.start) and any(is_palliative_code(*code) for code in stay.by_type):
            return True
    return any(lately(day) for day in case.facts.palliative_procedures)


def _s3_mutes(case: Case, rule: str, d: int) -> bool:
    return rule not in ("R04", "R05") and s3(case, d)


def s4(case: Case, rule: str, d: int) -> bool:
    for stay in case.facts.stays:
        if not stay.covers(d) or stay.start is None:
            continue
        age = d - stay.start
        if stay.classes & {"EMER", "OBSENC", "SS"} and age <= case.policy("S4.emergency_at_most"):
            return True
        if stay.classes & {"IMP", "ACUTE", "NONAC"} and age <= case.policy("S4.inpatient_at_most"):
            return True
    return False


def s5(case: Case, rule: str, d: int) -> bool:
    episode = _episode(case, d)
    if rule not in ("R02", "R08", "R12") or episode is None or len(episode.supplies) != 1:
        return False
    only = episode.supplies[0]
    repeats = only.order.repeats if only.order is not None else 0
    at_most = case.policy("S5.supply_at_most")  # from its first to its last supply day, as cut
    return only.reach - only.first_day <= at_most and repeats == 0 and not only.open_on(d)


def s7(case: Case, rule: str, d: int) -> bool:
    from .rules import holds

    episode = _episode(case, d)
    if episode is None or not case.seizure_treated_with_it(d, episode):
        return False
    holding = holds(case, rule, d)
    assert holding is not None
    if rule == "R10":
        return "label maximum" not in holding.variants
    if rule == "R06":
        return set(holding.involved) <= {"phenobarbital", "primidone"}
    return rule in ("R01", "R03", "R07", "R08")


def s9(case: Case, rule: str, d: int) -> bool:
    episode = _episode(case, d)
    return rule in ("R01", "R03") and episode is not None and case.longer_use_accepted(d, episode)


def s10(case: Case, rule: str, d: int) -> bool:
    episode, p = _episode(case, d), case.policy
    if rule not in ("R01", "R02") or episode is None:
        return False
    begun = any(
        "alcohol_withdrawal" in c.concepts
        and c.active_on(d)
        and c.day is not None
        and abs(episode.start - c.day) <= p("S10.condition_within")
        for c in case.facts.conditions
    )
    short = episode.end <= episode.start + p("S10.course_at_most") or d < episode.start + p("S10.before_day")
    return bool(begun and short)


def s11(case: Case, rule: str, d: int) -> bool:
    age = case.age(d)
    return age is not None and age < case.policy("age_adult")


def s12(case: Case, rule: str, d: int) -> bool:
    outcome = case.latest_outcome(d)
    if (
        rule not in ("R01", "R02", "R06", "R07", "R08", "R10", "R15")
        or outcome is None
        or outcome.code != "continue"
    ):
        return False
    return outcome.until is not None and d <= outcome.until and not material_change(case, d, outcome.day)


def s13(case: Case, rule: str, d: int) -> bool:
    outcome = case.latest_outcome(d)
    if outcome is None or outcome.code != "snooze" or outcome.until is None or outcome.until <= d:
        return False
    row = 0
    for known in reversed([o for o in case.facts.outcomes if o.day <= d]):
        if known.code != "snooze":
            break
        row += 1
    return row <= case.policy("S13.snoozes_in_a_row") and _put_off(case, rule, d, outcome)


def _put_off(case: Case, rule: str, d: int, outcome: Outcome) -> bool:
    """S13 and S15 alike: the rules that it answered; R04 for 14 days; some only for their present stretch."""
    from .rules import since

    if rule not in outcome.rules:
        return False
    if rule == "R04":
        days_of_answer = case.policy("S13.S15.R04_answer")
        return d < outcome.day + days_of_answer and _not_newer_nor_higher(case, rule, d, outcome.day)
    return rule not in ONLY_PRESENT_STRETCH or since(case, rule, d) <= outcome.day


def _not_newer_nor_higher(case: Case, rule: str, d: int, answered: int) -> bool:
    """The same stretch, and no higher priority than on the day of the answer."""
    from .rules import holds, since

    now, then = holds(case, rule, d), holds(case, rule, answered)
    if now is None or then is None:
        return False
    return since(case, rule, d) <= answered and RANK[now.priority] <= RANK[then.priority]


def s14(case: Case, rule: str, d: int) -> bool:
    from .rules import holds

    if rule == "R04":
        return _r04_answered(case, d)
    holding = holds(case, rule, d)
    assert holding is not None
    if rule == "R13" and "too fast" in holding.variants:
        return _too_fast_answered(case, d)
    reviewed, p = case.last_review(d), case.policy
    if reviewed is None or not _not_newer_nor_higher(case, rule, d, reviewed):
        return False
    if rule == "R00":
        return bool(d < reviewed + p("S14.R00_answer"))
    if rule not in ANSWERED_FROM_R05 or (rule == "R05" and "new" in holding.variants):
        return False
    if any(day > reviewed for day in holding.rests_on):
        return False
    then = holds(case, rule, reviewed)
    assert then is not None
    newly = {name: day for name, day in holding.involved.items() if name not in then.involved}
    if any(day > reviewed for day in newly.values()):
        return False
    episode = case.view(d).last_episode
    assert episode is not None
    lasts = case.interval(d, episode)
    if rule == "R09":
        lasts = p("S14.reviewed_answers" if case.last_review_is_only_reviewed(d) else "S14.R09_answer")
    return bool(d < reviewed + lasts)


def _r04_answered(case: Case, d: int) -> bool:
    from .rules import holds, since

    began = since(case, "R04", d)
    answers = []
    for outcome in case.facts.outcomes:
        if not began <= outcome.day <= d or not outcome.completed:
            continue
        decided = outcome.code in ("continue", "reduce", "taper", "already-stopped")
        plain = outcome.code == "reviewed" and d < outcome.day + case.policy("S14.reviewed_answers")
        if decided or plain:
            answers.append(outcome.day)
    plans = case.taper_plans(d, case.view(d).last_episode)
    answers += [start for start in plans if began <= start <= d]
    if not answers:
        return False
    now, then = holds(case, "R04", d), holds(case, "R04", max(answers))
    assert now is not None
    assert then is not None
    return RANK[now.priority] <= RANK[then.priority]


def _too_fast_answered(case: Case, d: int) -> bool:
    from .rules import since_variant

    began = since_variant(case, "R13", d, "too fast")
    return any(
        o.completed and o.code in ("continue", "reduce", "taper") and began <= o.day <= d
        for o in case.facts.outcomes
    )


def s15(case: Case, rule: str, d: int) -> bool:
    outcome = case.latest_outcome(d)
    if outcome is None or outcome.code != "not-applicable" or d > outcome.day + case.policy("S15.lasts"):
        return False
    return not material_change(case, d, outcome.day) and _put_off(case, rule, d, outcome)


def material_change(case: Case, d: int, then: int) -> bool:
    """lifecycle.md, section 7: a higher dose, a new drug, a new risk, a pregnancy first known later."""
    exposure = case.exposure
    now_dme, then_dme = exposure.dme(d), exposure.dme(then)
    if exposure.covered(d) and exposure.covered(then) and now_dme is not None and then_dme is not None:
        rise = now_dme[1] - then_dme[1]
        if days.at_least(now_dme[1], 1.25 * then_dme[1]) and days.at_least(rise, 5):
            return True
    for supply in [*exposure.supplies, *case.opioids]:
        if then < supply.start <= d:
            family = exposure.supplies if supply.source.in_scope else case.opioids
            mine = [s for s in family if s.ingredient == supply.ingredient]
            if not any(s.contains(day) for s in mine for day in range(then - 89, then + 1)):
                return True
    return _new_risk(case, d, then) or _new_pregnancy(case, d, then)


def _new_risk(case: Case, d: int, then: int) -> bool:
    from .knowledge import risk_concepts

    known = [c for c in case.facts.conditions if c.known_by(d)]
    for concept in risk_concepts():
        of_concept = [c for c in known if concept in c.concepts]
        if not of_concept or any(c.day is None for c in of_concept):
            continue
        earliest = min(c.day for c in of_concept if c.day is not None)
        if earliest > then and any(c.active_on(d) for c in of_concept):
            return True
    return False


def _new_pregnancy(case: Case, d: int, then: int) -> bool:
    first = [c.day for c in case.facts.conditions if "pregnancy" in c.concepts and c.known_by(d)]
    first += [known for known, _ in case.facts.deliveries if known is None or known <= d]
    dated = [day for day in first if day is not None]
    return len(dated) == len(first) > 0 and min(dated) > then


ORDER = [
    ("S1", s1),
    ("S2", s2),
    ("S3", _s3_mutes),
    ("S4", s4),
    ("S5", s5),
    ("S7", s7),
    ("S9", s9),
    ("S10", s10),
    ("S11", s11),
    ("S12", s12),
    ("S13", s13),
    ("S14", s14),
    ("S15", s15),
]
