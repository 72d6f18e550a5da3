"""Keyed digests: the item key and the patient fingerprint (lifecycle.md §1, §2).

Nothing here can be turned back into an identifier without the instance secret.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_KEY_LENGTH = 26  # characters of base32 after the leading letter; lifecycle.md §2


@dataclass(frozen=True, slots=True)
class Identity:
    """The instance secret, and what it signs."""

    secret: bytes

    def _digest(self, *parts: str) -> bytes:
        return hmac.new(self.secret, "|".join(parts).encode(), hashlib.sha256).digest()

    def base(self, source: str, patient: str) -> str:
        """The base of a patient's item keys: `r` and 26 characters of base32."""
        text = base64.b32encode(self._digest(source, patient)).decode().lower().rstrip("=")
        return "r" + text[:_KEY_LENGTH]

    def fingerprint(
        self, identifiers: Iterable[tuple[str | None, str]], birth: str | None
    ) -> dict[str, object]:
        """One digest per identifier (system, value) and one of the birth date as written."""
        signed = {self._digest("identifier", system or "", value).hex()[:32] for system, value in identifiers}
        return {
            "identifiers": sorted(signed),
            "birth": self._digest("birth", birth).hex()[:32] if birth else None,
        }


def another_person(known: Mapping[str, object] | None, seen: Mapping[str, object]) -> bool:
    """No identifier in common and another birth date: the id was given to somebody else."""
    if known is None:
        return False
    old, new = known.get("identifiers"), seen.get("identifiers")
    shared = set(old if isinstance(old, list) else ()) & set(new if isinstance(new, list) else ())
    return not shared and known.get("birth") != seen.get("birth")
