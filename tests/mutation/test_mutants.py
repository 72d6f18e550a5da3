"""The changes that mutation testing makes: there, one at a time, and the same for the same seed."""

import ast
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.mutation.mutants import all_mutants, chosen, mutants_of, mutated
from tests.mutation.trial import _Trial

ROOT = Path(__file__).resolve().parents[2]


def changes(body: str) -> set[str]:
    """What a function with this body may become, without its first line."""
    source = f"def f(a, b):\n    {body}\n"
    found = mutants_of(source, "m.py")
    return {ast.unparse(mutated(source, m.place)).partition("\n")[2].strip() for m in found}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a < b", {"a <= b"}),
        ("a == b", {"a != b"}),
        ("a is None", {"a is not None"}),
        ("a < 3 <= b", {"a <= 3 <= b", "a < 3 < b", "a < 4 <= b", "a < 2 <= b"}),
        ("a - b", {"a + b", "a"}),
        ("a & b", {"a | b", "a"}),
        ("a and b", {"a or b"}),
        ("not a", {"a"}),
        ("True", {"False"}),
        ("return a", {"return None"}),
        ("return None", set()),
        ("a.append(b)", {"pass"}),
        ("a += b", {"a -= b", "pass"}),
        ("[x for x in a if b]", {"[x for x in a]"}),
        ("x = min(a, default=b)", {"x = max(a, default=b)", "x = min(a)"}),
        ("x = a.first()", {"x = a.last()"}),
        ("x = Value(a=b)", set()),
        ("x: Literal[3] = a", set()),
        ('"text"', set()),
    ],
)
def test_a_piece_of_code_may_become(body, expected):
    assert changes(body) == expected


def test_every_change_is_another_program_and_keeps_the_lines():
    found = all_mutants(ROOT)
    assert len(found) > 2000
    for mutant in found[::200]:
        source = (ROOT / mutant.path).read_text(encoding="utf-8")
        changed = mutated(source, mutant.place)
        assert ast.dump(changed) != ast.dump(ast.parse(source))
        assert [node.lineno for node in changed.body] == [node.lineno for node in ast.parse(source).body]


def test_a_seed_always_chooses_the_same_from_every_room():
    found = all_mutants(ROOT)
    first, again, other = chosen(found, 500, 1), chosen(found, 500, 1), chosen(found, 500, 2)
    assert first == again != other
    assert set(Counter(m.path.split("/")[1] for m in first)) == {"exposure", "rules", "taper"}


def _forever() -> None:
    while True:
        pass


@pytest.mark.parametrize(
    ("notices", "by"), [(lambda: "a test", "a test"), (lambda: None, None), (_forever, "time")]
)
def test_a_trial_ends_also_where_the_mutant_does_not(notices, by):
    (mutant, *_) = mutants_of("def f(a):\n    return a < 1\n", "m.py")
    trial = _Trial(mutant, tests=1, limit_seconds=1, notices=notices)
    found = next(result for _ in range(6000) if (result := trial.result()) or time.sleep(0.01))
    assert found.by == by
