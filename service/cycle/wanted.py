"""What the EHR should show of an open item, and what that rests on."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from service.assess import render
from service.channels import task as tasks
from service.cycle.parts import Parts
from service.model.assessment import Assessment
from service.model.item import Desired, Doing, Item, Projection
from service.ports import StoredAssessment, Transaction


def want(
    tx: Transaction,
    parts: Parts,
    item: Item,
    elements: Mapping[str, Any],
    projection: Projection | None,
    now: datetime,
    *,
    rests_on: Assessment | None = None,
) -> None:
    """Make `elements` what the EHR should show of the item; a newer want replaces an unsent one.

    `rests_on` is what they were made from, for `verify`.
    """
    if "task" not in parts.settings.channels or item.excluded:
        return
    before = projection or Projection(parts.id, item.key, item.patient, "Task", None)
    shown = before.seen.generation if before.seen else 0
    generation = 1 + max(before.desired.generation if before.desired else 0, shown)
    tx.save_projection(
        replace(
            before,
            desired=Desired(dict(elements), generation),
            tries=0,
            next_try_at=before.next_try_at if before.attempt.doing is not Doing.NONE else None,
            rejected=False,
            error=None,
        ),
        now,
    )
    if rests_on is not None:
        stored = StoredAssessment(item.patient, now, render(rests_on))
        tx.save_rested_on(parts.id, item.key, generation, stored)
        tx.forget_rested_on(parts.id, item.key, shown)


def backed(assessment: Assessment, item: Item) -> Assessment:
    """The assessment with those findings alone that the item stands for.

    While a type cannot be read the others lean on what was not seen (lifecycle.md §2); there may be none left.
    """
    rules = {reason.rule for reason in item.reasons}
    return replace(assessment, findings=tuple(each for each in assessment.findings if each.rule in rules))


def elements_of(parts: Parts, assessment: Assessment, item: Item) -> dict[str, Any]:
    """What the item's Task should hold."""
    return tasks.elements(
        assessment,
        item,
        requester=parts.settings.requester or None,
        pool=parts.settings.pool or None,
        release_days=parts.release_days(),
    )
