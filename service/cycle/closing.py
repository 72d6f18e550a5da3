"""What a closed item wants of its projection."""

from dataclasses import replace
from datetime import datetime

from service.model.item import Desired, Doing, Item, Projection
from service.ports import Transaction


def want_closed(tx: Transaction, item: Item, projection: Projection | None, now: datetime) -> None:
    """End the Task with the item's close reason; what never reached the EHR is simply no longer wanted."""
    if projection is None:
        return
    untouched = projection.seen is None and projection.attempt.doing is Doing.NONE
    desired = projection.desired
    if untouched:
        desired = None
    elif desired is not None:
        desired = replace(desired, generation=desired.generation + 1, close=item.close_reason)
    elif projection.seen is not None:  # a Task that a person opened again: nothing was wanted of it since
        desired = Desired({}, projection.seen.generation + 1, close=item.close_reason)
    tx.save_projection(
        replace(projection, desired=desired, tries=0, next_try_at=None, rejected=False, error=None), now
    )
