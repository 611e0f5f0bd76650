"""Nodes behind a balancer that deals out packets and leaves their addresses alone, as IPVS does.

It answers to nobody, so the test itself is the balancer: what a phone sends to the common address
it sends to a node of its choice. To phones, nodes have that address and no other.
"""

import asyncio
import socket

import pytest

from tests.peer.balancers.fleet import HOSTS, Member
from tests.peer.conftest import StartNode
from tests.peer.node import Section
from tests.peer.phone import Phone
from tests.peer.processes import HOST, free_port

pytestmark = [pytest.mark.peer, pytest.mark.anyio, pytest.mark.timeout(60)]


@pytest.fixture
def fleet(start_node: StartNode) -> list[Member]:
    """Two nodes at one port, that call themselves by the address they have in common."""
    port = free_port()
    sections: dict[str, Section] = {"node": {"advertise": HOST}, "routing": {"mode": "forward"}}
    return [Member(start_node, host, sections, port) for host in HOSTS]


async def test_any_node_may_get_the_response_to_what_another_has_sent_on(
    fleet: list[Member],
) -> None:
    """It goes back along the Vias, with nothing remembered of the request."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as callee:
        callee.setblocking(False)
        callee.bind((HOST, 0))
        async with Phone(fleet[0].address) as phone:
            await phone.register("alice", f"sip:alice@{HOST}:{callee.getsockname()[1]}")
            calling = asyncio.create_task(phone.invite("alice"))
            loop = asyncio.get_running_loop()
            request = (await loop.sock_recv(callee, 65535)).decode()
            callee.sendto(ok(request), fleet[1].address)
            answer = await calling

    assert f"Via: SIP/2.0/UDP {HOST}:{fleet[0].port};" in request
    assert (200, [1, 0]) == (answer.status, [member.forwarded() for member in fleet])


def ok(request: str) -> bytes:
    """The 200 to a request."""
    kept = ("Via:", "From:", "To:", "Call-ID:", "CSeq:")
    echo = [row for row in request.split("\r\n") if row.startswith(kept)]
    return "\r\n".join(["SIP/2.0 200 OK", *echo, "Content-Length: 0", "", ""]).encode()
