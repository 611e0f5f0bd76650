"""nginx in front of two nodes, for phones on UDP; those on TCP are in ``test_streams``."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.peer.balancers import balancer
from tests.peer.balancers.balancer import Balancer
from tests.peer.balancers.fleet import Member, lost
from tests.peer.load import Load
from tests.peer.node import Section
from tests.peer.phone import Phone

pytestmark = [pytest.mark.peer, pytest.mark.anyio, pytest.mark.timeout(120)]

PHONES = 20
"""To nginx each is a peer of its own, which stays with one node for a while."""

RATE = 15
REGISTRATIONS = 60


@pytest.fixture
def sections() -> dict[str, Section]:
    """As the example has it."""
    return balancer.node_settings("nginx")


@asynccontextmanager
async def loads(running: Balancer) -> AsyncIterator[list[Load]]:
    """One load for each phone."""
    async with AsyncExitStack() as stack:
        phones = [await stack.enter_async_context(Phone(running.address)) for _ in range(PHONES)]
        yield [Load(phone, RATE, names=f"user{phone.port}-") for phone in phones]


async def test_what_is_registered_through_one_node_is_found_through_each(
    fleet: list[Member], nginx_balancer: Balancer
) -> None:
    """All workers of both nodes take part."""
    async with loads(nginx_balancer) as started:
        async with asyncio.TaskGroup() as tasks:
            for load in started:
                tasks.create_task(load.run(REGISTRATIONS // 4))
        spread = [member.spread() for member in fleet]

        assert {200} == {answer.status for load in started for answer in load.answers.values()}
        assert [[]] * 2 * PHONES == [await lost(load, m) for load in started for m in fleet]
        assert all(share > PHONES for shares in spread for share in shares), spread


@pytest.mark.parametrize("leave", [Member.kill, Member.drain])
async def test_a_node_may_go_under_load(
    fleet: list[Member], nginx_balancer: Balancer, leave: Callable[[Member], object]
) -> None:
    """A phone that sends its REGISTER again is answered by the other node."""
    async with loads(nginx_balancer) as started:
        async with asyncio.TaskGroup() as tasks:
            for load in started:
                tasks.create_task(load.run(REGISTRATIONS))
            await started[0].reached(REGISTRATIONS // 3)
            await asyncio.to_thread(leave, fleet[0])

        assert [] == [user for load in started for user in load.silent]
        assert {200} == {answer.status for load in started for answer in load.answers.values()}
        assert [[]] * PHONES == [await lost(load, fleet[1]) for load in started]
