"""The way of a request along a branch: Path, next hop, connection, socket, added rows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from regcluster.edge.flow import Flow
from regcluster.edge.outbound import FLOW_FAILED, UNREACHABLE
from regcluster.edge.sockets import probe_local
from regcluster.registrar.branch import Branch
from regcluster.route.call import Forward
from regcluster.sip.message import Request
from regcluster.sip.parser import parse
from tests import wire
from tests.edge.loopback import WAIT_S
from tests.edge.memory import NODE, MemoryFlow
from tests.edge.ways import Peer, Ways, opened, request, udp_phone

pytestmark = pytest.mark.anyio

CALLER = MemoryFlow(host="127.0.0.1")
STRANGER = MemoryFlow(host="192.0.2.66")

PRIVATE = "sip:alice@10.0.0.7:5060;transport=tcp"
"""What a phone behind a NAT says of itself: nobody can connect to that."""

NOWHERE = "sip:alice@unknown.test"


@pytest.fixture
async def ways(tmp_path: Path) -> AsyncIterator[Ways]:
    """The ways out of the worker under test."""
    async with opened(tmp_path) as ways:
        yield ways


@pytest.fixture
async def phone() -> AsyncIterator[tuple[Peer, int]]:
    """A phone, or a proxy, that listens on UDP, and its port."""
    async with udp_phone() as phone:
        yield phone


class Caller:
    """The far end of a TCP connection to a worker."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flow: Flow):
        self._reader = reader
        self.writer = writer
        self.flow = flow
        """The worker's end of it."""

    @property
    def connection(self) -> str:
        """What is stored with a binding that was made over it."""
        return f"{NODE}/{self.flow.token}"

    async def next(self) -> Request:
        """The next request that comes over it."""
        async with asyncio.timeout(WAIT_S):
            message = parse(await self._reader.readuntil(b"\r\n\r\n"))
        assert isinstance(message, Request)
        return message


@asynccontextmanager
async def connected(ways: Ways) -> AsyncIterator[Caller]:
    """A phone that has sent something over a connection, for instance a REGISTER."""
    reader, writer = await asyncio.open_connection("127.0.0.1", ways.tcp.port)
    writer.write(wire.register())
    _, flow = await ways.inbox.next()
    yield Caller(reader, writer, flow)
    writer.close()


async def gone(ways: Ways) -> str:
    """A connection that was there."""
    async with connected(ways) as caller:
        caller.writer.transport.abort()
        async with asyncio.timeout(WAIT_S):
            while not ways.outbound.identity.is_gone(caller.connection):  # noqa: ASYNC110
                await asyncio.sleep(0)
        return caller.connection


async def test_a_request_goes_to_the_first_of_its_path(ways: Ways, phone: tuple[Peer, int]) -> None:
    """RFC 3327 §5.4: the whole Path as its Route, the contact in the Request-URI."""
    peer, port = phone
    path = f"<sip:127.0.0.1:{port};lr>,<sip:p2.test;lr;ob>"

    await ways.outbound.forward(request(wire.invite()), Forward(Branch(PRIVATE, path=path)), CALLER)
    message, _ = await peer.next()

    assert isinstance(message, Request)
    assert (PRIVATE, [path]) == (message.uri, message.all("route"))


async def test_a_request_goes_where_a_registration_came_from(
    ways: Ways, phone: tuple[Peer, int]
) -> None:
    """``received``, the hole in the NAT; the phone finds what it calls itself in the request."""
    peer, port = phone
    branch = Branch(NOWHERE, next_hop=f"sip:127.0.0.1:{port}")

    await ways.outbound.forward(request(wire.invite()), Forward(branch), CALLER)
    message, _ = await peer.next()

    assert isinstance(message, Request)
    assert NOWHERE == message.uri


@pytest.mark.parametrize(
    "branch",
    [
        Branch(PRIVATE, next_hop="sip:127.0.0.1:{port}"),
        Branch(PRIVATE, path="<sip:127.0.0.1:{port};lr>"),
        Branch(PRIVATE, path="<sip:phone.test:{port};lr>"),
        Branch(PRIVATE, next_hop="sip:127.0.0.1:{port}", path="<sip:192.0.2.1;lr>"),
        Branch(PRIVATE, next_hop="sip:169.254.169.254"),
        Branch(PRIVATE, next_hop="sip:224.0.1.75", socket="udp:127.0.0.1:{udp}"),
        Branch(PRIVATE, path="<sip:[::1];transport=tcp;lr>"),
    ],
)
async def test_no_path_and_no_next_hop_leads_to_what_a_machine_keeps_to_itself(
    ways: Ways, phone: tuple[Peer, int], branch: Branch
) -> None:
    """A phone writes its Path as it writes its Contact: neither gets a stranger to our store."""
    ports = {"port": phone[1], "udp": ways.udp.port}
    branch.next_hop = branch.next_hop.format(**ports)
    branch.path, branch.socket = branch.path.format(**ports), branch.socket.format(**ports)

    assert UNREACHABLE == await ways.outbound.forward(
        request(wire.invite()), Forward(branch), STRANGER
    )


