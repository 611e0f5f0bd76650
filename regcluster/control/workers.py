"""All workers of the node: started, drained and counted together, and what the node's health is."""

from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from regcluster.config import Settings
from regcluster.control.api.shapes import WorkerState
from regcluster.control.gauges import NodeGauges
from regcluster.control.life import Crew
from regcluster.control.slot import Slot
from regcluster.log import get_logger
from regcluster.store.keeper import NOT_YET

logger = get_logger(__name__)

_STARTING = ["not all workers have started"]
_BEGINNING = (_STARTING, [f"the store cannot be used: {NOT_YET}"])
"""For a moment these are so at every start."""


class Workers:
    """As many slots as ``gauges`` say: run ``keep``, once; ``drain`` ends it.

    They count into memory-mapped files in ``folder`` that outlive them, so no counter ever goes
    down when one dies. ``on_change`` is told whenever their problems are others than before.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        gauges: NodeGauges,
        on_change: Callable[[Sequence[str]], None],
    ) -> None:
        self._gauges = gauges
        self._on_change = on_change
        self._crew = Crew(gauges.workers, command, folder, gauges, self._tell)
        Path(self._crew.metrics).mkdir()
        self._slots: list[Slot] = []
        gauges.pids = self._pids
        self._changed = anyio.Event()
        self._is_draining = False
        self._told = self.problems()
        """What was logged last; at the start it goes without saying."""

    def problems(self) -> list[str]:
        """Why the node should get no traffic."""
        if self._is_draining:
            return ["draining"]
        if not self.is_up:
            # Those that are ready would have to do the work of all.
            return _STARTING
        ready = [slot for slot in self._slots if slot.is_ready]
        if not ready:
            return ["no worker is ready"]
        if all(slot.store_problem for slot in ready):
            return [f"the store cannot be used: {ready[0].store_problem}"]
        return []

    @property
    def is_up(self) -> bool:
        """Whether each of them has taken requests by now."""
        return bool(self._slots) and all(slot.was_ready for slot in self._slots)

    @property
    def is_draining(self) -> bool:
        """Whether they have been given notice."""
        return self._is_draining

    def states(self) -> list[WorkerState]:
        """How each is."""
        return [
            WorkerState(place, slot.pid, slot.is_ready, slot.restarts, slot.store_problem or None)
            for place, slot in enumerate(self._slots)
        ]

    def registry(self) -> CollectorRegistry:
        """What all of them have counted, and the node itself."""
        registry = CollectorRegistry()
        MultiProcessCollector(registry, self._crew.metrics)  # type: ignore[no-untyped-call]
        registry.register(self._gauges)
        return registry

    async def keep(self, settings: Settings, on_fatal: Callable[[str], None]) -> None:
        """Start all and keep them running; ``on_fatal`` is told why they cannot be started."""
        async with anyio.create_task_group() as tasks:
            for index in range(self._crew.size):
                slot = Slot(index, self._crew, settings)
                self._slots.append(slot)
                tasks.start_soon(_keep, slot, on_fatal)

    def apply(self, settings: Settings, *, rereads: bool) -> None:
        """Give them, and those after them, new settings; ``rereads``: see ``Apply``."""
        for slot in self._slots:
            slot.apply(settings, rereads=rereads)

    async def settle(self) -> list[str]:
        """Return when no worker goes by other settings than were applied last; why not by all.

        One that hangs is not waited for longer than it takes to be found out and killed.
        """
        while any(slot.is_behind for slot in self._slots):
            self._changed = anyio.Event()
            await self._changed.wait()
        return sorted({slot.apply_problem for slot in self._slots} - {""})

    def replace(self, settings: Settings) -> None:
        """Have new ones begin with ``settings`` in their places."""
        for slot in self._slots:
            slot.replace(settings)

    def give_notice(self) -> None:
        """Be ready no more; ``drain`` is to follow."""
        self._is_draining = self._gauges.is_draining = True
        for slot in self._slots:
            slot.give_notice()
        self._tell()

    async def drain(self, within_s: float) -> None:
        """Have all end in order; returns when they have."""
        async with anyio.create_task_group() as drains:
            for slot in self._slots:
                drains.start_soon(slot.drain, within_s)

    def _pids(self) -> dict[int, int]:
        return {place: slot.pid for place, slot in enumerate(self._slots) if slot.pid}

    def _tell(self) -> None:
        """Wake ``settle``; log when the node becomes ready, when it no more is, and when the
        reason changes."""
        self._changed.set()
        problems = self.problems()
        if problems == self._told:
            return
        self._told = problems
        self._gauges.is_ready = not problems
        self._on_change(problems)
        if not problems:
            logger.info("node ready")
        elif not self._is_draining and problems not in _BEGINNING:
            logger.warning("node not ready", problems=problems)


async def _keep(slot: Slot, on_fatal: Callable[[str], None]) -> None:
    if problem := await slot.keep():
        on_fatal(problem)
