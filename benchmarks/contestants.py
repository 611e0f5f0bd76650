"""Who is measured: a node with its store, and Kamailio's registrar, each on a loopback port.

All of them take the same messages. What differs between two runs of one contestant is a ``Setup``.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from ctypes.util import find_library
from dataclasses import dataclass, replace
from pathlib import Path

from tests import servers
from tests.peer.node import Node, Section
from tests.peer.processes import HOST, end, free_port, start, wait_until
from tests.servers import RealServer

START_S = 20.0
CONFIG = Path(__file__).parent / "kamailio.cfg"

SHARED_MB = 3072
"""Of Kamailio's shared memory: for two million bindings. Pages nobody touches cost nothing."""

VALKEY = "Valkey 9.1"

STORES: dict[str, Callable[[], str | None]] = {
    "Redis 7.0": servers.debian_redis,
    "Redis 8.2": servers.redis8,
    VALKEY: servers.valkey,
}
"""Debian's, and those that two packages bring; each may be missing."""


def allocator(store: str) -> str:
    """The library that a kind of store is started with, empty if none.

    It is Debian's jemalloc, if it is there, for the one Valkey that was built without: that of
    Valkey's own packages has it.
    """
    return find_library("jemalloc") or "" if store == VALKEY else ""


def usual_store() -> str:
    """The one for all comparisons that are not about stores: Debian's, if it is installed."""
    return next(name for name, binary in STORES.items() if binary())


@dataclass(frozen=True, slots=True)
class Contestant:
    """A registrar that is running."""

    name: str
    port: int
    """Where it takes SIP, over UDP and TCP."""
    roots: dict[str, int]
    """The processes whose trees do the work, by what they are."""
    store: RealServer | None = None
    """What holds the bindings, if not the registrar itself."""
    is_ours: bool = False
    """Whether it is regcluster."""

    @property
    def socket(self) -> str:
        """Where it takes SIP over UDP, as a binding keeps it."""
        return f"udp:{HOST}:{self.port}"


@dataclass(frozen=True, slots=True)
class Setup:
    """How a contestant is run."""

    workers: int = 1
    """Processes that take SIP."""
    forwards: bool = False
    """Whether a node passes requests on instead of redirecting them; Kamailio does either."""
    append_only: bool = False
    """Whether the store writes an append-only file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A contestant that can be started."""

    name: str
    enter: Callable[[Path, Setup], AbstractContextManager[Contestant]]
    slowness: int = 1
    """What a round's number of requests is divided by, so that its turn is not the longest."""

    @property
    def is_ours(self) -> bool:
        """Whether it is regcluster."""
        return self.name.startswith("regcluster")


def entries(stores: tuple[str, ...] = (), checkout: Path | None = None) -> list[Entry]:
    """Whoever is installed: Kamailio first, which the others are compared with."""
    found = []
    if has_kamailio():
        found.append(Entry(MEMORY, kamailio))
        found.append(Entry(DB_REDIS, kamailio_redis, slowness=8))
    for store in stores or (usual_store(),):
        if STORES[store]():
            found.append(_node_entry(store, None))
            if checkout:
                found.append(_node_entry(store, checkout))
    return found


MEMORY = "Kamailio, memory"
DB_REDIS = "Kamailio, db_redis"


def node_name(store: str, checkout: Path | None = None) -> str:
    """What the table calls a node on a kind of store, run from ``checkout``."""
    native = is_native(checkout or Path(__file__).parents[1])
    place = f" in {checkout.name}" if checkout and not native else ""
    return f"regcluster{' native' if native else ''}{place}, {store}"


def is_native(checkout: Path) -> bool:
    """Whether the package in ``checkout`` is compiled."""
    return any((checkout / "regcluster" / "sip").glob("*.so"))


def durable(checkout: Path | None = None) -> Entry:
    """A node whose store writes an append-only file."""
    plain = _node_entry(usual_store(), checkout)

    def enter(folder: Path, setup: Setup) -> AbstractContextManager[Contestant]:
        return plain.enter(folder, replace(setup, append_only=True))

    return Entry(f"{plain.name}, file", enter)


