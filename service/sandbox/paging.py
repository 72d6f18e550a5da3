"""Pages of a search: the list is fixed at the first page, found again by an opaque id until forgotten."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from urllib.parse import urlencode

from service.sandbox.outcome import FhirError, Resource
from service.sandbox.search import Search, View, included, run
from service.sandbox.store import Key, Store

PAGE_PARAMETERS = ("_getpages", "_getpagesoffset")


@dataclass(frozen=True, slots=True)
class _Kept:
    search: Search
    keys: list[Key]
    size: int  # rows per page


class Pages:
    """Searches in progress.  At most `kept`, the oldest forgotten first.  Used under the store's lock."""

    def __init__(self, store: Store, view: View, *, page_size: int, most_per_page: int, kept: int) -> None:
        self._store = store
        self._view = view
        self._page_size = page_size
        self._most_per_page = most_per_page
        self._kept_limit = kept
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def first(self, search: Search, base: str) -> Resource:
        """Run a search and give its first page as a searchset Bundle."""
        keys = [(version.type, version.id) for version in run(search, self._store, self._view)]
        wanted = self._page_size if search.count is None else search.count
        kept = _Kept(search, keys, min(wanted, self._most_per_page))
        query = search.self_query
        return self._bundle(kept, 0, base, f"{base}/{search.type}" + (f"?{query}" if query else ""), None)

    def further(self, parameters: dict[str, str], base: str) -> Resource:
        """Give a later page.  Raises FhirError 410 for a page id that is not known, or not any more."""
        page_id, offset = (parameters.get(name, "") for name in PAGE_PARAMETERS)
        kept = self._kept.get(page_id)
        if kept is None or not (offset.isascii() and offset.isdigit()) or int(offset[:9]) > len(kept.keys):
            raise FhirError(410, "this page does not exist and may have expired")
        return self._bundle(kept, int(offset), base, _page_url(base, page_id, int(offset)), page_id)

    def forget(self) -> None:
        """Let every page id expire."""
        self._kept.clear()

    def _bundle(self, kept: _Kept, offset: int, base: str, own_url: str, page_id: str | None) -> Resource:
        search = kept.search
        page = self._resources(kept.keys[offset : offset + kept.size])
        bundle: Resource = {"resourceType": "Bundle", "type": "searchset"}
        if search.total or kept.size == 0:
            bundle["total"] = len(kept.keys)
        bundle["link"] = [{"relation": "self", "url": own_url}]
        if kept.size and offset + kept.size < len(kept.keys):
            page_id = page_id or self._keep(kept)
            bundle["link"].append({"relation": "next", "url": _page_url(base, page_id, offset + kept.size)})
        rows = [(resource, "match") for resource in page]
        rows += [(resource, "include") for resource in included(search, page, self._store)]
        if rows:
            bundle["entry"] = [_entry(base, resource, mode) for resource, mode in rows]
        return bundle

    def _resources(self, keys: list[Key]) -> list[Resource]:
        """Give what a search sees now of the listed resources; what was deleted since is left out."""
        current = (self._store.current(type_, id_) for type_, id_ in keys)
        seen = (self._view(version) for version in current if version is not None)
        return [version.resource for version in seen if version is not None and version.resource is not None]

    def _keep(self, kept: _Kept) -> str:
        page_id = secrets.token_urlsafe(16)
        self._kept[page_id] = kept
        while len(self._kept) > self._kept_limit:
            self._kept.popitem(last=False)
        return page_id


def _page_url(base: str, page_id: str, offset: int) -> str:
    return f"{base}?{urlencode(dict(zip(PAGE_PARAMETERS, (page_id, offset), strict=True)))}"


def _entry(base: str, resource: Resource, mode: str) -> Resource:
    full_url = f"{base}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": full_url, "resource": resource, "search": {"mode": mode}}
