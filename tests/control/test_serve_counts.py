"""What a worker tells of itself about once a second, and of the store now and then."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client import REGISTRY

from regcluster.config import LimitSettings, Settings
from regcluster.control.channel import Ready, Status
from tests.control.test_serve import CONTACT, folder, settings, started
from tests.control.watch import PATIENCE_S
from tests.peer.phone import Phone

pytestmark = [pytest.mark.anyio, pytest.mark.server]

__all__ = ["folder", "settings"]


def told(name: str, **labels: str) -> float:
    """What a metric says now."""
    return REGISTRY.get_sample_value(f"regcluster_{name}", labels) or 0.0


async def test_limits_stand_beside_what_they_bound(settings: Settings, folder: Path) -> None:
    """An alert compares one with the other."""
    bounded = replace(settings, limits=LimitSettings(in_flight=7, connections=11))
    async with started(bounded, folder) as ward:
        await ward.report(Status)

    assert (7, 11) == (told("sip_in_flight_limit"), told("connections_limit"))


async def test_what_others_keep_count_of_is_written_down(settings: Settings, folder: Path) -> None:
    """Once and no more: two connections, and the commands of two REGISTERs at least."""
    names = ("connections_opened_total", "store_commands_total", "store_writes_total")
    before = [told(name) for name in names]
    async with started(settings, folder) as ward:
        await ward.report(Ready)
        for _ in range(2):
            _, writer = await asyncio.open_connection(*ward.address)
            writer.close()
        async with Phone(ward.address) as phone:
            await phone.register("alice", CONTACT)
            await phone.register("bob", CONTACT)
        async with asyncio.timeout(PATIENCE_S):
            while told("connections_opened_total") < before[0] + 2:
                await ward.report(Status)
        await ward.drained(1.0)
    opened, commands, writes = [
        told(name) - count for name, count in zip(names, before, strict=True)
    ]

    assert 2 == opened
    assert commands > writes >= 2


async def test_one_worker_of_a_node_counts_the_store(settings: Settings, folder: Path) -> None:
    """Without being asked, soon after its start."""
    async with started(settings, folder) as ward:
        await ward.report(Ready)
        async with Phone(ward.address) as phone:
            await phone.register("alice", CONTACT)
    async with started(settings, folder) as ward, asyncio.timeout(PATIENCE_S):
        while told("bindings", table="location") != 1:
            await ward.report(Status)

    assert 1 == told("aors", table="location")


async def test_how_late_the_loop_is_is_looked_at_all_the_time(
    settings: Settings, folder: Path
) -> None:
    """So what keeps it from its work is seen, whatever that is."""
    before = told("loop_lag_seconds_count")
    async with started(settings, folder) as ward, asyncio.timeout(PATIENCE_S):
        await ward.report(Ready)
        while told("loop_lag_seconds_count") < before + 5:
            await ward.report(Status)

    assert told("loop_lag_seconds_sum") < PATIENCE_S
