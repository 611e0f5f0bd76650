"""The loop of one generator process: send what is due, read what has come, mind the timers.

A turn costs the same whether one request is due or sixty; nothing in it waits but ``receive``.
Latency is counted from the instant a request was meant for, not from the one it left at, and how
far the two are apart is counted too.
"""

import heapq
import itertools
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from math import inf

from regcluster.load.ledger import GOOD, Ledger, Step, note
from regcluster.load.messages import COOKIE, Texts, retry_after
from regcluster.load.pace import Pace
from regcluster.load.plan import Load
from regcluster.load.timers import Ladder, offsets
from regcluster.load.wire import Wire

AT_ONCE = 16
"""Requests sent before answers get their turn."""

LOOK_S = 0.02
"""Seconds between two looks at the timers and at whoever watches."""

BACKOFF_S = 30.0
"""What a phone waits that was not told how long: half of it to all of it, doubled each time."""

LONGEST_BACKOFF_S = 1800.0
"""At most so long (RFC 5626 §4.5)."""

TRIES = 16
"""Phones looked at for one that is free to refresh."""

REGISTERS = frozenset({"register", "refresh", "unregister"})


class Order(Enum):
    """What an engine that has looked up is told."""

    GO_ON = auto()
    FINISH = auto()
    """Send nothing new, and wait for what is under way."""
    LEAVE = auto()
    """Wait for nothing either."""


@dataclass(frozen=True, slots=True)
class Course:
    """What an engine does, and how long; instants are those of ``clock``, in seconds."""

    kinds: Sequence[str]
    """One cycle of the mix."""
    numbers: Mapping[str, Callable[[], int]]
    """By kind: the phone that the next request of it is about."""
    cseq: Callable[[], int]
    pace: Pace
    tag: bytes
    """What the branches begin with, behind the cookie; no other engine's do."""
    begin: float = 0.0
    """What is meant for an earlier instant is warm-up."""
    end: float = inf
    count: int = 0
    """Requests after the warm-up, at most; 0: as many as there is time for."""
    clock: Callable[[], float] = time.monotonic


class Ask:
    """A request that waits for its answer, or is about to be sent."""

    __slots__ = ("channel", "data", "intended", "kind", "ledger", "number", "since", "tries")

    ledger: Ledger

    def __init__(self, kind: str, number: int, intended: float) -> None:
        self.kind = kind
        self.number = number
        self.intended = self.since = intended
        """When the phone tried for the first time."""
        self.tries = 0
        self.channel = 0
        self.data = b""
        """What to send again; empty: nothing is ever sent again."""


