"""nginx and HAProxy in front of two nodes, for phones on TCP and TLS: both PROXY protocols."""

import asyncio
import re
import ssl
from collections.abc import Callable, Sequence

import pytest
import trustme

from tests.peer.balancers.balancer import Balancer, node_settings
from tests.peer.balancers.fleet import Member
from tests.peer.balancers.stream_phone import StreamLoad, StreamPhone
from tests.peer.node import Section
from tests.peer.phone import Phone

pytestmark = [pytest.mark.peer, pytest.mark.anyio, pytest.mark.timeout(120)]

PHONES = 100
EVERY_S = 0.5


@pytest.fixture
def sections(request: pytest.FixtureRequest) -> dict[str, Section]:
    """As the example has it that belongs to the balancer."""
    return node_settings(request.node.callspec.params["balancer"].split()[0])


@pytest.fixture(params=["nginx", "haproxy", "haproxy with TLS"])
def balancer(request: pytest.FixtureRequest) -> Balancer:
    """One of those."""
    found: Balancer = request.getfixturevalue(f"{request.param.split()[0]}_balancer")
    return found


@pytest.fixture
def phones(
    request: pytest.FixtureRequest, balancer: Balancer, authority: trustme.CA
) -> list[StreamPhone]:
    """Phones that have not connected yet."""
    if "TLS" not in request.node.callspec.params["balancer"]:
        return [StreamPhone(f"user{n}", balancer.address) for n in range(PHONES)]
    secured = ssl.create_default_context()
    authority.configure_trust(secured)
    address = (balancer.address[0], balancer.tls_port)
    return [StreamPhone(f"user{n}", address, secured) for n in range(PHONES)]


async def lost(phones: Sequence[StreamPhone], member: Member) -> list[str]:
    """Which of them cannot be found through ``member`` now."""
    async with Phone(member.address) as caller:
        found = [(phone, await caller.invite(phone.user)) for phone in phones]
    return [phone.user for phone, answer in found if f"<{phone.contact}>" not in answer.text]


async def test_what_is_registered_through_one_node_is_found_through_each(
    fleet: list[Member], balancer: Balancer, phones: list[StreamPhone]
) -> None:
    """All workers take part, and each phone is told its own address, not the balancer's."""
    answers = [await phone.register() for phone in phones]
    seen = [re.search(r"received=([0-9.]+);rport=([0-9]+)", answer) for answer in answers]
    spread = [member.spread() for member in fleet]

    assert {"SIP/2.0 200 OK"} == {answer.partition("\r\n")[0] for answer in answers}
    assert [("127.0.0.1", str(phone.port)) for phone in phones] == [
        match.groups() if match else None for match in seen
    ]
    assert [[], []] == [await lost(phones, member) for member in fleet]
    assert PHONES == sum(map(sum, spread))
    assert all(share > PHONES / 20 for shares in spread for share in shares), spread
    for phone in phones:
        await phone.close()


@pytest.mark.parametrize("leave", [Member.kill, Member.drain])
async def test_a_node_may_go_under_load(
    fleet: list[Member],
    balancer: Balancer,
    phones: list[StreamPhone],
    leave: Callable[[Member], object],
) -> None:
    """Phones lose their connections with it, and are all answered 200 by the other one."""
    load = StreamLoad(phones)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.run(EVERY_S))
        await load.more(2 * PHONES)
        await asyncio.to_thread(leave, fleet[0])
        await load.more(2 * PHONES)
        load.stopped = True

    assert {"SIP/2.0 200 OK"} == {answer.partition("\r\n")[0] for answer in load.answers}
    assert [] == await lost(phones, fleet[1])
