"""Everybody registers again at once, as after an outage, at a node that can do a tenth in a second.

One worker and its store share one core, the phones have the other. A worker is faster than that, so
processes that do nothing but take their share of its core are put beside it, until it does no more
than a tenth. A phone that hears nothing sends again by the timers of RFC 3261, and one that is
answered 503 comes back when its Retry-After says. What is told is the goodput over time, and when
99 of 100 phones were registered.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, inf
from pathlib import Path
from typing import Self

from benchmarks.contestants import is_native
from benchmarks.options import Options
from benchmarks.progress import Progress
from benchmarks.report import Chart, Report, Row
from regcluster import load
from regcluster.config import LimitSettings
from regcluster.load import Load
from regcluster.load.plan import TIMER_F_S
from tests.peer.node import Node, Section
from tests.peer.processes import HOST, end_group, start
from tests.servers import RealServer, redis8

MOST_USERS = 100_000

A_TENTH = 10
"""Of the phones, a node registers at most one in so many in a second."""

RUSH_S = 2.0
"""Within which all phones come, at random: a sender that is asked for a rate can say whether it
kept to it."""

SLICE_S = 0.5

SOCKETS = 8

GIVE_UP_S = 60.0
"""How long a phone tries; who is not registered by then has failed."""

MOST_BESIDE = 100
"""Processes beside a node, after which it is given up to slow it down."""

NICE = 5
"""So that one of them weighs a third of another process, and small steps can be made."""

SPIN = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): pass"
"""What one of them does, for as long as whoever has started it is there."""

USUAL = LimitSettings().in_flight
EARLY = 200
NEVER = 1_000_000

SCRIPT = """
from random import choice

SECONDS = {seconds}
under_way = 0

async def route(call):
    global under_way
    if under_way >= {in_flight}:
        call.reply(503, "Service Unavailable", [("Retry-After", str(choice(SECONDS)))])
        return
    under_way += 1
    try:
        await call.registrar.save()
    finally:
        under_way -= 1
"""
"""A route script that sheds in the worker's place: there is no setting for no spread at all."""


@dataclass(slots=True, frozen=True)
class Weather:
    """How phones come, and what the node does when they are many."""

    transport: str
    """tcp: all through a few connections, as those of a balancer."""
    name: str
    in_flight: int = USUAL
    """Requests under way from which on others are sent away."""
    seconds: Sequence[int] = ()
    """Of Retry-After, one of which a route script tells each it sends away; none: the worker sends
    them away, with its usual 3 to 7."""

    @property
    def title(self) -> str:
        """What tables call it."""
        return f"{self.transport.upper()}, {self.name}"

    @property
    def picture(self) -> str:
        """The charts it is in."""
        return "script" if self.seconds else self.transport

    def sections(self, folder: Path) -> dict[str, Section]:
        """The node's settings; a script they name is written into ``folder``."""
        if not self.seconds:
            return {"limits": {"in_flight": self.in_flight}}
        file = folder / "storm.py"
        file.write_text(SCRIPT.format(seconds=list(self.seconds), in_flight=self.in_flight))
        return {"limits": {"in_flight": NEVER}, "routing": {"script": str(file)}}


SPREAD = range(3, 8)
EXACT = (5,)

TURNS = 3

WEATHERS = (
    Weather("udp", "as it comes"),
    Weather("udp", "no shedding", NEVER),
    Weather("udp", "shedding early", EARLY),
    *(
        Weather("tcp", f"{name}, {turn}", in_flight)
        for turn in range(1, TURNS + 1)
        for name, in_flight in (("as it comes", USUAL), ("no shedding", NEVER))
    ),
    Weather("tcp", "early, script, spread", EARLY, SPREAD),
    Weather("tcp", "early, script, exact", EARLY, EXACT),
)
"""Without shedding a node over TCP goes under or does not, by chance: so these have several turns.
Those by a script differ in nothing but the seconds, whose mean is the same."""


