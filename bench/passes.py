"""What `assess` is held against: one decode of each line, and nothing else.

    python -m bench.passes bare|orjson FOLDER

`bare` decodes with the product's own structs, each file with those of its type; `orjson` into plain dicts.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def bare(folder: Path) -> int:
    """Decode each line with the product's structs; gives how many lines there were."""
    import msgspec

    from service.record.elements import KINDS

    lines = 0
    for file in sorted(folder.glob("*.ndjson")):
        lines += _decode(file, msgspec.json.Decoder(KINDS[file.stem]).decode)
    return lines


def plain(folder: Path) -> int:
    """Parse each line with orjson; gives how many lines there were."""
    import orjson

    return sum(_decode(file, orjson.loads) for file in sorted(folder.glob("*.ndjson")))


def _decode(file: Path, decode: Callable[[bytes], Any]) -> int:
    lines = 0
    with file.open("rb") as stream:
        for line in stream:
            decode(line)
            lines += 1
    return lines


PASSES = {"bare": bare, "orjson": plain}

if __name__ == "__main__":
    print(PASSES[sys.argv[1]](Path(sys.argv[2])))
