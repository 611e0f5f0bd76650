"""All connections of a worker: those it makes, how many there may be, how they end with it."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from regcluster.edge.flow import Flow
from regcluster.edge.stream import Streams
from regcluster.sip.hop import Hop
from tests.edge.loopback import (
    BOTH_LOOPS,
    WAIT_S,
    Phone,
    limits,
    no_descriptors,
    serving,
    until,
)
from tests.wire import request, response

pytestmark = pytest.mark.anyio

OPTIONS = request("OPTIONS")
OK = response(200)
PONG = b"\r\n"


@pytest.fixture(params=BOTH_LOOPS, ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Connecting, and giving up on it, is done by the loops in different ways."""
    return request.param


class Far:
    """A peer that listens, and accepts when the test says so."""

    def __init__(self, host: str) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.bind((host, 0))
        self.sock.listen(0)
        self.sock.setblocking(False)
        self.hop = Hop("TCP", host, self.sock.getsockname()[1])
        self.accepted: list[socket.socket] = []

    async def accept(self) -> socket.socket:
        async with asyncio.timeout(WAIT_S):
            sock, _ = await asyncio.get_running_loop().sock_accept(self.sock)
        sock.setblocking(False)
        self.accepted.append(sock)
        return sock

    def refuse_more(self) -> None:
        """Fill the backlog: the kernel answers no further connection, and refuses none."""
        sock = socket.create_connection((self.hop.host, self.hop.port))
        self.accepted.append(sock)


@contextmanager
def far(host: str = "127.0.0.1") -> Generator[Far]:
    peer = Far(host)
    try:
        yield peer
    finally:
        for sock in (peer.sock, *peer.accepted):
            sock.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_connection_is_made_and_used(host: str) -> None:
    """Our request goes out by it, and what the peer says comes in by it."""
    async with serving(host=host) as node:
        with far(host) as peer:
            flow = await node.streams.connect(peer.hop)
            assert flow is not None
            flow.send(OPTIONS)
            sock = await peer.accept()
            loop = asyncio.get_running_loop()
            asked = await loop.sock_recv(sock, 65536)
            await loop.sock_sendall(sock, OK)

            assert (OPTIONS, (OK, flow)) == (asked, await node.next())


async def test_a_connection_we_made_names_the_port_we_listen_on() -> None:
    """Its own port leads nowhere, and our Via is made of this."""
    async with serving(host="127.0.0.5") as node:
        with far() as peer:
            flow = await node.streams.connect(peer.hop)
            assert flow is not None

            assert (peer.hop, node.hop) == (flow.peer, flow.local)


@pytest.mark.parametrize(
    ("listening", "leaves_from"),
    [
        (["127.0.0.5"], "127.0.0.5"),
        (["127.0.0.5", "127.0.0.1"], "127.0.0.1"),
        (["127.0.0.5", "127.0.0.6"], "127.0.0.5"),
        (["127.0.0.5", "0.0.0.0"], "127.0.0.1"),
    ],
)
async def test_a_connection_leaves_from_an_address_we_listen_on(
    listening: list[str], leaves_from: str
) -> None:
    """The one that leads there if it is among them, else the first; firewalls know no other."""
    async with serving(host=listening[0]) as node:
        for host in listening[1:]:
            await node.listen(host)
        with far() as peer:
            await node.streams.connect(peer.hop)
            sock = await peer.accept()

            assert leaves_from == sock.getpeername()[0]


