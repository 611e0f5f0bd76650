"""What tests of the upkeep share: workers with leases, and a link that can be listened in on."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from regcluster.config import StoreSettings
from regcluster.errors import StoreUnavailable
from regcluster.store.connection import Arg
from regcluster.store.endpoint import Endpoint
from regcluster.store.leases import LATE_MS, LEASE_MS, LeaseHolder, Leases
from regcluster.store.link import Link
from regcluster.store.notice import Notice
from regcluster.store.remote import RedisStore
from regcluster.store.sweeping import Sweeper
from tests.servers import Server

TABLES = ("location", "abroad")
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

    def send(self, args: tuple[Arg, ...], packed: bytes) -> Awaitable[Any]:
        """The same."""
        return self.call(*args)

    async def close(self) -> None:
        """Let go of the link."""
        await self._link.close()


class Torn:
    """A link to a store of which the servers of some keys are ``away``."""

    problem = ""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.away: Sequence[bytes] = ()
        self.asked: list[Arg] = []
        """The first key of each call."""
        self.refusal: Callable[[], Awaitable[object]] | None = None
        """What comes before a refusal."""

    def nodes(self) -> Sequence[Endpoint]:
        """None to subscribe at: what is told is read by the timer."""
        return ()

    async def call(self, *args: Arg) -> Any:
        """Send a command, if whoever is asked is there."""
        self.asked += args[1:2]
        if args[1:] and args[1] in self.away:
            if self.refusal:
                await self.refusal()
            raise StoreUnavailable("its server is away")
        return await self._link.call(*args)

    def send(self, args: tuple[Arg, ...], packed: bytes) -> Awaitable[Any]:
        """The same."""
        return self.call(*args)

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


def sweeper(store: RedisStore, name: str = "n1") -> Sweeper:
    """The only one there is, as far as it knows."""
    return Sweeper(store, worker(store, name), lambda: TABLES)


def left_in(server: Server, *indexes: bytes) -> int:
    """How many bindings are there."""
    return sum([server.ask(b"ZCARD", index) for index in indexes])
