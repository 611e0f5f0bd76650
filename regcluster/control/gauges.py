"""What the supervisor itself counts: its workers, their restarts, what it runs.

Held apart from the workers' collectors, which live in memory-mapped files. What a worker's process
takes is read from ``/proc`` at a scrape: one file each.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

RESTARTS = ("died", "stuck")
"""Why a worker is started again: its process ended, or it was silent for too long and killed."""

_UTIME, _RSS = 11, 21
"""Fields of ``/proc/<pid>/stat`` behind the name of the program; after the first comes that of the
time spent in the kernel (proc(5))."""


def nobody() -> Mapping[int, int]:
    """No worker runs."""
    return {}


class NodeGauges(Collector):
    """The figures of the node as a whole, offered to a registry as one collector."""

    def __init__(self, version: str, started_at: float) -> None:
        self._version = version
        self._started_at = started_at
        self.is_ready = False
        self.is_draining = False
        self.pids: Callable[[], Mapping[int, int]] = nobody
        """The process of each worker that has one, by its place."""
        self.workers = 0
        self.restarts = Counter(dict.fromkeys(RESTARTS, 0))
        """By one of ``RESTARTS``."""
        self.store_restarts = 0
        self._spent: dict[int, _Spent] = {}

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        yield GaugeMetricFamily(
            "regcluster_ready", "Whether the node should get traffic: 1 or 0.", self.is_ready
        )
        yield GaugeMetricFamily(
            "regcluster_draining", "Whether the node is about to end: 1 or 0.", self.is_draining
        )
        yield GaugeMetricFamily("regcluster_workers", "Workers this node runs.", self.workers)
        yield from self._processes()
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

    def _processes(self) -> Iterator[Metric]:
        seconds = CounterMetricFamily(
            "regcluster_worker_cpu_seconds",
            "Processor time that the workers in this place have taken, one after the other.",
            labels=["worker"],
        )
        memory = GaugeMetricFamily(
            "regcluster_worker_resident_bytes",
            "Memory that the worker in this place occupies.",
            labels=["worker"],
        )
        for place, pid in self.pids().items():
            # One that ends just now has nothing to tell.
            with suppress(OSError):
                used_s, occupied = _used(pid)
                self._spent.setdefault(place, _Spent()).note(pid, used_s)
                memory.add_metric([str(place)], occupied)
        for place, spent in self._spent.items():
            seconds.add_metric([str(place)], spent.total_s)
        yield seconds
        yield memory


@dataclass(slots=True)
class _Spent:
    """Processor time of all that have had a worker's place, as far as they were asked."""

    pid: int = 0
    used_s: float = 0.0
    before_s: float = 0.0

    def note(self, pid: int, used_s: float) -> None:
        """The process that has the place now, and what it has taken so far."""
        if pid != self.pid:
            self.before_s += self.used_s
            self.pid = pid
        self.used_s = used_s

    @property
    def total_s(self) -> float:
        """Seconds, which never become fewer."""
        return self.before_s + self.used_s


def _used(pid: int) -> tuple[float, int]:
    """Processor seconds and bytes of memory that a process takes. Raises ``OSError``."""
    # The name of the program may hold anything, parentheses too.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[_UTIME]) + int(fields[_UTIME + 1])
    pages = int(fields[_RSS])
    return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE")
