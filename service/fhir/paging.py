"""Whether a search was read to its end, and wholly (lifecycle.md §1, failure-model.md F4, F26)."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

import httpx2

from service.fhir.errors import IncompleteError
from service.fhir.page import Page

# These shape the answer; only the others choose what is in it.
_SHAPING = frozenset(
    {"_count", "_sort", "_include", "_revinclude", "_total", "_format", "_summary", "_elements"}
)
_SAME = {"patient": ("patient", "subject"), "subject": ("subject", "patient")}
_LISTS = frozenset({"_id", "patient", "subject"})  # a lost value of these loses rows


class Progress:
    """What a search has given so far.

    Raises IncompleteError where going on, or believing the end, would be wrong.
    """

    def __init__(self, kind: str, max_pages: int, max_empty_pages: int) -> None:
        self._kind = kind
        self._max_pages = max_pages
        self._max_empty_pages = max_empty_pages
        self._visited: set[str] = set()
        self._seen: set[str] = set()
        self._total = 0
        self._empty = 0
        self._unlinked = False
        self._doubts: dict[str, None] = {}

    def saw(self, page: Page) -> None:
        """Count a page in."""
        self._seen |= {row.reference for row in page.rows if row.kind == self._kind}
        self._empty = 0 if page.rows else self._empty + 1
        self._doubts |= dict.fromkeys(page.doubts)
        if page.total is not None:
            self._total = max(self._total, page.total)
        elif not page.has_links:
            self._unlinked = True

    def goes_to(self, url: httpx2.URL) -> None:
        """The `next` of the last page is about to be fetched."""
        if str(url) in self._visited:
            raise IncompleteError("the pages go in a circle")
        self._visited.add(str(url))
        if len(self._visited) >= self._max_pages:
            raise IncompleteError(f"more than {self._max_pages} pages")
        if self._empty >= self._max_empty_pages:
            raise IncompleteError(f"{self._empty} empty pages in a row")

    def ends(self) -> None:
        """The last page was counted in."""
        if self._doubts:
            raise IncompleteError(
                f"the server says that something may be missing ({', '.join(self._doubts)})"
            )
        if self._unlinked:
            raise IncompleteError("a Bundle without links and total: there may be more")
        if self._total > len(self._seen):
            raise IncompleteError(f"{self._total} were announced and {len(self._seen)} came")


def dropped(self_url: str | None, sent: Sequence[tuple[str, str]]) -> str | None:
    """The parameter that the server did not apply, by its `self` link; None where nothing speaks for that.

    A server may leave the link out, or answer a POST with the bare address; one that repeats parameters
    is believed to repeat all that it used.
    """
    if self_url is None:
        return None
    try:
        used = [(name.partition(":")[0], value) for name, value in parse_qsl(urlsplit(self_url).query)]
    except ValueError:
        return None
    ours = {name.partition(":")[0] for name, _ in sent}
    if not any(name in ours or name == "subject" for name, _ in used):
        return None  # no parameters, or a name of its own for the whole search
    for name, value in sent:
        plain = name.partition(":")[0]
        if plain in _SHAPING:
            continue
        values = [given for used_name, given in used if used_name in _SAME.get(plain, (plain,))]
        if not values or (plain in _LISTS and not _all_of(value, values)):
            return plain
    return None


def _all_of(sent: str, used: Sequence[str]) -> bool:
    """Whether each id of a list that we sent is in what the server says it used."""
    have = {part.rpartition("/")[2] for given in used for part in given.split(",")}
    return {part.rpartition("/")[2] for part in sent.split(",")} <= have
