"""A wire and a server in memory, and a clock that moves only while somebody waits."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from regcluster.load import Load
from regcluster.load.engine import Course, Engine, Order
from regcluster.load.messages import Place, Texts
from regcluster.load.pace import ClosedPace, OpenPace, Pace, even_times, interleave
from regcluster.load.phones import Phones
from regcluster.load.wire import Take

START = 1000.0

Answers = list[tuple[float, bytes]]
"""Seconds after which each answer arrives."""


@dataclass(slots=True)
class Air:
    """What is sent reaches ``server`` at once; each sending takes ``cost_s``."""

    server: Callable[["Air", bytes], Answers]
    cost_s: float = 0.0
    now: float = START
    sent: list[tuple[float, bytes]] = field(default_factory=list)
    contact: str = ""
    lost: int = 0
    locals: Sequence[Place] = (Place("192.0.2.1", 5070),)
    _coming: list[tuple[float, int, bytes]] = field(default_factory=list)

    def clock(self) -> float:
        """The instant, which every look moves on a little: time that stands still starves loops."""
        self.now += 1e-7
        return self.now

    def send(self, channel: int, data: bytes) -> bool:
        """Reach the server."""
        self.sent.append((self.now - START, data))
        self.now += self.cost_s
        for delay, answer in self.server(self, data):
            heapq.heappush(self._coming, (self.now + delay, len(self.sent), answer))
        return True

    def flush(self) -> None:
        """Nothing is kept."""

    def receive(self, wait: float, take: Take) -> None:
        """Move on to the first answer, or by ``wait``."""
        until = self.now + wait
        if self._coming and self._coming[0][0] <= until:
            until = self._coming[0][0]
        self.now = max(self.now, until)
        while self._coming and self._coming[0][0] <= self.now:
            take(heapq.heappop(self._coming)[2])

    def drops(self) -> int:
        """Never any."""
        return 0

    def close(self) -> None:
        """Nothing is open."""

    def instants(self) -> list[float]:
        """When each message was sent, to the millisecond, counted from the start."""
        return [round(instant, 3) for instant, _ in self.sent]


def answer(request: bytes, status: str, *fields: str) -> bytes:
    """The answer of a server that repeats what has to be repeated."""
    kept = [
        line
        for line in request.split(b"\r\n")
        if line.split(b":")[0] in (b"Via", b"From", b"Call-ID", b"CSeq")
    ]
    to = next(line for line in request.split(b"\r\n") if line.startswith(b"To:"))
    more = [line.encode() for line in fields]
    lines = [f"SIP/2.0 {status}".encode(), *kept, to + b";tag=s", *more, b"", b""]
    return b"\r\n".join(lines)


def after(delay: float, status: str = "200 OK", *fields: str) -> Callable[[Air, bytes], Answers]:
    """A server that answers everything alike, ``delay`` seconds later."""

    def serve(air: Air, request: bytes) -> Answers:
        return [(delay, answer(request, status, *fields))]

    return serve


def silent(air: Air, request: bytes) -> Answers:
    """A server that answers nothing."""
    return []


def offered(load: Load, air: Air, look: Callable[[Engine], Order] | None = None) -> Engine:
    """An engine that has offered ``load`` over ``air``."""
    load = replace(load, call_ids="t")
    phones = Phones(load, 0, 1)
    pace: Pace = ClosedPace(load.window)
    if load.is_open:
        pace = OpenPace(even_times(START, load.rate, 0, 1))
    begin = START + load.warmup_s
    course = Course(
        kinds=interleave(load.mix),
        numbers=phones.choose,
        cseq=phones.cseq,
        pace=pace,
        tag=b"tag",
        begin=begin,
        end=float("inf") if load.count else begin + load.seconds,
        count=load.count,
        clock=air.clock,
    )
    texts = [Texts(load, here, "192.0.2.9:5060") for here in air.locals]
    engine = Engine(load, air, texts, course, look or (lambda engine: Order.GO_ON))
    engine.run()
    return engine
