"""The supervisor: starts the workers, restarts one that dies, drains them, answers HTTP.

It binds nothing of SIP. SIGTERM and SIGINT drain (a second one ends at once), SIGHUP reads the
settings again; they are obeyed from the start on, also while the embedded store reads its file. So
are the errands of ``regcluster set`` and ``drain``. A service manager is told of all of it.
HTTP answers until the very end, so that a balancer is told of the drain while it lasts.
"""

import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
from msgspec.structs import replace

from regcluster import __version__, log
from regcluster.config import Settings
from regcluster.config.reader import Loaded
from regcluster.config.reload import changed, merged
from regcluster.config.secrets import secret_free
from regcluster.control import http, porter
from regcluster.control.api.app import Api
from regcluster.control.cpus import usable_cpus
from regcluster.control.edition import edition
from regcluster.control.errand import FOLDER, Answer, Errand, home
from regcluster.control.front import Front
from regcluster.control.gauges import NodeGauges
from regcluster.control.listeners import claim
from regcluster.control.overlay import Overlay
from regcluster.control.storekeeper import Storekeeper
from regcluster.control.systemd import ServiceManager
from regcluster.control.workers import Workers
from regcluster.errors import ConfigError, RegclusterError, StoreUnavailable
from regcluster.log import get_logger
from regcluster.store import open_store
from regcluster.store.embedded import SCHEME

logger = get_logger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

LAST_S = 1.0
"""What is kept back of ``drain_s`` for processes to end in; of a short one, a quarter."""

WORKER = (sys.executable, "-m", "regcluster.control.serve")
"""Starts a worker process."""


def run(loaded: Loaded, reload: Callable[[], Loaded]) -> None:
    """Run a node until it is told to end.

    ``reload`` reads the settings anew. Raises ``ConfigError`` for settings that only now turn out
    not to be usable, ``StoreMismatch`` for a store that is not ours.
    """
    settings = loaded.settings
    claim(settings.listen)
    bound = http.bind(settings.http.listen) if settings.http.listen else None
    with tempfile.TemporaryDirectory(prefix=FOLDER, dir=home()) as folder:
        supervisor = Supervisor(loaded, reload, Path(folder))
        anyio.run(supervisor.run, bound, backend_options={"use_uvloop": True})


