"""Who does the passes: this process alone, or several side by side."""

import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from itertools import islice
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, Protocol, TypeVar

from service.knowledge import Knowledge, knowledge
from service.normalise.concern import Concerned
from service.sources.documents import MIB, Part
from service.sources.passes import Sorted, Sought, Work, seek, sort, work_through
from service.sources.shards import PATIENTS_A_SHARD, ByHash, InOrder, Shards, Wanted, Whole

_AHEAD = 3  # tasks handed out per process, and results held, before one is taken
_SHARDS_PER_JOB = 4  # at least, so that all end at about the same time
_WORKER_MEMORY = 8 * MIB  # of what a process keeps: the others can only read what is in the files
_LONGEST_SOCKET_PATH = 103  # bytes; sockaddr_un holds 108 on Linux, 104 elsewhere, the last one is 0
_PRELOADED = ["service.assess", "service.sources.crew"]

T = TypeVar("T")
R = TypeVar("R")
OnPart = Callable[[int, int], None]
"""Number of the part, bytes of it done."""


class WorkerDiedError(RuntimeError):
    """A process of ours ended before its work did: it was killed, or ran out of memory."""


class Crew(Protocol):
    """Does the three passes; results of the first two come in order of the parts."""

    def seek(self, parts: Sequence[Part], known: Concerned | None) -> Iterable[Sought]: ...

    def sort(self, parts: Sequence[Part], wanted: Wanted) -> Iterable[Sorted]: ...

    def work(self, whole: Whole, work: Work[T]) -> Iterator[T]: ...

    def close(self) -> None: ...

    @property
    def shards(self) -> Shards: ...


class Alone:
    """This process; patients come in order of first appearance."""

    def __init__(self, folder: Path, knowledge: Knowledge, on_part: OnPart) -> None:
        self.shards = Shards(folder)
        self._knowledge, self._on_part = knowledge, on_part

    def seek(self, parts: Sequence[Part], known: Concerned | None) -> Iterator[Sought]:
        for n, part in enumerate(parts):
            yield seek(part, self._knowledge, known, self._told(n))

    def sort(self, parts: Sequence[Part], wanted: Wanted) -> Iterator[Sorted]:
        shard_of = InOrder()
        for n, part in enumerate(parts):
            yield sort(part, n, wanted, self.shards, shard_of, self._told(n))

    def work(self, whole: Whole, work: Work[T]) -> Iterator[T]:
        for shard in self.shards.of_patients():
            yield from work_through(self.shards, shard, whole, work)

    def close(self) -> None:
        """Nothing to end."""

    def _told(self, part: int) -> Callable[[int], None]:
        return lambda done: self._on_part(part, done)


class SideBySide:
    """As many processes as there are jobs.  They do not see each other's memory: what they share is in files.

    Raises WorkerDiedError when one of them is killed.  Whatever happens, none outlives `close`.
    """

    def __init__(self, folder: Path, jobs: int, on_part: OnPart) -> None:
        self.shards = Shards(folder, "parent")
        self._folder, self._jobs, self._on_part = folder, jobs, on_part
        self._strangers = set(multiprocessing.active_children())
        self._pool = ProcessPoolExecutor(jobs, mp_context=_context(), initializer=_begin)

    def seek(self, parts: Sequence[Part], known: Concerned | None) -> Iterator[Sought]:
        place = self._share("known", known)
        yield from self._told(parts, self._run(_seek, ((part, place) for part in parts)))

    def sort(self, parts: Sequence[Part], wanted: Wanted) -> Iterator[Sorted]:
        place = self._share("wanted", wanted)
        shard_of = ByHash(max(self._jobs * _SHARDS_PER_JOB, -(-len(wanted.patients) // PATIENTS_A_SHARD)))
        tasks = ((part, n, place, shard_of, self._folder) for n, part in enumerate(parts))
        yield from self._told(parts, self._run(_sort, tasks))

    def work(self, whole: Whole, work: Work[T]) -> Iterator[T]:
        place = self._share("work", (whole, work))
        for found in self._run(_work, ((shard, place, self._folder) for shard in self.shards.of_patients())):
            yield from found

    def close(self) -> None:
        """End all processes at once; what they still do is of no use to anybody."""
        for process in set(multiprocessing.active_children()) - self._strangers:
            process.terminate()
        self._pool.shutdown(cancel_futures=True)

    def _share(self, name: str, value: object) -> Path:
        place = self._folder / f"{name}.pickle"
        place.write_bytes(pickle.dumps(value))
        return place

    def _run(self, function: Callable[[Any], R], tasks: Iterable[Any]) -> Iterator[R]:
        """What the function gives for each task, in order."""
        waiting: deque[Future[R]] = deque()
        left = iter(tasks)
        try:
            while True:
                for task in islice(left, self._jobs * _AHEAD - len(waiting)):
                    waiting.append(self._pool.submit(function, task))
                if not waiting:
                    return
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise WorkerDiedError(
                "a worker process ended before its work was done (killed, or out of memory?)"
            ) from None

    def _told(self, parts: Sequence[Part], found: Iterable[R]) -> Iterator[R]:
        for n, one in enumerate(found):
            self._on_part(n, parts[n].size)
            yield one


def _context() -> BaseContext:
    """Processes that share the code of one that has no threads; where that cannot be, that start afresh.

    A fork server listens on a socket in the temporary folder, whose path the system limits in length.
    """
    socket = len(os.fsencode(tempfile.gettempdir())) + len("/pymp-12345678/listener-12345678")
    if "forkserver" not in multiprocessing.get_all_start_methods() or socket > _LONGEST_SOCKET_PATH:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


# -- in the processes ----------------------------------------------------------------------------


def _begin() -> None:
    """Leave Ctrl-C to the parent, and never outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _seek(task: tuple[Part, Path]) -> Sought:
    part, place = task
    return seek(part, knowledge(), _load(place), _untold)


def _sort(task: tuple[Part, int, Path, ByHash, Path]) -> Sorted:
    part, number, place, shard_of, folder = task
    shards = _own_shards(folder)
    found = sort(part, number, _load(place), shards, shard_of, _untold)
    shards.flush()
    return found


def _work(task: tuple[int, Path, Path]) -> list[Any]:
    shard, place, folder = task
    whole, work = _load(place)
    return list(work_through(_own_shards(folder), shard, whole, work))


@lru_cache(maxsize=1)
def _own_shards(folder: Path) -> Shards:
    return Shards(folder, str(os.getpid()), _WORKER_MEMORY)


@lru_cache(maxsize=1)
def _load(place: Path) -> Any:
    return pickle.loads(place.read_bytes())  # noqa: S301 (the parent wrote it, in a folder of its own)


def _untold(_done: int) -> None:
    """The parent tells of whole parts."""
