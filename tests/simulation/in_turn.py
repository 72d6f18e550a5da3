"""Thread pools of one caller: what the service does at the same time is done in turn, so that a run can be repeated."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from service.cycle import deliver
from service.sources import gather


class InTurn:
    """The part of ThreadPoolExecutor that the service uses."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, work: Callable[..., Any], *rows: Iterable[Any]) -> Iterator[Any]:
        return map(work, *rows)


@contextmanager
def everything_in_turn() -> Iterator[None]:
    """No threads in gather and deliver meanwhile; how they meet is tested elsewhere, with real ones."""
    rooms: tuple[Any, ...] = (deliver, gather)
    before = [room.ThreadPoolExecutor for room in rooms]
    for room in rooms:
        room.ThreadPoolExecutor = InTurn
    try:
        yield
    finally:
        for room, executor in zip(rooms, before, strict=True):
            room.ThreadPoolExecutor = executor
