"""Every way back for a response, over real sockets on loopback, and those that are none."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from regcluster.edge.flow import socket_token
from regcluster.sip.hop import Hop
from regcluster.sip.message import Request, Response
from regcluster.sip.parser import parse
from tests import wire
from tests.edge.loopback import WAIT_S
from tests.edge.memory import Ledger, MemoryFlow
from tests.edge.ways import Peer, Ways, opened, request, sealed, to, udp_phone

pytestmark = pytest.mark.anyio


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


def answer_to(message: Request | Response) -> Response:
    """What a phone answers: the Vias it got, and a To tag."""
    vias: list[str | int] = [*message.all("via")]
    response = parse(wire.response(via=vias))
    assert isinstance(response, Response)
    return response


async def test_a_response_goes_back_over_udp(ways: Ways, phone: tuple[Peer, int]) -> None:
    """To where its second Via says the request came from, without our own."""
    peer, port = phone
    ledger = Ledger()
    via = "SIP/2.0/UDP 10.0.0.1:7;branch=z9hG4bK-1"
    caller = MemoryFlow(host="127.0.0.1", port=port)
    target = f"sip:alice@127.0.0.1:{port}"

    await ways.outbound.forward(request(wire.invite(via=f"{via};rport")), to(target), caller)
    asked, _ = await peer.next()
    dropped = ways.outbound.respond(answer_to(asked))
    message, source = await peer.next()

    counted = ledger.count("sip_forwarded_total", kind="response", transport="UDP")
    assert ("", [f"{via};received=127.0.0.1;rport={port}"], ways.udp.port, 1) == (
        dropped,
        message.all("via"),
        source,
        counted,
    )


@pytest.mark.parametrize("asked", [0, 1])
async def test_a_response_leaves_from_the_socket_its_request_came_to(
    tmp_path: Path, phone: tuple[Peer, int], asked: int
) -> None:
    """RFC 3581 §4: the caller's NAT lets in nothing from any other."""
    hosts = ("127.0.0.1", "127.0.0.1")
    async with opened(tmp_path, udp_hosts=hosts) as ways:
        ours = ways.udps[asked]

        assert ours.port == await answered_from(ways, phone, ours)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])
async def test_a_response_leaves_from_the_address_its_request_came_to(
    tmp_path: Path, phone: tuple[Peer, int], host: str
) -> None:
    """RFC 3581 §4: a node that listens on every address may be called at any, such as a shared one.

    The caller's socket is connected: as a NAT would, it hears that address alone.
    """
    async with opened(tmp_path, udp_hosts=("0.0.0.0",)) as ways:
        ours = Hop("UDP", host, ways.udp.port)

        assert ours.port == await answered_from(ways, phone, ours)


async def test_a_response_leaves_from_another_socket_where_that_one_is_not_here(
    ways: Ways, phone: tuple[Peer, int]
) -> None:
    """A balancer may bring it to a node that has not the address its request came to."""
    peer, port = phone
    below = f"SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-1"
    flow = socket_token(Hop("UDP", "192.0.2.66", ways.udp.port))
    top = f"SIP/2.0/UDP 127.0.0.1:{ways.udp.port};{sealed(below, flow)};rc-flow={flow}"
    response = parse(wire.response(via=[top, below]))
    assert isinstance(response, Response)

    dropped = ways.outbound.respond(response)
    _, source = await peer.next()

    assert ("", ways.udp.port) == (dropped, source)


async def answered_from(ways: Ways, phone: tuple[Peer, int], ours: Hop) -> int:
    """The port from which a caller who has called at ``ours`` hears the phone's answer."""
    peer, port = phone
    async with udp_phone(remote=(ours.host, ours.port)) as (caller, _):
        caller.send(wire.invite())
        data, flow = await ways.inbox.next()
        await ways.outbound.forward(request(data), to(f"sip:alice@127.0.0.1:{port}"), flow)
        asked, _ = await peer.next()
        assert "" == ways.outbound.respond(answer_to(asked))
        _, source = await caller.next()
    return source


async def test_no_response_is_sent_on_before_the_secret_is_known(tmp_path: Path) -> None:
    """Whether a request has come from there cannot be told."""
    below = "SIP/2.0/UDP 127.0.0.1:7"
    async with opened(tmp_path, secret=b"") as ways:
        top = f"SIP/2.0/UDP 127.0.0.1:{ways.udp.port};{sealed(below)}"
        response = parse(wire.response(via=[top, below]))
        assert isinstance(response, Response)

        assert "stray_response" == ways.outbound.respond(response)


async def test_a_response_goes_back_on_the_connection_of_its_request(
    ways: Ways, phone: tuple[Peer, int]
) -> None:
    """A call from TCP to UDP and back: our Via knows the connection the request came on."""
    peer, port = phone
    via = "SIP/2.0/TCP 10.0.0.1:7;branch=z9hG4bK-1"
    reader, writer = await asyncio.open_connection("127.0.0.1", ways.tcp.port)
    writer.write(wire.invite(via=via))
    data, flow = await ways.inbox.next()

    await ways.outbound.forward(request(data), to(f"sip:alice@127.0.0.1:{port}"), flow)
    message, _ = await peer.next()
    dropped = ways.outbound.respond(answer_to(message))
    async with asyncio.timeout(WAIT_S):
        returned = parse(await reader.readuntil(b"\r\n\r\n"))
    writer.close()

    assert ("", [f"{via};received=127.0.0.1"]) == (dropped, returned.all("via"))


