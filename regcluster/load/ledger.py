"""What one generator process counts; plain values, so that processes can hand them over.

Latencies are counted the way HDR histograms do it: to a thousandth of themselves, in microseconds,
which bounds what is kept however long a run takes.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Self

GOOD = {
    "register": frozenset({200}),
    "refresh": frozenset({200}),
    "lookup": frozenset({200, 302}),
    "forward": frozenset({200}),
    "miss": frozenset({404, 480}),
    "unregister": frozenset({200}),
}
"""The answers that each kind of request is meant to get."""

Counts = dict[int, int]
"""How often each value was seen."""

_EXACT = 2048
"""Microseconds below which nothing is rounded."""
_BITS = 11


def note(counts: Counts, value: int) -> None:
    """Count ``value`` to a thousandth of itself, rounded down."""
    if value >= _EXACT:
        shift = value.bit_length() - _BITS
        value = value >> shift << shift
    counts[value] = counts.get(value, 0) + 1


def added(counts: Iterable[Counts]) -> Counts:
    """All of ``counts`` together."""
    total: Counts = defaultdict(int)
    for one in counts:
        for value, times in one.items():
            total[value] += times
    return dict(total)


@dataclass(slots=True)
class Step:
    """What happened in one step of the timeline; ``good`` when the answer came."""

    sent: int = 0
    good: int = 0
    refused: int = 0
    """Answered 503."""
    failed: int = 0
    """Answered something else that was not meant to be."""
    lost: int = 0
    """Given up without an answer."""
    repeated: int = 0
    """Retransmissions."""

    def add(self, other: Self) -> None:
        """Count what the other has counted too."""
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))


@dataclass(slots=True)
class Ledger:
    """Requests of one stretch of a run, by what became of them."""

    sent: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """By kind; later tries of ``Load.persist_s`` are requests of their own."""
    statuses: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    """Final answers, by kind and status."""
    lost: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Requests that got no answer, by kind."""
    latency: dict[str, Counts] = field(default_factory=lambda: defaultdict(dict))
    """Of answers that were meant to be, by kind, µs from the instant the request was meant for."""
    in_time: int = 0
    """Good answers that came while the process was still sending."""
    other_latency: Counts = field(default_factory=dict)
    """Of all other answers."""
    settled: Counts = field(default_factory=dict)
    """µs from a phone's first try to its good answer, where it tries more than once."""
    lateness: Counts = field(default_factory=dict)
    """µs by which requests were sent later than meant."""
    repeated: int = 0
    """Retransmissions."""
    retried: int = 0
    """Later tries of ``Load.persist_s``."""
    retry_afters: int = 0
    """Answers of 503 that said when to come again."""
    crowded: int = 0
    """Refreshes of phones that had no answer to an earlier one yet."""
    unsent: int = 0
    """Sendings that the kernel did not take."""

    def add(self, other: Self) -> None:
        """Count what the other has counted too."""
        for name in ("sent", "statuses", "lost"):
            mine = getattr(self, name)
            for key, value in getattr(other, name).items():
                mine[key] += value
        for kind, counts in other.latency.items():
            self.latency[kind] = added((self.latency[kind], counts))
        for name in ("other_latency", "settled", "lateness"):
            setattr(self, name, added((getattr(self, name), getattr(other, name))))
        for name in ("in_time", "repeated", "retried", "retry_afters", "crowded", "unsent"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Account:
    """What one process hands over at the end."""

    ledger: Ledger
    """Of what was counted: the warm-up is not in it."""
    timeline: list[Step]
    """From the end of the warm-up on."""
    begun: float
    """When counting began, and ended: monotonic seconds, which all processes share."""
    ended: float
    watched_s: float
    """How long the next two were looked at: from the first request counted to the last one sent."""
    cpu_s: float
    """Processor time in that while."""
    waited_s: float
    """Time in which the process could have run, and others did."""
    drops: int
    """Answers dropped at our own sockets."""
    broken: int
    """Errors of sockets, and connections that broke."""
    extra: int
    """Answers nobody waited for: doubled, or later than our patience."""
    warmed: int = 0
    """Requests of the warm-up."""