async def test_rows_of_a_script_are_added(ways: Ways, phone: tuple[Peer, int]) -> None:
    """To what is sent, and to nothing else."""
    peer, port = phone
    way = Forward(Branch(f"sip:alice@127.0.0.1:{port}"), [("X-Socket", "udp:192.0.2.1:5060")])

    await ways.outbound.forward(request(wire.invite()), way, CALLER)
    message, _ = await peer.next()

    assert ["udp:192.0.2.1:5060"] == message.all("x-socket")


async def test_rows_that_would_be_more_than_one_are_a_mistake_of_the_script(
    ways: Ways, phone: tuple[Peer, int]
) -> None:
    """It is told so, and nothing is sent."""
    way = Forward(Branch(f"sip:alice@127.0.0.1:{phone[1]}"), [("X", "1\r\nRoute: <sip:evil>")])

    with pytest.raises(ValueError, match="not one header row"):
        await ways.outbound.forward(request(wire.invite()), way, CALLER)


@pytest.mark.parametrize("caller", [CALLER, STRANGER])
async def test_a_phone_is_reached_by_the_connection_it_registered_over(
    ways: Ways, caller: MemoryFlow
) -> None:
    """There is no other way to it, whoever calls; our Via says TCP and where we listen."""
    async with connected(ways) as alice:
        branch = Branch(PRIVATE, next_hop=PRIVATE, connection=alice.connection)
        refused = await ways.outbound.forward(request(wire.invite()), Forward(branch), caller)
        message = await alice.next()

    assert (None, PRIVATE, "TCP", ways.tcp.port) == (
        refused,
        message.uri,
        message.via.transport,
        message.via.port,
    )


async def test_a_phone_is_reached_through_the_worker_that_holds_its_connection(
    ways: Ways, tmp_path: Path
) -> None:
    """Any worker may get the call. Its Via names the address that the phone knows."""
    async with opened(tmp_path, worker=1) as other, connected(ways) as alice:
        branch = Branch(PRIVATE, connection=alice.connection)
        refused = await other.outbound.forward(request(wire.invite()), Forward(branch), CALLER)
        message = await alice.next()

    assert (None, PRIVATE, "TCP", "127.0.0.1", ways.tcp.port) == (
        refused,
        message.uri,
        message.via.transport,
        message.via.host,
        message.via.port,
    )


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize(("instance", "reg_id"), [("", 0), ("<urn:uuid:1>", 0)])
async def test_a_phone_whose_connection_is_gone_is_reached_by_its_address(
    ways: Ways, phone: tuple[Peer, int], tmp_path: Path, index: int, instance: str, reg_id: int
) -> None:
    """It may listen there: only an outbound phone has said that it does not."""
    peer, port = phone
    branch = Branch(
        f"sip:alice@127.0.0.1:{port}",
        instance=instance,
        reg_id=reg_id,
        connection=await gone(ways),
    )
    async with opened(tmp_path, worker=1) as other:
        outbound = (ways, other)[index].outbound
        await outbound.forward(request(wire.invite()), Forward(branch), CALLER)
        message, _ = await peer.next()

    assert "INVITE" == message.cseq.method


@pytest.mark.parametrize("index", [0, 1])
async def test_an_outbound_flow_that_is_gone_has_failed(
    ways: Ways, phone: tuple[Peer, int], tmp_path: Path, index: int
) -> None:
    """RFC 5626 §5.3.1: at once, from any worker, and nobody is called at the address instead."""
    branch = Branch(
        f"sip:alice@127.0.0.1:{phone[1]}",
        instance="<urn:uuid:1>",
        reg_id=1,
        connection=await gone(ways),
    )
    async with opened(tmp_path, worker=1) as other:
        outbound = (ways, other)[index].outbound

        assert FLOW_FAILED == await outbound.forward(
            request(wire.invite()), Forward(branch), CALLER
        )


@pytest.mark.parametrize(
    "connection", ["node-2/0.e.1", "17", "", f"{NODE}/", f"{NODE}/7.e.1", f"{NODE}/\0\n.e"]
)
async def test_a_connection_that_is_not_ours_to_use_is_passed_over(
    ways: Ways, phone: tuple[Peer, int], connection: str
) -> None:
    """One of another node's, of a worker there is not, or of a script's own making."""
    peer, port = phone
    branch = Branch(f"sip:alice@127.0.0.1:{port}", connection=connection)

    await ways.outbound.forward(request(wire.invite()), Forward(branch), CALLER)
    message, _ = await peer.next()

    assert "INVITE" == message.cseq.method


