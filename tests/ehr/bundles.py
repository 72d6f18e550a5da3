"""Faults in the answer itself: a page that lies about its rows, its links or its total.

Each takes the Bundle (a copy, free to change), the base URL and the rule's value, and gives False where it has
nothing to spoil: then the rule did not strike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Bundle = dict[str, Any]
Spoil = Callable[[Bundle, str, Any], bool]


def truncated_page(bundle: Bundle, base: str, value: Any) -> bool:
    """Half of the rows, and no next: as if this were all.  The total stays and tells."""
    rows = bundle.get("entry", [])
    if not rows:
        return False
    bundle["entry"] = rows[: len(rows) // 2]
    _unlink(bundle, "next")
    return True


def truncated_page_without_total(bundle: Bundle, base: str, value: Any) -> bool:
    bundle.pop("total", None)
    return truncated_page(bundle, base, value)


def no_link(bundle: Bundle, base: str, value: Any) -> bool:
    return bundle.pop("link", None) is not None


def no_total(bundle: Bundle, base: str, value: Any) -> bool:
    return bundle.pop("total", None) is not None


def wrong_total(bundle: Bundle, base: str, value: Any) -> bool:
    bundle["total"] = bundle.get("total", 0) + int(value or 1)
    return True


def foreign_next(bundle: Bundle, base: str, value: Any) -> bool:
    """The next page at another origin, the rule's value; without a next page there is nothing to spoil."""
    url = link(bundle, "next")
    if url is None:
        return False
    _link(bundle, "next", url.replace(base, f"{value or 'http://elsewhere.test:8080'}/fhir", 1))
    return True


def relative_next(bundle: Bundle, base: str, value: Any) -> bool:
    url = link(bundle, "next")
    if url is None:
        return False
    _link(bundle, "next", "/" + url.split("/", 3)[3])
    return True


def looping_next(bundle: Bundle, base: str, value: Any) -> bool:
    """The next page is this page."""
    _link(bundle, "next", link(bundle, "self") or base)
    return True


def endless_next(bundle: Bundle, base: str, value: Any) -> bool:
    """After the last page another one, always at a new URL; the value "rows" repeats this page's rows in it."""
    if link(bundle, "next") is not None:
        return False
    _link(bundle, "next", f"{base}?{ENDLESS}=1")
    return True


def unlabelled(bundle: Bundle, base: str, value: Any) -> bool:
    for row in bundle.get("entry", []):
        row.pop("search", None)
    return bool(bundle.get("entry"))


def repeated_rows(bundle: Bundle, base: str, value: Any) -> bool:
    rows = bundle.get("entry", [])
    bundle["entry"] = rows + rows
    return bool(rows)


def outcome_row(bundle: Bundle, base: str, value: Any) -> bool:
    """A warning among the rows, with the rule's value as its code (Epic's 4119: there may be more)."""
    _add_outcome(bundle, "processing", str(value or "4119"))
    return True


def suppressed(bundle: Bundle, base: str, value: Any) -> bool:
    """Half of the rows withheld for lack of authorisation, and a warning that says so (Epic's 59204)."""
    rows = bundle.get("entry", [])
    bundle["entry"] = rows[: len(rows) // 2]
    bundle["total"] = len(bundle["entry"])
    _add_outcome(bundle, "suppressed", str(value or "59204"))
    return bool(rows)


ENDLESS = "_endless"

SPOILS: dict[str, Spoil] = {
    "truncated-page": truncated_page,
    "truncated-page-without-total": truncated_page_without_total,
    "no-link": no_link,
    "no-total": no_total,
    "wrong-total": wrong_total,
    "foreign-next": foreign_next,
    "relative-next": relative_next,
    "looping-next": looping_next,
    "endless-next": endless_next,
    "unlabelled": unlabelled,
    "repeated-rows": repeated_rows,
    "outcome-row": outcome_row,
    "suppressed": suppressed,
}


def endless_page(number: int, base: str, rows: list[Any]) -> Bundle:
    """Give the page that `endless-next` leads to."""
    bundle: Bundle = {"resourceType": "Bundle", "type": "searchset", "link": [], "entry": rows}
    _link(bundle, "self", f"{base}?{ENDLESS}={number}")
    _link(bundle, "next", f"{base}?{ENDLESS}={number + 1}")
    if not rows:
        del bundle["entry"]
    return bundle


def without_last_updated(resource: Any) -> Any:
    """Give a resource, or a Bundle with its rows, without meta.lastUpdated and versionId, as Epic's are."""
    if not isinstance(resource, dict):
        return resource
    resource = {name: value for name, value in resource.items() if name != "meta"}
    if "entry" in resource:
        resource["entry"] = [
            row | {"resource": without_last_updated(row["resource"])} if "resource" in row else row
            for row in resource["entry"]
        ]
    return resource


def link(bundle: Bundle, relation: str) -> str | None:
    urls = (each["url"] for each in bundle.get("link", []) if each["relation"] == relation)
    return next(urls, None)


def _link(bundle: Bundle, relation: str, url: str) -> None:
    _unlink(bundle, relation)
    bundle.setdefault("link", []).append({"relation": relation, "url": url})


def _unlink(bundle: Bundle, relation: str) -> None:
    bundle["link"] = [each for each in bundle.get("link", []) if each["relation"] != relation]


def _add_outcome(bundle: Bundle, issue_code: str, detail: str) -> None:
    issue = {"severity": "warning", "code": issue_code, "details": {"coding": [{"code": detail}]}}
    outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
    row = {
        "fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000000",
        "resource": outcome,
        "search": {"mode": "outcome"},
    }
    bundle.setdefault("entry", []).append(row)
