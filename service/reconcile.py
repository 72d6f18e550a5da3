"""From an assessment, the items and what the EHR shows, to what should be true (lifecycle.md §2, §4).

Pure: the same input twice gives nothing to do the second time.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from service.model.assessment import Assessment, Finding, Priority
from service.model.content import content_of
from service.model.item import CloseReason, Item, ItemState, Reason

# A failed read of one of these changes nothing at all; lifecycle.md §2, first row.
CRITICAL_TYPES = frozenset({"Patient", "MedicationRequest", "MedicationDispense", "Encounter", "Task"})
# These lean on what was *not* found in a type that failed; lifecycle.md §2, second row.
NEED_COMPLETE = frozenset({"R01", "R02", "R08"})
# Rules whose end may be a look-back window that ran out, with the policy's name of the window; §2.
WINDOWS = {"R04": "R04.until", "R14": "R14.event_within", "R16": "R16.event_within"}
BY_OUTCOME = frozenset({"S12", "S13", "S15"})  # suppressions that need no more than our ledger
WITHDRAWN_REST = timedelta(days=90)  # §2, last row: a person deleted the Task

_NUMBER = re.compile(r"[1-9][0-9]{0,5}")  # an n that could be ours; people may write anything into a Task

LIVE = frozenset({"draft", "requested", "received", "accepted", "ready", "in-progress", "on-hold", "failed"})
PERSON_AT_IT = frozenset({"received", "accepted", "ready", "in-progress", "on-hold"})
NOT_OURS_TO_END = PERSON_AT_IT | {"failed"}  # §4: neither is ended by us


@dataclass(frozen=True, slots=True)
class ShownTask:
    """An own Task as the EHR shows it."""

    key: str
    reference: str
    status: str
    ours_ended: bool  # has a close code of ours
    close_pending: bool = False  # we decided to end it, and the EHR does not show that yet
    wanted: bool = True  # its projection says what it should hold


@dataclass(frozen=True, slots=True)
class Muted:
    """A finding that evidence in the record suppressed when everything was read."""

    rule: str
    priority: Priority
    since: date

    def covers(self, found: Finding) -> bool:
        """Whether it is the same finding, no stronger."""
        return found.rule == self.rule and found.since <= self.since and found.priority <= self.priority


class Want(StrEnum):
    """What the projection of an item should become."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to write: items that changed, the projections they want, outcomes that no longer count."""

    items: tuple[Item, ...] = ()
    wants: tuple[tuple[str, Want], ...] = ()  # key → what its projection should become
    void: tuple[str, ...] = ()  # keys whose outcomes a person took back by opening the Task again
    acts: tuple[tuple[str, str], ...] = ()  # (act, key) for the audit
    failed_elsewhere: tuple[str, ...] = ()  # keys whose Task another system set to `failed`


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that reconcile looks at besides the assessment."""

    source: str
    patient: str  # bare id
    base: str
    items: Sequence[Item]  # all of the patient; after a merge with more than one base
    shown: Sequence[ShownTask]  # own Tasks in the EHR with this base
    today: date
    now: datetime
    windows: Mapping[str, int]  # days, by the policy's name
    rank: tuple[int, int, float, int, int] = (0, 0, 0.0, 0, 0)
    owner: str | None = None
    highest_n: int = 0  # of any item in the ledger with this base, whosever it is now
    answered_on: date | None = None  # the day of the latest outcome
    muted: Sequence[Muted] = ()  # what the record answered when it was last read completely
    blocked: bool = False  # an unreadable that could be in scope and that nobody accepted


def reconcile(assessment: Assessment, situation: Situation) -> Decision:
    """What should be true of the patient's item now."""
    last = newest(situation.items)
    critical = sorted(CRITICAL_TYPES.intersection(assessment.failed_reads))
    if critical:
        return _incomplete(last, situation, f"{', '.join(critical)} could not be read")
    before = {item.key: item for item in situation.items}
    item, void, reported = _apply_shown(last, situation)
    want: Want | None = None
    if void:  # the assessment still knew the outcome that is taken back: the next look decides
        pass
    elif assessment.failed_reads:
        item, want = _widen_only(item, assessment, situation)
    else:
        item, want = _decide(item, assessment, situation)
    changed = tuple(
        each
        for each in dict.fromkeys([_closed_by_person(last, situation), item])
        if each is not None and before.get(each.key) != each
    )
    return Decision(
        items=changed,
        wants=((item.key, want),) if item is not None and want is not None else (),
        void=void,
        acts=tuple((_act(before.get(each.key), each), each.key) for each in changed),
        failed_elsewhere=reported,
    )


# -- what the EHR shows ------------------------------------------------------------------------


def _shown(item: Item | None, situation: Situation) -> ShownTask | None:
    if item is None:
        return None
    return next((task for task in situation.shown if task.key == item.key), None)