@dataclass(slots=True, frozen=True)
class Storm:
    """What became of it, in one weather."""

    weather: Weather
    users: int
    capacity: float
    """New phones a second that the node registered when it was asked no more than it could do."""
    beside: int
    """Processes that took their share of its core."""
    goodput: list[int]
    """Phones registered in each slice."""
    sent: list[int]
    """Requests in each slice, repeated ones included."""
    refused: int
    """Answers of 503."""
    repeated: int
    """Retransmissions."""
    overflow: int
    """Datagrams that found no room in the node's socket."""
    failed: int
    """Phones that were not registered when the time was up."""
    sender_share: float
    """CPU of the sender, of one processor, while all came."""
    limits: list[str]
    """Where the sender was the limit, a sentence each."""

    @property
    def within_s(self) -> dict[int, float | None]:
        """Seconds until so many of a hundred phones were registered."""
        sums = list(accumulate(self.goodput))
        found: dict[int, float | None] = {}
        for percent in (50, 90, 99):
            slices = [i for i, good in enumerate(sums, 1) if good * 100 >= self.users * percent]
            found[percent] = slices[0] * SLICE_S if slices else None
        return found


def run(options: Options) -> Report:
    """The figures as a report."""
    users = MOST_USERS if options.full else MOST_USERS // 5
    progress = Progress("storms", len(WEATHERS))
    found = []
    for weather in WEATHERS:
        found.append(storm(weather, users, options.beside, users / A_TENTH))
        progress.step()
    return told(found, "native" if is_native(options.beside or Path()) else "pure")


def storm(weather: Weather, users: int, checkout: Path | None = None, most: float = inf) -> Storm:
    """One storm of so many users, at a node of the code in ``checkout``, if given.

    The node is held to ``most`` registrations a second.
    """
    with _node(weather, checkout) as node, _Beside(node) as beside:
        capacity = _held(node, weather.transport, most, beside)
        report = load.run(
            Load(
                targets=[f"{HOST}:{node.port}"],
                transport=weather.transport,
                mix={"register": 1},
                rate=users / RUSH_S,
                arrivals="poisson",
                count=users,
                warmup_s=0.0,
                retransmit=True,
                timeout_s=TIMER_F_S,
                persist_s=GIVE_UP_S,
                sockets=SOCKETS,
                slice_s=SLICE_S,
            )
        )
        overflow = sum(
            value
            for (name, labels), value in node.counters().items()
            if name == "regcluster_sip_drops_total" and ("reason", "overflow") in labels
        )
    steps = report.timeline
    return Storm(
        weather=weather,
        users=users,
        capacity=capacity,
        beside=len(beside),
        goodput=[step.good for step in steps],
        sent=[step.sent + step.repeated for step in steps],
        refused=report.refused,
        repeated=report.ledger.repeated,
        overflow=round(overflow),
        failed=users - report.good,
        sender_share=max(part.cpu_share for part in report.parts),
        limits=report.limits,
    )


