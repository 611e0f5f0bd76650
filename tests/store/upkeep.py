"""What tests of the upkeep share: workers with leases, and a link that can be listened in on."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from regcluster.config import StoreSettings
from regcluster.store.connection import Arg
from regcluster.store.endpoint import Endpoint
from regcluster.store.leases import LATE_MS, LEASE_MS, LeaseHolder, Leases, Notice
from regcluster.store.link import Link
from regcluster.store.remote import RedisStore

NOTICE = Notice("epoch", ["udp:192.0.2.1:5060"], 1)


class Tapped:
    """A link that counts commands, and lets a test act after one of them was answered."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.calls: Counter[bytes] = Counter()
        self.after: dict[bytes, Callable[[], Awaitable[object]]] = {}

    @property
    def problem(self) -> str:
        """That of the link."""
        return self._link.problem

    def nodes(self) -> Sequence[Endpoint]:
        """Those of the link."""
        return self._link.nodes()

    async def call(self, *args: Arg) -> Any:
        """Send a command and return the reply."""
        word = bytes(args[0]) if isinstance(args[0], bytes) else b""
        self.calls[word] += 1
        reply = await self._link.call(*args)
        if word in self.after:
            await self.after.pop(word)()
        return reply

    async def close(self) -> None:
        """Let go of the link."""
        await self._link.close()


def tapped_store(link: Link, settings: StoreSettings) -> tuple[RedisStore, Tapped]:
    """A store over ``link``, and what is in between."""
    tapped = Tapped(link)
    return RedisStore(tapped, settings), tapped


def worker(store: RedisStore, node: str) -> Leases:
    """The only worker of a node."""
    return Leases(store, LeaseHolder(node, 0, "e"), NOTICE)


async def acquainted(leases: list[Leases]) -> None:
    """Let all of them have a lease and know of each other."""
    for _ in range(2):
        await asyncio.gather(*[each.renew() for each in leases])


def make_judge(leases: Leases, ends: dict[str, int]) -> None:
    """Have it renew its lease for long enough to judge, and know when all leases end."""
    before = 0
    for told_at in range(10**12, 10**12 + LEASE_MS + 1, LATE_MS):
        leases.roll.take(told_at, before, ends, time.monotonic())
        before = told_at + LEASE_MS