class Supervisor:
    """One node, which keeps its own in ``folder``; ``command`` starts a worker, see ``Crew``."""

    def __init__(
        self,
        loaded: Loaded,
        reload: Callable[[], Loaded],
        folder: Path,
        command: Sequence[str] = WORKER,
    ) -> None:
        settings = loaded.settings
        self._settings = settings
        self._overlay = Overlay(loaded)
        self._errands = anyio.Lock()
        self._store_url = settings.store.url
        self._reload = reload
        self._folder = folder
        self._gauges = NodeGauges(__version__, time.time())
        self._gauges.workers = settings.node.workers or usable_cpus()
        self._manager = ServiceManager.from_environ(os.environ)
        self._workers = Workers(command, folder, self._gauges, self._tell)
        self._is_draining = False
        self._front = Front(loaded, self._overlay, self._workers, self._outfit, self.drain)
        self._api = Api(self._front, settings.http)
        self._failure: RegclusterError | None = None

    async def run(self, bound: socket.socket | None) -> None:
        """Start, watch, and end in order; HTTP on ``bound``. Raises ``RegclusterError``."""
        self._configure_log()
        errands = await porter.listen(self._folder)
        with anyio.open_signal_receiver(*SIGNALS) as signals:
            async with anyio.create_task_group() as tasks:
                self._end = tasks.cancel_scope.cancel
                self._start = tasks.start_soon
                tasks.start_soon(self._obey, signals)
                tasks.start_soon(self._manager.watch)
                tasks.start_soon(porter.serve, errands, self._do_errand)
                if bound:
                    tasks.start_soon(self._answer, bound)
                try:
                    await self._serve()
                except RegclusterError as why:
                    self._fail(why)
        if self._failure:
            raise self._failure
        logger.info("node ended")

    async def _answer(self, bound: socket.socket) -> None:
        """Answer HTTP on ``bound`` until cancelled."""
        try:
            await http.serve(bound, self._workers, self._workers.registry, self._api.routes())
        finally:
            self._api.close()
            with anyio.CancelScope(shield=True):
                await self._front.close()

    async def _serve(self) -> None:
        """Be a node until cancelled, or until it turns out that it cannot be one."""
        async with AsyncExitStack() as stack:
            keeper = None
            if self._store_url.startswith(SCHEME):
                keeper = Storekeeper(self._store_url, self._gauges, self._move)
                self._store_url = await keeper.open()
                stack.push_async_callback(keeper.close)
            await self._look_at_store()
            async with anyio.create_task_group() as tasks:
                if keeper:
                    tasks.start_soon(keeper.keep)
                self._announce()
                await self._workers.keep(self._outfit(), self._refuse)

    async def _look_at_store(self) -> None:
        """Raise ``StoreMismatch`` if the store is another's; one that is away may still come."""
        store = await open_store(self._outfit().store)
        try:
            await store.check()
        except StoreUnavailable as why:
            logger.warning("store does not answer", problem=secret_free(str(why)))
        finally:
            await store.close()

    def _announce(self) -> None:
        logger.info(
            "node started",
            version=__version__,
            edition=edition(),
            workers=self._gauges.workers,
            udp=self._settings.listen.udp,
            tcp=self._settings.listen.tcp,
            http=self._settings.http.listen,
            store=secret_free(self._store_url),
        )

    def _refuse(self, problem: str) -> None:
        self._fail(ConfigError([problem]))

    def _fail(self, why: RegclusterError) -> None:
        self._failure = why
        self._end()

    def _move(self, url: str) -> None:
        """The store has another address, which workers take up only at their start."""
        self._store_url = url
        self._workers.replace(self._outfit())

    def _outfit(self) -> Settings:
        """The settings as workers get them: with what was left to us to find out."""
        node = replace(self._settings.node, name=self._settings.node.name or socket.gethostname())
        store = replace(self._settings.store, url=self._store_url)
        return replace(self._settings, node=node, store=store)

    def _configure_log(self) -> None:
        outfit = self._outfit()
        log.configure(outfit.log, node=outfit.node.name)

    def drain(self) -> None:
        """Begin to end in order, as on SIGTERM, unless that has begun."""
        if not self._is_draining:
            self._is_draining = True
            self._start(self._drain)

    def _tell(self, problems: Sequence[str]) -> None:
        # Without its store a node is up all the same: to start it again would not help.
        self._manager.tell(problems, is_up=self._workers.is_up)

    async def _obey(self, signals: AsyncIterator[signal.Signals]) -> None:
        async for number in signals:
            if number == signal.SIGHUP:
                self._manager.tell_reload()
                self._take_up()
                self._manager.tell_reloaded()
            elif self._is_draining:
                self._end()
            else:
                self.drain()

    async def _drain(self) -> None:
        """End all workers in order, then the node; those that take too long are killed with it.

        Balancers are told first, and given notice_s to hear of it.
        """
        node = self._settings.node
        logger.info("draining", within_s=node.drain_s)
        self._manager.tell_end(node.drain_s)
        self._workers.give_notice()
        await anyio.sleep(node.notice_s)
        within_s = node.drain_s - node.notice_s
        kept_s = min(LAST_S, within_s / 4)
        with anyio.move_on_after(within_s - kept_s / 2):
            await self._workers.drain(within_s - kept_s)
        self._end()

    def _take_up(self) -> None:
        """SIGHUP: use what may change, name what may not, keep all if anything is wrong."""
        try:
            loaded = self._reload()
            tokens = self._api.read_tokens()
            self._overlay.take_up(loaded)
        except RegclusterError as wrong:
            problems = wrong.problems if isinstance(wrong, ConfigError) else [str(wrong)]
            logger.error("settings not changed", problems=list(problems))
            return
        self._api.admit(tokens)
        taken, refused = self._adopt(rereads=True)
        if taken or refused:
            logger.info("settings changed", changed=taken, need_a_restart=refused)
        else:
            logger.info("settings read again")
        if self._settings.routing.script:
            self._start(self._tell_of_script, self._settings.routing.script)

    async def _tell_of_script(self, script: str) -> None:
        """Log what came of reading ``script`` again, once all workers have."""
        # Those who change settings wait for the same answers, one at a time.
        async with self._errands:
            problems = await self._workers.settle()
        if problems:
            logger.error("route script not changed", problems=problems)
        else:
            logger.info("route script read again", script=script)

    async def _do_errand(self, what: Errand) -> Answer:
        """Change what an operator asks for, if it can be; returns when all workers go by it.

        Or have the node end, which only begins when this returns.
        """
        problems: Sequence[str] = ()
        if what.drains:
            self.drain()
        if what.changes or what.resets_all:
            # One at a time: what cannot be is taken back to what there was before.
            async with self._errands:
                problems = await self._change(what)
        name = self._outfit().node.name
        return Answer(name, os.getpid(), self._overlay.overridden(), list(problems))

    async def _change(self, what: Errand) -> Sequence[str]:
        """Why the settings could not be changed; nothing if they were."""
        before = self._overlay.by_hand
        try:
            self._overlay.change(dict.fromkeys(before if what.resets_all else ()) | what.changes)
        except ConfigError as wrong:
            return wrong.problems
        taken, _ = self._adopt(rereads=False)
        problems = await self._workers.settle()
        if not taken:
            # Any problems are of the last SIGHUP.
            return ()
        if problems:
            await self._undo(before)
        else:
            logger.info("settings overridden", changed=taken)
        return problems

    async def _undo(self, by_hand: Mapping[str, str]) -> None:
        """Go by what was laid over before; returns when all workers do."""
        try:
            self._overlay.restore(by_hand)
        except ConfigError as wrong:
            # Only after a SIGHUP in between, which went with the change and not without it.
            logger.error("settings not changed", problems=list(wrong.problems))
        self._adopt(rereads=False)
        await self._workers.settle()

    def _adopt(self, *, rereads: bool) -> tuple[list[str], list[str]]:
        """Use those of the settings that may change; the keys of these, and of the others."""
        taken, refused = changed(self._settings, self._overlay.settings)
        if taken or rereads:
            self._settings = merged(self._settings, self._overlay.settings)
            self._configure_log()
            self._workers.apply(self._outfit(), rereads=rereads)
        return taken, refused
