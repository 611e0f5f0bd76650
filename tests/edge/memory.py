"""A worker without a network: flows in memory, a store on fakeredis, counters read back.

``running`` wires a worker as ``control.process`` does, all of it real but the sockets to its peers
and the server behind its store.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fakeredis import FakeServer
from fakeredis.aioredis import FakeRedis
from prometheus_client import REGISTRY

from regcluster import metrics
from regcluster.config import Settings
from regcluster.edge.flow import FlowTable, hop_of
from regcluster.edge.identity import Identity
from regcluster.edge.outbound import Outbound
from regcluster.edge.relay import Relay
from regcluster.edge.resolver import Resolver
from regcluster.edge.stream import Streams
from regcluster.edge.udp import UdpEndpoint
from regcluster.edge.worker import Worker
from regcluster.location import Location, Node, ruid_source
from regcluster.route.default import BuiltIn
from regcluster.sip.hop import Hop
from regcluster.sip.message import Response
from regcluster.sip.parser import parse
from regcluster.store.client import ClientLink
from regcluster.store.remote import RedisStore
from tests.edge.loopback import SECRET, WAIT_S

OURS = "192.0.2.1"
"""The address that ``running`` workers take for their own, with port 5060."""

NODE = "node-1"
"""Its name."""

DEFAULTS = Settings()

_KINDS = {socket.SOCK_DGRAM: "UDP", socket.SOCK_STREAM: "TCP"}


class MemoryFlow:
    """Keeps what is sent by it, and to which hop, until a test asks."""

    def __init__(
        self, transport: str = "UDP", host: str = "192.0.2.7", port: int = 5066, takes: bool = True
    ) -> None:
        self.transport = transport
        self.peer = Hop(transport, host, port)
        self.local = Hop(transport, OURS, 5060)
        self.token = "" if transport == "UDP" else "0.e.1"
        self.takes = takes
        """Whether what is sent gets out at all."""
        self._sent: asyncio.Queue[tuple[bytes, Hop | None]] = asyncio.Queue()

    def send(self, data: bytes, to: Hop | None = None) -> bool:
        if self.takes:
            self._sent.put_nowait((data, to))
        return self.takes

    async def next(self) -> tuple[bytes, Hop | None]:
        """The next thing sent, and where to."""
        async with asyncio.timeout(WAIT_S):
            return await self._sent.get()

    async def start_line(self) -> str:
        """The first line of the next thing sent."""
        return (await self.next())[0].partition(b"\r\n")[0].decode()

    async def answer(self) -> Response:
        """The next thing sent, which must be a response."""
        message = parse((await self.next())[0])
        assert isinstance(message, Response)
        return message

    @property
    def waiting(self) -> int:
        """What was sent and not asked for yet."""
        return self._sent.qsize()


class Ledger:
    """Counters, as they have moved since it was opened."""

    def __init__(self) -> None:
        self._before = _samples()

    def count(self, name: str, **labels: str) -> float:
        """How far ``regcluster_<name>`` has moved under those labels."""
        key = (f"regcluster_{name}", frozenset(labels.items()))
        return _samples(key[0]).get(key, 0.0) - self._before.get(key, 0.0)

    def drops(self) -> dict[str, float]:
        """Messages dropped since, by reason."""
        moved = {}
        for key, value in _samples("regcluster_sip_drops_total").items():
            if value != self._before.get(key, 0.0):
                moved[dict(key[1])["reason"]] = value - self._before.get(key, 0.0)
        return moved


def no_chance() -> float:
    """A draw that is always the least."""
    return 0.0


async def no_names(name: str) -> list[str]:
    """A name server that knows nobody."""
    raise OSError(f"there is no {name}")


@asynccontextmanager
async def running(
    folder: Path,
    server: FakeServer,
    settings: Settings = DEFAULTS,
    index: int = 0,
    spread: Callable[[], float] = no_chance,
    sockets: Sequence[socket.socket] = (),
) -> AsyncIterator[Worker]:
    """A worker of a node with ``server`` as its store: at ``sockets``, or without any at ``OURS``.

    The sockets are bound, and closed at the end.
    """
    store = RedisStore(ClientLink(FakeRedis(server=server, protocol=2)), settings.store)
    table = FlowTable(index, "e")
    at = [hop_of(_KINDS[sock.type], sock.getsockname()) for sock in sockets]
    identity = Identity("" if at else OURS, at or [Hop("UDP", OURS, 5060)], NODE, table)
    location = Location(
        store,
        settings.registrar,
        settings.location,
        ruid_source(f"w{index}"),
        spread,
        Node(identity.is_ours, identity.is_gone),
    )
    streams = Streams(table, settings.limits, metrics.count_keepalive, metrics.count_closed)
    relay = Relay(folder, index, table, metrics.drop)
    endpoints: list[UdpEndpoint] = []
    outbound = Outbound(identity, endpoints, streams, relay, Resolver(no_names), lambda: SECRET)
    worker = Worker(location, BuiltIn(settings.routing).route, outbound, settings.limits, spread)
    streams.deliver_to(worker.receive, worker.bad_message)
    try:
        for sock in sockets:
            if sock.type == socket.SOCK_DGRAM:
                endpoints.append(UdpEndpoint(sock, worker.receive, metrics.drop))
            else:
                await streams.listen(sock)
        yield worker
    finally:
        await streams.close()
        relay.close()
        for endpoint in endpoints:
            endpoint.close()
        await store.close()


def _samples(name: str = "") -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    counted = REGISTRY.restricted_registry([name]) if name else REGISTRY
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in counted.collect()
        for sample in family.samples
    }
