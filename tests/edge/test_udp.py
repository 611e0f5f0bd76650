"""Datagrams over real sockets: in, back from the right address, and what never gets out."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from regcluster.edge.flow import Flow
from regcluster.edge.sockets import bind_udp
from regcluster.edge.udp import DRAIN, UdpEndpoint
from regcluster.sip.hop import Hop
from tests.edge.loopback import BOTH_LOOPS, Inbox, broken_callbacks, no_descriptors

pytestmark = pytest.mark.anyio

LARGEST = 65507
"""Octets that IPv4 can carry in one datagram."""


@pytest.fixture(params=BOTH_LOOPS, ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Readiness callbacks are the one thing both loops have to agree on."""
    return request.param


class Peer:
    """A socket that speaks to an endpoint. On loopback what was sent has arrived."""

    def __init__(self, host: str) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind((host, 0))
        self.sock.setblocking(False)
        self.port: int = self.sock.getsockname()[1]
        self.hop = Hop("UDP", host, self.port)

    def send(self, data: bytes, to: Hop) -> None:
        self.sock.sendto(data, (to.host, to.port))

    def receive(self) -> tuple[bytes, Hop]:
        data, address = self.sock.recvfrom(65535)
        return data, Hop("UDP", *address[:2])


@contextmanager
def peer_at(host: str = "127.0.0.1") -> Generator[Peer]:
    peer = Peer(host)
    try:
        yield peer
    finally:
        peer.sock.close()


@contextmanager
def bound(
    inbox: Inbox, host: str = "127.0.0.1", sock: socket.socket | None = None
) -> Generator[UdpEndpoint]:
    endpoint = UdpEndpoint(sock or bind_udp(host, 0, 1), inbox.receive, inbox.count)
    try:
        yield endpoint
    finally:
        endpoint.close()


async def heard(endpoint: UdpEndpoint, inbox: Inbox, peer: Peer, at: str) -> Flow:
    """The flow of a datagram that ``peer`` has sent to the address ``at`` of the endpoint."""
    peer.send(b"hello", Hop("UDP", at, endpoint.local.port))
    data, flow = await inbox.next()
    assert data == b"hello"
    return flow


BINDINGS = [
    ("127.0.0.1", "127.0.0.1"),
    ("::1", "::1"),
    ("0.0.0.0", "127.0.0.1"),
    ("0.0.0.0", "127.0.0.7"),
    ("0.0.0.0", "127.9.8.7"),
    ("::", "::1"),
]


@pytest.mark.parametrize(("listening", "at"), BINDINGS)
async def test_a_reply_leaves_from_the_address_its_request_came_to(listening: str, at: str) -> None:
    """RFC 3581 §4: a phone behind a NAT or firewall would never see any other."""
    inbox = Inbox()
    with bound(inbox, listening) as endpoint, peer_at(at) as peer:
        flow = await heard(endpoint, inbox, peer, at)
        sent = flow.send(b"reply")

        assert (True, (b"reply", Hop("UDP", at, endpoint.local.port))) == (sent, peer.receive())


@pytest.mark.parametrize(("listening", "at"), BINDINGS)
async def test_a_flow_names_both_ends(listening: str, at: str) -> None:
    """The true source, and the address of ours that it sent to: never a wildcard."""
    inbox = Inbox()
    with bound(inbox, listening) as endpoint, peer_at(at) as peer:
        flow = await heard(endpoint, inbox, peer, at)

        ours = Hop("UDP", at, endpoint.local.port)
        assert ("UDP", "", peer.hop, ours) == (flow.transport, flow.token, flow.peer, flow.local)


async def test_a_broadcast_is_answered_from_an_address_of_ours() -> None:
    """Nothing may leave from the broadcast address itself."""
    inbox = Inbox()
    with bound(inbox, "0.0.0.0") as endpoint, peer_at() as peer:
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        flow = await heard(endpoint, inbox, peer, "127.255.255.255")
        flow.send(b"reply")

        assert (b"reply", Hop("UDP", "127.0.0.1", endpoint.local.port)) == peer.receive()


