"""The tables and the policy, read as plain data: clinical codes, factors, and the numbers of the rules."""

import csv
import functools
import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2] / "service" / "knowledge"


@functools.cache
def table(name: str) -> list[dict[str, str]]:
    with (ROOT / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return [{key: (value or "").strip() for key, value in row.items()} for row in csv.DictReader(file)]


@functools.cache
def texts_of_rules() -> dict[str, Any]:
    return tomllib.loads((ROOT / "data" / "rules.toml").read_text(encoding="utf-8"))


def _over(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict) and "value" not in value
        merged[key] = _over(merged[key], value) if both else value
    return merged


class Policy:
    """The numbers of a policy by dotted name, e.g. `policy("R01.due")`."""

    def __init__(self, name: str) -> None:
        data = tomllib.loads((ROOT / "policies" / f"{name}.toml").read_text(encoding="utf-8"))
        if "extends" in data:
            base = (ROOT / "policies" / f"{data['extends']}.toml").read_text(encoding="utf-8")
            data = _over(tomllib.loads(base), data)
        self.data = data
        self.label = f"{data['name']}@{data['version']}"
        self.numbers: dict[str, Any] = {}

    def __call__(self, name: str) -> Any:
        if name not in self.numbers:
            at = self.data
            for part in name.split("."):
                at = at[part]
            self.numbers[name] = at["value"]
        return self.numbers[name]


@functools.cache
def policy(name: str) -> Policy:
    return Policy(name)


@functools.cache
def ingredient_class() -> dict[str, str]:
    return {row["ingredient"]: row["class"] for row in table("ingredients")}


def largest_number(cell: str) -> float | None:
    """The largest number in a cell counts."""
    numbers = [float(n) for n in re.findall(r"\d+(?:\.\d+)?", cell)]
    return max(numbers) if numbers else None


def smallest_number(cell: str) -> float | None:
    numbers = [float(n) for n in re.findall(r"\d+(?:\.\d+)?", cell)]
    return min(numbers) if numbers else None


class Equivalence:
    """One ingredient's row: factors, maxima, tablets."""

    def __init__(self, row: dict[str, str]) -> None:
        self.low = float(row["dme_per_mg_low"])
        self.typical = float(row["default_dme_per_mg"])
        self.high = float(row["dme_per_mg_high"])
        self.short = row["lapse_class"] == "short"
        self.us_label = largest_number(row["max_daily_mg_us_label"])
        self.other = largest_number(row["max_daily_mg_other"])
        self.older = largest_number(row["max_daily_mg_older"])
        self.smallest_tablet = smallest_number(row["oral_strengths_mg"])

    def label_maximum(self, column: str) -> float | None:
        """R10: the policy's country column first, the other where it is empty."""
        first, second = (self.us_label, self.other) if column == "us_label" else (self.other, self.us_label)
        return first if first is not None else second


@functools.cache
def equivalence() -> dict[str, Equivalence]:
    return {row["ingredient"]: Equivalence(row) for row in table("equivalence")}


SUBSTANCE_USE = (
    "alcohol_use_disorder",
    "opioid_use_disorder",
    "cannabis_use_disorder",
    "sedative_use_disorder",
    "stimulant_use_disorder",
    "other_sud",
    "barbiturate_use_disorder",
    "substance_use_disorder",
)


@functools.cache
def concepts_of_r14_events() -> set[str]:
    """Rows whose `rules` begin with `R14 urgent` and that are no use disorder: overdose, poisoning, self-harm."""
    return {
        row["concept"]
        for row in table("conditions")
        if row["rules"].startswith("R14 urgent") and row["concept"] not in SUBSTANCE_USE
    }


@functools.cache
def concepts_of_r16_events() -> set[str]:
    return {row["concept"] for row in table("conditions") if row["rules"].startswith("R16")}


@functools.cache
def risk_concepts() -> set[str]:
    return {row["concept"] for row in table("conditions") if row["role"] == "risk"}
