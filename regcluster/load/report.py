"""What came of a load: of the server's part in it, and of the generator's own.

A figure is only the server's if the generator had time to spare when it was taken. ``limits`` says
in whole sentences where it had not; whoever prints a report prints them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

from regcluster.load.ledger import GOOD, Account, Counts, Ledger, Step, added
from regcluster.load.plan import Load

PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99)

FULL_SHARE = 0.9
"""From this share of its time on a busy generator process has none to spare."""

LATE_US = 1000
"""Lateness at the 99th percentile that nobody would call punctual."""

LATE_PART = 0.5
"""What part of the latency it has to be, at the same percentile, before it spoils it."""

KEPT_RATE = 0.98
"""The least part of the intended requests that has to be sent for the rate to count as offered."""


@dataclass(frozen=True, slots=True)
class Part:
    """One generator process."""

    cpu_share: float
    """Of one CPU, while it was counting."""
    waited_share: float
    """Of the time: it could have run, and other processes did."""

    @property
    def busy_share(self) -> float:
        """Of the time: it ran, or could have."""
        return self.cpu_share + self.waited_share


class Report:
    """All processes' accounts of one load, added up."""

    def __init__(self, load: Load, accounts: Sequence[Account], *, prepared: int = 0) -> None:
        self.load = load
        self.ledger = Ledger()
        self.timeline: list[Step] = []
        for account in accounts:
            self.ledger.add(account.ledger)
            self.timeline += [Step() for _ in account.timeline[len(self.timeline) :]]
            for mine, theirs in zip(self.timeline, account.timeline, strict=False):
                mine.add(theirs)
        self.prepared = prepared
        """Phones that were registered before the run."""
        self.warmed = sum(account.warmed for account in accounts)
        """Requests of the warm-up."""
        begun = min(account.begun for account in accounts)
        self.seconds = max(max(account.ended for account in accounts) - begun, 1e-6)
        """How long requests were sent and counted."""
        self.parts = [_part(account) for account in accounts]
        self.drops = sum(account.drops for account in accounts)
        """Answers that were dropped at the generator's own sockets."""
        self.broken = sum(account.broken for account in accounts)
        """Connections that broke, and errors that sockets told of."""
        self.extra = sum(account.extra for account in accounts)
        """Answers nobody waited for: doubled ones, or late ones."""

    @property
    def sent(self) -> int:
        """Requests sent and counted, retransmissions left out."""
        return sum(self.ledger.sent.values())

    @property
    def good(self) -> int:
        """Requests that got an answer they were meant to get."""
        return sum(sum(counts.values()) for counts in self.ledger.latency.values())

    @property
    def lost(self) -> int:
        """Requests without an answer."""
        return sum(self.ledger.lost.values())

    @property
    def refused(self) -> int:
        """Requests answered 503."""
        return sum(n for (_, status), n in self.ledger.statuses.items() if status == 503)

    @property
    def failed(self) -> int:
        """Requests answered what they should not have been, 503 left out."""
        return sum(
            times
            for (kind, status), times in self.ledger.statuses.items()
            if status != 503 and status not in GOOD[kind]
        )

    @property
    def abandoned(self) -> int:
        """Requests under way when the run was ended early."""
        return self.sent - self.good - self.refused - self.failed - self.lost

    @property
    def sent_rate(self) -> float:
        """Requests sent a second."""
        return self.sent / self.seconds

    @property
    def good_rate(self) -> float:
        """Good answers a second, while requests were being sent."""
        return self.ledger.in_time / self.seconds

    @cached_property
    def latency(self) -> Mapping[str, HdrHistogram]:
        """µs from the instant a request was meant for to its good answer, by kind; all together
        under ``all``."""
        found = {kind: histogram(counts) for kind, counts in sorted(self.ledger.latency.items())}
        return {"all": histogram(added(self.ledger.latency.values())), **found}

    @cached_property
    def lateness(self) -> HdrHistogram:
        """µs by which requests left later than meant."""
        return histogram(self.ledger.lateness)

    @cached_property
    def settled(self) -> HdrHistogram:
        """µs from a phone's first try to its good answer; empty without ``Load.persist_s``."""
        return histogram(self.ledger.settled)

    def latency_us(self, percentile: float, kind: str = "all") -> int:
        """One percentile of ``latency``, µs; 0 where there was no good answer."""
        found = self.latency.get(kind)
        return int(found.get_value_at_percentile(percentile)) if found else 0

    @property
    def limits(self) -> list[str]:
        """Where the generator was the limit, a sentence each; empty: all is the server's."""
        return list(self._limits())

    def _limits(self) -> Iterator[str]:
        asked = self.load.rate
        busiest = max(self.parts, key=lambda part: part.busy_share)
        late, latency = self.lateness.get_value_at_percentile(99.0), self.latency_us(99.0)
        if busiest.busy_share >= FULL_SHARE:
            yield (
                f"a generator process was busy {busiest.busy_share:.0%} of the time, "
                f"{busiest.waited_share:.0%} of it waiting for a CPU: it could not have offered "
                "more"
            )
        if self.load.is_open and self.sent_rate < asked * KEPT_RATE:
            yield f"{asked:.0f} requests a second were asked for, {self.sent_rate:.0f} were sent"
        if self.good and late > LATE_US and late > latency * LATE_PART:
            yield (
                f"1 % of the requests left {late / 1000:.1f} ms late or later, which is much of "
                f"the latency; the generator waited {busiest.waited_share:.0%} of the time for a "
                "CPU"
            )
        if self.drops:
            yield f"{self.drops} answers were dropped at the generator's own sockets"
        if self.ledger.crowded and self.failed:
            yield (
                f"{self.ledger.crowded} refreshes were of phones that still waited for an answer, "
                "so a repetition may have been refused: there should be more users"
            )
        if self.ledger.unsent > self.broken:
            yield f"the kernel did not take {self.ledger.unsent} messages"

    def document(self) -> dict[str, Any]:
        """Everything, for machines; latencies in microseconds, histograms as HdrHistogram's
        compressed text."""
        ledger = self.ledger
        return {
            "load": self.load.document(),
            "seconds": round(self.seconds, 6),
            "prepared": self.prepared,
            "warmed": self.warmed,
            "sent": {**ledger.sent, "all": self.sent},
            "sent_rate": round(self.sent_rate, 3),
            "good": self.good,
            "good_rate": round(self.good_rate, 3),
            "refused": self.refused,
            "retry_afters": ledger.retry_afters,
            "failed": self.failed,
            "lost": {**ledger.lost, "all": self.lost},
            "abandoned": self.abandoned,
            "statuses": self.statuses(),
            "repeated": ledger.repeated,
            "retried": ledger.retried,
            "latency_us": {kind: shown(found) for kind, found in self.latency.items()},
            "settled_us": shown(self.settled) if ledger.settled else None,
            "timeline": [asdict(step) for step in self.timeline],
            "generator": {
                "processes": [asdict(part) for part in self.parts],
                "lateness_us": shown(self.lateness),
                "crowded": ledger.crowded,
                "unsent": ledger.unsent,
                "drops": self.drops,
                "broken": self.broken,
                "extra": self.extra,
                "limits": self.limits,
            },
        }

    def statuses(self) -> dict[str, dict[str, int]]:
        """Final answers, by kind and status."""
        found: dict[str, dict[str, int]] = {}
        for (kind, status), times in sorted(self.ledger.statuses.items()):
            found.setdefault(kind, {})[str(status)] = times
        return found


def histogram(counts: Counts) -> HdrHistogram:
    """``counts`` as a histogram from one microsecond to an hour, three digits exact."""
    made = HdrHistogram(1, 3_600_000_000, 3)
    for value, times in counts.items():
        made.record_value(value, times)
    return made


def shown(found: HdrHistogram) -> dict[str, Any]:
    """The figures of one histogram."""
    return {
        "count": found.get_total_count(),
        "mean": round(found.get_mean_value(), 1),
        "max": found.get_max_value(),
        **{f"p{p:g}": int(found.get_value_at_percentile(p)) for p in PERCENTILES},
        "hdr": found.encode().decode(),
    }


def _part(account: Account) -> Part:
    seconds = max(account.watched_s, 1e-6)
    return Part(
        cpu_share=round(account.cpu_s / seconds, 4),
        waited_share=round(account.waited_s / seconds, 4),
    )