@pytest.mark.parametrize(
    ("listening", "at"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.7")]
)
async def test_a_reply_can_go_to_the_port_of_sent_by(listening: str, at: str) -> None:
    """RFC 3261 §18.2.2: without rport that is the port, and it leaves from where we heard."""
    inbox = Inbox()
    with bound(inbox, listening) as endpoint, peer_at() as peer, peer_at() as other:
        flow = await heard(endpoint, inbox, peer, at)
        flow.send(b"reply", other.hop)

        assert (b"reply", Hop("UDP", at, endpoint.local.port)) == other.receive()


@pytest.mark.parametrize(
    ("listening", "to", "local"),
    [
        ("127.0.0.3", "127.0.0.1", "127.0.0.3"),
        ("0.0.0.0", "127.0.0.1", "127.0.0.1"),
        ("::1", "::1", "::1"),
        ("::", "::1", "::1"),
    ],
)
async def test_a_hop_we_have_not_heard_from_is_sent_to(listening: str, to: str, local: str) -> None:
    """From the address that ``local`` names, for the Via of that message is made of it."""
    with bound(Inbox(), listening) as endpoint, peer_at(to) as peer:
        flow = endpoint.flow_to(peer.hop)
        assert flow is not None
        sent = flow.send(b"request")
        ours = Hop("UDP", local, endpoint.local.port)

        assert (True, ours, (b"request", ours)) == (sent, flow.local, peer.receive())


@pytest.mark.parametrize(
    ("listening", "to"),
    [
        ("127.0.0.1", "::1"),
        ("::1", "127.0.0.1"),
        ("127.0.0.1", "localhost"),
        ("::", "fe80::1"),
        ("0.0.0.0", "255.255.255.255"),
    ],
)
async def test_there_is_no_flow_where_the_socket_cannot_send(listening: str, to: str) -> None:
    """Another family, a name, no way there: the caller looks for another way."""
    with bound(Inbox(), listening) as endpoint:
        assert None is endpoint.flow_to(Hop("UDP", to, 5060))


@pytest.mark.parametrize(
    ("listening", "ours", "to"),
    [
        ("127.0.0.3", "127.0.0.3", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.7", "127.0.0.1"),
        ("::", "::1", "::1"),
    ],
)
async def test_a_request_can_leave_from_an_address_of_choice(
    listening: str, ours: str, to: str
) -> None:
    """A phone's NAT may let in what comes from where it registered, and from nowhere else."""
    with bound(Inbox(), listening) as endpoint, peer_at(to) as peer:
        flow = endpoint.flow_from(ours, peer.hop)
        assert flow is not None
        sent = flow.send(b"request")
        hop = Hop("UDP", ours, endpoint.local.port)

        assert (True, hop, (b"request", hop)) == (sent, flow.local, peer.receive())


@pytest.mark.parametrize(
    ("listening", "ours", "to"),
    [
        ("127.0.0.1", "127.0.0.2", "127.0.0.1"),
        ("0.0.0.0", "::1", "::1"),
        ("0.0.0.0", "::1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1", "::1"),
        ("0.0.0.0", "127.0.0.1", "localhost"),
        ("0.0.0.0", "localhost", "127.0.0.1"),
    ],
)
async def test_nothing_leaves_from_an_address_the_socket_does_not_have(
    listening: str, ours: str, to: str
) -> None:
    """Another one than it is bound to, another family, a name."""
    with bound(Inbox(), listening) as endpoint:
        assert None is endpoint.flow_from(ours, Hop("UDP", to, 5060))


async def test_a_hop_is_reachable_again_when_descriptors_are() -> None:
    """That we could not ask the kernel is not remembered as an answer of its."""
    with bound(Inbox(), "0.0.0.0") as endpoint:
        hop = Hop("UDP", "127.0.0.1", 5060)
        with no_descriptors():
            without = endpoint.flow_to(hop)
        found = endpoint.flow_to(hop)

        assert (None, True) == (without, found is not None)


@pytest.mark.parametrize(
    ("listening", "hop"),
    [
        ("127.0.0.1", Hop("UDP", "127.0.0.1", 0)),
        ("127.0.0.1", Hop("UDP", "127.0.0.1", 70000)),
        ("127.0.0.1", Hop("UDP", "192.0.2.1", 5060)),
        ("127.0.0.1", Hop("UDP", "::1", 5060)),
        ("127.0.0.1", Hop("UDP", "localhost", 5060)),
        ("::1", Hop("UDP", "127.0.0.1", 5060)),
        ("::1", Hop("UDP", "fe80::1%99999999999", 5060)),
        ("0.0.0.0", Hop("UDP", "127.0.0.1", 0)),
        ("0.0.0.0", Hop("UDP", "255.255.255.255", 5060)),
    ],
)
async def test_what_cannot_be_sent_is_told(listening: str, hop: Hop) -> None:
    """Port 0, no route from here, another family, a name: False, and never an exception."""
    inbox = Inbox()
    at = "::1" if ":" in listening else "127.0.0.1"
    with bound(inbox, listening) as endpoint, peer_at(at) as peer:
        flow = await heard(endpoint, inbox, peer, at)

        assert not flow.send(b"reply", hop)


@pytest.mark.parametrize("listening", ["127.0.0.1", "0.0.0.0"])
async def test_the_largest_datagram_comes_and_goes_whole(listening: str) -> None:
    """Nothing is cut on the way in or out."""
    inbox, large = Inbox(), b"x" * LARGEST
    with bound(inbox, listening) as endpoint, peer_at() as peer:
        peer.send(large, Hop("UDP", "127.0.0.1", endpoint.local.port))
        data, flow = await inbox.next()
        flow.send(data)

        assert large == peer.receive()[0]


@pytest.mark.parametrize("listening", ["127.0.0.1", "0.0.0.0"])
async def test_a_message_that_fits_no_datagram_is_not_sent(listening: str) -> None:
    """The network would lose it without a word."""
    inbox = Inbox()
    with bound(inbox, listening) as endpoint, peer_at() as peer:
        flow = await heard(endpoint, inbox, peer, "127.0.0.1")

        assert not flow.send(b"x" * (LARGEST + 1))


async def test_an_empty_datagram_is_delivered() -> None:
    """Phones keep their NAT open with them; they end nothing."""
    inbox = Inbox()
    with bound(inbox) as endpoint, peer_at() as peer:
        peer.send(b"", endpoint.local)

        assert b"" == (await inbox.next())[0]


async def test_a_flood_lets_others_have_their_turn() -> None:
    """A burst ends after DRAIN datagrams, and the rest is read in later ones."""
    inbox, loop = Inbox(), asyncio.get_running_loop()
    bursts: list[int] = []

    def receive(data: bytes, flow: Flow) -> None:
        if not inbox.waiting:
            loop.call_soon(lambda: bursts.append(inbox.waiting))
        inbox.receive(data, flow)

    endpoint = UdpEndpoint(bind_udp("127.0.0.1", 0, 1), receive, inbox.count)
    with peer_at() as peer:
        for number in range(DRAIN + 1):
            peer.send(str(number).encode(), endpoint.local)
        arrived = [(await inbox.next())[0] for _ in range(DRAIN + 1)]
    endpoint.close()

    assert (DRAIN, [str(n).encode() for n in range(DRAIN + 1)]) == (bursts[0], arrived)


async def test_a_receiver_that_breaks_loses_its_own_datagram_only() -> None:
    """The socket is still read: the event loop tells of the error, the next one arrives."""
    inbox = Inbox()

    def receive(data: bytes, flow: Flow) -> None:
        if data == b"bad":
            raise ValueError("broken")
        inbox.receive(data, flow)

    endpoint = UdpEndpoint(bind_udp("127.0.0.1", 0, 1), receive, inbox.count)
    with broken_callbacks() as broken, peer_at() as peer:
        peer.send(b"bad", endpoint.local)
        peer.send(b"good", endpoint.local)
        data, _ = await inbox.next()
    endpoint.close()

    assert (b"good", ["broken"]) == (data, broken)


async def test_a_dead_peer_harms_nobody_else() -> None:
    """Where nobody listens an ICMP error comes back; no later datagram may pay for it."""
    inbox = Inbox()
    with bound(inbox) as endpoint, peer_at() as peer, peer_at() as dead:
        flow = await heard(endpoint, inbox, peer, "127.0.0.1")
        dead.sock.close()
        sent = [flow.send(b"lost", dead.hop), flow.send(b"reply")]
        await heard(endpoint, inbox, peer, "127.0.0.1")

        assert ([True, True], b"reply", 0) == (sent, peer.receive()[0], inbox.counts.total())


async def test_an_error_of_the_socket_is_counted_and_not_fatal() -> None:
    """A connected socket is told of ICMP errors, and so shows what any error does: no harm."""
    inbox, sock = Inbox(), bind_udp("127.0.0.1", 0, 1)
    with peer_at() as peer, bound(inbox, sock=sock) as endpoint:
        sock.connect(("127.0.0.1", peer.port))
        peer.sock.close()
        sock.send(b"lost")
        counted = await inbox.counted("socket")
        peer.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.sock.bind(("127.0.0.1", peer.port))
        await heard(endpoint, inbox, peer, "127.0.0.1")

        assert 1 == counted


async def test_a_stopped_endpoint_reads_no_more_but_still_answers() -> None:
    """Work in flight gets its replies out while the node drains."""
    inbox = Inbox()
    with bound(inbox) as endpoint, peer_at() as peer:
        flow = await heard(endpoint, inbox, peer, "127.0.0.1")
        endpoint.stop()
        endpoint.stop()
        peer.send(b"late", endpoint.local)
        sent = flow.send(b"reply")
        # The reply of another endpoint shows that the loop has looked at all sockets.
        with bound(inbox, "127.0.0.2") as another:
            await heard(another, inbox, peer, "127.0.0.2")

        assert (True, b"reply", 0) == (sent, peer.receive()[0], inbox.waiting)


async def test_nothing_is_sent_by_an_endpoint_that_is_closed() -> None:
    """Closing twice does no harm, and a flow that outlives its socket says False."""
    inbox = Inbox()
    with bound(inbox) as endpoint, peer_at() as peer:
        flow = await heard(endpoint, inbox, peer, "127.0.0.1")
        endpoint.close()
        endpoint.close()

        assert not flow.send(b"reply")


async def test_an_endpoint_that_is_closed_while_it_reads_ends_in_peace() -> None:
    """A receiver may be what ends the node."""
    inbox = Inbox()

    def receive(data: bytes, flow: Flow) -> None:
        inbox.receive(data, flow)
        endpoint.close()

    endpoint = UdpEndpoint(bind_udp("127.0.0.1", 0, 1), receive, inbox.count)
    with broken_callbacks() as broken, peer_at() as peer:
        peer.send(b"first", endpoint.local)
        peer.send(b"second", endpoint.local)
        data, _ = await inbox.next()

    assert (b"first", [], 0) == (data, broken, inbox.counts.total())


async def test_datagrams_that_came_too_fast_are_counted() -> None:
    """What the kernel dropped and what we read is all that was sent."""
    inbox, sock = Inbox(), bind_udp("127.0.0.1", 0, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with bound(inbox, sock=sock) as endpoint, peer_at() as peer:
        before = endpoint.overflow
        for _ in range(50):
            peer.send(b"x" * 500, endpoint.local)
        lost = endpoint.overflow
        for _ in range(50 - lost):
            await inbox.next()

        assert (0, True, 0) == (before, 0 < lost < 50, inbox.waiting)
