"""From a REGISTER to a call: two workers of one node, real sockets, phones behind NATs."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from fakeredis import FakeServer

from regcluster.config import RegistrarSettings, RoutingSettings, Settings
from regcluster.edge.sockets import bind_tcp, bind_udp
from regcluster.sip.message import Request, Response
from regcluster.sip.parser import parse
from tests import wire
from tests.edge.loopback import WAIT_S
from tests.edge.memory import MemoryFlow, running

pytestmark = pytest.mark.anyio

PRIVATE = "sip:alice@10.0.0.7:5060"
"""Where a phone believes it is; nobody gets there from here."""

T1_S = 0.05
"""When a call is sent again; RFC 3261 has half a second, for longer ways than ours."""

SETTINGS = Settings(
    routing=RoutingSettings(mode="forward"),
    registrar=RegistrarSettings(
        use_path=1, outbound_mode=1, trust_contact_from=["127.0.0.0/8"], path_check_local=1
    ),
)


@dataclass
class Ports:
    """Where one worker of the node is reached: two UDP sockets, one for TCP."""

    udp: list[int]
    tcp: int


class UdpPhone(asyncio.DatagramProtocol):
    """Whoever speaks SIP over UDP: a phone, a caller, a proxy."""

    def __init__(self) -> None:
        self._arrived: asyncio.Queue[tuple[bytes, int]] = asyncio.Queue()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._arrived.put_nowait((data, addr[1]))

    def send(self, data: bytes, port: int) -> None:
        self._transport.sendto(data, ("127.0.0.1", port))

    async def next(self) -> tuple[Request | Response, int]:
        """The next message, and the port it came from."""
        async with asyncio.timeout(WAIT_S):
            data, port = await self._arrived.get()
        return parse(data), port

    async def answer(self) -> Response:
        """The next message, which must be a response."""
        message, _ = await self.next()
        assert isinstance(message, Response)
        return message

    async def request(self) -> Request:
        """The next message, which must be a request."""
        message, _ = await self.next()
        assert isinstance(message, Request)
        return message


class TcpPhone:
    """A phone that has made a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    def vanish(self) -> None:
        self._writer.transport.abort()

    async def next(self) -> Request | Response:
        async with asyncio.timeout(WAIT_S):
            return parse(await self._reader.readuntil(b"\r\n\r\n"))


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[list[Ports]]:
    """A node of two workers, each at ports of its own, so that a test can choose."""
    server = FakeServer()
    async with AsyncExitStack() as stack:
        ports = []
        for index in range(2):
            udps, tcp = [bind_udp("127.0.0.1", 0, 1) for _ in range(2)], bind_tcp("127.0.0.1", 0)
            await stack.enter_async_context(
                running(tmp_path, server, SETTINGS, index, sockets=[*udps, tcp])
            )
            ports.append(Ports([port_of(udp) for udp in udps], port_of(tcp)))
        yield ports


@pytest.fixture
async def caller() -> AsyncIterator[UdpPhone]:
    """Bob, who calls."""
    async with udp_phone() as phone:
        yield phone


@pytest.fixture
async def called() -> AsyncIterator[UdpPhone]:
    """Alice's phone, or the proxy in front of it."""
    async with udp_phone() as phone:
        yield phone


@asynccontextmanager
async def udp_phone() -> AsyncIterator[UdpPhone]:
    loop = asyncio.get_running_loop()
    transport, phone = await loop.create_datagram_endpoint(UdpPhone, local_addr=("127.0.0.1", 0))
    try:
        yield phone
    finally:
        transport.close()


async def tcp_phone(port: int) -> TcpPhone:
    return TcpPhone(*await asyncio.open_connection("127.0.0.1", port))


def port_of(sock: socket.socket) -> int:
    port: int = sock.getsockname()[1]
    return port


def answer_to(request: Request) -> bytes:
    vias: list[str | int] = [*request.all("via")]
    return wire.response(via=vias)


async def registered(phone: UdpPhone, port: int, data: bytes) -> None:
    phone.send(data, port)
    answer = await phone.answer()
    assert answer.status == 200, answer.reason


async def registered_over_tcp(phone: TcpPhone, outbound: str = "") -> None:
    """``outbound``: the Contact parameters of a phone that does outbound."""
    via = "SIP/2.0/TCP 10.0.0.7:5060;branch=z9hG4bK-r"
    contact = f"<{PRIVATE};transport=tcp>{outbound}"
    phone.send(wire.register(via=via, contact=contact, supported="outbound" if outbound else None))
    answer = await phone.next()
    assert isinstance(answer, Response)
    assert answer.status == 200, answer.reason


async def until_answered(caller: UdpPhone, port: int) -> Response:
    """The answer to a call that is sent again and again, as over UDP it has to be."""
    async with asyncio.timeout(WAIT_S):
        while True:
            caller.send(wire.invite(), port)
            with suppress(TimeoutError):
                async with asyncio.timeout(T1_S):
                    return await caller.answer()


