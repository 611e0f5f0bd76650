"""A worker's place: who is in it, and what becomes of those who die, hang or cannot start."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from regcluster.config import LogSettings, Settings
from regcluster.control.gauges import NodeGauges
from regcluster.control.life import Crew, Patience
from regcluster.control.slot import Slot
from tests.control import stage
from tests.control.watch import Watch

pytestmark = [pytest.mark.anyio, pytest.mark.server]

SECOND = 1.0

EAGER = Patience(shortest_wait_s=0.01, longest_wait_s=0.04, last_words_s=10.0)
"""Does not wait for anything that a test is not about."""

STRICT = Patience(silent_s=0.1, last_look_s=0.05, last_words_s=0, shortest_wait_s=0.01)
"""Takes no silence, but lets others start in peace."""

DEBUG = Settings(log=LogSettings(level="debug"))


class Place:
    """A slot in ``folder`` whose workers play a part."""

    def __init__(self, folder: Path, command: list[str], patience: Patience) -> None:
        (folder / "metrics").mkdir()
        self.watch = Watch()
        self.gauges = NodeGauges("1.0", 0.0)
        crew = Crew(1, command, folder, self.gauges, self.watch, patience)
        self.slot = Slot(0, crew, Settings())
        self.outcome: str | None = None

    async def keep(self) -> None:
        """Keep a worker in the slot; what came of it is the ``outcome``."""
        self.outcome = await self.slot.keep()
        self.watch()

    async def heard(self, problem: str) -> None:
        """Return once a worker has said this of its store."""
        await self.watch.until(lambda: self.slot.store_problem == problem)

    async def pid(self) -> int:
        """The process of a worker that is ``deaf``."""
        await self.watch.until(lambda: self.slot.store_problem.isdigit())
        return int(self.slot.store_problem)

    async def restarted(self, reason: str, times: int) -> None:
        """Return once so many workers have been followed by another."""
        await self.watch.until(lambda: self.gauges.restarts[reason] >= times)


@asynccontextmanager
async def place(folder: Path, part: str, patience: Patience = EAGER) -> AsyncIterator[Place]:
    """A slot that is kept until the test leaves it."""
    kept = Place(folder, stage.command(part), patience)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(kept.keep)
        yield kept
        tasks.cancel_scope.cancel()


def is_alive(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


async def test_a_worker_is_ready_once_it_says_so(tmp_path: Path) -> None:
    """And what it says of its store is known."""
    async with place(tmp_path, "good") as kept:
        before = kept.slot.is_ready
        await kept.heard("")
        after = kept.slot.is_ready

    assert (False, True) == (before, after)


async def test_a_worker_that_dies_is_followed_by_another(tmp_path: Path) -> None:
    """The death is counted, and the new one is another process."""
    async with place(tmp_path, "deaf") as kept:
        first = await kept.pid()
        os.kill(first, signal.SIGKILL)
        await kept.restarted("died", 1)
        was_ready = kept.slot.is_ready
        second = await kept.pid()

    assert not was_ready
    assert first != second
    assert {"died": 1, "stuck": 0} == kept.gauges.restarts


async def test_a_worker_that_hangs_is_killed_and_followed_by_another(tmp_path: Path) -> None:
    """Stopped where it stands it says nothing any more, and would keep its share of the traffic."""
    async with place(tmp_path, "deaf", STRICT) as kept:
        first = await kept.pid()
        os.kill(first, signal.SIGSTOP)
        await kept.restarted("stuck", 1)
        second = await kept.pid()

    assert first != second
    assert not is_alive(first)


@pytest.mark.parametrize("part", ["mute", "silent"])
async def test_a_worker_that_never_reports_is_stuck(tmp_path: Path, part: str) -> None:
    """From its birth, or from when it was ready."""
    async with place(tmp_path, part, replace(STRICT, start_s=0.1)) as kept:
        await kept.restarted("stuck", 1)

    assert 0 == kept.gauges.restarts["died"]


async def test_a_silence_is_looked_into_once_more(tmp_path: Path) -> None:
    """When a whole machine stood still, time is up for workers that had no time to say anything."""
    async with place(tmp_path, "deaf", replace(STRICT, last_look_s=10.0)) as kept:
        before = await kept.pid()
        os.kill(before, signal.SIGSTOP)
        await anyio.sleep(2 * STRICT.silent_s)
        os.kill(before, signal.SIGCONT)
        kept.slot.store_problem = ""
        after = await kept.pid()

    assert before == after
    assert 0 == kept.gauges.restarts.total()


async def test_a_program_that_cannot_be_run_is_tried_again_ever_more_slowly(
    tmp_path: Path,
) -> None:
    """The system may have had no memory for it just then; each pause is longer than the last."""
    begun = time.monotonic()
    kept = Place(tmp_path, [str(tmp_path / "nothing")], EAGER)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(kept.keep)
        await kept.restarted("died", 5)
        tasks.cancel_scope.cancel()
    took_s = time.monotonic() - begun

    assert took_s > 0.01 + 0.02 + 0.04 + 0.04
    assert not kept.slot.is_ready


async def test_a_worker_that_cannot_start_ends_it(tmp_path: Path) -> None:
    """Its reason is the outcome: the next one would not fare better."""
    async with place(tmp_path, "fatal") as kept:
        await kept.watch.until(lambda: kept.outcome is not None)

    assert stage.FATAL == kept.outcome
    assert 0 == kept.gauges.restarts.total()


async def test_new_settings_reach_the_worker(tmp_path: Path) -> None:
    """While it goes on working."""
    async with place(tmp_path, "good") as kept:
        await kept.heard("")
        kept.slot.apply(DEBUG, rereads=True)
        await kept.heard("debug")

    assert 0 == kept.gauges.restarts.total()


async def test_a_worker_is_behind_until_it_says_that_it_goes_by_new_settings(
    tmp_path: Path,
) -> None:
    """However often it was given some in between."""
    async with place(tmp_path, "good") as kept:
        await kept.heard("")
        kept.slot.apply(Settings(), rereads=True)
        kept.slot.apply(DEBUG, rereads=True)
        was_behind = kept.slot.is_behind
        await kept.watch.until(lambda: not kept.slot.is_behind)
        await kept.heard("debug")

    assert was_behind


async def test_a_worker_that_dies_leaves_nobody_behind(tmp_path: Path) -> None:
    """The next one begins with what that one was given last."""
    async with place(tmp_path, "deaf") as kept:
        pid = await kept.pid()
        kept.slot.apply(DEBUG, rereads=True)
        was_behind = kept.slot.is_behind
        os.kill(pid, signal.SIGKILL)
        await kept.restarted("died", 1)

    assert (True, False) == (was_behind, kept.slot.is_behind)


async def test_new_settings_hold_for_the_next_worker(tmp_path: Path) -> None:
    """It is not told the old ones first."""
    async with place(tmp_path, "brief") as kept:
        await kept.heard("")
        kept.slot.apply(DEBUG, rereads=True)
        await kept.heard("debug")

    assert 1 == kept.gauges.restarts["died"]


async def test_a_worker_is_replaced_by_one_with_other_settings(tmp_path: Path) -> None:
    """For those that a worker takes up at its start only."""
    async with place(tmp_path, "good") as kept:
        await kept.heard("")
        kept.slot.replace(DEBUG)
        await kept.heard("debug")

    assert 1 == kept.gauges.restarts["died"]


async def test_a_worker_is_told_that_it_is_to_leave(tmp_path: Path) -> None:
    """Balancers ask the worker, not us; where there is none, nobody is told."""
    async with place(tmp_path, "good") as kept:
        kept.slot.give_notice()
        await kept.heard("")
        kept.slot.give_notice()
        await kept.heard(stage.LEAVING)


async def test_drain_returns_when_the_worker_has_ended(tmp_path: Path) -> None:
    """It ends by itself, and no other takes its place."""
    async with place(tmp_path, "slow") as kept:
        await kept.heard("")
        begun = time.monotonic()
        await kept.slot.drain(SECOND)
        took_s = time.monotonic() - begun
        await kept.watch.until(lambda: kept.outcome is not None)

    assert "" == kept.outcome
    assert stage.SLOWNESS_S < took_s < SECOND
    assert 0 == kept.gauges.restarts.total()


async def test_drain_does_not_wait_for_the_next_worker(tmp_path: Path) -> None:
    """Between two there is nobody to wait for."""
    patience = Patience(shortest_wait_s=60.0)
    async with place(tmp_path, "quits", patience) as kept:
        await kept.restarted("died", 1)
        with anyio.fail_after(SECOND):
            await kept.slot.drain(60.0)

    assert "" == kept.outcome


async def test_drain_ends_a_worker_that_was_just_started(tmp_path: Path) -> None:
    """One that has been told nothing yet needs no time to end."""
    async with place(tmp_path, "good") as kept:
        await asyncio.sleep(0)
        with anyio.fail_after(SECOND):
            await kept.slot.drain(60.0)

    assert "" == kept.outcome


@pytest.mark.parametrize("part", ["deaf", "mute"])
async def test_who_is_not_waited_for_is_killed(tmp_path: Path, part: str) -> None:
    """Cancelling is not put off by a worker that will not go."""
    async with place(tmp_path, part) as kept:
        await kept.watch.until(lambda: kept.slot.is_ready)
        left_at = time.monotonic()
    took_s = time.monotonic() - left_at

    assert took_s < SECOND
    assert not kept.slot.is_ready


async def test_the_gauges_of_a_dead_worker_vanish_and_its_counters_stay(tmp_path: Path) -> None:
    """What it was working on is nobody's work any more; what it had done was done."""
    async with place(tmp_path, "deaf") as kept:
        metrics = tmp_path / "metrics"
        (metrics / "gauge_livesum_0.db").touch()
        (metrics / "counter_0.db").touch()
        os.kill(await kept.pid(), signal.SIGKILL)
        await kept.restarted("died", 1)

    assert ["counter_0.db"] == [file.name for file in metrics.iterdir()]
