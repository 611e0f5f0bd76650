"""Who is measured: a node with its store, and Kamailio's registrar, each on a loopback port."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peer.node import Node
from tests.peer.processes import HOST, end, free_port, start, wait_until
from tests.peer.server import StoreServer

START_S = 20.0
CONFIG = Path(__file__).parent / "kamailio.cfg"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A registrar that is running."""

    name: str
    port: int
    """Where it takes SIP over UDP."""
    roots: dict[str, int]
    """The processes whose trees do the work, by what they are."""


@contextmanager
def regcluster(
    folder: Path, *, append_only: bool = False, checkout: Path | None = None
) -> Iterator[Contestant]:
    """One node with one worker, and a Redis of its own; of the code in ``checkout``, if given."""
    folder.mkdir(parents=True)
    name = "regcluster, append-only file" if append_only else "regcluster"
    if checkout:
        name = f"regcluster in {checkout.name}"
    store = StoreServer(folder, append_only=append_only)
    try:
        node = Node(folder, store.url, {"node": {"workers": 1}}, checkout)
        try:
            # The worker is a child of the supervisor.
            yield Contestant(name, node.port, {"node": node.process.pid, "store": store.pid})
        finally:
            node.stop()
    finally:
        store.stop()


def has_kamailio() -> bool:
    """Whether there is one to measure."""
    return shutil.which("kamailio") is not None


@contextmanager
def kamailio(folder: Path) -> Iterator[Contestant]:
    """Debian's Kamailio: ``registrar`` and ``usrloc`` in memory mode."""
    folder.mkdir(parents=True)
    port, log = free_port(), folder / "kamailio.log"
    command = ["kamailio", "-DD", "-E", "-f", str(CONFIG), "-l", f"udp:{HOST}:{port}"]
    # 512 MiB of shared memory hold a million bindings; pages nobody touches cost nothing.
    command += ["-m", "512", "-Y", str(folder), "-P", str(folder / "kamailio.pid")]
    process = start(command, log)
    try:
        wait_until(lambda: _is_bound(process, port, log), START_S, "Kamailio listens")
        # Those that receive are children of the main process.
        yield Contestant("Kamailio", port, {"node": process.pid})
    finally:
        end(process, 10.0)


def _is_bound(process: "subprocess.Popen[bytes]", port: int, log: Path) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"Kamailio ended by itself:\n{log.read_text(errors='replace')[-2000:]}")
    return f":{port:04X} " in Path("/proc/net/udp").read_text()