async def test_a_connection_that_is_there_is_used() -> None:
    """Whoever made it: a phone that has connected is reached that way (RFC 3261 §18.1.1)."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.ping()
            flow = await node.streams.connect(phone.hop)

            assert (flow, 1) == (node.table.by_hop(phone.hop), len(node.table))


async def test_those_who_connect_together_share_one_attempt() -> None:
    """A burst of calls to one peer opens one connection; one who gives up takes nothing away."""
    async with serving() as node:
        with far() as peer:
            first, second, third = _connecting(node.streams, peer.hop, 3)
            await asyncio.sleep(0)  # the attempt has begun
            first.cancel()
            flows = [await second, await third, node.table.by_hop(peer.hop)]

            assert (1, 1, True) == (len(set(flows)), len(node.table), first.cancelled())


async def test_a_peer_that_refuses_leads_nowhere() -> None:
    """Nobody listens there."""
    async with serving() as node:
        with far() as peer:
            peer.sock.close()

            assert None is await node.streams.connect(peer.hop)


async def test_a_peer_that_does_not_answer_is_given_up() -> None:
    """A phone behind a firewall never refuses: after connect_s the caller goes on without it."""
    async with serving(connect_s=0.05) as node:
        with far() as peer:
            peer.refuse_more()

            assert (None, 0) == (await node.streams.connect(peer.hop), len(node.table))


@pytest.mark.parametrize(
    "hop",
    [
        Hop("TCP", "localhost", 5060),
        Hop("TCP", "127.0.0.1", 0),
        Hop("TCP", "127.0.0.1", 70000),
        Hop("TCP", "fe80::1", 5060),
        Hop("TCP", "fe80::1%99999999999", 5060),
        Hop("TCP", "255.255.255.255", 5060),
        Hop("TCP", "", 5060),
    ],
)
async def test_a_hop_that_cannot_be_connected_to_leads_nowhere(hop: Hop) -> None:
    """A name, port 0, no way there: None, and never an exception."""
    async with serving() as node:
        assert None is await node.streams.connect(hop)


async def test_an_attempt_without_a_descriptor_leads_nowhere() -> None:
    """It fails like any other, and the next one may succeed."""
    async with serving() as node:
        with far() as peer:
            with no_descriptors():
                without = await node.streams.connect(peer.hop)
            later = await node.streams.connect(peer.hop)

            assert (None, True) == (without, later is not None)


async def test_a_connection_of_ours_counts_against_the_limit() -> None:
    """One too many is none at all, whichever side made it."""
    async with serving(limits(connections=1)) as node:
        with Phone(node.address) as phone, far() as peer:
            await phone.ping()

            assert (None, 1) == (await node.streams.connect(peer.hop), node.counts["limit"])


async def test_a_connection_that_has_ended_is_made_anew() -> None:
    """The peer went away and came back."""
    async with serving() as node:
        with far() as peer:
            before = await node.streams.connect(peer.hop)
            (await peer.accept()).close()
            await until(lambda: len(node.table) == 0)
            after = await node.streams.connect(peer.hop)

            assert (True, True) == (after is not None, after is not before)


@pytest.mark.server
async def test_no_more_connections_are_held_than_allowed() -> None:
    """One too many ends at once and is counted; the others never notice."""
    async with serving(limits(connections=1)) as node:
        with Phone(node.address) as first:
            await first.ping()
            with Phone(node.address) as second:
                refused = await second.to_end()

            assert (b"", 1, PONG) == (refused, node.counts["limit"], await first.ping())


@pytest.mark.server
async def test_one_that_leaves_makes_room_for_another() -> None:
    """The limit is on connections at once."""
    async with serving(limits(connections=1)) as node:
        with Phone(node.address) as first:
            await first.ping()
        await until(lambda: len(node.table) == 0)
        with Phone(node.address) as second:
            assert PONG == await second.ping()


@pytest.mark.server
async def test_a_connection_that_cannot_be_taken_now_is_served_later() -> None:
    """Out of descriptors: counted, and neither the others nor the listener come to harm."""
    async with serving() as node:
        with Phone(node.address) as first, Phone(node.address) as second:
            await first.ping()
            await second.ping()
            with Phone(node.address) as third:
                with no_descriptors():
                    await node.counted("files")
                    meanwhile = await first.ping()

                assert (PONG, PONG) == (meanwhile, await third.ping())


async def test_no_connection_is_accepted_after_a_stop() -> None:
    """Those that are there go on: what is in flight gets its answers."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.ping()
            node.streams.stop()
            node.streams.stop()
            with pytest.raises(ConnectionRefusedError):
                Phone(node.address)

            assert PONG == await phone.ping()


async def test_closing_sends_what_is_queued() -> None:
    """An answer larger than what the kernel takes at once still arrives whole."""
    async with serving(limits(write_buffer=1 << 23)) as node:
        with Phone(await node.listen("127.0.0.1", sends=4096), reads=4096) as phone:
            await phone.send(OPTIONS)
            _, flow = await node.next()
            large = response(200, body=b"x" * 500_000)
            flow.send(large)
            _, received = await asyncio.gather(node.streams.close(WAIT_S), phone.to_end())

            assert (large, 0) == (received, len(node.table))


async def test_closing_waits_only_so_long_for_a_peer_that_does_not_read() -> None:
    """A worker that is told to end ends, and what was lost is counted."""
    async with serving(limits(write_buffer=1 << 23)) as node:
        with Phone(await node.listen("127.0.0.1", sends=4096), reads=4096) as phone:
            await phone.send(OPTIONS)
            _, flow = await node.next()
            flow.send(response(200, body=b"x" * 500_000))
            await node.streams.close(0.02)

            assert (1, 0) == (node.counts["slow"], len(node.table))


async def test_closing_ends_a_half_closed_connection() -> None:
    """It would otherwise linger for the answer it is owed."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(OPTIONS)
            phone.finish()
            await node.next()
            await node.streams.close()

            assert (b"", 0) == (await phone.to_end(), len(node.table))


async def test_closing_ends_attempts_and_tells_those_who_wait() -> None:
    """They get no connection, and are not themselves cancelled."""
    async with serving() as node:
        with far() as peer:
            peer.refuse_more()
            first, second = _connecting(node.streams, peer.hop, 2)
            await asyncio.sleep(0)  # the attempt has begun
            await node.streams.close()

            assert [None, None] == [await first, await second]


async def test_a_close_at_any_moment_of_an_attempt_ends_it() -> None:
    """Before it is connected, as it comes up, behind that: nothing hangs and nothing is left."""
    for turns in range(30):
        async with serving() as node:
            with far() as peer:
                (attempt,) = _connecting(node.streams, peer.hop, 1)
                for _ in range(turns):
                    await asyncio.sleep(0)
                async with asyncio.timeout(WAIT_S):
                    await node.streams.close()
                    await attempt

                assert 0 == len(node.table)


async def test_nothing_is_connected_after_the_close() -> None:
    """Work that outlives the drain must not open what nobody closes any more."""
    async with serving() as node:
        with far() as peer:
            await node.streams.close()

            assert None is await node.streams.connect(peer.hop)


async def test_one_who_came_just_before_the_close_is_not_left_behind() -> None:
    """Accepted and not yet up: it ends with the others."""
    async with serving() as node:
        phones = [Phone(node.address) for _ in range(3)]
        await asyncio.sleep(0)  # they may have been accepted, but nothing more
        await node.streams.close()
        ends = [await phone.to_end() for phone in phones]
        for phone in phones:
            phone.sock.close()

        assert ([b"", b"", b""], 0) == (ends, len(node.table))


def _connecting(streams: Streams, hop: Hop, times: int) -> list[asyncio.Task[Flow | None]]:
    return [asyncio.create_task(streams.connect(hop)) for _ in range(times)]
