"""One generator process: its sockets, its share of the phones, and what it tells the parent."""

import gc
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from multiprocessing.connection import Connection
from pathlib import Path

from regcluster.errors import RegclusterError
from regcluster.load.engine import Course, Engine, Order
from regcluster.load.ledger import GOOD, Account
from regcluster.load.messages import ELSEWHERE, Texts
from regcluster.load.pace import (
    ClosedPace,
    OpenPace,
    Pace,
    even_times,
    interleave,
    random_times,
    share,
)
from regcluster.load.phones import Phones
from regcluster.load.plan import Load
from regcluster.load.punctual import be_punctual
from regcluster.load.stream import TcpWire
from regcluster.load.wire import UdpWire, Wire

PREPARE_WINDOW = 64
"""REGISTERs under way while phones are prepared, of all processes."""

PREPARE_S = 120.0
"""How long one phone tries to be registered before the run."""

SILENT_S = 3.0
"""Seconds without a single answer after which nobody is there."""

SIGN_S = 0.1


@dataclass(frozen=True, slots=True)
class Share:
    """What one process is told."""

    load: Load
    tag: str
    """What its branches have in common, and no other's."""
    part: int


@dataclass(frozen=True, slots=True)
class Sign:
    """How far a process is."""

    sent: int = 0
    """Counted requests: none of the warm-up."""
    answered: int = 0
    under_way: int = 0
    is_draining: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """All phones of the process are registered."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The process could not begin."""

    sentence: str