class _Beside:
    """Processes that take their share of a node's core, and do nothing with it."""

    def __init__(self, node: Node) -> None:
        self._core = os.sched_getaffinity(node.process.pid)
        self._processes: list[subprocess.Popen[bytes]] = []

    def __len__(self) -> int:
        return len(self._processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            end_group(process)

    def add(self) -> None:
        """Start one more."""
        words = [sys.executable, "-I", "-S", "-c", SPIN, str(os.getpid())]
        process = start(words, Path(os.devnull))
        self._processes.append(process)
        os.sched_setaffinity(process.pid, self._core)
        os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
        # Where the kernel shares a CPU out among sessions first, that of the session counts.
        with suppress(OSError):
            Path(f"/proc/{process.pid}/autogroup").write_text(str(NICE))


def _held(node: Node, transport: str, most: float, beside: _Beside) -> float:
    """Put processes beside the node until it does at most ``most``; what it does then."""
    while (capacity := _capacity(node, transport, len(beside))) > most:
        if len(beside) >= MOST_BESIDE:
            raise RuntimeError(
                f"with {MOST_BESIDE} others on its core a node still does {capacity:.0f} a second"
            )
        # Not too many at a time: the node has its share of a core, and the store another.
        wanted = ceil((len(beside) + 3) * capacity / most) - 3
        while len(beside) < wanted:
            beside.add()
    return capacity


def _capacity(node: Node, transport: str, attempt: int) -> float:
    """What it does when so much is under way as a balancer would have, and no more."""
    return load.run(
        Load(
            targets=[f"{HOST}:{node.port}"],
            transport=transport,
            mix={"register": 1},
            # Phones that are new, and none of the storm's.
            first=MOST_USERS * (attempt + 1),
            warmup_s=0.5,
            seconds=1.5,
            sockets=SOCKETS,
        )
    ).good_rate


@contextmanager
def _node(weather: Weather, checkout: Path | None) -> Iterator[Node]:
    """A node of one worker, which shares one core with its store; this process has the others."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise RuntimeError("a storm needs two cores, one for the phones")
    with tempfile.TemporaryDirectory(prefix="regcluster-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        stack.callback(os.sched_setaffinity, 0, cores)
        # What is started inherits the core.
        os.sched_setaffinity(0, cores[-1:])
        store = RealServer("redis8", redis8(), folder)
        stack.callback(store.stop)
        sections = {"node": {"workers": 1}, **weather.sections(folder)}
        node = Node(folder, store.url, sections, checkout)
        stack.callback(node.stop)
        os.sched_setaffinity(0, cores[:-1])
        yield node


def told(found: Sequence[Storm], kind: str) -> Report:
    """What was measured, as a report; ``kind`` of build."""
    phones = f"A storm of {found[0].users:,} phones"
    lines = [
        f"{phones:30}{'capacity':>10}{'50 %':>8}{'90 %':>8}{'99 %, s':>9}"
        f"{'503':>9}{'repeated':>10}{'dropped':>10}{'failed':>8}{'sender':>8}"
    ]
    for it in found:
        times = "".join(f"{'never' if s is None else s:>8}" for s in it.within_s.values())
        lines.append(
            f"{it.weather.title:30}{it.capacity:10,.0f}{times} {it.refused:9,}{it.repeated:10,}"
            f"{it.overflow:10,}{it.failed:8,}{it.sender_share:8.0%}"
        )
    return Report(
        name="storm",
        title=f"Everybody registers again at once, at one {kind} worker",
        unit="a second",
        rows=[*map(_summary, found), *_courses(found)],
        text="\n".join(lines) + _warning(found),
        charts=_CHARTS,
    )


def _warning(found: Sequence[Storm]) -> str:
    """Sentences about storms in which the sender was the limit; empty if there are none."""
    limited = [f"{it.weather.title}: {'; '.join(it.limits)}." for it in found if it.limits]
    if not limited:
        return ""
    storms = f"{len(limited)} of {len(found)} storms"
    return "\n".join([f"\n\nIn {storms} the sender itself was the limit:", *limited])


def _summary(it: Storm) -> Row:
    within = {f"within_s_{percent}": seconds for percent, seconds in it.within_s.items()}
    return {
        "transport": it.weather.transport,
        "name": it.weather.name,
        "users": it.users,
        "capacity": round(it.capacity),
        "beside": it.beside,
        **within,
        "refused": it.refused,
        "repeated": it.repeated,
        "overflow": it.overflow,
        "failed": it.failed,
        "sender_share": it.sender_share,
        "limits": "; ".join(it.limits),
    }


def _courses(found: Sequence[Storm]) -> Iterator[Row]:
    """A row for each slice of each."""
    for it in found:
        for number, good in enumerate(it.goodput):
            yield {
                "picture": it.weather.picture,
                "series": it.weather.name,
                "second": (number + 1) * SLICE_S,
                "goodput": good / SLICE_S,
                "offered": it.sent[number] / SLICE_S,
            }


_PICTURES = {
    "udp": "over UDP",
    "tcp": "over TCP",
    "script": "over TCP, with Retry-After by a script",
}
_CHARTS = [
    Chart(
        name=f"storm-{column}-{picture}",
        title=f"{title} {how}",
        kind="lines",
        x="second",
        y=column,
        by="series",
        where={"picture": picture},
        x_label="seconds",
        y_label="a second",
    )
    for picture, how in _PICTURES.items()
    for column, title in (("goodput", "Phones registered"), ("offered", "REGISTERs sent"))
]