async def test_a_phone_behind_a_proxy_is_called_by_its_path(
    node: list[Ports], caller: UdpPhone, called: UdpPhone
) -> None:
    """RFC 3327 §5.4: registered through an edge proxy, called through it, and answered."""
    path = f"<sip:127.0.0.1:{called.port};lr>"
    await registered(
        called,
        node[0].udp[0],
        wire.register(contact=f"<{PRIVATE}>", path=[path, "<sip:p2.test;lr>"], supported="path"),
    )

    caller.send(wire.invite(), node[1].udp[0])
    invite = await called.request()
    called.send(answer_to(invite), node[1].udp[0])
    answer = await caller.answer()

    assert (PRIVATE, [path, "<sip:p2.test;lr>"], 200, 1) == (
        invite.uri,
        invite.values("route"),
        answer.status,
        len(answer.all("via")),
    )


async def test_a_path_that_begins_with_this_node_is_followed_behind_it(
    node: list[Ports], caller: UdpPhone, called: UdpPhone
) -> None:
    """``path_check_local``: it would only come back here."""
    ours = f"<sip:127.0.0.1:{node[0].udp[0]};lr>"
    next_ = f"<sip:127.0.0.1:{called.port};lr>"
    await registered(
        called,
        node[0].udp[0],
        wire.register(contact=f"<{PRIVATE}>", path=[ours, next_], supported="path"),
    )

    caller.send(wire.invite(), node[0].udp[0])

    assert [next_] == (await called.request()).values("route")


async def test_a_phone_on_tcp_is_called_through_the_worker_it_registered_with(
    node: list[Ports], caller: UdpPhone
) -> None:
    """Its address is private: the connection is the only way, and any worker may get the call."""
    phone = await tcp_phone(node[0].tcp)
    await registered_over_tcp(phone)

    caller.send(wire.invite(), node[1].udp[0])
    invite = await phone.next()
    assert isinstance(invite, Request)
    phone.send(answer_to(invite))
    answer = await caller.answer()
    phone.vanish()

    assert (f"{PRIVATE};transport=tcp", "TCP", node[0].tcp, 200, 1) == (
        invite.uri,
        invite.via.transport,
        invite.via.port,
        answer.status,
        len(answer.all("via")),
    )


async def test_two_phones_on_tcp_call_each_other_by_their_connections(node: list[Ports]) -> None:
    """Each with another worker; there and back the messages pass from one to the other."""
    alice, bob = await tcp_phone(node[0].tcp), await tcp_phone(node[1].tcp)
    await registered_over_tcp(alice)

    bob.send(wire.invite(via="SIP/2.0/TCP 10.0.0.9:5060;branch=z9hG4bK-1"))
    invite = await alice.next()
    assert isinstance(invite, Request)
    alice.send(answer_to(invite))
    answer = await bob.next()
    alice.vanish()
    bob.vanish()

    assert isinstance(answer, Response)
    assert (200, ["SIP/2.0/TCP 10.0.0.9:5060;branch=z9hG4bK-1;received=127.0.0.1"]) == (
        answer.status,
        answer.all("via"),
    )


@pytest.mark.parametrize("index", [0, 1])
async def test_an_outbound_phone_that_has_gone_is_reported_at_once(
    node: list[Ports], caller: UdpPhone, index: int
) -> None:
    """RFC 5626 §5.3.1: 430 from whichever worker gets the call."""
    phone = await tcp_phone(node[0].tcp)
    await registered_over_tcp(phone, ';reg-id=1;+sip.instance="<urn:uuid:0a>"')
    caller.send(wire.invite(call_id="before"), node[index].udp[0])
    await phone.next()
    phone.vanish()

    answer = await until_answered(caller, node[index].udp[0])

    assert 430 == answer.status


async def test_a_phone_is_called_where_a_trusted_proxy_saw_it(
    node: list[Ports], caller: UdpPhone, called: UdpPhone
) -> None:
    """``received`` of its Contact (``trust_contact_from``) is the next hop."""
    async with udp_phone() as proxy:
        seen = f"sip:127.0.0.1:{called.port}"
        await registered(
            proxy, node[0].udp[0], wire.register(contact=f'<{PRIVATE}>;received="{seen}"')
        )

    caller.send(wire.invite(), node[1].udp[0])

    assert PRIVATE == (await called.request()).uri


@pytest.mark.parametrize("number", [0, 1])
async def test_a_phone_is_called_from_the_socket_it_registered_at(
    node: list[Ports], caller: UdpPhone, called: UdpPhone, number: int
) -> None:
    """Whichever socket the call itself came to."""
    contact = f"<sip:alice@127.0.0.1:{called.port}>"
    await registered(called, node[0].udp[number], wire.register(contact=contact))

    caller.send(wire.invite(), node[0].udp[0])
    _, port = await called.next()

    assert node[0].udp[number] == port


async def test_no_path_of_a_strangers_leads_to_this_machine(tmp_path: Path) -> None:
    """Or to what its next hop was to be: whoever registers it and calls himself is told no."""
    stranger = MemoryFlow(host="192.0.2.66")
    with socket.create_server(("127.0.0.1", 0)) as store:
        store.setblocking(False)
        path = f"<sip:127.0.0.1:{port_of(store)};transport=tcp;lr>"
        async with running(tmp_path, FakeServer(), SETTINGS) as worker:
            worker.receive(wire.register(path=path, supported="path"), stranger)
            registered = await stranger.start_line()
            worker.receive(wire.invite(), stranger)
            called = await stranger.start_line()
        with pytest.raises(BlockingIOError):
            store.accept()

    assert ("SIP/2.0 200 OK", "SIP/2.0 500 Contact Unreachable") == (registered, called)
