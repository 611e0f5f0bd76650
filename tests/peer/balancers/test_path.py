"""Calls for phones behind the SIP-aware balancer: back through it, by the way a phone came."""

import pytest

from tests import wire
from tests.peer.balancers import balancer
from tests.peer.balancers.balancer import Balancer
from tests.peer.balancers.callee import Callee
from tests.peer.balancers.fleet import Member
from tests.peer.node import Section
from tests.peer.phone import Phone

pytestmark = [pytest.mark.peer, pytest.mark.anyio, pytest.mark.timeout(60)]


METHODS = ("INVITE", "MESSAGE")
"""One through each node."""


@pytest.fixture
def sections() -> dict[str, Section]:
    """As the example has it."""
    return balancer.node_settings("kamailio")


async def ask(phone: Phone, method: str, user: str, route: str | None = None) -> tuple[int, str]:
    """The final answer to a request for ``user``, with a Route if one is given."""
    uri, via, branch = f"sip:{user}@example.test", *phone.via()
    data = wire.request(method, uri, via=via, call_id=branch.decode(), route=route)
    answer = await phone.ask(data, branch)
    return answer.status, answer.text


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_phone_is_called_by_the_way_it_registered(
    fleet: list[Member], kamailio_balancer: Balancer, transport: str
) -> None:
    """Whichever node gets the call, and whatever the phone says of its own address."""
    async with Callee("alice", transport, kamailio_balancer.address) as callee:
        registered = await callee.register()
        async with Phone(kamailio_balancer.address) as caller:
            answers = [(await ask(caller, method, "alice"))[0] for method in METHODS]

        taken = [member.forwarded() for member in fleet]
        assert "SIP/2.0 200 OK" == registered.partition("\r\n")[0]
        assert [200, 200] == answers
        target = f"sip:alice@192.0.2.77:5060;transport={transport}"
        assert [f"{method} {target} SIP/2.0" for method in METHODS] == [
            request.partition("\r\n")[0] for request in callee.asked
        ]
        assert [1, 1] == taken


async def test_who_is_not_registered_is_not_found(
    fleet: list[Member], kamailio_balancer: Balancer
) -> None:
    """The node's own answer reaches the caller."""
    async with Phone(kamailio_balancer.address) as caller:
        assert 404 == (await ask(caller, "INVITE", "nobody"))[0]


async def test_a_stranger_cannot_have_the_balancer_send_anywhere(
    fleet: list[Member], kamailio_balancer: Balancer
) -> None:
    """What only a Path of the balancer's own says, no caller can say."""
    here = f"<sip:127.0.0.1:{kamailio_balancer.port};lr;received=sip:127.0.0.1:9>"
    async with Phone(kamailio_balancer.address) as caller:
        assert 403 == (await ask(caller, "INVITE", "alice", here))[0]
