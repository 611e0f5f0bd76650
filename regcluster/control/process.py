"""A worker put together: the only place where its objects are wired.

``serve`` makes one a process and has it listen, report and drain; the objects know nothing of that.
"""

import asyncio
import random
import secrets
from collections.abc import Sequence
from functools import partial
from ipaddress import ip_network
from pathlib import Path

from regcluster import metrics
from regcluster.config import ListenSettings, Settings
from regcluster.config.address import parse_address
from regcluster.control.callbacks import Callbacks, Tell
from regcluster.control.channel import Start, Status
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
from regcluster.registrar.gruu import NONCE_OCTETS, TemporaryGruus
from regcluster.route.call import Route
from regcluster.route.default import BuiltIn
from regcluster.route.loader import Script, load_script
from regcluster.sip.hop import Hop
from regcluster.store import RedisStore
from regcluster.store.census import Census
from regcluster.store.keeper import NOT_YET
from regcluster.store.leases import LeaseHolder, Leases, Share
from regcluster.store.notice import Notice
from regcluster.store.upkeep import Upkeep

RUID_OCTETS = 6


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
                problem = "; ".join(wrong.problems)
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

    def _tables(self) -> Sequence[str]:
        return self._location.settings.tables

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
