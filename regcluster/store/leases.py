"""Who is alive: a lease for each worker, renewed by its heartbeats, which also read all others'.

A binding whose only way back is a connection goes by the lease of the worker that holds it, its
owner. An owner without a lease is gone; but nobody is judged by who may have been cut off together
with the owner. So a worker judges only after it has renewed its own lease in time for as long as a
lease lasts, in a store that has kept it, and only by what it has read of late.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b

from regcluster.store.keys import bytes_text, owner_of
from regcluster.store.notice import Namesake, Notice, write_notice
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


def chosen(members: Iterable[str], thing: bytes) -> str:
    """Who of ``members`` sees to ``thing``: with the same members everybody chooses the same one.

    When one comes or goes, only what it gets or had changes hands (rendezvous hashing).
    """

    def weight(member: str) -> tuple[bytes, str]:
        name = member.encode("utf-8", "surrogateescape")
        return blake2b(b"%b\n%b" % (name, thing), digest_size=8).digest(), member

    return max(members, key=weight)


class Roll:
    """Who is alive, from what the heartbeats of one worker, ``name``, were told.

    ``at`` is always now, in seconds, by a clock that nobody sets.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.members = frozenset([name])
        """Every worker with a lease, as of the last heartbeat; we are always one of them."""
        self._ends: dict[str, int] = {}
        self._told_at = 0
        """When the store answered the last heartbeat, by its own clock."""
        self._steady_since = 0
        self._fresh_until = -math.inf

    def take(self, now: int, before: int, ends: dict[str, int], at: float) -> None:
        """What the store tells: its time, when our lease would have ended, when each one's does."""
        # A store that has lost our last heartbeat, in a failover or because it was started with an
        # old file, has lost everybody's.
        is_behind = before < self._told_at + LEASE_MS
        if is_behind or abs(now - self._told_at) > LATE_MS:
            self._steady_since = now
        self._told_at = now
        self._fresh_until = at + LEASE_MS / 1000
        self._ends = ends
        members = frozenset([self.name, *[each for each, end in ends.items() if end > now]])
        # The same object as long as they are the same: others remember what follows from them.
        if members != self.members:
            self.members = members

    def is_orphaned(self, connection: str, bound_at: int, at: float) -> bool:
        """Whether the owner of ``connection``, by which something was bound then, is gone."""
        owner = owner_of(connection)
        if not owner or owner in self.members:
            return False
        # Who has only just started had a lease before anything was bound, but we may not know yet.
        return bound_at < self._told_at and self._may_judge(at)

    def abandoned(self, at: float) -> list[str]:
        """Owners gone for so long that what they have left is to be cleared away."""
        if not self._may_judge(at):
            return []
        return [name for name, end in self._ends.items() if end < self._told_at - REAP_MS]

    def _may_judge(self, at: float) -> bool:
        is_steady = self._told_at - self._steady_since >= LEASE_MS
        return is_steady and at < self._fresh_until


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
        self._notice = write_notice(notice)
        # One worker of a node tells its operator, not each.
        self._namesake = None if holder.number else Namesake(notice.epoch)
        self._monotonic = monotonic
        self.roll = Roll(holder.name)
        """What it knows."""
        self._finished: set[str] = set()

    @property
    def name(self) -> str:
        """Ours among the ``members``."""
        return self.roll.name

    @property
    def members(self) -> frozenset[str]:
        """Every worker with a lease, ourselves included; the same object until that changes."""
        return self.roll.members

    def is_orphaned(self, connection: str, bound_at: int) -> bool:
        """Whether the owner of ``connection``, by which something was bound then, is gone."""
        return self.roll.is_orphaned(connection, bound_at, self._monotonic())

    def abandoned(self) -> list[str]:
        """Owners gone for so long that what they have left is to be cleared away."""
        gone = self.roll.abandoned(self._monotonic())
        return [owner for owner in gone if owner not in self._finished]

    def finish(self, owner: str) -> None:
        """Nothing is left of an owner: the store may forget it with the next heartbeat."""
        self._finished.add(owner)

    async def renew(self) -> None:
        """One heartbeat. If it fails, that shows by the lease; the link has counted it."""
        store, finished = self._store, frozenset(self._finished)
        node = store.keys.node(self._node)
        calls = (
            store.scripts.lease(self.name, LEASE_MS, finished),
            store.link.call(b"SET", node, self._notice, b"PX", LEASE_MS, b"GET"),
        )
        answers: list[object] = await asyncio.gather(*calls, return_exceptions=True)
        told, found = answers
        if isinstance(told, list):
            self._finished -= finished
            names = [bytes_text(name) for name in told[2::2]]
            ends = [int(end) for end in told[3::2]]
            ours = dict(zip(names, ends, strict=True))
            self.roll.take(int(told[0]), int(told[1] or 0), ours, self._monotonic())
        if self._namesake:
            self._namesake.take(found)

    async def end(self) -> None:
        """Give the lease up: our connections are closed. Raises ``StoreError``."""
        await self._store.scripts.lease(self.name, 0, ())


class Share:
    """What falls to one worker among those that have a lease: partitions, by the name of a key."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self._members: frozenset[str] = frozenset()
        self._ours: dict[bytes, bool] = {}

    def __call__(self, thing: bytes) -> bool:
        """Whether ``thing`` is ours."""
        members = self._leases.members
        if members is not self._members:
            self._members, self._ours = members, {}
        is_ours = self._ours.get(thing)
        if is_ours is None:
            is_ours = self._ours[thing] = chosen(members, thing) == self._leases.name
        return is_ours
