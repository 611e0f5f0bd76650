"""Who is measured: a node with its store, and Kamailio's registrar, each on a loopback port."""

import shutil
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from tests.peer.node import Node
from tests.peer.processes import HOST, end, free_port, start, wait_until
from tests.peer.server import StoreServer

START_S = 20.0
CONFIG = Path(__file__).parent / "kamailio.cfg"


class Contestant(Protocol):
    """A registrar that runs while its ``with`` block does."""

    name: str
    port: int
    """Where it takes SIP over UDP."""

    @property
    def roots(self) -> dict[str, int]:
        """The processes whose trees do the work, by what they are."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Regcluster:
    """One node with one worker, and a Redis of its own."""

    name = "regcluster"

    def __init__(self, folder: Path, *, append_only: bool) -> None:
        self._folder = folder
        self._append_only = append_only

    @property
    def roots(self) -> dict[str, int]:
        """The supervisor, whose child is the worker, and the store."""
        return {"node": self._node.process.pid, "store": self._store.pid}

    def __enter__(self) -> Self:
        self._store = StoreServer(self._folder, append_only=self._append_only)
        self._node = Node(self._folder, self._store.url, {"node": {"workers": 1}})
        self.port = self._node.port
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._node.stop()
        self._store.stop()


class Kamailio:
    """Debian's Kamailio: ``registrar`` and ``usrloc`` in memory mode."""

    name = "Kamailio"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()

    @staticmethod
    def is_installed() -> bool:
        """Whether there is one to measure."""
        return shutil.which("kamailio") is not None

    @property
    def roots(self) -> dict[str, int]:
        """The main process, whose children receive."""
        return {"node": self._process.pid}

    def __enter__(self) -> Self:
        log = self._folder / "kamailio.log"
        command = ["kamailio", "-DD", "-E", "-f", str(CONFIG), "-l", f"udp:{HOST}:{self.port}"]
        # 512 MiB of shared memory hold a million bindings; pages nobody touches cost nothing.
        command += ["-m", "512", "-Y", str(self._folder), "-P", str(self._folder / "kamailio.pid")]
        self._process = start(command, log)
        wait_until(self._is_bound, START_S, "Kamailio listens")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        end(self._process, 10.0)

    def _is_bound(self) -> bool:
        if self._process.poll() is not None:
            log = (self._folder / "kamailio.log").read_text(errors="replace")
            raise RuntimeError(f"Kamailio ended by itself:\n{log[-2000:]}")
        wanted = f":{self.port:04X} "
        return wanted in Path("/proc/net/udp").read_text()
