"""What the supervisor itself counts: its workers, their restarts, what it runs.

Held apart from the workers' collectors, which live in memory-mapped files.
"""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

RESTARTS = ("died", "stuck")
"""Why a worker is started again: its process ended, or it was silent for too long and killed."""


class NodeGauges(Collector):
    """The figures of the node as a whole, offered to a registry as one collector."""

    def __init__(self, version: str, started_at: float) -> None:
        self._version = version
        self._started_at = started_at
        self.is_ready = False
        self.workers = 0
        self.restarts = Counter(dict.fromkeys(RESTARTS, 0))
        """By one of ``RESTARTS``."""
        self.store_restarts = 0

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        yield GaugeMetricFamily(
            "regcluster_ready", "Whether the node should get traffic: 1 or 0.", self.is_ready
        )
        yield GaugeMetricFamily("regcluster_workers", "Workers this node runs.", self.workers)
        restarts = CounterMetricFamily(
            "regcluster_worker_restarts",
            "Workers started again because the one before died, or was stuck and killed.",
            labels=["reason"],
        )
        for reason, count in self.restarts.items():
            restarts.add_metric([reason], count)
        yield restarts
        yield CounterMetricFamily(
            "regcluster_embedded_restarts",
            "Times the embedded store had ended and was started again.",
            self.store_restarts,
        )
        yield GaugeMetricFamily(
            "regcluster_start_time_seconds",
            "When the node was started, in seconds since 1970.",
            self._started_at,
        )
        build = GaugeMetricFamily(
            "regcluster_build_info", "The version, as a label.", labels=["version"]
        )
        build.add_metric([self._version], 1)
        yield build
