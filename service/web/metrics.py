"""`/metrics` for Prometheus: counts of work, never of a person (no patient label, no key).

Everything comes from the ledger, where the cycles count: any web process answers for all workers.
"""

from collections.abc import Iterator

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from service.config import Settings
from service.fhir.traffic import BUCKETS
from service.ports import Clock, Ledger, LedgerError
from service.web.problem import problem

_BY_NAME = "identified_by_text"  # the flag of a medicine that was told by its name only, not by its code

Counted = dict[str, dict[tuple[str, str], float]]  # name → (source, label) → value


def blueprint(ledger: Ledger, settings: Settings, clock: Clock) -> Blueprint:
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    def metrics() -> Response:
        registry = CollectorRegistry()
        try:
            registry.register(_Collected(list(_families(ledger, settings, clock))))
        except LedgerError as error:
            return problem(503, "not ready", failing={"database": str(error)})
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return routes


class _Collected:
    """What was read, in the shape that the library asks for."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def _families(ledger: Ledger, settings: Settings, clock: Clock) -> Iterator[Metric]:
    sources = sorted(settings.source)
    with ledger.read() as tx:
        rows = tx.counted()
        tallies = {source: tx.tallies(source) for source in sources}
        unmapped = {source: tx.count_flagged(source, _BY_NAME) for source in sources}
        states = {source: tx.source_state(source) for source in sources}
    counted: Counted = {}
    for source, name, label, value in rows:
        if source in settings.source:
            counted.setdefault(name, {})[source, label] = value
    yield _counter(counted, "cycles", "cycles", "Cycles, by how completely they read the EHR.", "outcome")
    yield _counter(counted, "assessed", "patients_assessed", "Patients assessed, each time counted.", None)
    yield _tallied(tallies, "findings", "findings", "Findings of reviews that are due now.", "rule")
    yield _tallied(tallies, "items", "items", "Reviews, by state.", "state")
    yield _counter(counted, "deliveries", "deliveries", "Writes to the EHR, by outcome.", "outcome")
    yield _tallied(tallies, "projections", "projections", "Own Tasks, by state of delivery.", "state")
    yield _counter(counted, "requests", "ehr_requests", "Requests to the EHR, by class of reply.", "class")
    yield _latency(counted)
    yield _tallied(tallies, "quarantine", "quarantine_size", "What could not be handled, not accepted.", None)
    age = GaugeMetricFamily(
        "reviewdue_last_complete_cycle_age_seconds",
        "Since the end of the last cycle that read everything.",
        labels=["source"],
    )
    by_name = GaugeMetricFamily(
        "reviewdue_unmapped_drug_codes",
        "Patients with a medicine that was told by its name only, not by a code.",
        labels=["source"],
    )
    for source in sources:
        last = states[source].last_complete_at
        if last is not None:
            age.add_metric([source], (clock.now() - last).total_seconds())
        by_name.add_metric([source], unmapped[source])
    yield age
    yield by_name


def _counter(counted: Counted, name: str, shown: str, about: str, label: str | None) -> Metric:
    family = CounterMetricFamily(f"reviewdue_{shown}", about, labels=["source", *([label] if label else [])])
    for (source, value), amount in sorted(counted.get(name, {}).items()):
        family.add_metric([source, *([value] if label else [])], amount)
    return family


def _tallied(
    tallies: dict[str, dict[str, dict[str, int]]], name: str, shown: str, about: str, label: str | None
) -> Metric:
    family = GaugeMetricFamily(f"reviewdue_{shown}", about, labels=["source", *([label] if label else [])])
    for source, tally in tallies.items():
        for value, number in sorted(tally[name].items()):
            family.add_metric([source, *([value] if label else [])], number)
    return family


def _latency(counted: Counted) -> Metric:
    family = HistogramMetricFamily(
        "reviewdue_ehr_request_seconds", "How long the EHR took to answer.", labels=["source"]
    )
    took = counted.get("took", {})
    for source in sorted({source for source, _ in took}):
        total = 0.0
        buckets = []
        for bound in BUCKETS:
            total += took.get((source, str(bound)), 0.0)
            buckets.append((str(bound), total))
        buckets.append(("+Inf", total + took.get((source, "more"), 0.0)))
        family.add_metric([source], buckets, counted.get("seconds", {}).get((source, ""), 0.0))
    return family
