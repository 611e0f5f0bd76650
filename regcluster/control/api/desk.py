"""What the operations of the API work with: the node, and what they share.

``Node`` is the seam to the supervisor.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client import CollectorRegistry

from regcluster.config.reader import Loaded
from regcluster.control.api.shapes import NodeState, Rates
from regcluster.control.api.streams import Streams
from regcluster.store import RedisStore

PREFIX = "/api/v1"
DOCUMENT = "/openapi.json"
"""Where the whole API is described, below its prefix."""

SEARCH_S = 20.0
"""How long a list may take: a narrow search looks at every binding there is."""


class Node(Protocol):
    """What the API asks of the node that it speaks for."""

    def in_force(self) -> Loaded:
        """The settings it goes by at this moment."""

    async def store(self) -> RedisStore:
        """Its store, which stays the node's. Raises ``StoreError``: there is none yet."""

    def state(self) -> NodeState:
        """How it is."""

    def registry(self) -> CollectorRegistry:
        """What it has counted; to be asked for in a thread."""

    def drain(self) -> None:
        """End as on SIGTERM; nothing happens if it does already."""


class Meter:
    """What happens per second, from totals that somebody reads now and then."""

    SPAN_S = 10.0
    """How far back the rates look, if anybody has asked then."""

    LEAST_S = 0.5
    """Less tells too little."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, Mapping[str, float]]] = deque()

    def take(self, at: float, totals: Mapping[str, float]) -> Rates | None:
        """The rates at the instant ``at``; None if there is nothing to compare with."""
        while self._samples and at - self._samples[0][0] > self.SPAN_S:
            self._samples.popleft()
        if not self._samples:
            self._samples.append((at, totals))
            return None
        since, before = self._samples[0]
        if at - self._samples[-1][0] >= self.LEAST_S:
            self._samples.append((at, totals))
        over_s = round(at - since, 3)
        if over_s < self.LEAST_S:
            return None
        rates = {name: max(totals[name] - before[name], 0.0) / over_s for name in totals}
        return Rates(over_s=over_s, **rates)


def read_totals(registry: CollectorRegistry) -> dict[str, float]:
    """The counts that ``Rates`` are made of."""
    totals = {"requests": 0.0, "registers": 0.0, "unavailable": 0.0, "dropped": 0.0}
    for metric in registry.collect():
        for sample in metric.samples:
            if sample.name == "regcluster_sip_requests_total":
                totals["requests"] += sample.value
                if sample.labels["method"] == "REGISTER":
                    totals["registers"] += sample.value
            elif sample.name == "regcluster_sip_responses_total":
                if sample.labels["status"] == "503":
                    totals["unavailable"] += sample.value
            elif sample.name == "regcluster_sip_drops_total":
                totals["dropped"] += sample.value
    return totals


@dataclass(slots=True)
class Desk:
    """What all operations of one node share."""

    node: Node
    streams: Streams = field(default_factory=Streams)
    meter: Meter = field(default_factory=Meter)
    search_s: float = SEARCH_S
