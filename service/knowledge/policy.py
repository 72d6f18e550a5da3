"""A policy: the numbers that rules use, each with its unit, source and mark."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.knowledge.equivalence import DailyMaximum
from service.knowledge.threshold import Kind, Threshold


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """Numbers of the rules, by name (`R02.interval`), as one version of one policy states them.

    An unknown name raises KeyError; a name of another kind than the one asked for raises TypeError.
    """

    name: str
    version: int
    extends: str | None  # the preset that this policy changes
    daily_maximum: DailyMaximum  # R10: the labels that are read first
    thresholds: Mapping[str, Threshold]
    kinds: Mapping[str, Kind] = field(repr=False)

    @property
    def label(self) -> str:
        """`us@1`: how an assessment names the policy that it rests on."""
        return f"{self.name}@{self.version}"

    def threshold(self, name: str) -> Threshold:
        """The number with its unit, source and mark."""
        try:
            return self.thresholds[name]
        except KeyError:
            raise KeyError(f"policy {self.label} has no threshold {name!r}") from None

    def days(self, name: str) -> int:
        return self._whole(name, "days")

    def count(self, name: str) -> int:
        """A number of things that are no days: years, orders, events, decimals."""
        return self._whole(name, "count")

    def number(self, name: str) -> float:
        """A ratio, a percentage or a dose: Threshold.unit says which."""
        value = self.threshold(name).value
        if isinstance(value, tuple) or self.kinds[name] != "number":
            raise TypeError(f"threshold {name} is of kind {self.kinds[name]}, not number")
        return value

    def window(self, name: str) -> tuple[int, int]:
        """The first day and the day after the last one."""
        value = self.threshold(name).value
        if not isinstance(value, tuple):
            raise TypeError(f"threshold {name} is of kind {self.kinds[name]}, not window")
        return value

    def _whole(self, name: str, kind: Kind) -> int:
        value = self.threshold(name).value
        if not isinstance(value, int) or self.kinds[name] != kind:
            raise TypeError(f"threshold {name} is of kind {self.kinds[name]}, not {kind}")
        return value
