"""Ask HAPI's validator whether a resource is valid FHIR R4."""

from typing import Any

import httpx2

SECONDS = 60.0


def validate(base: str, resource: dict[str, Any]) -> list[str]:
    """What makes the resource invalid, one line an issue; an empty list when it is valid.

    Only issues of severity error and fatal count.  A code system that the validator does not know
    (SNOMED CT, our own) and a reference to nothing are none of them.
    """
    url = f"{base}/{resource['resourceType']}/$validate"
    answer = httpx2.post(url, json=resource, timeout=SECONDS, trust_env=False)
    issues = answer.json().get("issue", [])
    found = [_line(issue) for issue in issues if issue["severity"] in ("error", "fatal")]
    if answer.status_code != 200 and not found:
        return [f"not judged, {answer.status_code}: {answer.text[:500]}"]
    return found


def _line(issue: dict[str, Any]) -> str:
    where = ", ".join(issue.get("expression", issue.get("location", [])))
    return f"{issue['severity']} {where}: {issue.get('diagnostics', issue['code'])}"
