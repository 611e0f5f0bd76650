"""One worker's place: the process in it now, and the next one when that dies.

A worker that dies is started again, later each time, until one has lived for a while; one that is
silent for too long is stuck, and killed to be started again: it would swallow its share of the UDP
traffic for ever. A worker that says before it was ever ready that it cannot start ends the node:
the next one could not either.
"""

import anyio

from regcluster.config import Settings
from regcluster.control.channel import Applied, Apply, Drain, Fatal, Leave, Ready, Start, Status
from regcluster.control.life import Crew, Life
from regcluster.errors import told
from regcluster.log import get_logger
from regcluster.store.keeper import NOT_YET

logger = get_logger(__name__)


class Slot:
    """One of the node's workers, whichever process that is."""

    def __init__(self, index: int, crew: Crew, settings: Settings) -> None:
        self._index = index
        self._crew = crew
        self._settings = settings
        self._life: Life | None = None
        self._draining = anyio.Event()
        self._ended = anyio.Event()
        self.was_ready = False
        self._unanswered = 0
        """How often the worker in it was given new settings and has not said yet that it goes by
        them."""
        self.is_ready = False
        self.restarts = 0
        """How often a process in it has ended that nobody had told to."""
        self.store_problem = NOT_YET
        self.apply_problem = ""
        """Why not all of the settings it was given last could be taken up."""

    @property
    def pid(self) -> int | None:
        """The process in it, if there is one."""
        return self._life.pid if self._life else None

    @property
    def is_behind(self) -> bool:
        """Whether a worker may still go by other settings than it was given last."""
        return self._unanswered > 0

    async def keep(self) -> str:
        """Keep a worker running until it is drained; why it cannot, if that is so."""
        patience = self._crew.patience
        wait = patience.shortest_wait_s
        try:
            while True:
                born = anyio.current_time()
                fatal = await self._live()
                if self._draining.is_set() or (fatal and not self.was_ready):
                    return fatal
                if anyio.current_time() - born > patience.good_life_s:
                    wait = patience.shortest_wait_s
                self._crew.on_change()
                with anyio.move_on_after(wait):
                    await self._draining.wait()
                    return ""
                wait = min(2 * wait, patience.longest_wait_s)
        finally:
            self._ended.set()

    def apply(self, settings: Settings, *, rereads: bool) -> None:
        """Give the worker, and those after it, new settings; ``rereads``: see ``Apply``."""
        self._settings = settings
        if self._life:
            self._life.send(Apply(settings, rereads))
            self._unanswered += 1

    def replace(self, settings: Settings) -> None:
        """Have the worker end, and the next one begin with ``settings``."""
        self._settings = settings
        if self._life:
            self._life.leave()

    def give_notice(self) -> None:
        """Have the worker say that it is going to leave; ``drain`` is to follow."""
        if self._life:
            self._life.send(Leave())

    async def drain(self, within_s: float) -> None:
        """Have the worker end in order; returns when it has."""
        self._draining.set()
        if self._life:
            self._life.send(Drain(within_s))
        await self._ended.wait()

    async def _live(self) -> str:
        """One process from birth to death; the reason if it could not start."""
        try:
            life = await Life.begin(self._index, self._crew)
        except OSError as why:
            # No memory, no process to be had: perhaps another time.
            logger.error("worker not started", worker=self._index, problem=told(why))
            self._crew.gauges.restarts["died"] += 1
            self.restarts += 1
            return ""
        try:
            fatal = await self._attend(life)
        finally:
            self._life, self.is_ready, self.store_problem = None, False, NOT_YET
            await life.bury()
            # Until now it might still have served, by the settings it had.
            self._unanswered, self.apply_problem = 0, ""
        if not self._draining.is_set():
            self._report(life, fatal)
        return fatal

    async def _attend(self, life: Life) -> str:
        """Tell a new worker what to do, and listen to it until it is silent."""
        if self._draining.is_set():
            return ""
        self._life = life
        life.send(Start(self._settings, self._index, self._crew.size, str(self._crew.folder)))
        patience = self._crew.patience.start_s
        while report := await life.hear(patience):
            patience = self._crew.patience.silent_s
            match report:
                case Ready():
                    self.is_ready = self.was_ready = True
                case Status(store_problem=problem):
                    self.store_problem = problem
                case Applied(problem=problem):
                    self._unanswered -= 1
                    self.apply_problem = problem
                case Fatal(problem=problem):
                    return problem
            self._crew.on_change()
        return ""

    def _report(self, life: Life, fatal: str) -> None:
        """Count and log a death that nobody asked for."""
        if fatal and not self.was_ready:
            return
        why = "stuck" if life.is_stuck else "died"
        self._crew.gauges.restarts[why] += 1
        self.restarts += 1
        more = {"problem": fatal} if fatal else {}
        logger.warning(
            "worker ended", worker=self._index, pid=life.pid, why=why, code=life.code, **more
        )
