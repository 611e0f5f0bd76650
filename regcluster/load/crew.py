"""The generator's processes: started, agreed on an instant, watched, and their accounts added up.

Each first registers its share of the phones, if the load needs any, and says so. When all have,
they begin at one instant: monotonic time is the same for all of them. One that loses its parent
ends; the parent ends them all if anything goes wrong.
"""

import multiprocessing
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait

from regcluster.errors import RegclusterError
from regcluster.load.ledger import Account
from regcluster.load.member import Failed, Prepared, Share, Sign, work
from regcluster.load.plan import Load
from regcluster.load.report import Report

LEAD_S = 0.1
"""Seconds from the parent's word to the first request: time enough for all to have heard it."""

STEP_S = 0.05
"""Seconds between two reports to whoever watches."""

END_S = 5.0


@dataclass(frozen=True, slots=True)
class Tick:
    """How far a run is; it is told a few times a second, and at once when ``stage`` changes."""

    stage: str
    """``prepare``, ``warm-up``, ``run``, ``drain``."""
    done: float
    total: float
    """Both in phones while it prepares, in requests for a load of ``count``, otherwise in seconds.
    """
    sent: int = 0
    answered: int = 0
    under_way: int = 0


Watch = Callable[[Tick], None]


def run(load: Load, watch: Watch = lambda tick: None) -> Report:
    """Offer ``load``, and report; ``watch`` is told how far it is.

    Raises ``ConfigError`` for a load that cannot be, ``RegclusterError`` if a target cannot be
    reached or the phones it needs could not be registered. Ctrl-C ends it early, with a report of
    what was done by then, once requests are being sent.
    """
    load.check()
    if not load.call_ids:
        load = replace(load, call_ids=secrets.token_hex(3))
    with _members(load) as members:
        crew = _Crew(load, members, watch)
        prepared = crew.prepare()
        return Report(load, crew.offer(), prepared=prepared)


class _Crew:
    """The parent's side of all processes."""

    def __init__(self, load: Load, members: Sequence[Connection], watch: Watch) -> None:
        self._load = load
        self._members = members
        self._watch = watch
        self._signs = [Sign()] * len(members)

    def prepare(self) -> int:
        """Wait until all phones are registered; how many they were."""
        phones = self._load.users if self._load.prepare and self._load.needs_phones else 0
        left = set(self._members)
        while left:
            for member, message in self._heard(left):
                if isinstance(message, Prepared):
                    left.discard(member)
            if phones:
                answered = sum(sign.answered for sign in self._signs)
                self._tell("prepare", answered, phones)
        return phones

    def offer(self) -> list[Account]:
        """Have all begin, and gather their accounts."""
        self._signs = [Sign()] * len(self._members)
        start = time.monotonic() + LEAD_S
        for member in self._members:
            member.send(start)
        accounts: dict[Connection, Account] = {}
        while len(accounts) < len(self._members):
            try:
                heard = self._heard(set(self._members) - accounts.keys(), self._patience(start))
                accounts.update((m, a) for m, a in heard if isinstance(a, Account))
                self._tell_progress(start)
            except KeyboardInterrupt:
                for member in set(self._members) - accounts.keys():
                    member.send(None)
        return list(accounts.values())

    def _heard(
        self, members: set[Connection], patience: float = STEP_S
    ) -> list[tuple[Connection, object]]:
        """What the members have said; what they say of their progress is kept."""
        found: list[tuple[Connection, object]] = []
        for member in wait(list(members), patience):
            assert isinstance(member, Connection)
            try:
                message = member.recv()
            except EOFError:
                raise RegclusterError("a generator process ended before its time") from None
            if isinstance(message, Failed):
                raise RegclusterError(message.sentence)
            if isinstance(message, Sign):
                self._signs[self._members.index(member)] = message
            else:
                found.append((member, message))
        return found

    def _patience(self, start: float) -> float:
        """Until the stage changes, if that is soon."""
        now = time.monotonic()
        borders = (start + self._load.warmup_s, start + self._load.warmup_s + self._load.seconds)
        return min([STEP_S, *(border - now for border in borders if border > now)])

    def _tell_progress(self, start: float) -> None:
        load = self._load
        elapsed = time.monotonic() - start
        sent = sum(sign.sent for sign in self._signs)
        if elapsed < load.warmup_s:
            self._tell("warm-up", max(elapsed, 0.0), load.warmup_s)
        elif all(sign.is_draining for sign in self._signs):
            self._tell("drain", 1.0, 1.0)
        elif load.count:
            self._tell("run", min(sent, load.count), load.count)
        else:
            self._tell("run", min(elapsed - load.warmup_s, load.seconds), load.seconds)

    def _tell(self, stage: str, done: float, total: float) -> None:
        signs = self._signs
        counts = (
            sum(sign.sent for sign in signs),
            sum(sign.answered for sign in signs),
            sum(sign.under_way for sign in signs),
        )
        self._watch(Tick(stage, done, total, *counts))


@contextmanager
def _members(load: Load) -> Iterator[list[Connection]]:
    """Our ends of the pipes to all processes, which end with this context."""
    context = multiprocessing.get_context("spawn")
    tag = secrets.token_hex(3)
    ours: list[Connection] = []
    processes = []
    try:
        for part in range(load.processes):
            here, there = context.Pipe()
            ours.append(here)
            share = Share(load, f"{tag}{part:02x}", part)
            process = context.Process(
                target=work, args=(there, share), name=f"bench-{part}", daemon=True
            )
            process.start()
            processes.append(process)
            # Or its end would not be noticed: the pipe would still be open here.
            there.close()
        yield ours
    finally:
        for connection in ours:
            connection.close()
        for process in processes:
            process.join(END_S)
            if process.is_alive():
                process.kill()
                process.join()
