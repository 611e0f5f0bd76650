"""Who is alive: a lease for each worker, renewed by its heartbeats, which also read all others'.

A binding whose only way back is a connection goes by the lease of the worker that holds it, its
owner. An owner without a lease is gone; but nobody is judged by who may have been cut off together
with the owner. So a worker judges only after it has renewed its own lease in time for as long as a
lease lasts, and only by what it has read of late.
"""

import asyncio
import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b

from regcluster.store.keys import bytes_text, owner_of
from regcluster.store.remote import RedisStore

HEARTBEAT_S = 1.0
"""Seconds between two heartbeats, cut by chance by up to a fifth."""

LEASE_MS = 5000
"""How long a worker counts as alive after a heartbeat."""

LATE_MS = LEASE_MS // 2
"""From one heartbeat to the next: more, and what kept ours may have kept everybody's."""

REAP_MS = LEASE_MS
"""How long an owner may be gone before what it has left is removed: it may come back."""


@dataclass(slots=True, frozen=True)
class LeaseHolder:
    """A worker, in one of its lives: ``epoch`` is another one at each start."""

    node: str
    number: int
    epoch: str

    @property
    def name(self) -> str:
        """Its name among all workers there are and were."""
        return f"{self.node}/{self.number}.{self.epoch}"


@dataclass(slots=True, frozen=True)
class Notice:
    """What a node says of itself."""

    epoch: str
    """Another one at each start of the node."""
    addresses: Sequence[str]
    """Where it listens."""
    workers: int


def chosen(members: Iterable[str], thing: bytes) -> str:
    """Who of ``members`` sees to ``thing``: with the same members everybody chooses the same one.

    When one comes or goes, only what it gets or had changes hands (rendezvous hashing).
    """

    def weight(member: str) -> tuple[bytes, str]:
        name = member.encode("utf-8", "surrogateescape")
        return blake2b(b"%b\n%b" % (name, thing), digest_size=8).digest(), member

    return max(members, key=weight)


class Leases:
    """The lease of ``holder``, and what it knows of all others'."""

    def __init__(
        self,
        store: RedisStore,
        holder: LeaseHolder,
        notice: Notice,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._node = holder.node
        self._notice = json.dumps(asdict(notice)).encode()
        self._monotonic = monotonic
        self._finished: set[str] = set()
        self._ends: dict[str, int] = {}
        self._seen_at = 0
        self._steady_since = 0
        self._fresh_until = -math.inf
        self.name = holder.name
        """Ours among the ``members``."""
        self.members = frozenset([self.name])
        """Every worker with a lease, as of the last heartbeat; we are always one of them."""

    def is_orphaned(self, connection: str, bound_at: int) -> bool:
        """Whether the owner of ``connection``, by which something was bound then, is gone."""
        owner = owner_of(connection)
        if not owner or owner in self.members:
            return False
        # A worker that has only just started had a lease before it bound anything.
        return bound_at < self._seen_at and self._may_judge()

    def abandoned(self) -> list[str]:
        """Owners gone for so long that what they have left is to be cleared away."""
        if not self._may_judge():
            return []
        until = self._seen_at - REAP_MS
        gone = [name for name, ends_at in self._ends.items() if ends_at < until]
        return [name for name in gone if name not in self._finished]

    def finish(self, owner: str) -> None:
        """Nothing is left of an owner: the store may forget it with the next heartbeat."""
        self._finished.add(owner)

    async def renew(self) -> None:
        """One heartbeat. If it fails, that shows by the lease; the link has counted it."""
        store, finished = self._store, frozenset(self._finished)
        calls = (
            store.scripts.lease(self.name, LEASE_MS, finished),
            store.link.call(b"SET", store.keys.node(self._node), self._notice, b"PX", LEASE_MS),
        )
        replies = await asyncio.gather(*calls, return_exceptions=True)
        if isinstance(replies[0], list):
            self._finished -= finished
            self._learn(replies[0])

    async def end(self) -> None:
        """Give the lease up: our connections are closed. Raises ``StoreError``."""
        await self._store.scripts.lease(self.name, 0, ())

    def _learn(self, told: Sequence[bytes]) -> None:
        now = int(told[0])
        if not told[1] or abs(now - self._seen_at) > LATE_MS:
            self._steady_since = now
        self._seen_at = now
        self._fresh_until = self._monotonic() + LEASE_MS / 1000
        names = [bytes_text(name) for name in told[2::2]]
        self._ends = dict(zip(names, [int(float(end)) for end in told[3::2]], strict=True))
        members = frozenset([name for name, ends_at in self._ends.items() if ends_at > now])
        if members != self.members:
            self.members = members

    def _may_judge(self) -> bool:
        is_steady = self._seen_at - self._steady_since >= LEASE_MS
        return is_steady and self._monotonic() < self._fresh_until
