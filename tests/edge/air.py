"""A network in which nothing is sure and no time passes, and phones that live with it.

Datagrams are lost, doubled and overtake each other; each goes to a worker by chance. Phones send
again as RFC 3261 §17.1.2 has it. Time is a number that jumps from one event to the next, chance is
seeded: the same seed tells the same story.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count

from regcluster.edge.worker import Worker
from regcluster.sip.headers import parse_name_addr
from regcluster.sip.hop import Hop
from regcluster.sip.message import Response
from regcluster.sip.parser import parse
from tests import wire
from tests.edge.loopback import WAIT_S
from tests.edge.memory import OURS

T1 = 0.5
T2 = 4.0
T4 = 5.0
"""RFC 3261 §17.1.1.1: a round trip, the longest pause between two copies, the longest a datagram
stays in the network."""

TURN_S = 0.05
"""What happens within so long happens at once, in any order."""

LOST = 0.25
DOUBLED = 0.15
DELAYED = 0.2


class Air:
    """The network, and the clock of all that is connected to it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = 0.0
        self.owed = 0
        """Requests delivered and not answered yet."""
        self._numbers = count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._settled = asyncio.Event()

    def after(self, delay_s: float, event: Callable[[], None]) -> None:
        """Let something happen later."""
        heappush(self._events, (self.now + delay_s, next(self._numbers), event))

    def carry(self, deliver: Callable[[bytes], None], data: bytes) -> None:
        """Send a datagram: it arrives once, twice or never, soon or late."""
        if self.chance.random() < LOST:
            return
        for _ in range(1 + (self.chance.random() < DOUBLED)):
            is_late = self.chance.random() < DELAYED
            delay_s = self.chance.uniform(0.01, T4 - TURN_S if is_late else 0.1)
            self.after(delay_s, partial(deliver, data))

    def answered(self) -> None:
        """A request that was delivered has its answer."""
        self.owed -= 1
        if not self.owed:
            self._settled.set()

    async def run(self) -> None:
        """Let everything happen that is going to."""
        while self._events:
            self.now = self._events[0][0]
            while self._events and self._events[0][0] <= self.now + TURN_S:
                heappop(self._events)[2]()
            async with asyncio.timeout(WAIT_S):
                while self.owed:
                    self._settled.clear()
                    await self._settled.wait()


@dataclass
class Transaction:
    """One REGISTER of a phone and what became of it."""

    request: bytes
    branch: str
    q: int
    """Thousandths, another for each registration; 0 for a removal."""
    answers: list[tuple[int, str]] = field(default_factory=list)
    """Status and To tag of each answer that was given before the phone went on."""
    tags: set[str] = field(default_factory=set)
    """The To tags of all answers."""
    is_over: bool = False


class AirFlow:
    """What a worker sees of a phone, for one datagram."""

    transport = "UDP"
    token = ""
    local = Hop("UDP", OURS, 5060)

    def __init__(self, air: Air, phone: "Phone", transaction: Transaction) -> None:
        self.peer = phone.hop
        self._air = air
        self._phone = phone
        self._transaction = transaction

    def send(self, data: bytes, to: Hop | None = None) -> bool:
        answer = parse(data)
        assert isinstance(answer, Response)
        tag = parse_name_addr(answer.first("to") or "").params["tag"] or ""
        self._transaction.tags.add(tag)
        if self._transaction is self._phone.current:
            self._transaction.answers.append((answer.status, tag))
        self._air.carry(self._phone.receive, data)
        self._air.answered()
        return True


class Phone:
    """One contact of a user, which registers, refreshes and goes ``rounds`` times, then stays."""

    def __init__(
        self, air: Air, workers: Sequence[Worker], user: str, port: int, rounds: int
    ) -> None:
        self.uri = f"sip:{user}@192.0.2.7:{port}"
        self.aor = f"sip:{user}@example.test"
        self.hop = Hop("UDP", "192.0.2.7", port)
        self.history: list[Transaction] = []
        self._air = air
        self._workers = workers
        self._rounds = rounds
        air.after(air.chance.uniform(0.0, T2), partial(self._begin, False))

    @property
    def current(self) -> Transaction:
        """The transaction it is in, or was in last."""
        return self.history[-1]

    def receive(self, data: bytes) -> None:
        """Take an answer, if it is to what the phone is waiting for (§17.1.3)."""
        answer = parse(data)
        assert isinstance(answer, Response)
        transaction = self.current
        if answer.via.branch == transaction.branch and not transaction.is_over:
            self._finish(transaction, is_bound=answer.status == 200)

    def _begin(self, goes: bool) -> None:
        number = len(self.history) + 1
        branch = f"z9hG4bK-{self.hop.port}-{number}"
        request = wire.register(
            via=f"SIP/2.0/UDP 192.0.2.7:{self.hop.port};branch={branch};rport",
            from_=f"<{self.aor}>;tag=f{self.hop.port}",
            to=f"<{self.aor}>",
            call_id=f"boot-{self.hop.port}",
            cseq=f"{number} REGISTER",
            contact=f"<{self.uri}>;q=0.{number:03}",
            expires=0 if goes else 300,
        )
        transaction = Transaction(request, branch, 0 if goes else number)
        self.history.append(transaction)
        self._transmit(transaction, T1)
        # Timer F.
        self._air.after(64 * T1, partial(self._finish, transaction, is_bound=False))

    def _transmit(self, transaction: Transaction, again_after_s: float) -> None:
        """Send it, and again until it is over (timer E)."""
        if transaction.is_over:
            return
        self._air.carry(partial(self._arrive, transaction), transaction.request)
        later = partial(self._transmit, transaction, min(2 * again_after_s, T2))
        self._air.after(again_after_s, later)

    def _arrive(self, transaction: Transaction, data: bytes) -> None:
        self._air.owed += 1
        worker = self._air.chance.choice(self._workers)
        worker.receive(data, AirFlow(self._air, self, transaction))

    def _finish(self, transaction: Transaction, *, is_bound: bool) -> None:
        """Go on to the next round; what was not granted is asked for again."""
        if transaction.is_over:
            return
        transaction.is_over = True
        if is_bound and len(self.history) >= self._rounds:
            return
        goes = self._air.chance.random() < 0.3 and len(self.history) < self._rounds
        pause_s = self._air.chance.uniform(0.0, T2)
        if goes:
            # Nothing in SIP puts a removal behind a stray copy of the REGISTER before it.
            pause_s += T4
        self._air.after(pause_s, partial(self._begin, goes))
