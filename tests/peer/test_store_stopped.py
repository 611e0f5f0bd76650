"""The store hangs, or dies and comes back, under load: honest refusals in time, quick recovery."""

import asyncio
import time
from collections.abc import Callable

import pytest

from tests.peer.conftest import StartNode
from tests.peer.load import Load
from tests.peer.phone import Answer, Phone
from tests.peer.processes import wait_until
from tests.peer.server import StoreServer

pytestmark = [pytest.mark.peer, pytest.mark.anyio, pytest.mark.timeout(120)]

RATE = 200
BEFORE = 200
OUTAGE_S = 3.0
AFTER_S = 4.0

DEADLINE_MS = 500
ALLOWED_S = (DEADLINE_MS + 100) / 1000
RECOVERY_S = 2.0


async def outage(
    node_address: tuple[str, int], stop: Callable[[], None], start: Callable[[], None]
) -> tuple[Load, float, float]:
    """Traffic throughout, the store stopped in its midst: when it stopped, when it was back."""
    async with Phone(node_address) as phone:
        # Nothing is sent twice here: each request is to have one answer, and that one in time.
        load = Load(phone, RATE, repeat=False)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run(10_000, give_up_s=5.0))
            await load.reached(BEFORE)
            await asyncio.to_thread(stop)
            stopped_at = time.time()
            await asyncio.sleep(OUTAGE_S)
            await asyncio.to_thread(start)
            back_at = time.time()
            await asyncio.sleep(AFTER_S)
            load.stopped = True
    return load, stopped_at, back_at


def check(load: Load, stopped_at: float, back_at: float) -> None:
    """What has to hold of any outage, whatever its kind."""
    answers = sorted(load.answers.values(), key=lambda answer: answer.sent_at)
    # The server may answer a little before the call that stops or starts it returns.
    during = [a for a in answers if stopped_at < a.sent_at and a.received_at < back_at - 0.5]
    after = [a for a in answers if a.sent_at > back_at + RECOVERY_S]

    assert [] == load.silent
    assert [] == [a.took_s for a in answers if a.took_s > ALLOWED_S]
    assert len(during) > RATE * OUTAGE_S / 2
    assert {503} == {a.status for a in during}
    assert all(_retry_after(a) > 0 for a in answers if a.status == 503)
    assert len({_retry_after(a) for a in during}) > 1
    assert len(after) > RATE * (AFTER_S - RECOVERY_S) / 2
    assert {200} == {a.status for a in after}


async def test_a_hanging_store_is_a_503_in_time(start_node: StartNode, store: StoreServer) -> None:
    """While the store is stopped where it stands every request is refused inside the deadline."""
    node = start_node(store={"deadline_ms": DEADLINE_MS})

    load, stopped_at, back_at = await outage(node.address, store.pause, store.resume)

    check(load, stopped_at, back_at)


async def test_a_dead_store_is_a_503_in_time(start_node: StartNode, store: StoreServer) -> None:
    """While the store is dead every request is refused inside the deadline."""
    node = start_node(store={"deadline_ms": DEADLINE_MS})

    load, stopped_at, back_at = await outage(node.address, store.kill, store.start)

    check(load, stopped_at, back_at)


async def test_what_was_acknowledged_outlives_the_store(
    start_node: StartNode, store: StoreServer
) -> None:
    """Each phone that was answered 200 around the death of the store is found afterwards."""
    node = start_node()
    async with Phone(node.address) as phone:
        load = Load(phone, RATE)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run(1000))
            await load.reached(BEFORE)
            await asyncio.to_thread(store.kill)
            await asyncio.to_thread(store.start)

        assert [] == load.silent
        assert [] == await load.missing()


async def test_a_node_without_its_store_is_not_ready(
    start_node: StartNode, store: StoreServer
) -> None:
    """The balancer is told while the store is away, and told again when it is back."""
    node = start_node()
    async with Phone(node.address) as phone:
        await asyncio.to_thread(store.kill)
        refused = await phone.register("alice", "sip:alice@127.0.0.1:5070")
        not_ready = await asyncio.to_thread(node.is_ready)
        await asyncio.to_thread(store.start)
        await asyncio.to_thread(wait_until, node.is_ready, RECOVERY_S, "the node is ready again")

    assert 503 == refused.status
    assert not not_ready


def _retry_after(answer: Answer) -> int:
    return int(*answer.values("Retry-After"))
