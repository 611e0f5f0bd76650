"""One worker's place: the process in it now, and the next one when that dies.

A worker that dies is started again, later each time, until one has lived for a while. A worker that
says before it was ever ready that it cannot start ends the node: the next one could not either.
"""

import asyncio
import os
import socket
from pathlib import Path

import anyio
from prometheus_client.multiprocess import mark_process_dead

from regcluster.config import Settings
from regcluster.control.channel import (
    Apply,
    Channel,
    Drain,
    Fatal,
    Order,
    Ready,
    Report,
    Start,
    Status,
    supervisor_end,
)
from regcluster.control.gauges import NodeGauges
from regcluster.log import get_logger

logger = get_logger(__name__)

SHORTEST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0
LAST_WORDS_S = 1.0
"""How long a worker without a channel may take to end by itself."""
GOOD_LIFE_S = 30.0
"""A worker that lived this long did not die of its start."""


class Slot:
    """One of the node's workers, whichever process that is."""

    settings: Settings

    def __init__(
        self, index: int, workers: int, command: list[str], folder: Path, gauges: NodeGauges
    ) -> None:
        self._index = index
        self._workers = workers
        self._command = command
        self._folder = folder
        self._gauges = gauges
        self._channel: Channel[Order, Report] | None = None
        self._ended = anyio.Event()
        self._is_draining = False
        self._was_ready = False
        self.is_ready = False
        self.store_up = False

    async def keep(self) -> str:
        """Keep a worker running until it is drained; why it cannot, if that is so."""
        wait = SHORTEST_WAIT_S
        try:
            while True:
                born = anyio.current_time()
                fatal = await self._live()
                if self._is_draining or (fatal and not self._was_ready):
                    return fatal
                if anyio.current_time() - born > GOOD_LIFE_S:
                    wait = SHORTEST_WAIT_S
                self._gauges.restarts.inc()
                await anyio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_S)
        finally:
            self._ended.set()

    def apply(self, settings: Settings) -> None:
        """Give the worker, and those after it, new settings."""
        self.settings = settings
        if self._channel:
            self._channel.send(Apply(settings))

    async def drain(self, within_s: float) -> None:
        """Have the worker end in order; returns when it has."""
        self._is_draining = True
        if self._channel:
            self._channel.send(Drain(within_s))
            await self._ended.wait()

    async def _live(self) -> str:
        """One process from birth to death; the reason if it could not start."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                str(theirs.fileno()),
                pass_fds=[theirs.fileno()],
                env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(self._folder / "metrics")},
            )
        self._channel = await supervisor_end(ours)
        try:
            self._channel.send(Start(self.settings, self._index, self._workers, str(self._folder)))
            fatal = await self._listen(self._channel)
        finally:
            # The worker sees its channel end and ends too.
            self._channel.close()
            self._channel, self.is_ready, self.store_up = None, False, False
            code = await _ended(process)
            mark_process_dead(process.pid, str(self._folder / "metrics"))  # type: ignore[no-untyped-call]
        if not self._is_draining:
            logger.warning("worker ended", worker=self._index, pid=process.pid, code=code)
        return fatal

    async def _listen(self, channel: Channel[Order, Report]) -> str:
        while report := await channel.receive():
            match report:
                case Ready():
                    self.is_ready = self._was_ready = True
                case Status(store_up=up):
                    self.store_up = up
                case Fatal(problem=problem):
                    return problem
        return ""


async def _ended(process: asyncio.subprocess.Process) -> int:
    """Wait for a process that has no reason to live on; kill it if it does not see that."""
    with anyio.CancelScope(shield=True):
        with anyio.move_on_after(LAST_WORDS_S):
            await process.wait()
        if process.returncode is None:
            process.kill()
        await process.wait()
    return process.returncode or 0
