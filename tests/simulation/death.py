"""When the service's process dies, or its database gives no clear answer: at the n-th commit or request."""

from dataclasses import dataclass
from enum import StrEnum


class Crash(BaseException):
    """The process is dead: nothing may catch this and go on.  Not an Exception, as a SIGKILL is none."""


class Fate(StrEnum):
    """What happens at one step."""

    BEFORE = "before"  # dies before the step took place
    AFTER = "after"  # dies after it, before anybody heard of it
    REFUSED = "refused"  # a commit fails and was rolled back
    UNCLEAR = "unclear"  # a commit fails, and was stored nevertheless


@dataclass(frozen=True, slots=True)
class Doom:
    """One fate, at the n-th of these steps from now on."""

    step: str  # "commit" or "request"
    n: int
    fate: Fate


class Life:
    """One process's life; once it is over every step raises Crash."""

    def __init__(self) -> None:
        self.doom: Doom | None = None
        self.dead = False
        self.struck = 0
        self._counted = 0

    def meet(self, doom: Doom | None) -> None:
        self.doom, self._counted = doom, 0

    def at(self, step: str) -> Fate | None:
        """Count a step; its fate, None when nothing happens.  Raises Crash once dead, or where death comes before."""
        self.go_on()
        if self.doom is None or self.doom.step != step:
            return None
        self._counted += 1
        if self._counted < self.doom.n:
            return None
        fate, self.doom = self.doom.fate, None
        self.struck += 1
        if fate is Fate.BEFORE:
            self.die()
        return fate

    def go_on(self) -> None:
        if self.dead:
            raise Crash

    def die(self) -> None:
        self.dead = True
        raise Crash
