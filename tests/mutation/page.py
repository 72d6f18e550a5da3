"""What came out, as a page for a reader."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.mutation.mutants import ROOMS, Mutant
from tests.mutation.trial import Result


@dataclass(frozen=True, slots=True)
class Run:
    """How it was run: how many mutants were asked for, out of how many possible ones; on which code."""

    asked: int
    of: int
    seed: int
    minutes: float
    jobs: int
    code: str


def page(results: Sequence[Result], run: Run) -> str:
    """The page, in Markdown."""
    survivors = sorted((r for r in results if r.by is None), key=lambda r: (r.mutant.path, r.mutant.place))
    rooms = ", ".join(f"`{room}`" for room in ROOMS)
    return "\n".join(
        [
            "# Mutation testing",
            "",
            f"`make mutation` changes one small thing at a time in the functions of {rooms} and asks whether a test",
            "notices. How it works: [tests/mutation](../../tests/mutation/README.md). This page is what",
            f"`make mutation ARGS='--count {run.asked} --seed {run.seed}'` wrote.",
            "",
            f"**{score(results):.1f} % killed**: {len(results) - len(survivors)} of {len(results)} mutants, chosen by",
            f"seed {run.seed} out of {run.of} possible ones; {run.minutes:.0f} minutes with {run.jobs} at a time, on",
            f"{run.code}. Changes that make no difference to any answer (equivalent ones) count as survivors.",
            *([] if len(results) == run.asked else ["", f"Time ran out: {run.asked} were asked for."]),
            "",
            "## By module",
            "",
            *_table("Module", results, lambda r: r.mutant.path),
            "",
            "## By kind of change",
            "",
            *_table("Kind", results, lambda r: r.mutant.kind),
            "",
            "## What noticed first",
            "",
            *_noticed(results),
            "",
            "## Survivors",
            "",
            "| Where | Kind | From | To |",
            "|---|---|---|---|",
            *(_survivor(r.mutant) for r in survivors),
            "",
        ]
    )


def _survivor(mutant: Mutant) -> str:
    where = f"{mutant.path}:{mutant.line} {mutant.function}"
    return f"| {where} | {mutant.kind} | {_cell(mutant.before)} | {_cell(mutant.after)} |"


def score(results: Sequence[Result]) -> float:
    """Killed, in per cent."""
    return 100 * sum(r.by is not None for r in results) / len(results) if results else 0.0


def _table(what: str, results: Sequence[Result], key: Callable[[Result], str]) -> Iterable[str]:
    tried, killed = Counter[str](), Counter[str]()
    for each in results:
        name = key(each)
        tried[name] += 1
        killed[name] += each.by is not None
    yield f"| {what} | Mutants | Killed | Survived |"
    yield "|---|---:|---:|---:|"
    for name, count in sorted(tried.items()):
        yield f"| {name} | {count} | {killed[name]} | {count - killed[name]} |"


def _noticed(results: Sequence[Result]) -> Iterable[str]:
    """How many were first noticed by which folder of tests."""
    found = Counter("/".join(r.by.split("/")[:2]) for r in results if r.by is not None)
    yield "| Tests | Mutants |"
    yield "|---|---:|"
    for name, count in found.most_common():
        yield f"| {name} | {count} |"


def _cell(text: str, longest: int = 110) -> str:
    short = text if len(text) <= longest else text[: longest - 1] + "…"
    return "`" + short.replace("|", "\\|") + "`"
