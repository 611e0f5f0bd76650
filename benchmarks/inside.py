"""A worker's whole way from message to answer, in this process, over a real store.

Everything is as in a node but the sockets toward the phones, so what is left out is what the kernel
takes for a datagram. Requests come in bursts, as they do at a busy node. CPU time counts, of this
process and of the server, so nobody's waiting is in the figures.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import uvloop

from benchmarks.phones import Fleet
from benchmarks.processes import cpu_us
from regcluster import metrics
from regcluster.config import RoutingSettings, Settings
from regcluster.edge.flow import FlowTable
from regcluster.edge.identity import Identity
from regcluster.edge.outbound import Outbound
from regcluster.edge.relay import Relay
from regcluster.edge.resolver import Resolver
from regcluster.edge.stream import Streams
from regcluster.edge.worker import Worker
from regcluster.location import Location, Node, ruid_source
from regcluster.registrar.plan import SavePlan
from regcluster.registrar.save import Planner
from regcluster.route.default import BuiltIn
from regcluster.sip.hop import Hop
from regcluster.sip.message import Request
from regcluster.sip.parser import parse
from regcluster.store.remote import RedisStore
from tests.servers import RealServer, open_store

T = TypeVar("T")

BURST = 32
"""Requests under way at a time: so many find a busy worker in one turn of its loop."""

WITHIN_S = 10.0

SETTINGS = Settings(routing=RoutingSettings(domains=["example.test"]))

HERE = Hop("UDP", "127.0.0.1", 5060)
THERE = Hop("UDP", "127.0.0.1", 5062)


class Sink:
    """Whoever sent the requests: counts the answers, which all must have one status."""

    transport = "UDP"
    token = ""
    peer = THERE
    local = HERE

    def __init__(self) -> None:
        self._status = b""
        self._missing = 0
        self._complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def expect(self, answers: int, status: bytes) -> Awaitable[None]:
        """What is done once so many answers are here; it raises if one has another status."""
        self._missing, self._status = answers, b"SIP/2.0 %b " % status
        self._complete = asyncio.get_running_loop().create_future()
        return self._complete

    def send(self, data: bytes, to: Hop | None = None) -> bool:
        """Take an answer."""
        self._missing -= 1
        if not data.startswith(self._status) and not self._complete.done():
            self._complete.set_exception(RuntimeError(f"the answer was {data[:40]!r}"))
        if not self._missing and not self._complete.done():
            self._complete.set_result(None)
        return True


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU per request of one round, µs."""

    here: float
    store: float


class Inside:
    """A worker and its store, until the block of ``opened`` ends."""

    def __init__(self, worker: Worker, store: RedisStore, server: RealServer, phones: int) -> None:
        self._worker = worker
        self._store = store
        self._server = server
        self._fleet = Fleet(phones, HERE.port)
        self._sink = Sink()
        self._round = 0
        planner = Planner(
            SETTINGS.registrar, SETTINGS.location, ruid_source("0123456789ab"), lambda: 0.0
        )
        self._plan = planner.plan

    async def register(self) -> Spent:
        """Each phone registers: anew the first time, a refresh later."""
        self._round += 1
        messages = self._fleet.registers(self._round)
        return await self._spent(len(messages), self._all(messages, b"200"))

    async def call(self) -> Spent:
        """Each phone is called, and the caller told where it is."""
        messages = self._fleet.calls(range(self._fleet.size), self._round)
        return await self._spent(len(messages), self._all(messages, b"302"))

    async def save(self) -> Spent:
        """Each phone's refresh is saved: the round trip to the store and no more."""
        self._round += 1
        requests = [cast("Request", parse(data)) for data in self._fleet.registers(self._round)]
        plans = [cast("SavePlan", self._plan(request)) for request in requests]
        return await self._spent(len(plans), self._save(plans))

    async def _all(self, messages: Sequence[bytes], status: bytes) -> None:
        for start in range(0, len(messages), BURST):
            some = messages[start : start + BURST]
            answered = self._sink.expect(len(some), status)
            for data in some:
                self._worker.receive(data, self._sink)
            await answered

    async def _save(self, plans: Sequence[SavePlan]) -> None:
        for start in range(0, len(plans), BURST):
            await asyncio.gather(*map(self._store.save, plans[start : start + BURST]))

    async def _spent(self, requests: int, work: Awaitable[None]) -> Spent:
        here, store = time.process_time(), cpu_us([self._server.process.pid])
        async with asyncio.timeout(WITHIN_S):
            await work
        spent = (time.process_time() - here) * 1e6
        return Spent(spent / requests, (cpu_us([self._server.process.pid]) - store) / requests)


@asynccontextmanager
async def opened(folder: Path, server: RealServer, phones: int) -> AsyncIterator[Inside]:
    """A worker over ``server``, wired as ``control.process`` does it."""
    store = open_store(server, SETTINGS.store)
    await store.check()
    table = FlowTable(0, "e")
    identity = Identity("", [HERE], "bench", table)
    node = Node(identity.is_ours, identity.is_gone)
    ruids = ruid_source("abcdef012345")
    location = Location(store, SETTINGS.registrar, SETTINGS.location, ruids, lambda: 0.0, node)
    streams = Streams(table, SETTINGS.limits, metrics.count_keepalive, metrics.count_closed)
    relay = Relay(folder, 0, table, metrics.drop)
    outbound = Outbound(identity, [], streams, relay, Resolver(_no_names), lambda: store.secret)
    route = BuiltIn(SETTINGS.routing).route
    worker = Worker(location, route, outbound, SETTINGS.limits, lambda: 0.0)
    metrics.TALLY.defer = asyncio.get_running_loop().call_soon
    try:
        yield Inside(worker, store, server, phones)
    finally:
        metrics.TALLY.close()
        await streams.close()
        relay.close()
        await store.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` on the loop that workers use, with the garbage collected as they do it."""
    gc.collect()
    gc.freeze()
    thresholds = gc.get_threshold()
    gc.set_threshold(10_000, 20, 50)
    try:
        return uvloop.run(work)
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


async def _no_names(name: str) -> list[str]:
    raise OSError(f"there is no {name}")
