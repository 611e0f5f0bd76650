"""The ways out of a worker on sockets of loopback, and phones at the far end of them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from regcluster.config import LimitSettings
from regcluster.edge.flow import FlowTable
from regcluster.edge.identity import Identity
from regcluster.edge.outbound import Outbound
from regcluster.edge.relay import Relay
from regcluster.edge.resolver import Resolver
from regcluster.edge.sockets import bind_tcp, bind_udp
from regcluster.edge.stream import Streams
from regcluster.edge.udp import UdpEndpoint
from regcluster.proxy.seal import seal
from regcluster.registrar.branch import Branch
from regcluster.route.call import Forward
from regcluster.sip.headers import parse_via
from regcluster.sip.hop import Hop, via_hop
from regcluster.sip.message import Request, Response
from regcluster.sip.parser import parse
from tests.edge.loopback import SECRET, WAIT_S, Inbox
from tests.edge.memory import NODE


@dataclass
class Ways:
    """One worker's ways out, and what came in meanwhile."""

    outbound: Outbound
    inbox: Inbox
    udps: list[Hop]
    tcp: Hop

    @property
    def udp(self) -> Hop:
        """The first of its UDP sockets."""
        return self.udps[0]


class Peer(asyncio.DatagramProtocol):
    """A phone on UDP; opened by ``create_datagram_endpoint``."""

    def __init__(self) -> None:
        self._arrived: asyncio.Queue[tuple[Request | Response, int]] = asyncio.Queue()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._arrived.put_nowait((parse(data), addr[1]))

    def send(self, data: bytes) -> None:
        """Send to the one address it speaks to."""
        self._transport.sendto(data)

    async def next(self) -> tuple[Request | Response, int]:
        """The next message, and the port it was sent from."""
        async with asyncio.timeout(WAIT_S):
            return await self._arrived.get()


@asynccontextmanager
async def udp_phone(
    host: str = "127.0.0.1", remote: tuple[str, int] | None = None
) -> AsyncIterator[tuple[Peer, int]]:
    """A phone that listens on UDP, and its port; with ``remote`` it hears that address alone."""
    loop = asyncio.get_running_loop()
    transport, peer = await loop.create_datagram_endpoint(
        Peer, local_addr=(host, 0), remote_addr=remote
    )
    yield peer, transport.get_extra_info("sockname")[1]
    transport.close()


def request(data: bytes) -> Request:
    message = parse(data)
    assert isinstance(message, Request)
    return message


def to(uri: str) -> Forward:
    """The way to a URI and nothing more."""
    return Forward(Branch(uri))


def sealed(below: str, flow: str = "") -> str:
    """A branch of ours, above that Via."""
    return f"branch=z9hG4bK1.{seal(SECRET, via_hop(parse_via(below)), flow)}.2"


async def lookup(name: str) -> list[str]:
    """A name server that knows one name."""
    if name == "phone.test":
        return ["127.0.0.1"]
    raise OSError("no such name")


@asynccontextmanager
async def opened(
    folder: Path,
    worker: int = 0,
    ports: frozenset[int] = frozenset(),
    udp_hosts: Sequence[str] = ("127.0.0.1",),
    secret: bytes = SECRET,
    advertise: str = "",
) -> AsyncIterator[Ways]:
    """The ways out of one worker: UDP and TCP on free ports, and ``ports`` are its node's too."""
    inbox = Inbox()
    table = FlowTable(worker, "e")
    streams = Streams(table, LimitSettings(), inbox.count, inbox.count)
    streams.deliver_to(inbox.receive, lambda broken, flow: inbox.count("bad"))
    listener = bind_tcp("127.0.0.1", 0)
    tcp = Hop("TCP", *listener.getsockname())
    await streams.listen(listener)
    endpoints = [
        UdpEndpoint(bind_udp(host, 0, 1), inbox.receive, inbox.count) for host in udp_hosts
    ]
    udps = [endpoint.local for endpoint in endpoints]
    relay = Relay(folder, worker, table, inbox.count)
    others = [Hop("UDP", "127.0.0.1", port) for port in ports]
    identity = Identity(advertise, [tcp, *udps, *others], NODE, table)
    outbound = Outbound(identity, endpoints, streams, relay, Resolver(lookup), lambda: secret)
    yield Ways(outbound, inbox, udps, tcp)
    await streams.close()
    relay.close()
    for endpoint in endpoints:
        endpoint.close()


async def far_end(stack: AsyncExitStack, inbox: Inbox) -> int:
    """A phone that listens on TCP and gives what comes to ``inbox``; its port."""
    streams = Streams(FlowTable(9, "far"), LimitSettings(), inbox.count, inbox.count)
    streams.deliver_to(inbox.receive, lambda broken, flow: inbox.count("bad"))
    stack.push_async_callback(streams.close)
    listener = bind_tcp("127.0.0.1", 0)
    await streams.listen(listener)
    port: int = listener.getsockname()[1]
    return port
