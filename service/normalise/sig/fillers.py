"""What a dosage text may say besides the dose, and is dropped (exposure.md Appendix)."""

from service.model.facts import Drug
from service.normalise.sig.numbers import single
from service.normalise.sig.tokens import STOP, Token
from service.normalise.sig.words import (
    ARTICLES,
    FILLERS,
    NOT_IN_A_REASON,
    PAIRED_FILLER_STARTS,
    PAIRED_FILLERS,
    UNITS,
)
from service.normalise.units import UnitKind

_SAME = 1e-9  # relative; exposure.md §0


def without_fillers(tokens: list[Token]) -> list[Token]:
    """The tokens without stops and filling words."""
    kept: list[Token] = []
    for token in tokens:
        if token in FILLERS or token == STOP:
            continue
        if kept and kept[-1] in PAIRED_FILLER_STARTS and (kept[-1], token) in PAIRED_FILLERS:
            kept.pop()
            continue
        if kept and kept[-1] in ARTICLES and token in UNITS:
            kept.pop()
        kept.append(token)
    return kept


def without_reasons(tokens: list[Token]) -> list[Token]:
    """The tokens without `for anxiety and sleep`, up to the next stop or the end.

    Before the strength is dropped: in `1 tablet at night for pain 5 mg bd` nothing is a reason.
    """
    if "for" not in tokens:
        return tokens
    kept: list[Token] = []
    at = 0
    while at < len(tokens):
        end = _reason_end(tokens, at) if tokens[at] == "for" else at
        if end == at:
            kept.append(tokens[at])
            end += 1
        at = end
    return kept


def _reason_end(tokens: list[Token], at: int) -> int:
    """Where a reason that begins at `at` ends: at the next stop or the end.  `at` itself: it is no reason."""
    end, words = at + 1, 0
    while end < len(tokens) and tokens[end] != STOP:
        token = tokens[end]
        if isinstance(token, float) or token in NOT_IN_A_REASON or not _may_be_in_a_reason(token):
            return at
        words += token.isalpha()
        end += 1
    return end if words else at


def _may_be_in_a_reason(token: str) -> bool:
    return token.isalpha() or token in ("-", "/")


def without_strength(tokens: list[Token], drug: Drug) -> list[Token]:
    """The tokens without the strength of the drug: `5 mg`, of a liquid `5 mg/5 mL` or `1 mg/mL`.

    The same list when the strength is not in it.
    """
    if drug.strength is None:
        return tokens
    kept: list[Token] = []
    at = 0
    while at < len(tokens):
        end = _strength_end(tokens, at, drug.strength, liquid=drug.liquid)
        if end is None:
            kept.append(tokens[at])
            at += 1
        else:
            at = end
    return kept if len(kept) < len(tokens) else tokens


def _strength_end(tokens: list[Token], at: int, strength: float, *, liquid: bool) -> int | None:
    mass = _quantity(tokens, at, UnitKind.MASS)
    if mass is None:
        return None
    mg, end = mass
    if liquid:
        if end >= len(tokens) or tokens[end] != "/":
            return None
        volume = _quantity(tokens, end + 1, UnitKind.VOLUME) or _one_of(tokens, end + 1)
        if volume is None or volume[0] <= 0:
            return None
        mg, end = mg / volume[0], volume[1]
    return end if abs(mg - strength) <= _SAME * strength else None


def _quantity(tokens: list[Token], at: int, kind: UnitKind) -> tuple[float, int] | None:
    """A number and a unit of a kind, in mg or mL."""
    number = single(tokens, at)
    if number is None or number[1] >= len(tokens):
        return None
    value, end = number
    unit = UNITS.get(str(tokens[end]))
    return (value * unit.mg, end + 1) if unit is not None and unit.kind is kind else None


def _one_of(tokens: list[Token], at: int) -> tuple[float, int] | None:
    """A unit of volume alone, as in `mg/mL`."""
    unit = UNITS.get(str(tokens[at])) if at < len(tokens) else None
    return (1.0, at + 1) if unit is not None and unit.kind is UnitKind.VOLUME else None
