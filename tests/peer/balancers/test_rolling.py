"""All nodes behind the SIP-aware balancer are started again, one after the other, under load.

No phone is told anything but 200, and none loses its binding. Phones do what RFC 3261 asks of them
and no more: an unanswered REGISTER is sent again by Timer E, for 32 seconds (§17.1.2.2).
"""

import asyncio
from collections.abc import Callable

import pytest

from tests.peer.balancers import balancer
from tests.peer.balancers.balancer import Balancer
from tests.peer.balancers.fleet import Member, lost
from tests.peer.load import Load
from tests.peer.node import Section
from tests.peer.phone import Phone
from tests.peer.processes import wait_until

pytestmark = [pytest.mark.peer, pytest.mark.anyio, pytest.mark.timeout(120)]

RATE = 300
MOST = 30_000
NOTICED_S = 15.0
"""Within this the balancer sends something to a node that has come back."""


@pytest.fixture
def sections() -> dict[str, Section]:
    """As the example has it, but for ``redirect``, so that there need be nobody to be called."""
    return balancer.node_settings("kamailio") | {"routing": {"mode": "redirect"}}


def renew(fleet: list[Member], leave: Callable[[Member], object]) -> None:
    """Have each node leave and come back; the next one once the balancer uses it again."""
    for member in fleet:
        leave(member)
        member.start_again()
        wait_until(member.node.registers, NOTICED_S, "the balancer uses the node again")


async def rolled(
    fleet: list[Member], address: tuple[str, int], leave: Callable[[Member], object]
) -> Load:
    """The load of a rolling restart, with all that became of it."""
    async with Phone(address) as phone:
        load = Load(phone, RATE)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run(MOST))
            await load.reached(RATE)
            await asyncio.to_thread(renew, fleet, leave)
            await load.reached(len(load.answers) + RATE)
            load.stopped = True
        return load


async def test_a_restart_without_warning_fails_no_register_and_loses_no_binding(
    fleet: list[Member], kamailio_balancer: Balancer
) -> None:
    """Each node is killed; what it had not answered is answered by the other one in time."""
    load = await rolled(fleet, kamailio_balancer.address, Member.kill)

    assert ([], {200}) == (load.silent, {answer.status for answer in load.answers.values()})
    assert [[], []] == [await lost(load, member) for member in fleet]


async def test_a_restart_by_draining_is_seen_by_nobody(
    fleet: list[Member], kamailio_balancer: Balancer
) -> None:
    """Nor is anything lost or refused: hardly a phone has to send anything twice."""
    load = await rolled(fleet, kamailio_balancer.address, Member.drain)
    repeated = [user for user, answer in load.answers.items() if answer.sends > 1]

    assert ([], {200}) == (load.silent, {answer.status for answer in load.answers.values()})
    assert [[], []] == [await lost(load, member) for member in fleet]
    assert len(repeated) < len(load.answers) / 20