async def test_a_response_goes_back_through_the_worker_that_holds_the_connection(
    ways: Ways, phone: tuple[Peer, int], tmp_path: Path
) -> None:
    """Any worker may get the datagram; the connection lives in one."""
    peer, port = phone
    reader, writer = await asyncio.open_connection("127.0.0.1", ways.tcp.port)
    writer.write(wire.invite(via="SIP/2.0/TCP 127.0.0.1:7;branch=z9hG4bK-1"))
    data, flow = await ways.inbox.next()
    await ways.outbound.forward(request(data), to(f"sip:alice@127.0.0.1:{port}"), flow)
    message, _ = await peer.next()

    async with opened(tmp_path, worker=1, ports=frozenset({ways.udp.port})) as other:
        dropped = other.outbound.respond(answer_to(message))
        async with asyncio.timeout(WAIT_S):
            returned = parse(await reader.readuntil(b"\r\n\r\n"))
    writer.close()

    assert ("", ["SIP/2.0/TCP 127.0.0.1:7;branch=z9hG4bK-1"]) == (dropped, returned.all("via"))


async def test_a_response_for_a_connection_without_a_name_finds_it_by_its_peer(ways: Ways) -> None:
    """Its Via alone says TCP: the connection there is to that very address and port is used."""
    reader, writer = await asyncio.open_connection("127.0.0.1", ways.tcp.port)
    writer.write(wire.invite())
    _, flow = await ways.inbox.next()
    below = f"SIP/2.0/TCP {flow.peer.render()};branch=z9hG4bK-1"
    vias: list[str | int] = [f"SIP/2.0/UDP 127.0.0.1:{ways.udp.port};{sealed(below)}", below]
    response = parse(wire.response(via=vias))
    assert isinstance(response, Response)

    dropped = ways.outbound.respond(response)
    async with asyncio.timeout(WAIT_S):
        returned = parse(await reader.readuntil(b"\r\n\r\n"))
    writer.close()

    assert ("", vias[1:]) == (dropped, returned.all("via"))


@pytest.mark.parametrize(
    ("ours", "below", "reason"),
    [
        ("UDP 127.0.0.1:9", "UDP 127.0.0.1:7", "stray_response"),
        ("UDP 192.0.2.9:{port}", "UDP 127.0.0.1:7", "stray_response"),
        ("UDP 127.0.0.1:{port}", "UDP phone.test:7", "stray_response"),
        ("UDP 127.0.0.1:{port}", "UDP 224.0.1.75:7", "stray_response"),
        ("UDP 127.0.0.1:{port}", "FOO 127.0.0.1:7", "stray_response"),
        ("UDP 127.0.0.1:{port}", "UDP [::1]:7", "send_failed"),
        ("UDP 127.0.0.1:{port}", "TCP 127.0.0.1:7", "send_failed"),
    ],
)
async def test_a_response_that_leads_nowhere_is_dropped(
    ways: Ways, ours: str, below: str, reason: str
) -> None:
    """Not ours, or no way on that we would take: each has its reason."""
    next_ = f"SIP/2.0/{below}"
    top = f"SIP/2.0/{ours.format(port=ways.udp.port)};{sealed(next_)}"
    response = parse(wire.response(via=[top, next_]))
    assert isinstance(response, Response)

    assert reason == ways.outbound.respond(response)


@pytest.mark.parametrize("flow", ["0.e.9", "7.e.1", "x"])
async def test_a_response_for_a_connection_that_is_gone_is_dropped(ways: Ways, flow: str) -> None:
    """With the connection, with its worker, or since before tokens looked like this."""
    below = "SIP/2.0/TCP 127.0.0.1:7"
    top = f"SIP/2.0/UDP 127.0.0.1:{ways.udp.port};{sealed(below, flow)};rc-flow={flow}"
    response = parse(wire.response(via=[top, below]))
    assert isinstance(response, Response)

    assert "send_failed" == ways.outbound.respond(response)


async def test_a_forged_response_reaches_nobody(ways: Ways, phone: tuple[Peer, int]) -> None:
    """Its Vias are what anybody can write: our address, and below it one of this machine."""
    port = phone[1]
    forged = f"SIP/2.0/UDP 127.0.0.1:{port}"
    ours = f"SIP/2.0/UDP 127.0.0.1:{ways.udp.port}"
    elsewhere = sealed("SIP/2.0/UDP 127.0.0.1:7")
    dropped = []
    for top in (ours, f"{ours};branch=z9hG4bK-x", f"{ours};{elsewhere}"):
        response = parse(wire.response(via=[top, forged]))
        assert isinstance(response, Response)
        dropped.append(ways.outbound.respond(response))

    assert ["stray_response"] * 3 == dropped


async def test_a_forged_connection_is_not_spoken_to(ways: Ways) -> None:
    """Tokens can be guessed; the one we were asked by stands in the seal."""
    _, writer = await asyncio.open_connection("127.0.0.1", ways.tcp.port)
    writer.write(wire.invite())
    _, flow = await ways.inbox.next()
    below = f"SIP/2.0/TCP {flow.peer.render()}"
    top = f"SIP/2.0/UDP 127.0.0.1:{ways.udp.port};{sealed(below)};rc-flow={flow.token}"
    response = parse(wire.response(via=[top, below]))
    assert isinstance(response, Response)

    dropped = ways.outbound.respond(response)
    writer.close()

    assert "stray_response" == dropped
