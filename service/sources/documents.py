"""Files and folders → the JSON documents in them, one at a time; what cannot be read is a value too."""

import gzip
import itertools
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Protocol

MIB = 1 << 20
DOCUMENT_LIMIT = 256 * MIB  # one JSON document (interfaces.md, `assess`)
LINE_LIMIT = 64 * MIB
_SUFFIXES = (".json", ".ndjson")
_WHITE = b" \t\r\n"
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_PIECE = 1 << 16  # read at once: small enough to stay in the processor's cache


HERE = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """Something of the input that could not be handled."""

    file: str
    line: int | None  # of an .ndjson; HERE: the line after those of the blocks before it
    reason: str

    def __str__(self) -> str:
        return f"{self.file}{'' if self.line is None else f':{self.line}'}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Block:
    """Whole JSON documents: one of a .json, or some lines of an .ndjson, the last one maybe without its end.

    Its lines are not counted: that costs as much as to find out whose they are.
    """

    raw: bytes
    is_lines: bool


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to read."""

    path: Path
    size: int  # bytes on disk

    @property
    def name(self) -> str:
        """As it is called in references of resources without id."""
        return self.path.name

    @property
    def is_packed(self) -> bool:
        return self.path.name.lower().endswith(".gz")

    @property
    def is_lines(self) -> bool:
        return self.path.name.lower().removesuffix(".gz").endswith(".ndjson")


@dataclass(frozen=True, slots=True)
class Part:
    """The lines of a file that begin in `[start, end)`; of a file that cannot be cut, all of it."""

    file: InputFile
    start: int = 0
    end: int | None = None  # None: where the file ends

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return (self.file.size if self.end is None else self.end) - self.start


@dataclass(frozen=True, slots=True)
class Found:
    """What is there to read, in the order in which it is read."""

    files: tuple[InputFile, ...]
    ignored: int  # files with other suffixes

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def find_files(paths: Iterable[Path]) -> Found:
    """The files, in the order of `paths`; those of a folder by name.  A file counts once.

    Raises FileNotFoundError for a path that does not exist.
    """
    files: dict[Path, InputFile] = {}
    ignored: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file or folder")
        for file in sorted(_below(path)) if path.is_dir() else [path]:
            if file.name.lower().removesuffix(".gz").endswith(_SUFFIXES):
                files.setdefault(file.resolve(), InputFile(file, file.stat().st_size))
            else:
                ignored.add(file.resolve())
    return Found(tuple(files.values()), len(ignored))


def _below(folder: Path) -> Iterator[Path]:
    for where, _, names in os.walk(folder):
        for name in names:
            file = Path(where, name)
            if file.is_file():
                yield file


def cut(file: InputFile, at_most: int) -> list[Part]:
    """The file in parts of about equal size; a packed one, or one document, is a single part."""
    pieces = -(-file.size // at_most)
    if pieces < 2 or file.is_packed or not file.is_lines or _is_utf16(file):
        return [Part(file)]
    edges = [file.size * n // pieces for n in range(pieces + 1)]
    parts = [Part(file, start, end) for start, end in itertools.pairwise(edges)]
    return [*parts[:-1], Part(file, parts[-1].start)]  # a file that grows meanwhile is read to its end


def lines_before(part: Part) -> int:
    """How many lines of the file come before the part."""
    count = 0
    with part.file.path.open("rb") as disk:
        left = _line_start(disk, part.start)
        disk.seek(0)
        while left > 0 and (piece := disk.read(min(left, _PIECE))):
            count += piece.count(b"\n")
            left -= len(piece)
    return count


def blocks(part: Part, on_bytes: Callable[[int], None]) -> Iterator[Block | Problem]:
    """The content of a part of a file, and its problems, in their order.

    `on_bytes` is told how many bytes of the part on disk have been used up, now and then.
    """
    file, name = part.file, str(part.file.path)
    try:
        with file.path.open("rb") as disk, _unpacked(disk, file) as stream:
            is_first = part.start == 0
            found = _lines(_cut_out(stream, part), name, is_first) if file.is_lines else _whole(stream, name)
            for one in found:
                on_bytes(disk.tell() - part.start)
                yield one
    except EOFError:
        yield Problem(name, None, "the .gz ends too early")
    except (gzip.BadGzipFile, zlib.error):
        yield Problem(name, None, "the .gz is broken")
    except OSError as problem:
        yield Problem(name, None, f"cannot be read: {problem.strerror or 'no reason given'}")


def _unpacked(disk: BufferedReader, file: InputFile) -> BufferedReader | gzip.GzipFile:
    return gzip.GzipFile(fileobj=disk) if file.is_packed else disk


class _Stream(Protocol):
    def read1(self, size: int, /) -> bytes: ...


def _cut_out(stream: BufferedReader | gzip.GzipFile, part: Part) -> _Stream:
    if (part.start == 0 and part.end is None) or not isinstance(stream, BufferedReader):
        return stream
    end = part.file.size if part.end is None else _line_start(stream, part.end)
    return _Window(stream, _line_start(stream, part.start), end)


class _Window:
    """Bytes `[start, end)` of a file."""

    def __init__(self, disk: BufferedReader, start: int, end: int) -> None:
        self._disk, self._left = disk, end - start
        disk.seek(start)

    def read1(self, size: int, /) -> bytes:
        piece = self._disk.read1(min(size, self._left))
        self._left -= len(piece)
        return piece


def _line_start(disk: BufferedReader, at: int) -> int:
    """Where the first line begins that begins at `at` or later."""
    if at == 0:
        return 0
    disk.seek(at - 1)
    while piece := disk.read1(_PIECE):
        end = piece.find(b"\n")
        if end >= 0:
            return disk.tell() - len(piece) + end + 1
    return disk.tell()


def _is_utf16(file: InputFile) -> bool:
    try:
        with file.path.open("rb") as disk:
            return disk.read(2) in _UTF16_MARKS
    except OSError:
        return True  # whoever reads it says so


def _whole(stream: BufferedReader | gzip.GzipFile, name: str) -> Iterator[Block | Problem]:
    raw = stream.read(DOCUMENT_LIMIT + 1)
    if len(raw) > DOCUMENT_LIMIT:
        yield Problem(name, None, f"longer than {DOCUMENT_LIMIT // MIB} MiB")
    elif raw.startswith(_UTF16_MARKS):
        yield Problem(name, None, "not UTF-8")
    else:
        raw = raw.removeprefix(_UTF8_MARK).strip(_WHITE)
        if raw:
            yield Block(raw, is_lines=False)


def _lines(stream: _Stream, name: str, is_first: bool) -> Iterator[Block | Problem]:
    """Blocks that end where a line ends; a packed file that ends too early gives what came before."""
    pending: list[bytes] = []  # of a line that goes on
    size = 0
    skipping = False
    while piece := stream.read1(_PIECE):
        if is_first:
            is_first = False
            if piece.startswith(_UTF16_MARKS):
                yield Problem(name, None, "not UTF-8")
                return
            piece = piece.removeprefix(_UTF8_MARK)
        end = piece.rfind(b"\n") + 1
        if end and (skipping or size):
            start = piece.find(b"\n") + 1
            if skipping or size + start > LINE_LIMIT:
                yield _too_long(name)
                piece, end = piece[start:], end - start
                pending, size, skipping = [], 0, False
        if end:
            yield Block(b"".join((*pending, memoryview(piece)[:end])), is_lines=True)
            pending, size = [], 0
        if not skipping and len(piece) > end:
            pending.append(piece[end:])
            size += len(piece) - end
            if size > LINE_LIMIT:
                pending, size, skipping = [], 0, True
    if skipping:
        yield _too_long(name)
    elif pending:
        yield Block(b"".join(pending), is_lines=True)


def _too_long(name: str) -> Problem:
    return Problem(name, HERE, f"longer than {LINE_LIMIT // MIB} MiB")