class Engine:
    """Offers one course over one wire; ``run`` it once."""

    def __init__(
        self,
        load: Load,
        wire: Wire,
        texts: Sequence[Texts],
        course: Course,
        look: Callable[["Engine"], Order],
    ) -> None:
        self._load = load
        self._wire = wire
        self._texts = texts
        self._course = course
        self._look = look
        self._now = course.clock
        self._prefix = COOKIE + course.tag
        self._is_repeated = load.retransmit and load.transport == "udp"
        self._plain = self._ladder(is_invite=False)
        self._invite = self._ladder(is_invite=True)
        self._waiting: dict[int, Ask] = {}
        """Requests without an answer, by the number in their branch."""
        self._busy: set[int] = set()
        """Phones that wait for the answer to a REGISTER."""
        self._again: list[tuple[float, int, Ask]] = []
        """Phones that will try again: a heap by when."""
        self._tickets = itertools.count()
        self._look_at = self._step_until = 0.0
        self._step = Step()
        """Where the timeline is; before it begins, one that nobody looks at."""
        self.ledger = self.warmup = Ledger()
        self.timeline: list[Step] = []
        self.begun = self.ended = 0.0
        self.extra = 0
        """Answers nobody waited for."""
        self.started = self.counted = self.answered = 0

    @property
    def under_way(self) -> int:
        """Requests without an answer."""
        return len(self._waiting)

    def run(self) -> None:
        """Send until the course is over, then wait for what is under way."""
        while True:
            instant = self._now()
            if instant >= self._look_at and self._look_up(instant):
                return
            self._start_due(instant)
            self._wire.flush()
            if self.ended and not self._waiting and not self._again:
                return
            self._wire.receive(self._wait(), self._take)

    def _ladder(self, *, is_invite: bool) -> Ladder:
        patience = self._load.patience_s
        again_at = offsets(is_invite=is_invite, patience_s=patience) if self._is_repeated else []
        return Ladder(again_at, patience)

    def _wait(self) -> float:
        """Seconds for which there may be nothing to do."""
        instant = self._now()
        wait = LOOK_S
        if not self.ended:
            wait = min(wait, self._course.pace.wait(instant, len(self._waiting)))
        if self._again:
            wait = min(wait, max(self._again[0][0] - instant, 0.0))
        return wait

    def _look_up(self, instant: float) -> bool:
        """Mind the timers, the timeline and whoever watches; whether to leave at once."""
        self._look_at = instant + LOOK_S
        for ladder in (self._plain, self._invite):
            ladder.climb(instant, self._waiting, self._repeat, self._give_up)
        while self.timeline and instant >= self._step_until:
            self._turn_page()
        order = self._look(self)
        if not self.ended and (order is not Order.GO_ON or self._is_stuck_past_end(instant)):
            self._finish(instant)
        return order is Order.LEAVE

    def _is_stuck_past_end(self, instant: float) -> bool:
        """Whether only an answer could make anything due, and that would be too late.

        What was due before the end is sent all the same, however late: the server has earned it.
        """
        course = self._course
        return instant >= course.end and course.pace.wait(instant, len(self._waiting)) == inf

    def _turn_page(self) -> None:
        self._step = Step()
        self._step_until += self._load.slice_s
        self.timeline.append(self._step)

    def _start_due(self, instant: float) -> None:
        for _ in range(AT_ONCE):
            if self._again and self._again[0][0] <= instant:
                self._send(heapq.heappop(self._again)[2])
            elif self.ended:
                return
            else:
                intended = self._course.pace.due(self._now(), len(self._waiting))
                if intended is None:
                    return
                self._start(intended)

    def _start(self, intended: float) -> None:
        course = self._course
        if intended >= course.end or (course.count and self.counted >= course.count):
            self._finish(self._now())
            return
        if intended >= course.begin:
            if not self.begun:
                # The same instant in all processes, as far as they have agreed on one.
                self._begin(course.begin or intended)
            self.counted += 1
        kind = course.kinds[self.started % len(course.kinds)]
        number = course.numbers[kind]()
        self._send(Ask(kind, self._free(number) if kind == "refresh" else number, intended))

    def _free(self, number: int) -> int:
        """A phone that has the answer to its last REGISTER, as it must (RFC 3261 §10.2).

        Otherwise a repetition of the last one could come after the next one, and be refused.
        """
        for _ in range(TRIES):
            if number not in self._busy:
                return number
            number = self._course.numbers["refresh"]()
        self.ledger.crowded += 1
        return number

    def _begin(self, instant: float) -> None:
        self.begun = instant
        self.ledger = Ledger()
        self._step_until = instant
        self._turn_page()

    def _finish(self, instant: float) -> None:
        if not self.begun:
            self._begin(min(self._course.begin or instant, instant))
        self.ended = instant

    def _send(self, ask: Ask) -> None:
        index = self.started
        self.started = index + 1
        branch = self._prefix + b"%08x" % index
        ask.channel = channel = index % len(self._texts)
        ask.ledger = ledger = self.ledger
        texts = self._texts[channel]
        if ask.kind in REGISTERS:
            render = texts.unregister if ask.kind == "unregister" else texts.register
            data = render(branch, ask.number, self._course.cseq())
            ladder = self._plain
            self._busy.add(ask.number)
        else:
            data = texts.call(branch, ask.number)
            ladder = self._invite if self._load.method == "INVITE" else self._plain
        if self._is_repeated:
            ask.data = data
        self._waiting[index] = ask
        ledger.sent[ask.kind] += 1
        self._step.sent += 1
        instant = self._now()
        ladder.add(index, instant)
        note(ledger.lateness, int((instant - ask.intended) * 1e6))
        if not self._wire.send(channel, data):
            ledger.unsent += 1

    def _repeat(self, index: int) -> None:
        ask = self._waiting[index]
        if ask.data:
            ask.ledger.repeated += 1
            self._step.repeated += 1
            if not self._wire.send(ask.channel, ask.data):
                ask.ledger.unsent += 1

    def _give_up(self, index: int) -> None:
        ask = self._waiting.pop(index)
        self._busy.discard(ask.number)
        ask.ledger.lost[ask.kind] += 1
        self._step.lost += 1
        self._try_again(ask, _backoff(ask.tries), self._now())

    def _take(self, data: bytes) -> None:
        """Read one answer."""
        instant = self._now()
        start = data.find(self._prefix) + len(self._prefix)
        try:
            index = int(data[start : start + 8], 16)
            status = int(data[8:12])
        except ValueError:
            # No answer, or none to anything of ours.
            self.extra += 1
            return
        ask = self._waiting.get(index)
        if ask is None:
            self.extra += 1
        elif status >= 200:
            del self._waiting[index]
            self.answered += 1
            if ask.kind in REGISTERS:
                self._busy.discard(ask.number)
            elif status >= 300 and self._load.method == "INVITE":
                self._acknowledge(ask, data[start - len(self._prefix) : start + 8], data)
            self._settle(ask, status, data, instant)
        elif ask.kind not in REGISTERS and self._load.method == "INVITE":
            # Whoever says that it is trying has it (RFC 3261 §17.1.1.2).
            ask.data = b""

    def _acknowledge(self, ask: Ask, branch: bytes, answer: bytes) -> None:
        ack = self._texts[ask.channel].ack(branch, ask.number, answer)
        if not self._wire.send(ask.channel, ack):
            ask.ledger.unsent += 1

    def _settle(self, ask: Ask, status: int, data: bytes, instant: float) -> None:
        ledger, kind = ask.ledger, ask.kind
        ledger.statuses[kind, status] += 1
        latency = int((instant - ask.intended) * 1e6)
        if status in GOOD[kind]:
            note(ledger.latency[kind], latency)
            self._step.good += 1
            if not self.ended:
                ledger.in_time += 1
            if self._load.persist_s:
                note(ledger.settled, int((instant - ask.since) * 1e6))
            return
        note(ledger.other_latency, latency)
        if status != 503:
            self._step.failed += 1
            return
        self._step.refused += 1
        delay = retry_after(data)
        ledger.retry_afters += delay is not None
        self._try_again(ask, _backoff(ask.tries) if delay is None else delay, instant)

    def _try_again(self, ask: Ask, delay: float, instant: float) -> None:
        """Have the phone try again after ``delay``, if it is not tired of it by then."""
        at = instant + delay
        if at - ask.since > self._load.persist_s:
            return
        later = Ask(ask.kind, ask.number, at)
        later.since = ask.since
        later.tries = ask.tries + 1
        ask.ledger.retried += 1
        heapq.heappush(self._again, (at, next(self._tickets), later))


def _backoff(tries: int) -> float:
    return min(BACKOFF_S * 2.0**tries, LONGEST_BACKOFF_S) * random.uniform(0.5, 1.0)
