"""One worker process: the only place where a worker's objects are wired.

Started by the supervisor with the number of an inherited socket, over which its orders come. It
ends when it is told to drain, or at once when the supervisor is gone.
"""

import asyncio
import gc
import random
import resource
import secrets
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial
from ipaddress import ip_network
from pathlib import Path

import uvloop

from regcluster import log, metrics
from regcluster.config import ListenSettings, Settings
from regcluster.config.address import parse_address
from regcluster.control.callbacks import Callbacks, Tell
from regcluster.control.channel import (
    Applied,
    Apply,
    Channel,
    Drain,
    Fatal,
    Leave,
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
from regcluster.edge.resolver import Resolver, system_lookup
from regcluster.edge.sockets import bind_tcp, bind_udp, common_family
from regcluster.edge.stream import FLUSH_S, Streams
from regcluster.edge.udp import UdpEndpoint
from regcluster.edge.worker import Worker
from regcluster.errors import ConfigError
from regcluster.location import Location, Node, ruid_source
from regcluster.log import get_logger
from regcluster.registrar.gruu import NONCE_OCTETS, TemporaryGruus
from regcluster.route.call import Route
from regcluster.route.default import BuiltIn
from regcluster.route.loader import Script, load_script
from regcluster.sip.hop import Hop
from regcluster.store import RedisStore, open_store
from regcluster.store.census import Census
from regcluster.store.keeper import NOT_YET
from regcluster.store.leases import LeaseHolder, Leases, Notice, Share
from regcluster.store.upkeep import Upkeep

STATUS_S = 1.0
"""The longest time between two reports."""

LOOK_S = 0.05
"""How soon it is told that the store has gone or come back."""

RUID_OCTETS = 6

SPARE_FILES = 1000
"""Files a worker may have open beyond ``limits.connections``: its listeners, its links to the store
and to other workers, and connections that are still coming up."""

logger = get_logger(__name__)


class Process:
    """The parts of a worker, put together."""

    def __init__(self, start: Start, store: RedisStore) -> None:
        settings = start.settings
        # First, for it may fail, and nothing is open yet.
        self._named = _names_of_script(settings)
        self._script = _script(settings)
        listeners = _listeners(settings)
        self._store = store
        epoch = secrets.token_hex(4)
        self._table = FlowTable(start.worker, epoch)
        leases = Leases(store, LeaseHolder(settings.node.name, start.worker, epoch), _notice(start))
        # What is there is the same for all workers of the node.
        census = Census(store, self._tables, metrics.count_stored) if not start.worker else None
        self._upkeep = Upkeep(store, leases, self._tables, census)
        self._identity = identity = Identity(
            settings.node.advertise,
            listeners,
            settings.node.name,
            self._table,
            settings.node.aliases,
        )
        gruus = TemporaryGruus(lambda: store.secret, lambda: secrets.token_bytes(NONCE_OCTETS))
        self._location = Location(
            store,
            settings.registrar,
            settings.location,
            ruid_source(secrets.token_hex(RUID_OCTETS)),
            random.random,
            Node(identity.is_ours, identity.is_gone, gruus, leases.is_orphaned),
        )
        self._location.apply(settings.registrar, settings.location, settings.routing)
        self._streams = Streams(
            self._table, settings.limits, metrics.count_keepalive, metrics.count_closed
        )
        self._is_leaving = False
        self._relay = Relay(Path(start.folder), start.worker, self._table, metrics.drop)
        self._endpoints: list[UdpEndpoint] = []
        self._overflow = self._opened = 0
        outbound = Outbound(
            identity,
            self._endpoints,
            self._streams,
            self._relay,
            Resolver(system_lookup(common_family(listener.host for listener in listeners))),
            lambda: store.secret,
        )
        self._worker = Worker(
            self._location,
            _route(self._script, settings),
            outbound,
            settings.limits,
            random.random,
        )
        self._streams.deliver_to(self._worker.receive, self._worker.bad_message)
        self._callbacks = Callbacks(store, Share(leases))
        self._apply_callback(settings)

    async def listen(self, settings: Settings, workers: int) -> None:
        """Open the sockets, or raise ``OSError`` with the address it could not have."""
        self._upkeep.start()
        try:
            for address in settings.listen.udp:
                bound = bind_udp(*parse_address(address), workers)
                self._endpoints.append(UdpEndpoint(bound, self._worker.receive, metrics.drop))
            for address in settings.listen.tcp:
                await self._streams.listen(bind_tcp(*parse_address(address)))
            balancers = [ip_network(text) for text in settings.listen.proxied_from]
            for address in settings.listen.tcp_proxied:
                await self._streams.listen(bind_tcp(*parse_address(address)), balancers)
        except OSError:
            await self.drain(0)
            raise

    def apply(self, settings: Settings, *, rereads: bool) -> str:
        """Take up settings that may change while running; ``rereads``: see ``Apply``.

        A script that cannot be loaded leaves the one before it at work; the answer says why.
        """
        problem = ""
        self._location.apply(settings.registrar, settings.location, settings.routing)
        self._streams.limits = settings.limits
        if rereads or _names_of_script(settings) != self._named:
            self._named = _names_of_script(settings)
            try:
                self._script = _script(settings)
            except ConfigError as wrong:
                problem = _reason(wrong)
                logger.error("route script not changed", problems=list(wrong.problems))
        self._worker.apply(_route(self._script, settings), settings.limits)
        self._apply_callback(settings)
        return problem

    @property
    def store_problem(self) -> str:
        """Why the store does not answer; empty if it does."""
        return self._store.problem

    def status(self) -> Status:
        """How it stands, for the supervisor and for the gauges."""
        self._count_late()
        status = Status(self.store_problem)
        # What comes before the store has answered for the first time waits for that.
        can_serve = status.store_problem in ("", NOT_YET)
        self._identity.is_ready = can_serve and not self._is_leaving
        metrics.CONNECTIONS.set(len(self._table))
        metrics.CONNECTIONS_LIMIT.set(self._streams.limits.connections)
        metrics.IN_FLIGHT.set(self._worker.in_flight)
        metrics.IN_FLIGHT_LIMIT.set(self._streams.limits.in_flight)
        metrics.STORE_UP.set(not status.store_problem)
        return status

    def _tables(self) -> Sequence[str]:
        return self._location.settings.tables

    def leave(self) -> None:
        """Go on as before, and be ready no more; ``drain`` is to follow."""
        self._is_leaving = True
        self._identity.is_ready = False

    async def drain(self, within_s: float) -> None:
        """Take nothing new, end what is in flight, close every connection, all ``within_s``."""
        flush_s = min(FLUSH_S, within_s / 4)
        callbacks = asyncio.create_task(self._callbacks.close(within_s - flush_s))
        for endpoint in self._endpoints:
            endpoint.stop()
        self._streams.stop()
        await self._worker.drain(within_s - flush_s)
        await self._streams.close(flush_s)
        await callbacks
        self._relay.close()
        self._count_late()
        while self._endpoints:
            self._endpoints.pop().close()
        await self._upkeep.stop()

    def _apply_callback(self, settings: Settings) -> None:
        """Have the script told of expiries, if it wants to be."""
        tell: Tell | None = None
        if self._script and (callback := self._script.callback):
            tell = partial(callback, location=self._location, ourselves=self._identity)
        self._callbacks.apply(tell, settings.location.tables)

    def _count_late(self) -> None:
        """Write down what was put off, and what the flow table and the kernel have counted."""
        metrics.settle()
        opened = self._table.minted
        metrics.CONNECTIONS_OPENED.inc(opened - self._opened)
        self._opened = opened
        # The kernel counts for as long as the socket is open, so only the difference is news.
        overflow = sum(endpoint.overflow for endpoint in self._endpoints)
        if self._endpoints:
            metrics.count_overflow(overflow - self._overflow)
            self._overflow = overflow


async def work(end: socket.socket) -> int:
    """Live as a worker at ``end`` of a channel; the exit code."""
    channel = await worker_end(end)
    try:
        start = await channel.receive()
        return await _live(channel, start) if isinstance(start, Start) else 0
    finally:
        channel.close()


async def _live(channel: Channel[Report, Order], start: Start) -> int:
    log.configure(start.settings.log, node=start.settings.node.name, worker=start.worker)
    _allow_files(start.settings.limits.connections + SPARE_FILES)
    store = await open_store(start.settings.store)
    try:
        process = Process(start, store)
        await process.listen(start.settings, start.workers)
        await _serve(channel, process, start.worker)
    except (OSError, ConfigError) as why:
        channel.send(Fatal(_reason(why)))
        await channel.receive()
        return 1
    finally:
        await store.close()
    return 0


def _reason(why: OSError | ConfigError) -> str:
    """Why no worker can start: an address that cannot be had, or a script that cannot be run."""
    if isinstance(why, ConfigError):
        return "; ".join(why.problems)
    return why.strerror or str(why)


def _route(script: Script | None, settings: Settings) -> Route:
    """What takes requests."""
    return script.route if script else BuiltIn(settings.routing).route


def _script(settings: Settings) -> Script | None:
    """The route script that the settings name, if they do; raises ``ConfigError``."""
    file = settings.routing.script
    return load_script(file, settings.registrar.event_callback) if file else None


def _names_of_script(settings: Settings) -> tuple[str, str]:
    """What a script that was loaded depends on, besides the file itself."""
    return settings.routing.script, settings.registrar.event_callback


async def _serve(channel: Channel[Report, Order], process: Process, worker: int) -> None:
    # What is alive now stays alive: no need for the collector to look at it again and again.
    gc.collect()
    gc.freeze()
    # Requests under way are thousands of objects that all go by themselves.
    gc.set_threshold(10_000, 20, 50)
    metrics.TALLY.defer = asyncio.get_running_loop().call_soon
    channel.send(Ready())
    reporting = asyncio.create_task(_report(channel, process))
    try:
        await process.drain(await _obey(channel, process, worker))
    finally:
        reporting.cancel()
        metrics.TALLY.close()


async def _obey(channel: Channel[Report, Order], process: Process, worker: int) -> float:
    """Do as told until it is time to drain; the seconds there are for that."""
    while order := await channel.receive():
        if isinstance(order, Apply):
            log.configure(order.settings.log, node=order.settings.node.name, worker=worker)
            channel.send(Applied(process.apply(order.settings, rereads=order.rereads)))
        elif isinstance(order, Leave):
            process.leave()
        elif isinstance(order, Drain):
            return order.within_s
    # The supervisor is gone, and with it whoever could tell us to go on.
    return 0.0


async def _report(channel: Channel[Report, Order], process: Process) -> None:
    """Tell how it stands about once a second, and soon when the store has gone or come back."""
    loop = asyncio.get_running_loop()
    told, due_at = "", 0.0
    while True:
        if loop.time() >= due_at or process.store_problem != told:
            status = process.status()
            channel.send(status)
            told, due_at = status.store_problem, loop.time() + STATUS_S
        back_at = loop.time() + LOOK_S
        await asyncio.sleep(LOOK_S)
        metrics.observe_loop(max(0.0, loop.time() - back_at))


def _allow_files(wanted: int) -> None:
    """Raise this process's own limit of open files to ``wanted``, or as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    if hard < wanted:
        logger.warning("too few open files allowed for limits.connections", allowed=hard)


def _notice(start: Start) -> Notice:
    """What the store is told of this node; its folder is another one at each start."""
    listen = start.settings.listen
    addresses = [f"udp:{address}" for address in listen.udp]
    addresses += [f"tcp:{address}" for address in _tcp(listen)]
    return Notice(Path(start.folder).name, addresses, start.workers)


def _listeners(settings: Settings) -> list[Hop]:
    return [
        *[Hop("UDP", *parse_address(text)) for text in settings.listen.udp],
        *[Hop("TCP", *parse_address(text)) for text in _tcp(settings.listen)],
    ]


def _tcp(listen: ListenSettings) -> list[str]:
    """Every address that takes SIP over TCP, from phones or from balancers that introduce them."""
    return [*listen.tcp, *listen.tcp_proxied]


def main() -> None:
    """Entry of a worker process: ``python -m regcluster.control.serve FD``."""
    end = socket.socket(fileno=int(sys.argv[1]))
    # They reach the whole process group at a terminal, and the whole service under systemd; the
    # supervisor decides what comes of them.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(uvloop.run(work(end)))


if __name__ == "__main__":
    main()