async def test_a_path_comes_before_the_connection(ways: Ways, phone: tuple[Peer, int]) -> None:
    """It is one to a proxy, and it is the Path that says which one is next (RFC 3327 §5.4)."""
    peer, port = phone
    async with connected(ways) as proxy:
        path = f"<sip:127.0.0.1:{port};lr>"
        branch = Branch(PRIVATE, path=path, connection=proxy.connection)
        await ways.outbound.forward(request(wire.invite()), Forward(branch), CALLER)
        message, _ = await peer.next()

    assert [path] == message.all("route")


async def test_nothing_for_a_secure_target_leaves_by_a_connection_in_the_clear(
    ways: Ways,
) -> None:
    """RFC 3261 §16.6 step 7: not for a phone that registers ``sips`` over TCP."""
    async with connected(ways) as alice:
        branch = Branch("sips:alice@10.0.0.7", connection=alice.connection)

        assert UNREACHABLE == await ways.outbound.forward(
            request(wire.invite()), Forward(branch), CALLER
        )


async def test_a_connection_is_used_again_for_the_response(ways: Ways) -> None:
    """From one phone on TCP to another: each has the one connection it made."""
    async with connected(ways) as alice, connected(ways) as bob:
        branch = Branch(PRIVATE, connection=alice.connection)
        await ways.outbound.forward(
            request(wire.invite(via="SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK-1")),
            Forward(branch),
            bob.flow,
        )
        message = await alice.next()

    assert bob.flow.token == message.via.params["rc-flow"]


@pytest.mark.parametrize("first", [0, 1])
async def test_a_request_leaves_from_the_socket_a_phone_registered_at(
    tmp_path: Path, phone: tuple[Peer, int], first: int
) -> None:
    """A NAT may let in what comes from there, address and port, and nothing else."""
    peer, port = phone
    async with opened(tmp_path, udp_hosts=("127.0.0.1", "127.0.0.1")) as ways:
        ours = ways.udps[first]
        branch = Branch(f"sip:alice@127.0.0.1:{port}", socket=f"udp:{ours.render()}")
        await ways.outbound.forward(request(wire.invite()), Forward(branch), CALLER)
        message, source = await peer.next()

    assert (ours.port, ours.port) == (source, message.via.port)


async def test_a_request_leaves_from_any_address_of_a_wildcard(
    tmp_path: Path, phone: tuple[Peer, int]
) -> None:
    """A machine with several addresses answers from the one the phone knows, and calls from it."""
    peer, port = phone
    async with opened(tmp_path, udp_hosts=("0.0.0.0",)) as ways:
        socket = f"udp:127.0.0.7:{ways.udp.port}"
        branch = Branch(f"sip:alice@127.0.0.1:{port}", socket=socket)
        await ways.outbound.forward(request(wire.invite()), Forward(branch), CALLER)
        message, _ = await peer.next()

    assert "127.0.0.7" == message.via.host


async def test_nothing_leaves_this_machine_from_loopback(tmp_path: Path) -> None:
    """Somebody here registers a phone elsewhere: the kernel would not send from his address."""
    # All of this happens on loopback where a machine has nothing else.
    elsewhere = probe_local(("192.0.2.77", 9)) or "127.0.0.1"
    async with opened(tmp_path, udp_hosts=("0.0.0.0",)) as ways, udp_phone(elsewhere) as phone:
        peer, port = phone
        branch = Branch(f"sip:alice@{elsewhere}:{port}", socket=f"udp:127.0.0.1:{ways.udp.port}")
        await ways.outbound.forward(request(wire.invite()), Forward(branch), CALLER)
        message, _ = await peer.next()

    assert elsewhere == message.via.host


@pytest.mark.parametrize("advertise", ["edge.example.test", "192.0.2.9"])
async def test_a_request_leaves_from_the_port_that_is_advertised(
    tmp_path: Path, phone: tuple[Peer, int], advertise: str
) -> None:
    """``sock_mode``: what the world calls us is no address of ours, but the port is."""
    peer, port = phone
    hosts = ("0.0.0.0", "0.0.0.0")
    async with opened(tmp_path, udp_hosts=hosts, advertise=advertise) as ways:
        socket = f"udp:{advertise}:{ways.udps[1].port}"
        branch = Branch(f"sip:alice@127.0.0.1:{port}", socket=socket)
        await ways.outbound.forward(request(wire.invite()), Forward(branch), CALLER)
        message, source = await peer.next()

    assert (ways.udps[1].port, advertise) == (source, message.via.host)


@pytest.mark.parametrize(
    "socket", ["udp:192.0.2.9:{port}", "udp:127.0.0.1:9", "tcp:127.0.0.1:{tcp}", "nonsense"]
)
async def test_a_socket_that_is_not_ours_is_passed_over(
    ways: Ways, phone: tuple[Peer, int], socket: str
) -> None:
    """The phone has registered at another node, or over another transport."""
    peer, port = phone
    named = socket.format(port=ways.udp.port, tcp=ways.tcp.port)
    branch = Branch(f"sip:alice@127.0.0.1:{port}", socket=named)

    await ways.outbound.forward(request(wire.invite()), Forward(branch), CALLER)
    _, source = await peer.next()

    assert ways.udp.port == source
