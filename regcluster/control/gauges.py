"""What the supervisor itself counts: its workers, their restarts, what it runs.

Held apart from the workers' collectors, which live in memory-mapped files.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Metric
from prometheus_client.registry import Collector


class NodeGauges(Collector):
    """The collectors of the node as a whole, offered to a registry as one."""

    def __init__(self, version: str) -> None:
        self._registry = CollectorRegistry()
        self.workers = Gauge(
            "regcluster_workers", "Workers this node runs.", registry=self._registry
        )
        self.restarts = Counter(
            "regcluster_worker_restarts",
            "Workers that died and were started again.",
            registry=self._registry,
        )
        build = Gauge(
            "regcluster_build_info",
            "The version, as a label.",
            ("version",),
            registry=self._registry,
        )
        build.labels(version).set(1)

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        return iter(self._registry.collect())
