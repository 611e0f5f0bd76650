"""One worker process: the only place where a worker's objects are wired.

Started by the supervisor with the number of an inherited socket, over which its orders come. It
ends when it is told to drain, or at once when the supervisor is gone.
"""

import asyncio
import gc
import random
import secrets
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from regcluster import log, metrics
from regcluster.config import Settings
from regcluster.config.address import parse_address
from regcluster.control.channel import (
    Apply,
    Channel,
    Fatal,
    Order,
    Ready,
    Report,
    Start,
    Status,
    worker_end,
)
from regcluster.edge.flow import FlowTable
from regcluster.edge.identity import Identity
from regcluster.edge.outbound import Outbound
from regcluster.edge.relay import Relay
from regcluster.edge.resolver import Resolver
from regcluster.edge.sockets import bind_tcp, bind_udp
from regcluster.edge.stream import Streams
from regcluster.edge.udp import UdpEndpoint
from regcluster.edge.worker import Worker
from regcluster.errors import StoreMismatch
from regcluster.location import Location, ruid_source
from regcluster.route.default import BuiltIn
from regcluster.store import open_store
from regcluster.store.api import Store

STATUS_S = 1.0
RUID_OCTETS = 6


class Process:
    """The parts of a worker, put together."""

    def __init__(self, start: Start, store: Store) -> None:
        settings = start.settings
        self._store = store
        self._location = Location(
            store,
            settings.registrar,
            settings.location,
            ruid_source(secrets.token_hex(RUID_OCTETS)),
            random.random,
        )
        self._table = FlowTable(start.worker, secrets.token_hex(4))
        self._streams = Streams(
            self._table, settings.limits, metrics.count_keepalive, metrics.count_closed
        )
        self._relay = Relay(Path(start.folder), start.worker, self._table, metrics.drop)
        self._endpoints: list[UdpEndpoint] = []
        outbound = Outbound(
            Identity(settings.node.advertise, _ports(settings)),
            self._endpoints,
            self._streams,
            self._relay,
            Resolver(),
        )
        self._worker = Worker(
            self._location,
            BuiltIn(settings.routing).route,
            outbound,
            settings.limits,
            random.random,
        )
        self._streams.deliver_to(self._worker.receive, self._worker.bad_message)

    async def listen(self, settings: Settings, workers: int) -> None:
        """Open the sockets. Raises ``OSError`` with the address it could not have."""
        for address in settings.listen.udp:
            bound = bind_udp(*parse_address(address), workers)
            self._endpoints.append(UdpEndpoint(bound, self._worker.receive, metrics.drop))
        for address in settings.listen.tcp:
            await self._streams.listen(bind_tcp(*parse_address(address)))

    def apply(self, settings: Settings) -> None:
        """Take up settings that may change while running."""
        self._location.apply(settings.registrar, settings.location)
        self._streams.limits = settings.limits
        self._worker.apply(BuiltIn(settings.routing).route, settings.limits)

    def status(self) -> Status:
        """How it stands, for the supervisor and for the gauges."""
        status = Status(self._store.is_up, self._worker.in_flight, len(self._table))
        metrics.CONNECTIONS.set(status.connections)
        metrics.IN_FLIGHT.set(status.in_flight)
        metrics.STORE_UP.set(status.store_up)
        return status

    async def drain(self, within_s: float) -> None:
        """Take nothing new, end what is in flight, close every connection."""
        for endpoint in self._endpoints:
            endpoint.stop()
        self._streams.stop()
        await self._worker.drain(within_s)
        await self._streams.close()
        self._relay.close()
        for endpoint in self._endpoints:
            endpoint.close()
        await self._store.close()


async def work(end: socket.socket) -> int:
    """Live as a worker at ``end`` of a channel; the exit code."""
    channel = await worker_end(end)
    start = await channel.receive()
    if not isinstance(start, Start):
        return 0
    settings = start.settings
    log.configure(settings.log, node=settings.node.name, worker=start.worker)
    process = Process(start, await open_store(settings.store))
    try:
        await process.listen(settings, start.workers)
    except (OSError, StoreMismatch) as problem:
        channel.send(Fatal(str(problem)))
        await channel.receive()
        return 1
    # What is alive now stays alive: no need for the collector to look at it again and again.
    gc.collect()
    gc.freeze()
    channel.send(Ready())
    reporting = asyncio.create_task(_report(channel, process))
    try:
        await _obey(channel, process, start.worker)
    finally:
        reporting.cancel()
    return 0


async def _obey(channel: Channel[Report, Order], process: Process, worker: int) -> None:
    while order := await channel.receive():
        if isinstance(order, Apply):
            log.configure(order.settings.log, node=order.settings.node.name, worker=worker)
            process.apply(order.settings)
        elif not isinstance(order, Start):
            await process.drain(order.within_s)
            return


async def _report(channel: Channel[Report, Order], process: Process) -> None:
    while True:
        channel.send(process.status())
        await asyncio.sleep(STATUS_S)


def _ports(settings: Settings) -> frozenset[int]:
    listeners: Sequence[str] = [*settings.listen.udp, *settings.listen.tcp]
    return frozenset(parse_address(address)[1] for address in listeners)


def main() -> None:
    """Entry of a worker process: ``python -m regcluster.control.serve FD``."""
    end = socket.socket(fileno=int(sys.argv[1]))
    # Ctrl-C reaches the whole process group; the supervisor decides what comes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(uvloop.run(work(end)))


if __name__ == "__main__":
    main()
