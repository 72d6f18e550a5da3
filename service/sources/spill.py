"""Bytes set aside by shard: in memory up to a limit, beyond it in temporary files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO

_FILE_BUFFER = 1 << 20

Record = tuple[bytes, bytes]
"""A head of fixed length, and a body."""


class SpillError(RuntimeError):
    """There is no room for temporary files, or no right to write them; the message says so."""


@dataclass(slots=True)
class Spill:
    """Records by shard.  One process adds; once they are flushed, others can read them."""

    folder: Path
    writer: str  # names its files in the folder, which may hold those of other writers
    limit: int  # bytes kept in memory
    head_size: int
    body_size: Callable[[bytes], int]  # of the body that follows a head
    _buffers: dict[int, bytearray] = field(init=False, default_factory=dict)
    _size: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)

    def add(self, shard: int, head: bytes, body: bytes = b"") -> None:
        """Raises SpillError."""
        buffer = self._buffers.get(shard)
        if buffer is None:
            buffer = self._buffers[shard] = bytearray()
        buffer += head
        buffer += body
        self._size += len(head) + len(body)
        if self._size > self.limit:
            self.flush()

    def flush(self) -> None:
        """Leave nothing in memory.  Raises SpillError."""
        try:
            for shard, buffer in self._buffers.items():
                with (self.folder / f"{shard}.{self.writer}").open("ab") as file:
                    file.write(buffer)
        except OSError as problem:
            why = problem.strerror or "no reason given"
            raise SpillError(f"temporary files in {self.folder.parent.parent}: {why}") from None
        self._buffers.clear()
        self._size = 0

    def shards(self) -> list[int]:
        """Those that hold anything."""
        written = {int(file.stem) for file in self.folder.iterdir()}
        return sorted(written | self._buffers.keys())

    def records(self, shard: int) -> Iterator[Record]:
        """What a shard holds; what one writer added comes in the order of adding."""
        for path in sorted(self.folder.glob(f"{shard}.*")):
            with path.open("rb", buffering=_FILE_BUFFER) as file:
                yield from self._read(file)
        if shard in self._buffers:
            yield from self._read(BytesIO(self._buffers[shard]))

    def _read(self, file: IO[bytes]) -> Iterator[Record]:
        while head := file.read(self.head_size):
            yield head, file.read(self.body_size(head))
