"""What a record states, in our own words: FHIR elements → Facts (pure)."""

from service.normalise.facts import Normaliser, facts_of

__all__ = ["Normaliser", "facts_of"]
