"""A worker killed under load: nothing acknowledged is lost, the node serves on, counters stay."""

import asyncio
import itertools
import os
import signal
import time

import pytest

from tests.peer.conftest import StartNode
from tests.peer.load import Load
from tests.peer.node import Node, Sample
from tests.peer.phone import Phone

pytestmark = [pytest.mark.peer, pytest.mark.anyio, pytest.mark.timeout(120)]

PHONES = 3000
RATE = 600
RESTART_S = 10.0


@pytest.mark.parametrize("round_", range(2))
async def test_nothing_acknowledged_is_lost_with_a_worker(
    start_node: StartNode, round_: int
) -> None:
    """Every phone is answered 200 in the end, and each of them can be called afterwards."""
    node = start_node(node={"workers": 2})
    async with Phone(node.address) as phone:
        load = Load(phone, RATE)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run(PHONES))
            await load.reached(PHONES // 3)
            os.kill(node.workers()[round_], signal.SIGKILL)

        assert [] == load.silent
        assert {200} == {answer.status for answer in load.answers.values()}
        assert [] == await load.missing()


async def test_a_killed_worker_is_replaced_and_no_counter_falls(start_node: StartNode) -> None:
    """The node has all its workers again within seconds; what it counted it still counts."""
    node = start_node(node={"workers": 2})
    async with Phone(node.address) as phone:
        load = Load(phone, RATE)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run(PHONES))
            await load.reached(PHONES // 3)
            history = await asyncio.to_thread(watch_kill, node)
            load.stopped = True
        history.append(node.counters())
        registers = node.registers()

    for before, after in itertools.pairwise(history):
        assert {} == fallen(before, after)
    assert len(load.answers) <= registers


def watch_kill(node: Node) -> list[dict[Sample, float]]:
    """Kill one worker; the counters, read again and again until another is in its place."""
    history = [node.counters()]
    before = node.workers()
    os.kill(before[0], signal.SIGKILL)
    deadline = time.monotonic() + RESTART_S
    while before[0] in node.workers() or len(node.workers()) < len(before):
        assert time.monotonic() < deadline, f"no new worker within {RESTART_S} s"
        history.append(node.counters())
    history.append(node.counters())
    return history


def fallen(before: dict[Sample, float], after: dict[Sample, float]) -> dict[Sample, float]:
    """The samples that are smaller afterwards, or gone."""
    return {key: after.get(key, -1) for key in before if after.get(key, -1) < before[key]}
