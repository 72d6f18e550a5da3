"""`python -m tests.reference`: compare invented people by hand, or say how often each rule happens among them."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import Pool
from typing import Any

from .comparing import differing, served
from .records import example

AT_ONCE = 20
TOLD_EACH = 500  # records of a comparison, on stderr


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.reference", description=__doc__)
    parser.add_argument("what", choices=("compare", "shares"))
    parser.add_argument("--first", type=int, default=0, help="the seed of the first record")
    parser.add_argument("--count", type=int, default=1000, help="how many records")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.count)
    (compare if given.what == "compare" else shares)(seeds, given.jobs)


def compare(seeds: range, jobs: int) -> None:
    """Print each record on which the readings differ, and how many do."""
    found = 0
    for done, (seed, differs) in enumerate(_over(_compared, seeds, jobs), 1):
        if done % TOLD_EACH == 0:
            sys.stderr.write(f"{done} of {len(seeds)}\n")
        if differs:
            found += 1
            say(f"{seed} {differs}")
    say(f"{len(seeds)} records, {found} differ")
    if found:
        raise SystemExit(1)


def shares(seeds: range, jobs: int) -> None:
    """Print in how many of a hundred records each rule, variant and suppression happens."""
    found: Counter[str] = Counter()
    for names in _over(_happening, seeds, jobs):
        found.update(names)
    for name, count in sorted(found.items()):
        say(f"{name:20} {100 * count / len(seeds):5.2f} %")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _over(work: Callable[[int], Any], seeds: Iterable[int], jobs: int) -> Iterator[Any]:
    with Pool(jobs) as pool:
        yield from pool.imap_unordered(work, seeds, AT_ONCE)


def _compared(seed: int) -> tuple[int, dict[str, tuple[Any, Any]]]:
    return seed, differing(example(seed))


def _happening(seed: int) -> set[str]:
    """Rules found or muted, their variants, and what muted them."""
    one = example(seed)
    answer = served(one.resources, one.as_of, one.policy)
    if answer is None:
        return {"not listed"}
    names = {"listed"}
    for finding in answer["findings"]:
        variants = finding["facts"].get("variants") or []
        names |= {finding["rule"], *(f"{finding['rule']} {variant}" for variant in variants)}
    for muted in answer["suppressed"]:
        names |= {muted["rule"], muted["by"]}
    return names


if __name__ == "__main__":
    main()
