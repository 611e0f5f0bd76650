"""What a binding takes of memory: in each server, by setting, and in Kamailio's shared memory.

The same phones are registered everywhere, one contact each. A store's figure is what it says of
itself (``used_memory``) with all bindings in it, less what it said when it was empty, less the
feed, whose size has a limit and depends on nobody's number of bindings.
"""

import json
import os
import select
import tempfile
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.client import Datagrams
from benchmarks.contestants import STORES, Setup, allocator, has_kamailio, kamailio
from benchmarks.crowd import Crowd, fill
from benchmarks.options import Options
from benchmarks.phones import FIRST_OF_MILLIONS, Fleet
from benchmarks.progress import Progress
from benchmarks.report import Chart, Report, Row
from regcluster.config import StoreSettings
from regcluster.store.keys import Keys
from tests.servers import RealServer

BINDINGS = 200_000
QUICK_BINDINGS = 60_000
"""Enough for every index to have outgrown the compact form that servers keep small ones in."""

LISTPACKS = (64, 512)
"""``hash-max-listpack-value``: what servers come with, and what holds a binding in one piece."""

RPC_S = 5.0


@dataclass(slots=True, frozen=True)
class Memory:
    """What so many bindings take somewhere."""

    where: str
    setting: str
    bindings: int
    bytes_each: float
    resident_each: float | None
    """Of the process as the kernel sees it; with what the allocator holds back, and the feed."""
    feed_bytes: int | None


def run(options: Options) -> Report:
    """The figures as a report."""
    bindings = BINDINGS if options.full else QUICK_BINDINGS
    servers = {name: binary for name, find in STORES.items() if (binary := find())}
    progress = Progress(f"stores of {bindings:,} bindings", len(servers) * len(LISTPACKS) + 1)
    found = []
    for name, binary in servers.items():
        for listpack in LISTPACKS:
            found.append(of_store(name, binary, listpack, bindings))
            progress.step()
    if has_kamailio():
        found.append(of_kamailio(bindings))
    progress.step()
    return told(found)


def of_store(name: str, binary: str, listpack: int, bindings: int) -> Memory:
    """What bindings take in one server."""
    with tempfile.TemporaryDirectory(prefix="regcluster-bench-") as folder:
        options = ["--hash-max-listpack-value", str(listpack)]
        store = RealServer("store", binary, Path(folder), options, allocator(name))
        try:
            before, resident = _facts(store)
            fill(store, Crowd(bindings))
            after, resident_after = _facts(store)
            feed = sum(_usage(store, key) for key in Keys(StoreSettings()).feeds)
        finally:
            store.stop()
    return Memory(
        where=name,
        setting=f"hash-max-listpack-value {listpack}",
        bindings=bindings,
        bytes_each=(after - before - feed) / bindings,
        resident_each=(resident_after - resident) / bindings,
        feed_bytes=feed,
    )


def of_kamailio(bindings: int) -> Memory:
    """What contacts take of Kamailio's shared memory, which all its processes have in common."""
    with tempfile.TemporaryDirectory(prefix="regcluster-bench-") as name:
        folder = Path(name) / "kamailio"
        with kamailio(folder, Setup()) as contestant:
            rpc = Rpc(folder)
            with closing(Datagrams(contestant.port)) as line:
                fleet = Fleet(bindings, line.port, FIRST_OF_MILLIONS)
                before = rpc.shared_memory()
                line.ask(fleet.registers(1), b"200")
                after = rpc.shared_memory()
    return Memory(
        where="Kamailio, memory",
        setting="hash_size 16",
        bindings=bindings,
        bytes_each=(after - before) / bindings,
        resident_each=None,
        feed_bytes=None,
    )


class Rpc:
    """Asks the Kamailio whose runtime folder is ``folder``, through the FIFO there."""

    def __init__(self, folder: Path) -> None:
        self._requests = folder / "kamailio_rpc.fifo"

    def shared_memory(self) -> int:
        """The octets of shared memory in use, the allocator's own among them."""
        used: int = self._ask("core.shmmem")["real_used"]
        return used

    def _ask(self, method: str) -> dict[str, int]:
        # It takes a bare name for the FIFO of its answer, no dot in it, and looks for it in /tmp.
        with tempfile.NamedTemporaryFile(prefix="regcluster-bench-", dir="/tmp") as reserved:
            answers = Path(f"{reserved.name}-fifo")
            os.mkfifo(answers)
            try:
                return self._exchange(method, answers)
            finally:
                answers.unlink()

    def _exchange(self, method: str, answers: Path) -> dict[str, int]:
        request = {"jsonrpc": "2.0", "method": method, "reply_name": answers.name, "id": 1}
        end = os.open(answers, os.O_RDONLY | os.O_NONBLOCK)
        try:
            self._requests.write_text(json.dumps(request) + "\n")
            if not select.select([end], [], [], RPC_S)[0]:
                raise TimeoutError(f"Kamailio did not answer {method}")
            os.set_blocking(end, True)
            with os.fdopen(os.dup(end), "rb") as stream:
                result: dict[str, int] = json.loads(stream.read())["result"]
        finally:
            os.close(end)
        return result


def told(found: list[Memory]) -> Report:
    """What was measured, as a report."""
    peer = next((it.bytes_each for it in found if it.feed_bytes is None), None)
    rows: list[Row] = []
    lines = [f"{'Memory per binding, bytes':52}{'used':>8}{'÷ Kamailio':>12}{'resident':>10}"]
    for it in found:
        ratio = it.bytes_each / peer if peer else None
        name = f"{it.where}, {it.setting}"
        rows.append({"name": name, **asdict(it), "ratio": ratio})
        lines.append(
            f"{name:52}{it.bytes_each:8.0f}"
            f"{'-' if ratio is None else f'{ratio:.2f}':>12}"
            f"{'-' if it.resident_each is None else f'{it.resident_each:.0f}':>10}"
        )
    return Report(
        name="memory",
        title="Memory per binding",
        unit="bytes",
        rows=rows,
        text="\n".join(lines),
        charts=[_CHART],
    )


_CHART = Chart(
    name="memory",
    title="Memory per binding",
    kind="bars",
    x="name",
    y="bytes_each",
    y_label="bytes",
)


def _facts(store: RealServer) -> tuple[int, int]:
    """Memory in use as the server counts it, and as the kernel does."""
    info: bytes = store.ask(b"INFO", b"memory")
    facts = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
    return int(facts["used_memory"]), int(facts["used_memory_rss"])


def _usage(store: RealServer, key: bytes) -> int:
    return store.ask(b"MEMORY", b"USAGE", key, b"SAMPLES", 0) or 0