def _closed_by_person(newest: Item | None, situation: Situation) -> Item | None:
    """The newest item, closed when a person ended its Task; else None."""
    task = _shown(newest, situation)
    if newest is None or task is None or newest.state is not ItemState.OPEN or task.status in LIVE:
        return None
    if task.ours_ended:  # ended by us in a cycle whose record of it was lost
        return _close(newest, CloseReason.RESOLVED, situation.today)
    return _close(newest, CloseReason.REVIEWED, situation.today)


def _apply_shown(
    newest: Item | None, situation: Situation
) -> tuple[Item | None, tuple[str, ...], tuple[str, ...]]:
    """The newest item after what people did to its Task; voided and failed keys."""
    task = _shown(newest, situation)
    if newest is None or task is None:
        return newest, (), ()
    if newest.state is ItemState.OPEN:
        ended = _closed_by_person(newest, situation)
        return ended or newest, (), (newest.key,) if task.status == "failed" else ()
    was_open = newest.state is ItemState.CLOSED and newest.opened_on is not None
    if task.status in LIVE and was_open:
        opened = replace(newest, state=ItemState.OPEN, close_reason=None, closed_on=None)
        if (
            not task.close_pending or task.status in NOT_OURS_TO_END
        ):  # or somebody was quicker than our end of it
            return opened, () if task.close_pending else (newest.key,), ()
    return newest, (), ()


# -- what should be ----------------------------------------------------------------------------


def _decide(
    item: Item | None, assessment: Assessment, situation: Situation
) -> tuple[Item | None, Want | None]:
    if assessment.findings:
        return _fires(item, assessment, situation, assessment.findings)
    if item is None or not item.live:
        return item, None
    return _quiet(_complete(item), assessment, situation)


def _widen_only(
    item: Item | None, assessment: Assessment, situation: Situation
) -> tuple[Item | None, Want | None]:
    """A type failed: what leans on its absence is silent, and nothing closes or lowers."""
    held = {reason.rule: reason for reason in item.reasons} if item and item.live else {}
    firm = [f for f in assessment.findings if f.rule in held or _stands_alone(f, situation)]
    raised = [f for f in firm if f.rule not in held or f.priority > held[f.rule].priority]
    why = f"{', '.join(assessment.failed_reads)} could not be read"
    if not raised:
        return (_mark_incomplete(item, situation, why) if item and item.live else item), None
    changed, want = _fires(item, assessment, situation, firm)
    if changed is None or not changed.live:
        return changed, want
    strongest = dict(held)
    for reason in changed.reasons:
        if reason.rule not in held or reason.priority >= held[reason.rule].priority:
            strongest[reason.rule] = reason
    reasons = _ordered(strongest.values())
    priority = max(reason.priority for reason in reasons)
    due_on = min(reason.due_on for reason in reasons if reason.priority == priority)
    changed = replace(changed, reasons=reasons, priority=priority, due_on=due_on)
    return _mark_incomplete(changed, situation, why), want


def _stands_alone(found: Finding, situation: Situation) -> bool:
    """Whether it needs nothing of what could not be read: neither an absence nor an answer seen before."""
    return found.rule not in NEED_COMPLETE and not any(each.covers(found) for each in situation.muted)


def _fires(
    item: Item | None, assessment: Assessment, situation: Situation, findings: Sequence[Finding]
) -> tuple[Item | None, Want | None]:
    if item is not None and item.state is ItemState.WITHDRAWN and not _again(item, findings, situation):
        return item, None
    if item is not None and _stays_recalled(item, findings):
        return item, None
    content = content_of(assessment, findings)
    reasons = _ordered(Reason(f.rule, f.priority, f.since, f.due_on) for f in findings)
    summary = assessment.item
    priority = max(f.priority for f in findings)
    due_on = (
        summary.due_on
        if summary and summary.priority == priority
        else min(reason.due_on for reason in reasons if reason.priority == priority)
    )
    task = _shown(item, situation)
    if item is not None and item.state is ItemState.CLOSED and task is not None and task.close_pending:
        item = replace(item, state=ItemState.OPEN, close_reason=None, closed_on=None)
    if item is None or not item.live:
        orphan = _orphan(situation)
        new = Item(
            source=situation.source,
            patient=situation.patient,
            base=situation.base,
            n=orphan or 1 + _highest_n(situation),
            state=ItemState.OPEN if orphan else ItemState.HELD,
            priority=priority,
            due_on=due_on,
            reasons=reasons,
            content=content,
            since=situation.today,
            rank=situation.rank,
            owner=situation.owner,
            opened_on=situation.today if orphan else None,
            had_task=bool(orphan),
        )
        return new, Want.OPEN if orphan else None
    kept = _complete(item)
    same = kept.content == content and kept.not_due_since is None
    current = replace(
        kept,
        priority=priority,
        due_on=due_on,
        reasons=reasons,
        content=content,
        rank=situation.rank,
        owner=situation.owner if item.state is ItemState.HELD else item.owner,
        not_due_since=None,
        not_due_why=None,
    )
    astray = task is not None and (task.close_pending or not task.wanted)
    changed = item.state is ItemState.OPEN and (not same or astray)
    return current, Want.OPEN if changed else None


