"""Every way out of a worker for a request, over real sockets on loopback."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic

import pytest
from fakeredis import FakeServer

from regcluster.config import RoutingSettings, Settings
from regcluster.edge.outbound import UNREACHABLE
from regcluster.errors import MalformedHeader, StoreUnavailable
from regcluster.sip.message import Request
from tests import wire
from tests.edge.loopback import Inbox
from tests.edge.memory import OURS, Ledger, MemoryFlow, running
from tests.edge.ways import Peer, Ways, far_end, opened, request, to, udp_phone

pytestmark = pytest.mark.anyio

CALLER = MemoryFlow(host="127.0.0.1")
PROMPTLY_S = 1.0
"""The timeouts of a caller begin at half a second and end at 32 (RFC 3261 §17.1)."""


@pytest.fixture
async def ways(tmp_path: Path) -> AsyncIterator[Ways]:
    """The ways out of the worker under test."""
    async with opened(tmp_path) as ways:
        yield ways


@pytest.fixture
async def phone() -> AsyncIterator[tuple[Peer, int]]:
    """A phone that listens on UDP, and its port."""
    async with udp_phone() as phone:
        yield phone


@pytest.fixture
def shut_port() -> Iterator[int]:
    """A TCP port at which every connection is refused: bound, but nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


async def test_a_request_leaves_over_udp(ways: Ways, phone: tuple[Peer, int]) -> None:
    """From the socket that our Via names, so that the response comes back to it."""
    peer, port = phone
    ledger = Ledger()

    sent = await ways.outbound.forward(
        request(wire.invite()), to(f"sip:alice@127.0.0.1:{port}"), CALLER
    )
    message, source = await peer.next()

    counted = ledger.count("sip_forwarded_total", kind="request", transport="UDP")
    assert (None, "UDP", ways.udp.port, ways.udp.port, 1) == (
        sent,
        message.via.transport,
        message.via.port,
        source,
        counted,
    )


async def test_a_request_tells_where_it_came_from(ways: Ways, phone: tuple[Peer, int]) -> None:
    """RFC 3261 §18.2.1: in the Via below ours, for the response to find the way."""
    peer, port = phone
    via = "SIP/2.0/UDP 10.0.0.1:7;branch=z9hG4bK-1"

    await ways.outbound.forward(
        request(wire.invite(via=f"{via};rport")), to(f"sip:alice@127.0.0.1:{port}"), CALLER
    )
    message, _ = await peer.next()

    assert [f"{via};received=127.0.0.1;rport={CALLER.peer.port}"] == message.all("via")[1:]


async def test_a_request_leaves_from_the_address_that_leads_there(
    tmp_path: Path, phone: tuple[Peer, int]
) -> None:
    """Of several sockets the one whose address the kernel would choose, not the first."""
    peer, port = phone
    async with opened(tmp_path, udp_hosts=("127.0.0.2", "127.0.0.1")) as ways:
        await ways.outbound.forward(
            request(wire.invite()), to(f"sip:alice@127.0.0.1:{port}"), CALLER
        )
        message, _ = await peer.next()

    assert "127.0.0.1" == message.via.host


async def test_a_name_is_looked_up(ways: Ways, phone: tuple[Peer, int]) -> None:
    """A contact may name a host; the Request-URI keeps the name."""
    peer, port = phone

    await ways.outbound.forward(request(wire.invite()), to(f"sip:alice@phone.test:{port}"), CALLER)
    message, _ = await peer.next()

    assert isinstance(message, Request)
    assert f"sip:alice@phone.test:{port}" == message.uri


async def test_a_route_comes_before_the_target(ways: Ways, phone: tuple[Peer, int]) -> None:
    """RFC 3261 §16.6 step 7: the Request-URI says for whom it is, the route where it goes next."""
    peer, port = phone
    routed = request(wire.invite(route=f"<sip:127.0.0.1:{port};lr>"))

    await ways.outbound.forward(routed, to("sip:alice@192.0.2.99"), CALLER)
    message, _ = await peer.next()

    assert isinstance(message, Request)
    assert "sip:alice@192.0.2.99" == message.uri


async def test_a_request_leaves_over_one_connection(ways: Ways) -> None:
    """The first one makes it, the second uses it; its Via has the port we listen on."""
    phone = Inbox()
    async with AsyncExitStack() as stack:
        port = await far_end(stack, phone)
        target = f"sip:alice@127.0.0.1:{port};transport=tcp"
        sent = [
            await ways.outbound.forward(request(wire.invite(call_id=str(n))), to(target), CALLER)
            for n in range(2)
        ]
        (first, flow), (second, again) = await phone.next(), await phone.next()

    via = request(first).via
    assert ([None, None], "TCP", ways.tcp.port, "1", True) == (
        sent,
        via.transport,
        via.port,
        request(second).first("call-id"),
        flow is again,
    )


