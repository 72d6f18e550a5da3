"""Numbers as dosage texts write them.  Each function gives what it read and where that ends, or None."""

from service.model.facts import Range
from service.normalise.sig.tokens import Token
from service.normalise.sig.words import HALF, RANGE_LINKS

_HALF = [1.0, "/", 2.0]
_AND_A_HALF = ["and", "a", HALF]


def single(tokens: list[Token], at: int) -> tuple[float, int] | None:
    """`2`, `2.5`, `two`, `half`, `½`, `1/2`, `1½`, `one and a half`."""
    if at >= len(tokens):
        return None
    first = tokens[at]
    if isinstance(first, str):
        return (0.5, at + 1) if first == HALF else None
    end = at + 1
    if end < len(tokens):
        following = tokens[end]
        if following == "/" and tokens[at : at + 3] == _HALF:
            return 0.5, at + 3
        if following == "and" and first == 1 and tokens[end : end + 3] == _AND_A_HALF:
            return first + 0.5, end + 3
    return first, end


def span(tokens: list[Token], at: int) -> tuple[Range, int] | None:
    """A number, or two of them with a link between; the second may not be the smaller one."""
    first = single(tokens, at)
    if first is None:
        return None
    low, end = first
    if end < len(tokens) and tokens[end] in RANGE_LINKS:
        second = single(tokens, end + 1)
        if second is not None:
            return (Range(low, second[0]), second[1]) if low <= second[0] else None
    return Range(low, low), end


def plain(tokens: list[Token], at: int) -> float | None:
    """The one token as a number above 0, in digits or `one` to `ten`."""
    token = tokens[at] if at < len(tokens) else None
    return token if isinstance(token, float) and token > 0 else None