def work(parent: Connection, share: Share) -> None:
    """Do one process's share, and hand the account over."""
    # Ctrl-C is the parent's to hear, which says what is to be done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    be_punctual()
    # Nothing here makes circles, and a collection would hold up whatever is due.
    gc.disable()
    try:
        member = Member(parent, share)
        try:
            member.prepare()
            parent.send(Prepared())
            parent.send(member.offer(parent.recv()))
        finally:
            member.close()
    except RegclusterError as broken:
        parent.send(Failed(str(broken)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        # Nobody wants to know any more.
        return


class Member:
    """The process's sockets and phones, for both parts of its work."""

    def __init__(self, parent: Connection, share: Share) -> None:
        self._parent = parent
        self._load = load = share.load
        self._tag = share.tag.encode()
        self._part = share.part
        self._phones = Phones(load, share.part, load.processes)
        self._wire = _wire(load)
        contact = self._wire.contact or ELSEWHERE
        self._texts = [Texts(load, here, contact) for here in self._wire.locals]
        self._sign_at = 0.0
        self._meter = Meter()

    def close(self) -> None:
        """Close the sockets."""
        self._wire.close()

    def prepare(self) -> None:
        """Register all phones of this process, if the load needs any.

        Raises ``RegclusterError`` if one of them could not be.
        """
        if not (self._load.prepare and self._load.needs_phones):
            return
        if self._load.mix.get("forward"):
            # Contacts of earlier runs lead to sockets that are no more.
            self._send_all("unregister")
        self._send_all("register")

    def _send_all(self, kind: str) -> None:
        """One REGISTER of each phone of this process, until all are answered 200."""
        load, numbers = self._load, self._phones.all()
        engine = Engine(
            replace(load, retransmit=True, timeout_s=0.0, persist_s=PREPARE_S),
            self._wire,
            self._texts,
            Course(
                kinds=(kind,),
                numbers={kind: iter(numbers).__next__},
                cseq=self._phones.cseq,
                pace=ClosedPace(max(PREPARE_WINDOW // load.processes, 1)),
                tag=self._tag + kind[:1].encode(),
                count=len(numbers),
            ),
            self._unless_silent(time.monotonic()),
        )
        engine.run()
        if engine.answered == 0:
            raise RegclusterError(f"{load.targets[0]} answers nothing")
        good = sum(sum(counts.values()) for counts in engine.ledger.latency.values())
        if good < len(numbers):
            raise RegclusterError(
                f"{len(numbers) - good} of {len(numbers)} phones could not be registered; "
                f"the answers were {_listed(engine)}"
            )

    def offer(self, start: float) -> Account:
        """Send the load from the instant ``start`` on."""
        load, part = self._load, self._part
        begin = start + load.warmup_s
        course = Course(
            kinds=interleave(load.mix),
            numbers=self._phones.choose,
            cseq=self._phones.cseq,
            pace=_pace(load, part, start),
            tag=self._tag + b"l",
            begin=begin,
            end=inf if load.count else begin + load.seconds,
            count=share(load.count, part, load.processes),
        )
        before = self._wire.drops()
        broken = self._wire.lost
        self._meter = Meter()
        engine = Engine(load, self._wire, self._texts, course, self._report)
        time.sleep(max(start - time.monotonic(), 0.0))
        engine.run()
        self._meter.read(engine)
        return Account(
            ledger=engine.ledger,
            timeline=engine.timeline,
            begun=engine.begun,
            ended=engine.ended,
            watched_s=self._meter.watched_s,
            cpu_s=self._meter.cpu_s,
            waited_s=self._meter.waited_s,
            drops=self._wire.drops() - before,
            broken=self._wire.lost - broken,
            extra=engine.extra,
            warmed=engine.started - sum(engine.ledger.sent.values()),
        )

    def _report(self, engine: Engine) -> Order:
        """Tell the parent how far we are, and hear what it wants."""
        self._meter.read(engine)
        now = time.monotonic()
        if now >= self._sign_at:
            self._sign_at = now + SIGN_S
            sign = Sign(engine.counted, engine.answered, engine.under_way, engine.ended > 0)
            self._parent.send(sign)
            if self._parent.poll():
                self._parent.recv()
                return Order.LEAVE
        return Order.GO_ON

    def _unless_silent(self, start: float) -> Callable[[Engine], Order]:
        def look(engine: Engine) -> Order:
            if engine.answered == 0 and time.monotonic() > start + SILENT_S:
                return Order.LEAVE
            return self._report(engine)

        return look


class Meter:
    """Processor time between the beginning and the end of what an engine counts."""

    def __init__(self) -> None:
        self.watched_s = self.cpu_s = self.waited_s = 0.0
        self._from: tuple[float, float, float] | None = None
        self._is_done = False

    def read(self, engine: Engine) -> None:
        """Look at the clocks, if the engine has begun since, or not ended before."""
        if self._is_done or not engine.begun:
            return
        clocks = _clocks()
        self._from = begun = self._from or clocks
        self.watched_s, self.cpu_s, self.waited_s = (
            later - earlier for later, earlier in zip(clocks, begun, strict=True)
        )
        self._is_done = engine.ended > 0


def _clocks() -> tuple[float, float, float]:
    """Seconds that have passed, that this process has had a CPU, and has waited for one."""
    cpu, waited, _ = Path("/proc/self/schedstat").read_text().split()
    return time.monotonic(), int(cpu) / 1e9, int(waited) / 1e9


def _wire(load: Load) -> Wire:
    if load.transport == "tcp":
        return TcpWire(load.targets, load.sockets)
    return UdpWire(load.targets, load.sockets, is_callee=bool(load.mix.get("forward")))


def _pace(load: Load, part: int, start: float) -> Pace:
    if not load.is_open:
        return ClosedPace(max(share(load.window, part, load.processes), 1))
    if load.arrivals == "poisson":
        chance = random.Random(f"{load.call_ids}/{part}")
        return OpenPace(
            random_times(start, load.rate / load.processes, lambda: chance.expovariate(1.0))
        )
    return OpenPace(even_times(start, load.rate, part, load.processes))


def _listed(engine: Engine) -> str:
    """The answers that were no good, the most frequent first."""
    bad = {
        status: times
        for (kind, status), times in engine.ledger.statuses.items()
        if status not in GOOD[kind]
    }
    words = [f"{bad[status]} x {status}" for status in sorted(bad, key=lambda s: -bad[s])]
    lost = sum(engine.ledger.lost.values())
    return ", ".join([*words, f"{lost} x none"] if lost else words)
