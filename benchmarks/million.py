"""What it costs to be large: memory, and CPU per request beside a store of 10,000 bindings.

Both stores run at the same time, each with a node of its own, and are asked in turns, a few hundred
requests at a time, so that the machine's moods meet both.
"""

import os
import random
import subprocess
import sys
import tempfile
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

from benchmarks import overdue
from benchmarks.client import Client
from benchmarks.contestants import Contestant
from benchmarks.crowd import Crowd, fill, server
from benchmarks.options import Options
from benchmarks.phones import FIRST_OF_MILLIONS, Fleet
from benchmarks.report import Report, Row
from regcluster.config import StoreSettings
from regcluster.store.keys import Keys
from tests.peer.node import Node
from tests.servers import RealServer

SMALL = 10_000

ASKED = 8_000
"""Phones that register and are called, of either store."""

CHUNK = 200


@dataclass(slots=True, frozen=True)
class Size:
    """What a store of ``bindings`` costs."""

    bindings: int
    fill_s: float
    bytes_each: float
    """Memory of the server per binding, the feed apart."""
    feed_bytes: int
    """What the feed takes, whose length has a limit."""
    register_us: float
    """CPU of node and store per REGISTER."""
    call_us: float
    list_s: float
    """How long ``aor list`` takes."""
    list_rss_mb: float
    """The most memory it has needed."""
    listed: int


class Subject:
    """A store with so many bindings, and a node on it."""

    def __init__(self, bindings: int, folder: Path, stack: ExitStack) -> None:
        self.bindings = bindings
        self._folder = folder
        self._store: RealServer = stack.enter_context(server(folder))
        empty = _used(self._store)
        self.fill_s = fill(self._store, Crowd(bindings))
        feeds = Keys(StoreSettings()).feeds
        usage = [self._store.ask(b"MEMORY", b"USAGE", feed, b"SAMPLES", 0) for feed in feeds]
        self.feed_bytes = sum(size or 0 for size in usage)
        self.bytes_each = (_used(self._store) - empty - self.feed_bytes) / bindings
        self._node = Node(folder, self._store.url, {"node": {"workers": 1}})
        stack.callback(self._node.stop)
        roots = {"node": self._node.process.pid, "store": self._store.process.pid}
        contestant = Contestant(f"{bindings}", self._node.port, roots)
        self._client = stack.enter_context(closing(Client(contestant, bindings)))
        self._fleet = Fleet(bindings, self._client.port, FIRST_OF_MILLIONS)
        self._asked = random.Random(1).sample(range(bindings), min(ASKED, bindings))
        self.costs: dict[str, list[float]] = {"register": [], "call": []}

    def ask(self, start: int, round_: int) -> None:
        """Let some of the phones register and be called."""
        some = self._asked[start : start + CHUNK]
        registers = self._fleet.some_registers(some, round_)
        self.costs["register"].append(sum(self._client.ask(registers, b"200").values()))
        calls = self._fleet.calls(some, round_)
        self.costs["call"].append(sum(self._client.ask(calls, b"302").values()))

    def list_all(self) -> tuple[int, float, float]:
        """``aor list``: how many lines, seconds of CPU, and MB at most."""
        command = [sys.executable, "-m", "regcluster", "aor", "list", "--limit", "0"]
        command += ["--config", str(self._node.settings)]
        file = self._folder / "list"
        with file.open("wb") as output:
            process = subprocess.Popen(command, stdout=output)
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"aor list ended with {process.returncode}")
        with file.open("rb") as lines:
            return sum(1 for _ in lines), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def run(options: Options) -> Report:
    """Two sizes, a hundred thousand bindings due at once, and how late an expiry is told."""
    with tempfile.TemporaryDirectory(prefix="regcluster-bench-") as name:
        sizes = measure(Path(name), options.bindings)
        swept = overdue.sweep(Path(name) / "sweep")
        late = overdue.lag(Path(name) / "lag")
    rows: list[Row] = [{"part": "size", **asdict(size)} for size in sizes]
    rows += [{"part": "sweep", **asdict(swept)}, {"part": "lag", **asdict(late)}]
    return Report(
        name="million",
        title="What it costs to be large",
        unit="as the columns say",
        rows=rows,
        text=f"{report(sizes)}\n\n{overdue.report(swept, late)}",
    )


def measure(folder: Path, bindings: int) -> list[Size]:
    """A store of ``SMALL`` bindings, and one of ``bindings``."""
    with ExitStack() as stack:
        subjects = [Subject(size, folder / str(size), stack) for size in (SMALL, bindings)]
        # The first round warms everything up and counts for nothing.
        for round_ in (2, 3):
            for subject in subjects:
                subject.costs = {"register": [], "call": []}
            for start in range(0, ASKED, CHUNK):
                for subject in subjects:
                    subject.ask(start, round_)
        return [_size(subject) for subject in subjects]


def report(sizes: list[Size]) -> str:
    """The figures as a table."""
    lines = [f"{'':44}" + "".join(f"{size.bindings:>14,}" for size in sizes)]
    for name, what in _ROWS.items():
        figures = [asdict(size)[name] for size in sizes]
        lines.append(f"{what:44}" + "".join(f"{figure:14,.1f}" for figure in figures))
    small, large = sizes
    lines += [
        f"{'REGISTER, large : small':44}{large.register_us / small.register_us:14.2f} x",
        f"{'call, large : small':44}{large.call_us / small.call_us:14.2f} x",
    ]
    return "\n".join(lines)


_ROWS = {
    "fill_s": "filled within, s",
    "bytes_each": "memory per binding, bytes",
    "feed_bytes": "memory of the feed, bytes",
    "register_us": "CPU per REGISTER, node and store, µs",
    "call_us": "CPU per call redirected, node and store, µs",
    "list_s": "CPU of aor list, s",
    "list_rss_mb": "memory of aor list, MB",
}


def _size(subject: Subject) -> Size:
    listed, list_s, list_rss_mb = subject.list_all()
    return Size(
        bindings=subject.bindings,
        fill_s=subject.fill_s,
        bytes_each=subject.bytes_each,
        feed_bytes=subject.feed_bytes,
        register_us=mean(subject.costs["register"]),
        call_us=mean(subject.costs["call"]),
        list_s=list_s,
        list_rss_mb=list_rss_mb,
        listed=listed,
    )


def _used(store: RealServer) -> int:
    info: bytes = store.ask(b"INFO", b"memory")
    return int(info.decode().partition("\nused_memory:")[2].split()[0])
