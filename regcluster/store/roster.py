"""Which nodes are at work on a store, by the leases of their workers and what each says of itself.

Anybody may read it: no lease of one's own is needed. A worker that died stays on it, without a
lease, until what it has left behind is cleared away.
"""

import asyncio
from dataclasses import dataclass, field

from regcluster.store.keys import bytes_text
from regcluster.store.notice import Notice, read_notice
from regcluster.store.remote import RedisStore


@dataclass(slots=True, frozen=True)
class WorkerLease:
    """One worker, in one of its lives."""

    number: int
    epoch: str
    lease_ms: int
    """How long its lease still lasts; 0: it has ended."""


@dataclass(slots=True, frozen=True)
class NodeLease:
    """One node, and those of its workers that have left a trace."""

    name: str
    notice: Notice | None
    """What it says of itself; None: nothing any more."""
    workers: list[WorkerLease] = field(default_factory=list)

    @property
    def lease_ms(self) -> int:
        """How long the longest lease of its workers still lasts; 0: the node is gone."""
        return max((worker.lease_ms for worker in self.workers), default=0)


async def read_nodes(store: RedisStore) -> list[NodeLease]:
    """Every node that has left a trace, by name. Raises ``StoreError``."""
    flat: list[bytes] = await store.link.call(
        b"ZRANGE", store.keys.nodes, b"0", b"-1", b"WITHSCORES"
    )
    now = await store.now()
    workers: dict[str, list[WorkerLease]] = {}
    for name, end in zip(flat[::2], flat[1::2], strict=True):
        node, number, epoch = _parts(bytes_text(name))
        lease_ms = max(int(float(end)) - now, 0)
        workers.setdefault(node, []).append(WorkerLease(number, epoch, lease_ms))
    names = sorted(workers)
    said = await asyncio.gather(*[store.link.call(b"GET", store.keys.node(name)) for name in names])
    return [
        NodeLease(name, read_notice(text) if text else None, sorted(workers[name], key=_order))
        for name, text in zip(names, said, strict=True)
    ]


def _parts(name: str) -> tuple[str, int, str]:
    """Node, number and epoch of a ``LeaseHolder`` from its name."""
    node, _, worker = name.rpartition("/")
    number, _, epoch = worker.partition(".")
    return node, int(number), epoch


def _order(worker: WorkerLease) -> tuple[int, int]:
    return worker.number, -worker.lease_ms
