"""What an operator's signals do: SIGTERM drains and ends, SIGHUP reads the settings again."""

import asyncio
import signal
import time

import pytest

from tests.peer.conftest import StartNode
from tests.peer.load import Load
from tests.peer.node import DRAIN_S
from tests.peer.phone import Phone
from tests.peer.processes import wait_until
from tests.peer.server import StoreServer

pytestmark = [pytest.mark.peer, pytest.mark.anyio, pytest.mark.timeout(90)]

RATE = 300


async def test_sigterm_under_load_ends_the_node_cleanly(start_node: StartNode) -> None:
    """It exits 0 within ``drain_s``, and what it had received before is answered."""
    node = start_node()
    async with Phone(node.address) as phone:
        load = Load(phone, RATE, repeat=False)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run(10_000, give_up_s=2.0))
            await load.reached(RATE)
            started, told_at = load.started, time.monotonic()
            node.signal(signal.SIGTERM)
            status = await asyncio.to_thread(node.process.wait, DRAIN_S + 10)
            took_s = time.monotonic() - told_at
            load.stopped = True

    assert 0 == status
    assert took_s < DRAIN_S
    # What was sent in the very last moment may still have been on its way.
    assert {f"user{n}" for n in range(started - RATE // 10)} <= load.answers.keys()
    assert {200} == {answer.status for answer in load.answers.values()}


async def test_work_in_flight_is_finished_before_the_end(
    start_node: StartNode, store: StoreServer
) -> None:
    """A request that waits for a slow store when SIGTERM comes is still answered 200."""
    node = start_node(store={"deadline_ms": 4000})
    async with Phone(node.address) as phone:
        await asyncio.to_thread(store.pause)
        waiting = asyncio.create_task(phone.register("alice", "sip:alice@127.0.0.1:5070"))
        await asyncio.to_thread(wait_until, node.registers, 5.0, "the request has arrived")
        node.signal(signal.SIGTERM)
        await asyncio.to_thread(
            wait_until, lambda: not node.is_ready(), DRAIN_S, "the node says it is leaving"
        )
        await asyncio.to_thread(store.resume)
        answer = await waiting
        status = await asyncio.to_thread(node.process.wait, DRAIN_S + 10)

    assert 200 == answer.status
    assert 0 == status


async def test_sighup_applies_a_new_lifetime(start_node: StartNode) -> None:
    """A changed setting holds for the next REGISTER; no worker is replaced for it."""
    node = start_node(registrar={"max_expires": 600})
    workers = node.workers()
    async with Phone(node.address) as phone:
        before = await granted(phone)
        node.write({"registrar": {"max_expires": 120}})
        node.signal(signal.SIGHUP)
        async with asyncio.timeout(5.0):
            # Each worker takes it up by itself: all have when ten requests in a row show it.
            while {await granted(phone) for _ in range(10)} != {"120"}:
                pass

    assert "600" == before
    assert workers == node.workers()


async def test_sighup_with_a_mistake_changes_nothing(start_node: StartNode) -> None:
    """Settings that cannot be used are refused with a word in the log; the old ones hold."""
    node = start_node(registrar={"max_expires": 600})
    node.write({"registrar": {"max_expires": "soon"}})
    node.signal(signal.SIGHUP)
    async with Phone(node.address) as phone:
        await asyncio.to_thread(
            wait_until, lambda: "max_expires" in node.log_tail(), 5.0, "the mistake is in the log"
        )
        after = await granted(phone)

    assert "600" == after


async def granted(phone: Phone) -> str:
    """The lifetime that a phone asking for an hour is granted."""
    answer = await phone.register("alice", "sip:alice@127.0.0.1:5070")
    return answer.values("Contact")[0].partition(";expires=")[2]
