"""One worker process, from its birth to its burial."""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
from prometheus_client.multiprocess import mark_process_dead

from regcluster.control.channel import Channel, Order, Report, supervisor_end
from regcluster.control.gauges import NodeGauges


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in seconds."""

    start_s: float = 30.0
    """From the birth of a worker to its first report."""
    silent_s: float = 10.0
    """From one report to the next."""
    last_look_s: float = 1.0
    """After that, in case it was us who stood still: a paused machine must not kill its workers."""
    last_words_s: float = 1.0
    """How long a worker without a channel may take to end by itself."""
    shortest_wait_s: float = 0.1
    longest_wait_s: float = 5.0
    """Before the next worker is started."""
    good_life_s: float = 30.0
    """A worker that lived this long did not die of its start."""


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Crew:
    """What the workers of one node have in common."""

    size: int
    command: Sequence[str]
    """Starts a worker; the number of its end of the channel is appended."""
    folder: Path
    """The node's own; ``metrics`` in it holds what the workers count."""
    gauges: NodeGauges
    on_change: Callable[[], None]
    """Told when a worker has reported, and when it has died."""
    patience: Patience = PATIENCE

    @property
    def metrics(self) -> str:
        """The directory for the workers' counters."""
        return str(self.folder / "metrics")

    def environ(self, index: int) -> dict[str, str]:
        """The environment of a worker, which says where it counts: ``metrics`` reads it."""
        return os.environ | {
            "PROMETHEUS_MULTIPROC_DIR": self.metrics,
            "REGCLUSTER_WORKER": str(index),
        }


class Life:
    """A process at work. Made by ``begin``; ``hear`` it until it says no more, then ``bury`` it."""

    def __init__(
        self,
        index: int,
        crew: Crew,
        process: asyncio.subprocess.Process,
        channel: Channel[Order, Report],
    ) -> None:
        self._index = index
        self._crew = crew
        self._process = process
        self._channel = channel
        self.is_stuck = False
        """Whether it was alive when it was last listened to, and said nothing for too long."""

    @classmethod
    async def begin(cls, index: int, crew: Crew) -> "Life":
        """Start a process in the place ``index``. Raises ``OSError``."""
        # Half a birth would leave a process that nobody knows of.
        with anyio.CancelScope(shield=True):
            process, channel = await _spawn(index, crew)
        return cls(index, crew, process, channel)

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code, once it has one."""
        return self._process.returncode

    def send(self, order: Order) -> None:
        """Tell it something; nothing happens if it does not listen any more."""
        self._channel.send(order)

    def leave(self) -> None:
        """Say and hear no more: it sees that it is alone, and ends."""
        self._channel.close()

    async def hear(self, within_s: float) -> Report | None:
        """The next report; None when the process is gone, or stuck."""
        for patience_s in (within_s, self._crew.patience.last_look_s):
            with anyio.move_on_after(patience_s):
                return await self._channel.receive()
        self.is_stuck = True
        return None

    async def bury(self) -> None:
        """Have it end: let it do so by itself for a moment, at once if this is cancelled."""
        self.leave()
        try:
            with anyio.move_on_after(self._crew.patience.last_words_s):
                await self._process.wait()
        finally:
            if self._process.returncode is None:
                self._process.kill()
            with anyio.CancelScope(shield=True):
                await self._process.wait()
            mark_process_dead(self._index, self._crew.metrics)  # type: ignore[no-untyped-call]


async def _spawn(
    index: int, crew: Crew
) -> tuple[asyncio.subprocess.Process, Channel[Order, Report]]:
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = await asyncio.create_subprocess_exec(
                *crew.command,
                str(theirs.fileno()),
                pass_fds=[theirs.fileno()],
                env=crew.environ(index),
            )
        except OSError:
            ours.close()
            raise
    return process, await supervisor_end(ours)
