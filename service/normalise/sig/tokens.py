"""A dosage text as a list of tokens: numbers, words, `-`, `/`, and the stops that end a reason."""

import re
from unicodedata import category

from service.normalise.sig.words import HALF, NUMBERS

Token = str | float

STOP = ","
"""Comma, semicolon or full stop: it ends a reason and otherwise only separates."""

_LONGEST_NUMBER = 9  # characters; nobody writes a longer dose, and floats stay exact

# A number may touch the word after it (`5mg`), a word not the number after it (`q4h`, `B12`).
_PIECES = re.compile(
    r"[0-9]+(?:\.[0-9]+)*(?:\s*½)?"  # `5`, `2.5`, `1½`; `1.2.3` and `2½` are pieces too, and no numbers
    r"|½"
    r"|[^\W\d_½][^\W_½]*"
    r"|\.(?:[0-9]+)?"  # a full stop; `.5` is one piece and no number
    r"|\S"
)
_DIGITS = frozenset("0123456789")
_SEPARATING = frozenset("!\"#%&'()*:?@[\\]_{}")


def tokens_of(text: str) -> list[Token]:
    """The tokens of a text, in lower case.

    Any other punctuation separates and is gone; signs, foreign digits and what only looks like a number
    stay as words that no table knows.

    >>> tokens_of("Take 1½ tabs (5mg) nocte.")
    ['take', 1.5, 'tabs', 5.0, 'mg', 'nocte', ',']
    """
    tokens: list[Token] = []
    for piece in _PIECES.findall(text.lower()):
        if piece in NUMBERS:
            tokens.append(NUMBERS[piece])
        elif piece[0] in _DIGITS:
            tokens.append(_number(piece))
        elif piece in (",", ";", "."):
            tokens.append(STOP)
        elif piece == "½":
            tokens.append(HALF)
        elif piece not in _SEPARATING and not (len(piece) == 1 and _separates(piece)):
            tokens.append(piece)
    return tokens


def _number(piece: str) -> Token:
    if piece[-1] == "½":
        return 1.5 if piece[:-1].rstrip() == "1" else piece
    return float(piece) if piece.count(".") <= 1 and len(piece) <= _LONGEST_NUMBER else piece


def _separates(sign: str) -> bool:
    """Whether a single sign is punctuation, other than `-` and `/`."""
    return sign not in "-/" and category(sign).startswith("P")
