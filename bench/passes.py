"""What `assess` is held against: one decode of each line, and nothing else.

    python -m bench.passes bare|orjson FOLDER [PROCESSES]

`bare` decodes with the product's own structs, each file with those of its type; `orjson` into plain dicts.
Several processes take turns at parts of the files, cut at line ends.
"""

import multiprocessing
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PART = 32 << 20  # bytes that a process takes at a time

Decode = Callable[[bytes], Any]


def main() -> None:
    """Print how many lines there were."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    processes = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    size = PART if processes > 1 else sys.maxsize
    parts = [
        (name, file, start, start + size)
        for file in sorted(folder.glob("*.ndjson"))
        for start in range(0, file.stat().st_size, size)
    ]
    if processes == 1:
        print(sum(map(_decode, parts)))
        return
    with multiprocessing.get_context("forkserver").Pool(processes) as pool:
        print(sum(pool.imap_unordered(_decode, parts)))


def _decode(part: tuple[str, Path, int, int]) -> int:
    """Decode the lines that begin in `[start, end)` of a file; gives how many."""
    name, file, start, end = part
    decode, lines, at = _DECODERS[name](file.stem), 0, start
    with file.open("rb") as stream:
        if start:
            stream.seek(start - 1)
            at += len(stream.readline()) - 1
        for line in stream:
            if at >= end:
                break
            at += len(line)
            decode(line)
            lines += 1
    return lines


def _typed(kind: str) -> Decode:
    import msgspec

    from service.record.elements import KINDS

    return msgspec.json.Decoder(KINDS[kind]).decode


def _plain(_kind: str) -> Decode:
    import orjson

    loads: Decode = orjson.loads
    return loads


_DECODERS: dict[str, Callable[[str], Decode]] = {"bare": _typed, "orjson": _plain}

if __name__ == "__main__":
    main()
