"""Bindings by the hundred thousand, written as nodes would write them, only faster.

Each REGISTER is parsed and planned by the product's own code and saved by its own script; what is
left out is the network between phone and node. A few processes share the work, and send a few
hundred script calls at a time.
"""

import itertools
import multiprocessing
import random
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import hiredis

from benchmarks.phones import FIRST_OF_MILLIONS, Fleet
from regcluster.config import Settings
from regcluster.location import ruid_source
from regcluster.registrar.options import SaveOptions
from regcluster.registrar.plan import SavePlan
from regcluster.registrar.save import Planner
from regcluster.sip.message import Request
from regcluster.sip.parser import parse
from regcluster.store.connection import Arg, pack
from regcluster.store.endpoint import Endpoint
from regcluster.store.keys import Keys
from regcluster.store.scripts import SAVE, Scripts
from tests.servers import RealServer, redis8

PROCESSES = 2

AT_ONCE = 256
"""Script calls on their way at a time, of each process."""

PORT = 5060
"""What the phones' Vias say; nobody answers them."""

SOCKET = f"udp:127.0.0.1:{PORT}"
"""A socket of a node, as a binding keeps it."""

_LIFETIME = 11
"""Where the arguments of ``save.lua`` have the lifetime of the first contact, in ms."""


@dataclass(slots=True, frozen=True)
class Crowd:
    """``size`` phones, registered once; ``first`` is the number of the first one."""

    size: int
    first: int = FIRST_OF_MILLIONS
    socket: str = SOCKET
    """Of the node they registered at; at another one, a refresh is a change and has an event."""
    due_from_ms: int = 0
    """When the first binding is due, epoch ms; 0: an hour after it was made."""
    due_to_ms: int = 0
    """When the last one is; the others lie evenly between."""

    def due_at(self, index: int) -> int:
        """When a binding is due; 0: after an hour."""
        return self.due_from_ms + (self.due_to_ms - self.due_from_ms) * index // self.size


class _Notes:
    """A link that goes nowhere, and gives the command back."""

    problem = ""

    def nodes(self) -> Sequence[Endpoint]:
        return ()

    def call(self, *args: Arg) -> Any:
        return args

    def send(self, args: tuple[Arg, ...], packed: bytes) -> Any:
        return args

    async def close(self) -> None: ...


@contextmanager
def server(folder: Path) -> Iterator[RealServer]:
    """A Redis 8 on a socket in ``folder``, which keeps everything in memory.

    It is built with jemalloc, as those are that people install; the Valkey of the test packages is
    not (see ``contestants.allocator``), and glibc's malloc alone costs ten microseconds more per
    REGISTER among a million bindings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    running = RealServer("redis8", redis8(), folder)
    try:
        yield running
    finally:
        running.stop()


def fill(store: RealServer, crowd: Crowd) -> float:
    """Register everybody at ``store``; the seconds it took."""
    store.ask(b"SCRIPT", b"LOAD", SAVE.text)
    begun = time.monotonic()
    edges = [crowd.size * number // PROCESSES for number in range(PROCESSES + 1)]
    path = store.url.removeprefix("unix://")
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        parts = [
            pool.submit(_fill, path, crowd, range(low, high))
            for low, high in itertools.pairwise(edges)
        ]
        for part in parts:
            part.result()
    return time.monotonic() - begun


class Calls:
    """Script calls as nodes would make them of REGISTERs, packed for the wire."""

    def __init__(self, seed: str, socket: str = SOCKET) -> None:
        settings = Settings()
        self._options = SaveOptions(socket=socket)
        # No two processes may give out the same ids.
        ruids = ruid_source(seed)
        self._planner = Planner(settings.registrar, settings.location, ruids, random.random)
        self._scripts = Scripts(_Notes(), Keys(settings.store), settings.store)

    def save(self, register: bytes, due_in_ms: int = 0) -> bytes:
        """What saves a REGISTER; ``due_in_ms``, if any, is when its binding is due."""
        plan = self._planner.plan(cast("Request", parse(register)), self._options)
        args = cast("tuple[Arg, ...]", self._scripts.save(cast("SavePlan", plan)))
        if due_in_ms:
            args = (*args[:_LIFETIME], due_in_ms, *args[_LIFETIME + 1 :])
        return pack(args)


def _fill(path: str, crowd: Crowd, indexes: range) -> None:
    calls = Calls(f"{indexes.start:012x}", crowd.socket)
    fleet = Fleet(crowd.size, PORT, crowd.first)
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(path)
        for start in range(indexes.start, indexes.stop, AT_ONCE):
            some = range(start, min(start + AT_ONCE, indexes.stop))
            now = int(time.time() * 1000)
            registers = fleet.some_registers(some, 1)
            packed = [
                calls.save(register, (due_at := crowd.due_at(index)) and due_at - now)
                for index, register in zip(some, registers, strict=True)
            ]
            _exchange(stream, packed)


def _exchange(stream: socket.socket, calls: list[bytes]) -> None:
    """Send ``calls`` and read what comes back."""
    reader = hiredis.Reader(notEnoughData=None)
    stream.sendall(b"".join(calls))
    for _ in calls:
        while (reply := reader.gets()) is None:
            reader.feed(stream.recv(1 << 16))
        if reply[0] != b"added":
            raise RuntimeError(f"the store answered {reply!r}")
