"""What will happen: events made from a seed.  Any part of the list is a plan too, so that a failure can be shrunk."""

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

DAY = 24 * 60
_FIRST_CYCLE, _LAST_CYCLE = 7 * 60, 18 * 60
_REST_EVERY = 30
REST_DAYS = 4  # without events: what is under way comes to its end

CLINICAL = (
    "start", "stop", "hold", "move-dose", "opioid", "sedative", "review", "condition", "fall", "error", "stay",
    "discharge", "die", "leave", "return", "taper", "fill",
)  # fmt: skip
PERSONS = (
    "complete", "decide", "decline", "cancel", "take-on", "start-work", "wait", "reassign", "remark", "restrict",
    "reopen", "delete", "fail", "mistake",
)  # fmt: skip
MERGES = ("merge", "unmerge")
OPERATORS = ("retry", "accept-gone", "shadow", "release")


@dataclass(frozen=True, slots=True)
class Event:
    """`minute` counts from the start; `salt` decides whatever the event leaves open; `who` is a patient's number."""

    minute: int
    what: str
    salt: int
    who: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides a run."""

    kind: str
    people: int
    events: tuple[Event, ...]
    why: str = ""

    def until(self, minute: int) -> "Plan":
        return replace(self, events=tuple(event for event in self.events if event.minute <= minute))

    def to_json(self) -> str:
        events = [list(asdict(event).values()) for event in self.events]
        return json.dumps({"why": self.why, "kind": self.kind, "people": self.people, "events": events})


def plan_of(text: str) -> Plan:
    """The plan that `to_json` wrote."""
    read = json.loads(text)
    return Plan(read["kind"], read["people"], tuple(Event(*event) for event in read["events"]), read["why"])


def make_plan(seed: int, kind: str, *, people: int = 40, days: int = 365) -> Plan:
    """Clinic days from a seed: a cycle a day, on some days several, most of them in bad weather."""
    chance = random.Random(f"{seed}|{kind}|{people}|{days}")
    events: list[Event] = []
    for day in range(days):
        if day % _REST_EVERY >= _REST_EVERY - REST_DAYS:
            if day % _REST_EVERY == _REST_EVERY - REST_DAYS:
                events.append(Event(day * DAY + _FIRST_CYCLE, "rest", chance.getrandbits(30)))
            continue
        events += sorted(_day(chance, day, people), key=lambda event: (event.minute, event.what))
    events.append(Event(days * DAY + _FIRST_CYCLE, "rest", chance.getrandbits(30)))
    return Plan(kind, people, tuple(events))


def _day(chance: random.Random, day: int, people: int) -> Iterator[Event]:
    def at(what: str, minute: int, who: int = 0) -> Event:
        return Event(day * DAY + minute, what, chance.getrandbits(30), who)

    def any_minute() -> int:
        return chance.randint(_FIRST_CYCLE, _LAST_CYCLE)

    if chance.random() < 0.9:
        yield at("weather", 0)
    for who in range(people):
        if (day + who * 7) % 28 == 0 and chance.random() < 0.93:
            yield at("renew", any_minute(), who)
    for _ in range(_number(chance, 0.03 * people)):
        yield at(chance.choice(CLINICAL), any_minute(), chance.randrange(people))
    for _ in range(_number(chance, 0.8)):
        yield at(chance.choice(PERSONS), any_minute())
    for what, rate in (
        ("merge", 0.02),
        ("unmerge", 0.01),
        ("backup", 0.05),
        ("restore", 0.008),
        ("race", 0.15),
    ):
        if chance.random() < rate:
            yield at(what, any_minute(), chance.randrange(people))
    for what, rate in (("crash", 0.35), ("restart", 0.05), ("retry", 0.03), ("accept-gone", 0.02)):
        if chance.random() < rate:
            yield at(what, any_minute())
    if chance.random() < 0.01:
        yield at("shadow", any_minute())
        yield at("release", any_minute())
    yield at("cycle", _LAST_CYCLE)
    for _ in range(chance.choice((0, 0, 0, 0, 1, 2, 3))):
        yield at("cycle", any_minute())


def _number(chance: random.Random, mean: float) -> int:
    """How many, around a mean: the whole part, and one more by the chance of the rest, spread a little."""
    spread = mean * chance.uniform(0.2, 1.8)
    return int(spread) + (chance.random() < spread % 1)
