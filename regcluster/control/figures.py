"""What two looks at a node's metrics tell of the time between them: rates, and durations.

Pure: text and instants in, figures out. A gauge that a node does not have, because it is of another
version, is None, and so is how long something took that did not happen. A counter that is not there
has not counted yet.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from prometheus_client.parser import text_string_to_metric_families

REQUEST_SECONDS = "regcluster_sip_request_duration_seconds"
STORE_SECONDS = "regcluster_store_call_duration_seconds"

GAUGES = {
    "is_ready": "regcluster_ready",
    "is_draining": "regcluster_draining",
    "workers": "regcluster_workers",
    "in_flight": "regcluster_sip_in_flight",
    "connections": "regcluster_connections",
    "bindings": "regcluster_bindings",
    "restarts": "regcluster_worker_restarts_total",
}
"""Figures that are a metric as it stands, all its series added up: whole numbers."""

RATES = {
    "requests_per_s": "regcluster_sip_requests_total",
    "lookups_per_s": "regcluster_lookups_total",
    "shed_per_s": "regcluster_sip_shed_total",
    "drops_per_s": "regcluster_sip_drops_total",
    "store_errors_per_s": "regcluster_store_errors_total",
    "cpu_cores": "regcluster_worker_cpu_seconds_total",
}
"""Figures that say how fast a counter grows, all its series added up."""

REQUESTS = "regcluster_sip_requests_total"
RESPONSES = "regcluster_sip_responses_total"
STARTED = "regcluster_start_time_seconds"

NAMES = frozenset(
    [*GAUGES.values(), *RATES.values(), RESPONSES, STARTED]
    + [f"{name}_bucket" for name in (REQUEST_SECONDS, STORE_SECONDS)]
)
"""Every sample that is looked at."""

Labels = Mapping[str, str]
Series = Sequence[tuple[Labels, float]]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One node, for as long as one look is from the next."""

    is_ready: bool | None
    is_draining: bool | None
    up_s: float | None
    workers: int | None
    restarts: int | None
    """Of workers, since it was started."""
    cpu_cores: float
    requests_per_s: float
    registers_per_s: float
    lookups_per_s: float
    refused_per_s: float
    """Responses of class 5xx."""
    shed_per_s: float
    drops_per_s: float
    store_errors_per_s: float
    in_flight: int | None
    connections: int | None
    bindings: int | None
    """In the whole store, as this node counted them last."""
    register_p50_ms: float | None
    register_p99_ms: float | None
    store_p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Look:
    """A node's metrics at an instant, in seconds since 1970."""

    at: float
    samples: Mapping[str, Series]

    def total(self, name: str, includes: Callable[[Labels], bool] | None = None) -> float | None:
        """All series of ``name`` that count, added up; None: it has none of that name."""
        series = self.samples.get(name)
        if series is None:
            return None
        return sum(value for labels, value in series if includes is None or includes(labels))


def read_metrics(text: str, at: float) -> Look:
    """What ``/metrics`` has said; ``ValueError`` if it is nothing of the kind."""
    samples: dict[str, list[tuple[Labels, float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in NAMES:
                samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return Look(at, samples)


def compare(before: Look, now: Look) -> Figures:
    """The figures of the time between two looks at the same node."""

    def rate(name: str, includes: Callable[[Labels], bool] | None = None) -> float:
        earlier, later = before.total(name, includes) or 0.0, now.total(name, includes) or 0.0
        # A counter that is behind itself has begun anew, with the node.
        return (later - earlier if later >= earlier else later) / (now.at - before.at)

    registers = buckets(before, now, REQUEST_SECONDS, is_register)
    started = now.total(STARTED)
    figures: dict[str, float | None] = {
        **{figure: _whole(now.total(name)) for figure, name in GAUGES.items()},
        **{figure: rate(name) for figure, name in RATES.items()},
        "up_s": None if started is None else now.at - started,
        "registers_per_s": rate(REQUESTS, is_register),
        "refused_per_s": rate(RESPONSES, lambda labels: labels.get("status", "").startswith("5")),
        "register_p50_ms": quantile_ms(registers, 0.5),
        "register_p99_ms": quantile_ms(registers, 0.99),
        "store_p99_ms": quantile_ms(buckets(before, now, STORE_SECONDS), 0.99),
    }
    for claim in ("is_ready", "is_draining"):
        value = figures[claim]
        figures[claim] = None if value is None else bool(value)
    return msgspec.convert(figures, Figures)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def is_register(labels: Labels) -> bool:
    """Whether a series is of REGISTERs."""
    return labels.get("method") == "REGISTER"


def buckets(
    before: Look, now: Look, name: str, includes: Callable[[Labels], bool] | None = None
) -> list[tuple[float, float]]:
    """How many of a histogram's new values are at most each bound, in all series that count."""
    added: dict[float, float] = {}
    for look, sign in ((before, -1.0), (now, 1.0)):
        for labels, value in look.samples.get(f"{name}_bucket", ()):
            if includes and not includes(labels):
                continue
            bound = float(labels["le"])
            added[bound] = added.get(bound, 0.0) + sign * value
    return sorted(added.items())


def quantile_ms(counts: Sequence[tuple[float, float]], share: float) -> float | None:
    """What ``share`` of the values stay under, as Prometheus reckons it; None: there are none.

    In the last bucket, which has no end, it is where that begins.
    """
    total = counts[-1][1] if counts else 0.0
    if total <= 0:
        return None
    rank = share * total
    lower, below = 0.0, 0.0
    for bound, count in counts[:-1]:
        if count >= rank:
            lower += (bound - lower) * (rank - below) / (count - below)
            break
        lower, below = bound, count
    return round(1000 * lower, 3)
