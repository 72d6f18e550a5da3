"""Why one patient's answer is what it is, as a value that can be told, or drawn."""

from service.explain.build import explain
from service.explain.explanation import (
    Assumption,
    Changes,
    Dependence,
    DoseRange,
    EpisodeTold,
    Event,
    Explanation,
    Factor,
    HeldBack,
    Reading,
)
from service.explain.explanation_json import as_json

__all__ = [
    "Assumption", "Changes", "Dependence", "DoseRange", "EpisodeTold", "Event", "Explanation", "Factor", "HeldBack",
    "Reading", "as_json", "explain",
]  # fmt: skip
