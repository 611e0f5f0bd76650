"""Listeners for balancers: who comes in, under whose name, and what becomes of everybody else."""

import asyncio
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest

from regcluster.edge.porch import Porch
from regcluster.edge.sockets import Address, bind_tcp
from regcluster.sip.hop import Hop
from tests.edge.loopback import BOTH_LOOPS, Phone, Serving, limits, serving, until
from tests.wire import request, response

pytestmark = pytest.mark.anyio

OPTIONS = request("OPTIONS")
OK = response(200)
PEER = Hop("TCP", "192.0.2.7", 40000)
LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 5060\r\n"
OCTETS = (
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"
    + bytes([192, 0, 2, 7, 198, 51, 100, 1])
    + struct.pack(">HH", 40000, 5060)
)
LOOK = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"


@pytest.fixture(params=BOTH_LOOPS, ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """A socket is read before it is handed over, in which the loops differ."""
    return request.param


@asynccontextmanager
async def behind(
    networks: str = "127.0.0.0/8", connections: int = 100, partial_s: float = 60.0
) -> AsyncGenerator[tuple[Serving, Address]]:
    """A worker with a listener for balancers in ``networks``, and where that is."""
    async with serving(limits(connections, partial_s=partial_s)) as node:
        sock = bind_tcp("127.0.0.1", 0)
        address: Address = sock.getsockname()
        await node.streams.listen(sock, [ip_network(text) for text in networks.split(",")])
        yield node, address


@pytest.mark.parametrize("header", [LINE, OCTETS], ids=["1", "2"])
async def test_the_peer_is_whom_the_balancer_names(header: bytes) -> None:
    """Found and answered by the connection it came in on; our end is the listener's."""
    async with behind() as (node, address):
        with Phone(address) as balancer:
            await balancer.send(header + OPTIONS)
            data, flow = await node.next()
            flow.send(OK)

            assert (OPTIONS, PEER, flow) == (data, flow.peer, node.table.by_hop(PEER))
            assert Hop("TCP", *address[:2]) == flow.local
            assert OK == await balancer.receive(len(OK))


async def test_header_and_message_may_come_in_any_pieces() -> None:
    """Segments mean nothing."""
    async with behind(partial_s=10.0) as (node, address):
        with Phone(address) as balancer:
            for octet in LINE + OPTIONS:
                await balancer.send(bytes([octet]))
                await asyncio.sleep(0)  # the node reads what is there

            assert OPTIONS == (await node.next())[0]


async def test_a_ping_right_behind_the_header_has_its_pong() -> None:
    """As on any other connection."""
    async with behind() as (node, address):
        with Phone(address) as balancer:
            await balancer.send(OCTETS + b"\r\n\r\n")

            assert (b"\r\n", 1) == (await balancer.receive(2), await node.counted("TCP"))


@pytest.mark.parametrize("header", [LOOK, b"PROXY UNKNOWN\r\n"], ids=["2", "1"])
async def test_a_balancer_that_speaks_for_itself_is_the_peer(header: bytes) -> None:
    """It may even ask for something: its address is a true one."""
    async with behind() as (node, address):
        with Phone(address) as balancer:
            await balancer.send(header + OPTIONS)
            _, flow = await node.next()

            assert balancer.hop == flow.peer


@pytest.mark.parametrize(
    "data",
    [
        OPTIONS,
        b"PROXY TCP4 192.0.2.7\r\n" + OPTIONS,
        b"PROXY TCP4 0.0.0.0 198.51.100.1 40000 5060\r\n" + OPTIONS,
        b"PROXY TCP4 224.0.0.1 198.51.100.1 40000 5060\r\n" + OPTIONS,
    ],
    ids=["none", "broken", "nobody", "many"],
)
async def test_without_a_header_to_believe_nobody_comes_in(data: bytes) -> None:
    """The connection is closed, nothing of it is read, and it is counted."""
    async with behind() as (node, address):
        with Phone(address) as balancer:
            await balancer.send(data)

            assert (b"", 1) == (await balancer.to_end(), await node.counted("proxy"))
            assert (0, 0) == (node.waiting, len(node.table))


@pytest.mark.parametrize("networks", ["192.0.2.0/24", "::/0,10.0.0.0/8"])
async def test_a_header_from_elsewhere_is_not_believed(networks: str) -> None:
    """Anybody could call himself anything with one."""
    async with behind(networks) as (node, address):
        with Phone(address) as stranger:
            await stranger.send(LINE + OPTIONS)

            assert (b"", 1) == (await stranger.to_end(), await node.counted("proxy"))
            assert (0, 0) == (node.waiting, len(node.table))


async def test_a_header_on_another_listener_is_no_sip() -> None:
    """There it makes nobody anybody else."""
    async with behind() as (node, _):
        with Phone(node.address) as stranger:
            await stranger.send(OCTETS + OPTIONS)
            await until(lambda: bool(node.bad))

            assert (0, 0) == (node.waiting, node.counts["proxy"])


async def test_a_balancer_that_looks_whether_we_listen_is_not_counted() -> None:
    """It connects, and that is all."""
    async with behind() as (node, address):
        with Phone(address) as balancer:
            balancer.finish()

            assert (b"", 0) == (await balancer.to_end(), node.counts["proxy"])


async def test_a_header_cut_short_is_counted() -> None:
    """Its rest will not come."""
    async with behind() as (node, address):
        with Phone(address) as balancer:
            await balancer.send(LINE[:-1])
            balancer.finish()

            assert (b"", 1) == (await balancer.to_end(), await node.counted("proxy"))


async def test_a_header_is_not_waited_for_for_ever() -> None:
    """``limits.partial_s``, as for the rest of a message."""
    async with behind(partial_s=0.05) as (node, address):
        with Phone(address) as balancer:
            await balancer.send(LINE[:-1])

            assert (b"", 1) == (await balancer.to_end(), await node.counted("proxy"))


async def test_those_who_wait_count_as_connections() -> None:
    """Or a balancer gone mad would take all descriptors."""
    async with behind(connections=1) as (node, address):
        with Phone(address), Phone(address) as second:
            assert (b"", 1) == (await second.to_end(), await node.counted("limit"))


async def test_the_end_does_not_wait_for_a_header() -> None:
    """Those who have not been introduced are sent away, uncounted: it is us who end."""
    async with behind() as (node, address):
        with Phone(address) as balancer, Phone(node.address) as other:
            await balancer.send(LINE[:-1])
            await other.ping()
            await node.streams.close()

            assert (b"", 0) == (await balancer.to_end(), node.counts["proxy"])


async def test_one_who_has_just_come_is_sent_away_too() -> None:
    """Before anybody could look at it."""
    welcomed, refused = [], []
    porch = Porch(lambda *met: welcomed.append(met), lambda: refused.append(1))
    with bind_tcp("127.0.0.1", 0) as listener:
        listener.listen()
        with Phone(listener.getsockname()):
            listener.setblocking(True)
            sock, _ = listener.accept()
            porch.take(sock, [ip_network("127.0.0.0/8")], 60.0)
            await porch.close()

    assert (-1, 0, [], []) == (sock.fileno(), len(porch), welcomed, refused)
