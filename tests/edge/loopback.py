"""What tests of sockets share: a place to collect what arrives, a phone, and limits for a test."""

import asyncio
import os
import resource
import socket
import struct
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress

import pytest

from regcluster.config import LimitSettings
from regcluster.edge.flow import Flow, FlowTable
from regcluster.edge.sockets import Address, bind_tcp
from regcluster.edge.stream import Streams
from regcluster.errors import SipError
from regcluster.sip.hop import Hop
from tests.wire import request

BOTH_LOOPS = [
    ("asyncio", {"use_uvloop": True}),
    # The unit tests ask what is shipped alone.
    pytest.param(("asyncio", {"use_uvloop": False}), marks=pytest.mark.server),
]
"""What we ship, and what must behave the same, for nothing of ours leans on one of them."""

SECRET = b"a secret of all nodes"
"""What the workers under test seal the way back of responses with."""

WAIT_S = 5.0
"""No event takes this long; a test that waits so long has failed."""


class Inbox:
    """Keeps what a socket delivers, and what was counted, until a test asks for it."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._arrived: asyncio.Queue[tuple[bytes, Flow]] = asyncio.Queue()
        self._counted = asyncio.Event()

    def receive(self, data: bytes, flow: Flow) -> None:
        self._arrived.put_nowait((data, flow))

    def count(self, label: str) -> None:
        self.counts[label] += 1
        self._counted.set()

    async def next(self) -> tuple[bytes, Flow]:
        async with asyncio.timeout(WAIT_S):
            return await self._arrived.get()

    async def counted(self, label: str) -> int:
        async with asyncio.timeout(WAIT_S):
            while not self.counts[label]:
                self._counted.clear()
                await self._counted.wait()
        return self.counts[label]

    @property
    def waiting(self) -> int:
        return self._arrived.qsize()


def limits(
    connections: int = 100,
    idle_s: float = 60.0,
    partial_s: float = 60.0,
    write_buffer: int = 262144,
) -> LimitSettings:
    return LimitSettings(
        connections=connections, idle_s=idle_s, partial_s=partial_s, write_buffer=write_buffer
    )


class Phone:
    """The far end of a stream connection, which comes up at once, as on loopback it may."""

    def __init__(self, address: Address, *, reads: int = 0, source: str = "") -> None:
        family = socket.AF_INET if len(address) == 2 else socket.AF_INET6
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        if reads:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, reads)
        if source:
            self.sock.bind((source, 0))
        try:
            self.sock.connect(address)
        except OSError:
            self.sock.close()
            raise
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host, port = self.sock.getsockname()[:2]
        self.hop = Hop("TCP", host, port)

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def receive(self, octets: int) -> bytes:
        """As many octets as that, or those before the end."""
        loop, data = asyncio.get_running_loop(), b""
        async with asyncio.timeout(WAIT_S):
            while len(data) < octets and (more := await loop.sock_recv(self.sock, 65536)):
                data += more
        return data

    async def to_end(self) -> bytes:
        """All that comes until the connection ends, in peace or not."""
        loop, data = asyncio.get_running_loop(), b""
        async with asyncio.timeout(WAIT_S):
            with suppress(ConnectionError):
                while more := await loop.sock_recv(self.sock, 65536):
                    data += more
        return data

    async def ping(self) -> bytes:
        await self.send(b"\r\n\r\n")
        return await self.receive(2)

    def finish(self) -> None:
        """Send no more; what comes can still be read."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Vanish: whatever was under way is lost."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def __enter__(self) -> "Phone":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


class Serving(Inbox):
    """Stream connections at one address, and what came of them."""

    def __init__(self, settings: LimitSettings, connect_s: float) -> None:
        super().__init__()
        self.table = FlowTable(0, "e")
        self.bad: list[SipError] = []
        self.refusal = b""
        """What a stream that cannot be cut into messages is answered."""
        self.streams = Streams(self.table, settings, self.count, self.count, connect_s)
        self.streams.deliver_to(self.receive, self._refuse)
        self.address: Address = ("", 0)
        self.hop = Hop("TCP", "", 0)

    async def listen(self, host: str, sends: int = 0) -> Address:
        """Listen at one more address; with ``sends``, the kernel takes so much for a peer."""
        sock = bind_tcp(host, 0)
        if sends:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sends)
        address: Address = sock.getsockname()
        await self.streams.listen(sock)
        return address

    def _refuse(self, broken: SipError, flow: Flow) -> None:
        self.bad.append(broken)
        if self.refusal:
            flow.send(self.refusal)


@asynccontextmanager
async def serving(
    settings: LimitSettings | None = None, host: str = "127.0.0.1", connect_s: float = WAIT_S
) -> AsyncGenerator[Serving]:
    """Serve connections for a while; behind it neither one of them nor a task may be left."""
    before = asyncio.all_tasks()
    node = Serving(settings or limits(), connect_s)
    node.address = await node.listen(host)
    node.hop = Hop("TCP", *node.address[:2])
    try:
        yield node
    finally:
        await node.streams.close()
    await until(lambda: asyncio.all_tasks() <= before)
    assert len(node.table) == 0


async def half_closed(node: Serving, phone: Phone) -> Flow:
    """The connection of a phone that has sent one request, and sends no more."""
    await phone.send(request("OPTIONS"))
    phone.finish()
    _, flow = await node.next()
    await until(lambda: node.table.by_hop(phone.hop) is None)
    return flow


async def until(holds: Callable[[], bool]) -> None:
    """Let the event loop turn until ``holds``; for what tells nobody when it happens."""
    async with asyncio.timeout(WAIT_S):
        while not holds():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)


@contextmanager
def no_descriptors() -> Generator[None]:
    """Every file descriptor this process may have is taken."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.open(os.devnull, os.O_RDONLY)]
    highest = max(map(int, os.listdir("/proc/self/fd")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
    try:
        with suppress(OSError):
            while True:
                taken.append(os.dup(taken[0]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in taken:
            os.close(descriptor)


@contextmanager
def broken_callbacks() -> Generator[list[str]]:
    """The exceptions that callbacks raise into the event loop meanwhile, as text."""
    loop = asyncio.get_running_loop()
    before, seen = loop.get_exception_handler(), list[str]()
    loop.set_exception_handler(lambda _, context: seen.append(str(context.get("exception"))))
    try:
        yield seen
    finally:
        loop.set_exception_handler(before)
