"""What makes one Task say something else than another (lifecycle.md §2, *content*)."""

import hashlib
import json
from collections.abc import Sequence

from service.model.assessment import Assessment, Finding


def content_of(assessment: Assessment, findings: Sequence[Finding]) -> str:
    """A digest of what a Task shows; nothing in it counts days (lifecycle.md §2)."""
    episode = assessment.episode
    shown = {
        "rules": sorted((f.rule, f.priority.word, f.due_on.isoformat()) for f in findings),
        "dose": {k: v and [v.low, v.high] for k, v in episode.daily_dose_mg.items()} if episode else None,
        "dme": [episode.dme.low, episode.dme.typical, episode.dme.high] if episode and episode.dme else None,
        "evidence": sorted({reference for f in findings for reference in f.evidence}),
        "unavailable": sorted(assessment.unavailable_reads),
    }
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:32]
