"""Kamailio in front of two nodes: shared bindings, an even spread, and nodes that come and go."""

import asyncio
from collections.abc import Callable

import pytest

from tests.peer.balancers import balancer
from tests.peer.balancers.balancer import Balancer
from tests.peer.balancers.fleet import Member, lost
from tests.peer.load import Load
from tests.peer.node import Section
from tests.peer.phone import Phone

pytestmark = [pytest.mark.peer, pytest.mark.anyio, pytest.mark.timeout(120)]

PHONES = 2000
RATE = 400


@pytest.fixture
def sections() -> dict[str, Section]:
    """As the example has it, but for ``redirect``, so that there need be nobody to be called."""
    return balancer.node_settings("kamailio") | {"routing": {"mode": "redirect"}}


async def test_what_is_registered_through_one_node_is_found_through_each(
    fleet: list[Member], kamailio_balancer: Balancer
) -> None:
    """The balancer uses both nodes, and it does not matter which."""
    async with Phone(kamailio_balancer.address) as phone:
        load = Load(phone, RATE)
        await load.run(200)

        assert {200} == {answer.status for answer in load.answers.values()}
        assert all(member.node.registers() >= 80 for member in fleet)
        assert [[], []] == [await lost(load, member) for member in fleet]


@pytest.mark.parametrize("leave", [Member.kill, Member.drain])
async def test_a_node_may_go_under_load(
    fleet: list[Member], kamailio_balancer: Balancer, leave: Callable[[Member], object]
) -> None:
    """Killed or drained: every phone is answered 200 in the end, and can be called."""
    async with Phone(kamailio_balancer.address) as phone:
        load = Load(phone, RATE)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run(PHONES))
            await load.reached(PHONES // 3)
            await asyncio.to_thread(leave, fleet[0])
        assert [] == load.silent
        assert {200} == {answer.status for answer in load.answers.values()}
        assert [] == await lost(load, fleet[1])


async def test_a_balancer_is_one_flow_and_still_uses_all_workers(
    fleet: list[Member], kamailio_balancer: Balancer
) -> None:
    """Each of the two workers of each node takes between 40 and 60 of a hundred requests."""
    async with Phone(kamailio_balancer.address) as phone:
        await Load(phone, RATE).run(PHONES)
        spread = [member.spread() for member in fleet]
    shares = [share / sum(shares) for shares in spread for share in shares]

    assert [4, True] == [len(shares), all(0.4 < share < 0.6 for share in shares)]
