"""Reads dosage texts whole, or not at all (exposure.md Appendix)."""

from service.knowledge.drugs import Drugs
from service.knowledge.names import NameFinder
from service.model.facts import Drug, Role
from service.normalise.sig.fillers import without_fillers, without_reasons, without_strength
from service.normalise.sig.parts import Sig, read_as_needed
from service.normalise.sig.phrases import Phrases, phrases_of
from service.normalise.sig.tokens import Token, tokens_of
from service.normalise.units import whole_days

_MOST_KEPT = 50_000  # different texts of a source; when full, the cache starts again


class SigReader:
    """A `ReadSig`; each different text of a drug is read once.

    `drugs` knows the names of a drug, which its texts may repeat; `month_days` is how long a month is.
    """

    def __init__(self, drugs: Drugs, month_days: int) -> None:
        self._drugs = drugs
        self._month_days = month_days
        self._finders: dict[str, NameFinder] = {}  # of drugs out of scope: one for each ingredient
        self._kept: dict[tuple[str, str, float | None, bool, bool], Sig] = {}

    def __call__(self, text: str, drug: Drug, amount_due: bool) -> Sig:
        """The parts of `text`; only whether it is as needed where it does not parse whole.

        `amount_due`: the structure states no amount, so exactly one has to be in the text.
        """
        key = (text, drug.ingredient, drug.strength, drug.liquid, amount_due)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            found = self._kept[key] = self.read(text, drug, amount_due)
        return found

    def read(self, text: str, drug: Drug, amount_due: bool) -> Sig:
        """As a call, never from the cache."""
        sig = read_as_needed(text, drug, amount_due)
        phrases = self._phrases(text, drug, amount_due)
        return sig if phrases is None else self._sig(phrases, as_needed=sig.as_needed)

    def _phrases(self, text: str, drug: Drug, amount_due: bool) -> Phrases | None:
        """As it stands; else without the drug's own name; else without its strength too."""
        tokens = without_reasons(tokens_of(text))
        found = _whole(tokens, amount_due)
        if found is not None:
            return found
        named = self._without_name(text, drug)
        if named != text:
            tokens = without_reasons(tokens_of(named))
            found = _whole(tokens, amount_due)
            if found is not None:
                return found
        rest = without_strength(tokens, drug)
        return None if rest is tokens else _whole(rest, amount_due)

    def _without_name(self, text: str, drug: Drug) -> str:
        """A space for each name of the drug, ingredient or brand; of one out of scope its ingredient."""
        for start, end in reversed(self._names(text, drug)):
            text = f"{text[:start]} {text[end:]}"
        return text

    def _names(self, text: str, drug: Drug) -> list[tuple[int, int]]:
        if drug.role is Role.IN_SCOPE:
            mentions = self._drugs.named_in(text)
            return [(one.start, one.end) for one in mentions if one.ingredient == drug.ingredient]
        finder = self._finders.get(drug.ingredient)
        if finder is None:
            finder = self._finders[drug.ingredient] = NameFinder([drug.ingredient])
        return [(one.start, one.end) for one in finder.find(text)]

    def _sig(self, phrases: Phrases, *, as_needed: bool) -> Sig:
        frequency, duration = phrases.frequency, phrases.duration
        return Sig(
            as_needed=as_needed or phrases.as_needed,
            amount=phrases.amount,
            times_per_day=frequency.times_per_day if frequency else None,
            maximum_per_day=phrases.maximum,
            days=whole_days(duration.days + duration.months * self._month_days) if duration else None,
            whole=True,
        )


def _whole(tokens: list[Token], amount_due: bool) -> Phrases | None:
    found = phrases_of(without_fillers(tokens))
    return found if found is None or found.amount is not None or not amount_due else None
