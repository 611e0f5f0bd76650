"""What expiry costs, and how late it is: a hundred thousand at once, and a thousand a second.

Phones that have nothing to do with it register all the while, at a modest rate that waits for
nobody. An expiry is over when its event stands in the feed, whose ids are the server's ms.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from benchmarks.crowd import Crowd, fill, server
from regcluster.config import StoreSettings
from regcluster.store.keys import Keys
from tests.peer.load import Load
from tests.peer.node import Node
from tests.peer.phone import Phone
from tests.servers import RealServer

SWEPT = 100_000

RATE = 200
"""REGISTERs a second beside it."""

A_SECOND = 1000
"""Expiries a second, where they are spread."""

SECONDS = 8

STANDING = 100_000
"""Bindings that are not due meanwhile."""

MORE_TO_COME_S = 4.0
"""How long it takes until everything is filled and the load has begun, at most."""

PATIENCE_S = 60.0

BLUR_MS = 5000
"""How much later than it was meant to be a binding may be due: so long a batch of them takes."""

KEYS = Keys(StoreSettings())


@dataclass(slots=True, frozen=True)
class Sweep:
    """Many bindings due at one moment."""

    bindings: int
    took_s: float
    """From that moment to the removal of the last."""
    median_ms: float
    """What a REGISTER took meanwhile."""
    longest_ms: float
    refused: int
    quiet_longest_ms: float
    """The longest of as many REGISTERs before, for comparison."""


@dataclass(slots=True, frozen=True)
class Lag:
    """Bindings due one after the other."""

    expiries: int
    told: int
    """How many events there were of it."""
    p50_s: float
    """From expiry to event."""
    p99_s: float
    longest_s: float


def sweep(folder: Path, bindings: int = SWEPT) -> Sweep:
    """``bindings`` due at once; one node with one worker is all there is to remove them."""
    with server(folder) as store:
        fill_s = bindings / 8000
        due_at = int((time.time() + fill_s + MORE_TO_COME_S) * 1000)
        fill(store, Crowd(bindings, due_from_ms=due_at, due_to_ms=due_at))
        with _nodes(folder, store, 1) as nodes:
            if time.time() * 1000 > due_at:
                raise RuntimeError("the machine is too slow: they were due before all was ready")
            return asyncio.run(_watch(store, nodes[0], due_at, bindings))


def lag(folder: Path) -> Lag:
    """``A_SECOND`` due each second beside ``STANDING`` that are not; two nodes share the work."""
    expiries = A_SECOND * SECONDS
    with server(folder) as store:
        fill(store, Crowd(STANDING, first=2_000_000))
        with _nodes(folder, store, 2):
            start = int((time.time() + MORE_TO_COME_S) * 1000)
            crowd = Crowd(expiries, due_from_ms=start, due_to_ms=start + SECONDS * 1000)
            fill(store, crowd)
            _wait_swept(store, crowd.due_to_ms)
            late = sorted(_lags(store))
    cuts = quantiles(late, n=100)
    return Lag(expiries, len(late), cuts[49], cuts[98], late[-1])


def report(swept: Sweep, late: Lag) -> str:
    """The figures as a table."""
    rows = {
        f"{swept.bindings:,} due at once, removed within, s": f"{swept.took_s:.1f}",
        "  a REGISTER meanwhile, median, ms": f"{swept.median_ms:.1f}",
        "  a REGISTER meanwhile, longest, ms": f"{swept.longest_ms:.1f}",
        "  a REGISTER before, longest, ms": f"{swept.quiet_longest_ms:.1f}",
        f"{A_SECOND:,} due a second beside {STANDING:,}, told of": f"{late.told:,}",
        "  from expiry to event, median, s": f"{late.p50_s:.2f}",
        "  from expiry to event, p99, s": f"{late.p99_s:.2f}",
    }
    return "\n".join(f"{what:56}{figure:>12}" for what, figure in rows.items())


async def _watch(store: RealServer, node: Node, due_at: int, bindings: int) -> Sweep:
    async with Phone(node.address) as phone:
        load = Load(phone, RATE, repeat=False)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run(100_000, give_up_s=5.0))
            await asyncio.sleep(due_at / 1000 - time.time())
            before = load.started
            await asyncio.to_thread(_wait_swept, store, due_at)
            took_s = time.time() - due_at / 1000
            load.stopped = True
    if load.silent:
        raise RuntimeError(f"{len(load.silent)} REGISTERs had no answer")
    answers = list(load.answers.values())
    quiet = [answer.took_s for answer in answers if answer.sent_at * 1000 < due_at]
    during = [answer.took_s for answer in answers if answer.sent_at * 1000 >= due_at]
    if before < 2 or len(during) < 2:
        raise RuntimeError("the sweep was over before anybody could register")
    return Sweep(
        bindings=bindings,
        took_s=took_s,
        median_ms=sorted(during)[len(during) // 2] * 1000,
        longest_ms=max(during) * 1000,
        refused=sum(answer.status != 200 for answer in answers),
        quiet_longest_ms=max(quiet) * 1000,
    )


@contextmanager
def _nodes(folder: Path, store: RealServer, count: int) -> Iterator[list[Node]]:
    nodes: list[Node] = []
    try:
        while len(nodes) < count:
            nodes.append(Node(folder, store.url, {"node": {"workers": 1}}))
        yield nodes
    finally:
        for node in nodes:
            node.stop()


def _wait_swept(store: RealServer, due_at: int) -> None:
    """Return once nothing is there any more that was due by ``due_at``, or a little later."""
    latest = due_at + BLUR_MS
    deadline = time.monotonic() + PATIENCE_S
    while any(store.ask(b"ZCOUNT", index, b"-inf", latest) for index in KEYS.indexes):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the sweepers were not done after {PATIENCE_S} s")
        time.sleep(0.05)


def _lags(store: RealServer) -> Iterator[float]:
    """Seconds from expiry to event, of each expiry that the feed tells of."""
    for feed in KEYS.feeds:
        for place, fields in store.ask(b"XRANGE", feed, b"-", b"+"):
            told = dict(zip(fields[::2], fields[1::2], strict=True))
            if told[b"kind"] == b"expired":
                milliseconds = int(place.partition(b"-")[0])
                yield (milliseconds - int(told[b"value"][1:14])) / 1000
