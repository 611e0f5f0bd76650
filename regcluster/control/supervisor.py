"""The supervisor: starts the workers, restarts one that dies, drains them, answers HTTP.

It binds nothing of SIP. SIGTERM and SIGINT drain (a second one ends at once), SIGHUP reads the
settings again. Workers count into memory-mapped files that outlive them, so no counter ever goes
down when one dies.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
from anyio.abc import TaskGroup
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from regcluster import __version__, log
from regcluster.config import Settings
from regcluster.config.reader import Loaded
from regcluster.config.reload import changed, merged
from regcluster.control import http
from regcluster.control.gauges import NodeGauges
from regcluster.control.slot import Slot
from regcluster.errors import ConfigError, RegclusterError
from regcluster.log import get_logger
from regcluster.store.embedded import Embedded

logger = get_logger(__name__)

OVERTIME_S = 2.0
"""What a worker gets beyond ``drain_s`` before it is killed."""


def run(loaded: Loaded, reload: Callable[[], Loaded]) -> int:
    """Run a node until it is told to end; the exit code.

    ``reload`` reads the settings anew. Raises ``ConfigError`` for settings that only now turn out
    not to be usable.
    """
    log.configure(loaded.settings.log, node=loaded.settings.node.name)
    with tempfile.TemporaryDirectory(prefix="regcluster-") as folder:
        supervisor = Supervisor(loaded.settings, reload, Path(folder))
        return anyio.run(supervisor.run, backend_options={"use_uvloop": True})


class Supervisor:
    """One node."""

    def __init__(self, settings: Settings, reload: Callable[[], Loaded], folder: Path) -> None:
        self._settings = settings
        self._reload = reload
        self._folder = folder
        self._gauges = NodeGauges(__version__)
        self._slots: list[Slot] = []
        self._is_draining = False
        self._fatal = ""

    def problems(self) -> list[str]:
        """Why the node should get no traffic."""
        if self._is_draining:
            return ["draining"]
        if not any(slot.is_ready for slot in self._slots):
            return ["no worker is ready"]
        if not any(slot.is_ready and slot.store_up for slot in self._slots):
            return ["the store does not answer"]
        return []

    async def run(self) -> int:
        """Start, watch, and end in order."""
        async with AsyncExitStack() as stack:
            bound = http.bind(self._settings.http.listen) if self._settings.http.listen else None
            if self._settings.store.url.startswith("embedded:"):
                embedded = await Embedded.start(self._settings.store.url)
                stack.push_async_callback(embedded.stop)
                self._settings = with_store(self._settings, embedded.url)
            async with anyio.create_task_group() as tasks:
                if bound:
                    server = http.server(self, self._registry)
                    tasks.start_soon(server.serve, [bound])
                self._start_workers(tasks)
                await self._obey_signals()
                tasks.cancel_scope.cancel()
        if self._fatal:
            logger.error("cannot start", problem=self._fatal)
            return 1
        return 0

    def _start_workers(self, tasks: TaskGroup) -> None:
        count = self._settings.node.workers or len(os.sched_getaffinity(0))
        metrics = self._folder / "metrics"
        metrics.mkdir()
        command = [sys.executable, "-m", "regcluster.control.serve"]
        for index in range(count):
            slot = Slot(index, count, command, self._folder, self._gauges)
            slot.settings = self._settings
            self._slots.append(slot)
            tasks.start_soon(self._keep, slot)
        self._gauges.workers.set(count)
        logger.info("node started", workers=count)

    async def _keep(self, slot: Slot) -> None:
        self._fatal = await slot.keep() or self._fatal
        if self._fatal and not self._is_draining:
            os.kill(os.getpid(), signal.SIGTERM)

    def _registry(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(self._folder / "metrics"))  # type: ignore[no-untyped-call]
        registry.register(self._gauges)
        return registry

    async def _obey_signals(self) -> None:
        """Return when the node has drained or was told to end at once."""
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            async with anyio.create_task_group() as tasks:
                async for number in signals:
                    if number == signal.SIGHUP:
                        self._take_up()
                    elif self._is_draining:
                        tasks.cancel_scope.cancel()
                    else:
                        tasks.start_soon(self._drain, tasks)

    async def _drain(self, tasks: TaskGroup) -> None:
        self._is_draining = True
        within = self._settings.node.drain_s
        logger.info("draining", within_s=within)
        with anyio.move_on_after(within + OVERTIME_S):
            async with anyio.create_task_group() as drains:
                for slot in self._slots:
                    drains.start_soon(slot.drain, within)
        tasks.cancel_scope.cancel()

    def _take_up(self) -> None:
        """SIGHUP: use what may change, name what may not, keep all if anything is wrong."""
        try:
            new = self._reload().settings
        except RegclusterError as wrong:
            problems = wrong.problems if isinstance(wrong, ConfigError) else [str(wrong)]
            logger.error("settings not changed", problems=list(problems))
            return
        taken, refused = changed(self._settings, new)
        self._settings = merged(self._settings, new)
        log.configure(self._settings.log, node=self._settings.node.name)
        for slot in self._slots:
            slot.apply(self._settings)
        logger.info("settings changed", changed=taken, need_a_restart=refused)


def with_store(settings: Settings, url: str) -> Settings:
    """``settings`` with another store, the embedded one once it runs."""
    from msgspec.structs import replace

    return replace(settings, store=replace(settings.store, url=url))
