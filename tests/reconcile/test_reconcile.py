"""lifecycle.md §2 and §4: what should be true of an item, row by row."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model.assessment import Priority
from service.model.item import CloseReason, ItemState
from service.reconcile import Decision, Muted, Want, reconcile
from tests.reconcile.build import NOW, TODAY, a_finding, a_situation, a_task, an_assessment, an_item

FIRES = an_assessment(a_finding())
QUIET = an_assessment()


def test_a_finding_without_an_item_makes_a_held_one():
    decision = reconcile(FIRES, a_situation())
    [item] = decision.items
    assert (item.state, item.n, item.key) == (ItemState.HELD, 1, "rabc-1")
    assert [reason.rule for reason in item.reasons] == ["R02"]
    assert decision.wants == ()


def test_the_number_follows_the_highest_in_ledger_or_ehr():
    closed = an_item(state=ItemState.CLOSED, n=2)
    shown = (a_task("completed", n=4, ours_ended=True),)
    [item] = reconcile(FIRES, a_situation(closed, shown=shown)).items
    assert item.n == 5


@pytest.mark.parametrize("number", ["", "x", "0", "-3", "²", "3000000000", "9" * 5000])
def test_a_number_that_cannot_be_ours_counts_for_nothing(number):
    [new] = reconcile(FIRES, a_situation(shown=(a_task("completed", key=f"rabc-{number}"),))).items
    assert new.key == "rabc-1"


def test_the_same_content_changes_nothing():
    assert reconcile(FIRES, a_situation(an_item(), shown=(a_task(),))) == Decision()


def test_other_content_is_wanted_in_place():
    decision = reconcile(an_assessment(a_finding(), a_finding("R05")), a_situation(an_item()))
    [item] = decision.items
    assert item.key == "rabc-1"
    assert decision.wants == (("rabc-1", Want.OPEN),)


def test_a_later_day_with_the_same_findings_is_no_other_content():
    later = replace(FIRES, as_of=TODAY + timedelta(days=9))
    assert reconcile(later, a_situation(an_item(), today=TODAY + timedelta(days=9))).wants == ()


@pytest.mark.parametrize("status", ["draft", "requested"])
def test_an_untouched_task_is_closed_when_nothing_fires(status):
    decision = reconcile(QUIET, a_situation(an_item(), shown=(a_task(status),)))
    [item] = decision.items
    assert (item.state, item.close_reason) == (ItemState.CLOSED, CloseReason.RESOLVED)
    assert decision.wants == (("rabc-1", Want.CLOSED),)


@pytest.mark.failure("F20")
@pytest.mark.parametrize("status", ["received", "accepted", "ready", "in-progress", "on-hold"])
def test_a_task_that_a_person_is_at_stays_open_with_a_note(status):
    decision = reconcile(QUIET, a_situation(an_item(), shown=(a_task(status),)))
    [item] = decision.items
    assert (item.state, item.not_due_since) == (ItemState.OPEN, TODAY)
    assert decision.wants == (("rabc-1", Want.OPEN),)
    assert reconcile(QUIET, a_situation(item, shown=(a_task(status),))) == Decision()


def test_a_new_finding_goes_into_the_task_that_a_person_is_at():
    waiting = an_item(not_due_since=TODAY, not_due_why="resolved")
    [item] = reconcile(
        an_assessment(a_finding("R05")), a_situation(waiting, shown=(a_task("in-progress"),))
    ).items
    assert (item.key, item.not_due_since) == ("rabc-1", None)


@pytest.mark.parametrize(
    ("status", "ours", "state", "reason"),
    [
        ("completed", False, ItemState.CLOSED, CloseReason.REVIEWED),
        ("cancelled", False, ItemState.CLOSED, CloseReason.REVIEWED),
        ("rejected", False, ItemState.CLOSED, CloseReason.REVIEWED),
        ("entered-in-error", False, ItemState.CLOSED, CloseReason.REVIEWED),
        ("cancelled", True, ItemState.CLOSED, CloseReason.RESOLVED),
        ("failed", False, ItemState.OPEN, None),
    ],
)
def test_what_a_terminal_task_means(status, ours, state, reason):
    decision = reconcile(QUIET, a_situation(an_item(), shown=(a_task(status, ours_ended=ours),)))
    [item] = decision.items
    assert (item.state, item.close_reason) == (state, reason)
    assert decision.failed_elsewhere == (("rabc-1",) if status == "failed" else ())


def test_a_completed_task_and_a_new_reason_close_the_old_item_and_make_a_new_one():
    again = an_assessment(a_finding("R05", Priority.ASAP))
    decision = reconcile(again, a_situation(an_item(), shown=(a_task("completed"),)))
    assert [(item.n, item.state) for item in decision.items] == [(1, ItemState.CLOSED), (2, ItemState.HELD)]


def test_a_task_that_a_person_opens_again_opens_its_item_and_voids_the_outcome():
    closed = an_item(state=ItemState.CLOSED, close_reason=CloseReason.REVIEWED, closed_on=TODAY)
    decision = reconcile(QUIET, a_situation(closed, shown=(a_task("requested"),)))
    [item] = decision.items
    assert item.state is ItemState.OPEN
    assert decision.void == ("rabc-1",)
    assert decision.wants == ()


def test_a_close_that_is_on_its_way_is_not_taken_for_a_person_opening_it_again():
    closed = an_item(state=ItemState.CLOSED, close_reason=CloseReason.RESOLVED, closed_on=TODAY)
    on_its_way = a_task("requested", close_pending=True)
    assert reconcile(QUIET, a_situation(closed, shown=(on_its_way,))) == Decision()
    decision = reconcile(FIRES, a_situation(closed, shown=(on_its_way,)))
    assert [(item.n, item.state) for item in decision.items] == [(1, ItemState.OPEN)]
    assert decision.wants == (("rabc-1", Want.OPEN),)


@pytest.mark.parametrize("status", ["received", "accepted", "ready", "in-progress", "on-hold", "failed"])
@pytest.mark.parametrize("assessment", [FIRES, QUIET], ids=["fires", "quiet"])
def test_somebody_who_is_quicker_than_our_end_of_a_task_keeps_it(status, assessment):
    closed = an_item(state=ItemState.CLOSED, close_reason=CloseReason.RESOLVED, closed_on=TODAY)
    taken_on = a_task(status, close_pending=True)
    decision = reconcile(assessment, a_situation(closed, shown=(taken_on,)))
    [item] = decision.items
    assert (item.n, item.state, item.close_reason) == (1, ItemState.OPEN, None)
    assert (item.not_due_since is None) == bool(assessment.findings)
    assert decision.void == ()  # nobody took an answer back
    assert decision.wants == (("rabc-1", Want.OPEN),)


def test_after_a_merge_the_live_item_counts_whatever_its_number():
    own = an_item(n=4, state=ItemState.CLOSED, close_reason=CloseReason.RESOLVED, closed_on=TODAY)
    moved = an_item(base="rother", n=1)
    assert reconcile(FIRES, a_situation(moved, own, shown=(a_task(key="rother-1"),))) == Decision()


def test_after_a_merge_the_number_follows_the_highest_of_the_same_base():
    own = an_item(n=2, state=ItemState.CLOSED, close_reason=CloseReason.RESOLVED, closed_on=TODAY)
    moved = replace(own, base="rother", n=7)
    [new] = reconcile(FIRES, a_situation(moved, own)).items
    assert new.key == "rabc-3"


@pytest.mark.failure("I5", "I8")
@pytest.mark.parametrize("kind", ["Patient", "MedicationRequest", "MedicationDispense", "Encounter", "Task"])
@pytest.mark.parametrize("assessment", [FIRES, QUIET], ids=["fires", "quiet"])
def test_a_failed_read_of_a_critical_type_changes_nothing_but_says_so(kind, assessment):
    failed = replace(assessment, failed_reads=(kind,))
    assert reconcile(failed, a_situation()) == Decision()
    decision = reconcile(failed, a_situation(an_item(), shown=(a_task("completed"),)))
    [item] = decision.items
    assert replace(item, incomplete_since=None, incomplete_why=None) == an_item()
    assert item.incomplete_since == NOW
    assert kind in (item.incomplete_why or "")
    assert decision.wants == ()


@pytest.mark.parametrize("rule", ["R01", "R02", "R08"])
def test_another_failed_type_lets_rules_that_lean_on_absence_neither_open_nor_raise(rule):
    failed = an_assessment(a_finding(rule), failed_reads=("Procedure",))
    assert reconcile(failed, a_situation()).items == ()
    urgent = an_assessment(a_finding(rule, Priority.URGENT), failed_reads=("Procedure",))
    kept = reconcile(urgent, a_situation(an_item(a_finding("R05")))).items[0]
    assert [reason.rule for reason in kept.reasons] == ["R05"]


def test_another_failed_type_lets_the_other_rules_open_and_raise():
    failed = an_assessment(a_finding("R05", Priority.ASAP), failed_reads=("Condition",))
    [new] = reconcile(failed, a_situation()).items
    assert new.state is ItemState.HELD
    raised = reconcile(failed, a_situation(an_item())).items[0]
    assert (raised.priority, [r.rule for r in raised.reasons]) == (Priority.ASAP, ["R05", "R02"])


@pytest.mark.parametrize(
    ("answered", "opens"),
    [
        (Muted("R05", Priority.URGENT, date(2026, 5, 20)), False),
        (Muted("R05", Priority.ROUTINE, date(2026, 5, 20)), True),  # stronger now
        (Muted("R05", Priority.URGENT, date(2026, 5, 19)), True),  # began after it was answered
        (Muted("R10", Priority.URGENT, date(2026, 5, 20)), True),  # another one was
    ],
)
def test_what_evidence_had_answered_is_not_asked_while_the_evidence_cannot_be_read(answered, opens):
    failed = an_assessment(a_finding("R05", Priority.URGENT), failed_reads=("CarePlan",))
    assert bool(reconcile(failed, a_situation(muted=(answered,))).items) is opens
    complete = replace(failed, failed_reads=())
    assert reconcile(complete, a_situation(muted=(answered,))).items


def test_another_failed_type_closes_and_lowers_nothing():
    urgent = an_item(a_finding("R05", Priority.URGENT))
    quiet = reconcile(replace(QUIET, failed_reads=("Condition",)), a_situation(urgent)).items[0]
    assert (quiet.state, quiet.priority) == (ItemState.OPEN, Priority.URGENT)
    lower = an_assessment(a_finding("R05", Priority.ROUTINE), failed_reads=("Condition",))
    assert reconcile(lower, a_situation(urgent)).items[0].priority is Priority.URGENT


def test_a_resource_that_may_matter_and_cannot_be_read_blocks_closing():
    decision = reconcile(QUIET, a_situation(an_item(), shown=(a_task(),), blocked=True))
    assert decision.items[0].state is ItemState.OPEN
    assert decision.wants == ()


R04 = a_finding("R04", Priority.ASAP)


@pytest.mark.failure("F20")
@pytest.mark.parametrize(
    ("item", "changes", "expected"),
    [
        (an_item(), {"last_review": date(2026, 5, 20)}, CloseReason.REVIEWED),
        (an_item(), {"last_review": date(2026, 5, 19)}, CloseReason.RESOLVED),
        (an_item(), {"suppressed": (a_finding(suppressed_by="S1"),)}, CloseReason.SOURCE_ERROR),
        (an_item(), {"episode": None}, CloseReason.SOURCE_ERROR),
        (an_item(), {"suppressed": (a_finding(suppressed_by="S12"),)}, CloseReason.REVIEWED),
        (an_item(), {"suppressed": (a_finding(suppressed_by="S4"),)}, CloseReason.RESOLVED),
        (an_item(R04), {"lapsed": 61}, CloseReason.EXPIRED),
        (an_item(R04), {"lapsed": 60}, CloseReason.RESOLVED),
    ],
)
def test_why_an_item_closes(item, changes, expected):
    lapsed = changes.pop("lapsed", None) if "lapsed" in (changes := dict(changes)) else None
    quiet = replace(QUIET, **changes)
    if lapsed is not None:
        end = TODAY - timedelta(days=lapsed - 1)
        quiet = replace(quiet, episode=replace(quiet.episode, end=end, covered=False))
    situation = a_situation(item, shown=(a_task(),), answered_on=item.since)
    assert reconcile(quiet, situation).items[0].close_reason is expected


def test_an_answer_from_before_the_item_does_not_make_it_reviewed():
    muted = a_finding(suppressed_by="S12")
    quiet = replace(QUIET, suppressed=(muted,))
    item = an_item()
    before = a_situation(item, shown=(a_task(),), answered_on=item.since - timedelta(days=1))
    assert reconcile(quiet, before).items[0].close_reason is CloseReason.RESOLVED


def test_a_live_task_of_ours_that_no_item_knows_is_taken_on_with_its_number():
    orphan = a_task(key="rabc-4")
    decision = reconcile(FIRES, a_situation(shown=(orphan,)))
    assert [(item.key, item.state, item.opened_on) for item in decision.items] == [
        ("rabc-4", ItemState.OPEN, TODAY)
    ]
    assert decision.wants == (("rabc-4", Want.OPEN),)


def test_a_number_that_another_patient_took_along_is_not_given_again():
    assert reconcile(FIRES, a_situation(highest_n=3)).items[0].n == 4


def test_an_open_item_whose_task_lost_its_wants_gets_them_back():
    assert reconcile(FIRES, a_situation(an_item(), shown=(a_task(wanted=False),))).wants == (
        ("rabc-1", Want.OPEN),
    )


def test_a_held_item_that_no_longer_fires_closes_without_a_word_to_the_ehr():
    decision = reconcile(QUIET, a_situation(an_item(state=ItemState.HELD, opened_on=None)))
    assert decision.items[0].state is ItemState.CLOSED
    assert decision.wants == ()


@pytest.mark.failure("F17")
@pytest.mark.parametrize(
    ("finding", "days", "again"),
    [
        (a_finding(since=date(2026, 1, 1)), 89, False),
        (a_finding(since=date(2026, 1, 1)), 90, True),
        (a_finding(priority=Priority.URGENT, since=date(2026, 1, 1)), 1, True),
        (a_finding("R05", since=date(2026, 1, 1)), 1, True),
        (a_finding(since=TODAY), 1, True),
    ],
)
def test_after_a_deletion_only_something_new_asks_again(finding, days, again):
    deleted = an_item(state=ItemState.WITHDRAWN, withdrawn_on=TODAY - timedelta(days=days))
    items = reconcile(an_assessment(finding), a_situation(deleted)).items
    assert [item.n for item in items] == ([2] if again else [])


statuses = st.sampled_from(
    ["draft", "requested", "received", "in-progress", "completed", "cancelled", "rejected", "failed"]
)
findings = st.lists(
    st.builds(a_finding, st.sampled_from(["R01", "R02", "R04", "R05", "R14"]), st.sampled_from(Priority)),
    max_size=3,
    unique_by=lambda finding: finding.rule,
)
reads = st.sampled_from([(), ("Condition",), ("MedicationRequest",), ("Task", "Condition")])


@given(findings, findings, st.sampled_from(ItemState), statuses, reads, st.booleans())
def test_deciding_twice_on_unchanged_input_plans_nothing_the_second_time(
    then, now, state, status, failed, ours
):
    before = an_item(
        *then,
        state=state,
        opened_on=None if state is ItemState.HELD else TODAY,
        withdrawn_on=TODAY if state is ItemState.WITHDRAWN else None,
    )
    shown = (a_task(status, ours_ended=ours),)
    assessment = an_assessment(*now, failed_reads=failed)
    first = reconcile(assessment, a_situation(before, shown=shown))
    items = {before.key: before} | {item.key: item for item in first.items}
    if first.void:
        return  # an outcome was taken back: the next assessment is another one
    pending = {key for key, want in first.wants if want is Want.CLOSED}
    after = tuple(replace(task, close_pending=task.key in pending) for task in shown)
    second = reconcile(assessment, a_situation(*items.values(), shown=after))
    assert (second.items, second.wants) == ((), ())


@pytest.mark.failure("I5")
@given(findings, findings, statuses, st.sampled_from([("MedicationRequest",), ("Condition",)]))
def test_an_incomplete_read_never_closes_and_never_lowers(then, now, status, failed):
    before = an_item(*then)
    shown = (a_task("requested" if status in ("completed", "cancelled", "rejected") else status),)
    decision = reconcile(an_assessment(*now, failed_reads=failed), a_situation(before, shown=shown))
    for item in decision.items:
        assert item.live
        assert item.priority >= before.priority or item.key != before.key