@pytest.mark.parametrize(
    "target",
    [
        "sip:alice@unknown.test",
        "sip:alice@127.0.0.1;transport=ws",
        "sip:alice@127.0.0.1;transport=tls",
        "sips:alice@127.0.0.1",
        "sip:alice@[::1]",
        "sip:alice@[::1];transport=tcp",
        "tel:+1-201-555-0123",
        "no URI at all",
    ],
)
async def test_where_we_cannot_go_is_told_at_once(ways: Ways, target: str) -> None:
    """No address, a transport or a family we do not have, or no target at all."""
    assert UNREACHABLE == await ways.outbound.forward(request(wire.invite()), to(target), CALLER)


async def test_a_refused_connection_is_told_at_once(ways: Ways, shut_port: int) -> None:
    """RFC 3261 §16.9: the caller learns in milliseconds what it would wait 32 seconds for."""
    started = monotonic()
    target = f"sip:alice@127.0.0.1:{shut_port};transport=tcp"

    sent = await ways.outbound.forward(request(wire.invite()), to(target), CALLER)

    assert (UNREACHABLE, True) == (sent, monotonic() - started < PROMPTLY_S)


async def test_the_caller_of_a_dead_contact_gets_a_500(tmp_path: Path, shut_port: int) -> None:
    """And soon: from a REGISTER of a contact that refuses connections to the answer."""
    settings = Settings(routing=RoutingSettings(mode="forward"))
    contact = f"<sip:alice@127.0.0.1:{shut_port};transport=tcp>"
    flow = MemoryFlow(host="127.0.0.1")
    started = monotonic()
    async with running(tmp_path, FakeServer(), settings) as worker:
        worker.receive(wire.register(contact=contact), flow)
        registered = await flow.start_line()
        worker.receive(wire.invite(), flow)
        called = await flow.start_line()

    assert ("SIP/2.0 200 OK", "SIP/2.0 500 Contact Unreachable", True) == (
        registered,
        called,
        monotonic() - started < PROMPTLY_S,
    )


async def test_a_route_that_named_us_is_taken_off(tmp_path: Path) -> None:
    """RFC 3261 §16.4: it has brought the request here, and would keep it here for ever."""
    settings = Settings(routing=RoutingSettings(mode="forward"))
    phone, flow = Inbox(), MemoryFlow(host="127.0.0.1")
    async with AsyncExitStack() as stack:
        worker = await stack.enter_async_context(running(tmp_path, FakeServer(), settings))
        port = await far_end(stack, phone)
        contact = f"<sip:alice@127.0.0.1:{port};transport=tcp>"
        worker.receive(wire.register(contact=contact), flow)
        await flow.answer()
        worker.receive(wire.invite(route=f"<sip:{OURS};lr>"), flow)
        data, _ = await phone.next()

    assert [] == request(data).all("route")


async def test_a_datagram_too_large_for_ip_is_told_at_once(
    ways: Ways, phone: tuple[Peer, int]
) -> None:
    """The kernel does not take it; the caller need not wait to hear of it."""
    large = request(wire.invite(body=b"x" * 65500))

    assert UNREACHABLE == await ways.outbound.forward(
        large, to(f"sip:alice@127.0.0.1:{phone[1]}"), CALLER
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "phone.test"])
async def test_a_caller_from_elsewhere_does_not_get_to_loopback(
    ways: Ways, phone: tuple[Peer, int], host: str
) -> None:
    """Nor by a name: behind a contact there could be a service that trusts this machine."""
    caller = MemoryFlow(host="192.0.2.1")

    assert UNREACHABLE == await ways.outbound.forward(
        request(wire.invite()), to(f"sip:alice@{host}:{phone[1]}"), caller
    )


@pytest.mark.parametrize("route", [None, "<sip:127.0.0.1:{port};transport=tcp;lr>"])
async def test_nothing_for_a_secure_target_leaves_in_the_clear(
    ways: Ways, route: str | None
) -> None:
    """RFC 3261 §16.6 step 7: a route on the way to a sips URI has to be secure too."""
    port = ways.tcp.port
    routed = request(wire.invite(route=route and route.format(port=port)))

    assert UNREACHABLE == await ways.outbound.forward(
        routed, to(f"sips:alice@127.0.0.1:{port}"), CALLER
    )


async def test_a_request_nobody_could_forward_is_the_callers_fault(
    ways: Ways, phone: tuple[Peer, int]
) -> None:
    """It is told so with a 400, which is what the error turns into."""
    broken = request(wire.invite(max_forwards="many"))

    with pytest.raises(MalformedHeader, match="Bad Max-Forwards"):
        await ways.outbound.forward(broken, to(f"sip:alice@127.0.0.1:{phone[1]}"), CALLER)


async def test_nothing_is_sent_on_before_the_secret_is_known(
    tmp_path: Path, phone: tuple[Peer, int]
) -> None:
    """Nobody could send its answer back; the caller is told to try again."""
    async with opened(tmp_path, secret=b"") as ways:
        with pytest.raises(StoreUnavailable):
            await ways.outbound.forward(
                request(wire.invite()), to(f"sip:alice@127.0.0.1:{phone[1]}"), CALLER
            )