def _node_entry(store: str, checkout: Path | None) -> Entry:
    def enter(folder: Path, setup: Setup) -> AbstractContextManager[Contestant]:
        return node(folder, store, setup, checkout)

    return Entry(node_name(store, checkout), enter)


@contextmanager
def node(
    folder: Path, store: str, setup: Setup, checkout: Path | None = None
) -> Iterator[Contestant]:
    """One node, and a store of its own; of the code in ``checkout``, if given."""
    with ExitStack() as stack:
        server, url = stack.enter_context(_server(folder, store, setup))
        sections: dict[str, Section] = {
            "node": {"workers": setup.workers},
            "routing": {"mode": "forward" if setup.forwards else "redirect"},
        }
        running = Node(folder, url, sections, checkout)
        stack.callback(running.stop)
        # The workers are children of the supervisor.
        roots = {"node": running.process.pid, "store": server.process.pid}
        name = node_name(store, checkout) + (", file" if setup.append_only else "")
        yield Contestant(name, running.port, roots, server, is_ours=True)


def has_kamailio() -> bool:
    """Whether there is one to measure."""
    return shutil.which("kamailio") is not None


@contextmanager
def kamailio(folder: Path, setup: Setup) -> Iterator[Contestant]:
    """Debian's Kamailio: ``registrar`` and ``usrloc`` in memory mode."""
    folder.mkdir(parents=True)
    with _kamailio(folder, setup, []) as (port, process):
        yield Contestant(MEMORY, port, {"node": process.pid})


@contextmanager
def kamailio_redis(folder: Path, setup: Setup) -> Iterator[Contestant]:
    """The same, but it keeps everything in Redis: ``db_redis``, ``db_mode`` 3."""
    with _server(folder, usual_store(), setup) as (server, url):
        # It wants to read the version of its table before it will use it.
        server.ask("HSET", "version:entry::location", "table_name", "location", "table_version", 9)
        with _kamailio(folder, setup, ["-A", f'DB_URL="{url}"']) as (port, process):
            roots = {"node": process.pid, "store": server.process.pid}
            yield Contestant(DB_REDIS, port, roots, server)


@contextmanager
def _server(folder: Path, store: str, setup: Setup) -> Iterator[tuple[RealServer, str]]:
    """A store, and its URL over TCP, as that of another machine would be."""
    binary = STORES[store]()
    if binary is None:
        raise RuntimeError(f"there is no {store} here")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    options = ["--port", str(port), "--bind", HOST]
    options += ["--appendonly", "yes"] if setup.append_only else []
    server = RealServer("store", binary, folder, options, allocator(store))
    try:
        yield server, f"redis://{HOST}:{port}/0"
    finally:
        server.stop()


@contextmanager
def _kamailio(
    folder: Path, setup: Setup, options: list[str]
) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    port, log = free_port(), folder / "kamailio.log"
    children = str(setup.workers)
    command = ["kamailio", "-DD", "-E", "-f", str(CONFIG), "-n", children, "-N", children]
    command += ["-l", f"udp:{HOST}:{port}", "-l", f"tcp:{HOST}:{port}", *options]
    command += ["-m", str(SHARED_MB), "-Y", str(folder), "-P", str(folder / "kamailio.pid")]
    process = start(command, log)
    try:
        wait_until(lambda: _is_bound(process, port, log), START_S, "Kamailio listens")
        # Those that receive are children of the main process.
        yield port, process
    finally:
        end(process, 10.0)


def _is_bound(process: "subprocess.Popen[bytes]", port: int, log: Path) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"Kamailio ended by itself:\n{log.read_text(errors='replace')[-2000:]}")
    tables = (Path(f"/proc/net/{name}").read_text() for name in ("udp", "tcp"))
    return all(f":{port:04X} " in table for table in tables)
