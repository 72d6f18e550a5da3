"""Credentials of a source: what goes into the Authorization header, and how a new one is had."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from service.fhir.errors import AuthError

_MAX_TOKEN = 16_384


class Auth(Protocol):
    """A way to be known to an EHR; thread-safe."""

    def headers(self) -> Mapping[str, str]:
        """The headers to send now.  Raises AuthError without a usable credential."""
        ...

    def renew(self, refused: Mapping[str, str]) -> bool:
        """After a 401 to `refused` headers: True when there is another credential to try once."""
        ...


class NoAuth:
    """`auth = { method = "none" }`."""

    def headers(self) -> Mapping[str, str]:
        return {}

    def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 (nothing was sent)
        return False


class BearerFile:
    """`auth = { method = "bearer", token_file = "…" }`; the file is read again when its token is refused."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._token: str | None = None

    def __repr__(self) -> str:
        return "BearerFile()"

    def headers(self) -> Mapping[str, str]:
        with self._lock:
            if self._token is None:
                self._token = self._read()
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self, refused: Mapping[str, str]) -> bool:
        with self._lock:
            self._token = self._read()
            return refused.get("Authorization") != f"Bearer {self._token}"

    def _read(self) -> str:
        try:
            with self._path.open("rb") as file:
                token = file.read(_MAX_TOKEN + 1).strip()
        except OSError as error:
            raise AuthError(f"the token file cannot be read: {error.strerror}") from None
        if not token:
            raise AuthError("the token file is empty")
        if len(token) > _MAX_TOKEN or not all(0x21 <= byte <= 0x7E for byte in token):
            raise AuthError("the token file holds no bearer token")
        return token.decode("ascii")
