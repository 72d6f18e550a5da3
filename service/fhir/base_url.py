"""The FHIR base of a source, and which URLs belong to it: exact origin, inside the base path.

Compared are the parts that one parser gives, the same that opens the connection, so no spelling can mean one
host here and another one there (threats.md, group C).
"""

import re
from ipaddress import ip_address
from urllib.parse import unquote

import httpx2

from service.fhir.errors import ForeignUrlError

_PORTS = {"http": 80, "https": 443}
_MAX_URL = 8192  # longer ones are cut by servers and proxies on the way
_DOTS = re.compile(r"(^|[/\\])\.{1,2}($|[/\\])")


class BaseUrl:
    """A source's base, e.g. `https://ehr.example/fhir/R4`.

    Raises ValueError: not https (http only on loopback), user information, a query, a fragment, a host
    with a trailing dot or outside ASCII.
    """

    __slots__ = ("_path", "_url")

    def __init__(self, text: str) -> None:
        url = _parsed(text)
        if url.scheme not in _PORTS or not url.host:
            raise ValueError("must be an https:// URL")
        if url.scheme == "http" and not is_loopback(url.host):
            raise ValueError("http:// is only allowed on loopback; use https://")
        if url.userinfo or url.query or url.fragment or "?" in text or "#" in text:
            raise ValueError("must have no user name, query or fragment")
        if url.host.endswith(".") or url.port == 0 or (url.port or 1) > 65535:
            raise ValueError("must name a host and a port that can be connected to")
        self._path = url.path.rstrip("/")
        if _leaves(self._path):
            raise ValueError("must have no dots as a path segment")
        self._url = url.copy_with(path=self._path + "/")

    def __str__(self) -> str:
        return str(self._url).rstrip("/")

    def __repr__(self) -> str:
        return f"BaseUrl({str(self)!r})"

    def relative(self, path: str, query: str = "") -> httpx2.URL:
        """The URL of `path` ("Task/1", "Task") below the base; `query` is already encoded."""
        text = f"{self}/{path}" if path else f"{self}/"
        return self.check(text if not query else f"{text}?{query}")

    def resolve(self, link: str, against: httpx2.URL) -> httpx2.URL:
        """A link that the server gave, absolute or relative to the request's URL `against`.

        Raises ForeignUrlError where it leaves the base.
        """
        try:
            return self.check(str(against.join(_parsed(link))))
        except ValueError as error:
            raise ForeignUrlError(f"a link of the server is no URL: {error}") from None

    def check(self, text: str) -> httpx2.URL:
        """`text` as a URL of this base.  Raises ForeignUrlError."""
        try:
            url = _parsed(text)
        except ValueError as error:
            raise ForeignUrlError(str(error)) from None
        if _origin(url) != _origin(self._url) or url.userinfo:
            raise ForeignUrlError("a URL of another origin than the base")
        if url.path.rstrip("/") != self._path and not url.path.startswith(self._path + "/"):
            raise ForeignUrlError("a URL outside the base path")
        if _leaves(
            unquote(text.partition("?")[0])
        ):  # as written: the parser would already have taken them out
            raise ForeignUrlError("a URL outside the base path")
        return url.copy_with(fragment=None)


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine: localhost, 127.0.0.0/8, ::1."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _parsed(text: str) -> httpx2.URL:
    if len(text) > _MAX_URL:
        raise ValueError(f"longer than {_MAX_URL} characters")
    if not text.isascii() or "\\" in text:
        raise ValueError("only ASCII without backslashes can be a URL")
    try:
        return httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError):
        raise ValueError("not a URL") from None


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme)


def _leaves(path: str) -> bool:
    return _DOTS.search(unquote(path)) is not None