def _quiet(item: Item, assessment: Assessment, situation: Situation) -> tuple[Item, Want | None]:
    """Nothing fires any more, and everything that matters was read."""
    if situation.blocked:
        return _mark_incomplete(item, situation, "a resource that may matter cannot be read"), None
    reason = _why_closed(item, assessment, situation)
    task = _shown(item, situation)
    if item.state is ItemState.OPEN and task is not None and task.status in NOT_OURS_TO_END:
        if item.not_due_since is not None:
            return item, None
        return replace(item, not_due_since=situation.today, not_due_why=reason.value), Want.OPEN
    closed = _close(item, reason, situation.today)
    return closed, Want.CLOSED if item.state is ItemState.OPEN else None


def _why_closed(item: Item, assessment: Assessment, situation: Situation) -> CloseReason:
    if assessment.last_review is not None and assessment.last_review >= item.since:
        return CloseReason.REVIEWED
    answered = situation.answered_on is not None and situation.answered_on >= item.since
    if answered and any(f.suppressed_by in BY_OUTCOME for f in assessment.suppressed):
        return CloseReason.REVIEWED  # an outcome given elsewhere answers it
    if any(f.suppressed_by == "S1" for f in assessment.suppressed) or assessment.episode is None:
        return CloseReason.SOURCE_ERROR
    if all(_ran_out(reason, assessment, situation) for reason in item.reasons):
        return CloseReason.EXPIRED
    return CloseReason.RESOLVED


def _ran_out(reason: Reason, assessment: Assessment, situation: Situation) -> bool:
    window = WINDOWS.get(reason.rule)
    if window is None or assessment.episode is None:
        return False
    days = situation.windows[window]
    if reason.rule == "R04":
        last_covered = assessment.episode.end - timedelta(days=1)
        return not assessment.episode.covered and (situation.today - last_covered).days > days
    return (situation.today - reason.since).days > days


def _again(item: Item, findings: Sequence[Finding], situation: Situation) -> bool:
    """Whether a deleted Task may be followed by a new one (§2, last row)."""
    gone = item.withdrawn_on or situation.today
    known = {reason.rule for reason in item.reasons}
    return situation.today - gone >= WITHDRAWN_REST or any(
        f.rule not in known or f.since > gone or f.priority > item.priority for f in findings
    )


def _stays_recalled(item: Item, findings: Sequence[Finding]) -> bool:
    """Whether an operator withdrew it and nothing fires that was not in it (§6)."""
    known = {reason.rule for reason in item.reasons}
    is_recalled = item.recalled and item.close_reason is CloseReason.RECALLED
    return is_recalled and known.issuperset(finding.rule for finding in findings)


def newest(items: Sequence[Item]) -> Item | None:
    """The live one, else the one that ended last: a merge brings items of another base, whose n say nothing."""
    return max(
        items,
        key=lambda item: (item.live, item.closed_on or item.withdrawn_on or date.min, item.n),
        default=None,
    )


def _highest_n(situation: Situation) -> int:
    numbers = [item.n for item in situation.items if item.base == situation.base]
    numbers += [n for task in situation.shown if (n := _number_of(task, situation))]
    return max([situation.highest_n, *numbers])


def _number_of(task: ShownTask, situation: Situation) -> int | None:
    """The n of an own Task with this base; None when it could not be ours."""
    base, _, n = task.key.rpartition("-")
    return int(n) if base == situation.base and _NUMBER.fullmatch(n) else None


def _orphan(situation: Situation) -> int | None:
    """The n of a live Task of ours that no item knows: of a ledger that was restored, or lost."""
    known = {item.key for item in situation.items}
    live = (task for task in situation.shown if task.status in LIVE and task.key not in known)
    numbers = (n for task in live if (n := _number_of(task, situation)))
    return max((n for n in numbers if n > situation.highest_n), default=None)


# -- small parts -------------------------------------------------------------------------------


def _ordered(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    return tuple(sorted(reasons, key=lambda reason: (-reason.priority, reason.rule)))


def _close(item: Item, reason: CloseReason, today: date) -> Item:
    return replace(
        _complete(item),
        state=ItemState.CLOSED,
        close_reason=reason,
        closed_on=today,
        not_due_since=None,
        not_due_why=None,
    )


def _complete(item: Item) -> Item:
    return replace(item, incomplete_since=None, incomplete_why=None)


def _mark_incomplete(item: Item, situation: Situation, why: str) -> Item:
    return replace(item, incomplete_since=item.incomplete_since or situation.now, incomplete_why=why)


def _incomplete(newest: Item | None, situation: Situation, why: str) -> Decision:
    if newest is None or not newest.live:
        return Decision()
    marked = _mark_incomplete(newest, situation, why)
    return Decision(items=(marked,) if marked != newest else ())


def _act(before: Item | None, after: Item) -> str:
    if before is None:
        return "item found"
    if before.state is after.state:
        return "item changed"
    return {
        ItemState.OPEN: "item opened again",
        ItemState.HELD: "item held",
        ItemState.CLOSED: f"item closed: {after.close_reason.value if after.close_reason else ''}",
        ItemState.WITHDRAWN: "item withdrawn",
    }[after.state]
