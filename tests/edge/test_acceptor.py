"""Taking connections off a listening socket."""

import asyncio
import errno
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest

from regcluster.edge.acceptor import ACCEPTS, Acceptor
from tests.edge.loopback import BOTH_LOOPS, WAIT_S, broken_callbacks, no_descriptors

pytestmark = pytest.mark.anyio


@pytest.fixture(params=BOTH_LOOPS, ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Each loop has its own way to fall over a full table of files."""
    return request.param


def failing_once(code: int) -> type[socket.socket]:
    """A kind of socket whose first ``accept`` fails as the kernel would have it fail."""

    class Failing(socket.socket):
        codes: ClassVar[list[int]] = [code]

        def accept(self) -> tuple[socket.socket, Any]:
            if self.codes:
                raise OSError(self.codes.pop(), "the kernel says no")
            return super().accept()

    return Failing


class Door:
    """A listener on a Unix socket without a name in the file system, and who came in."""

    def __init__(self, rest_s: float, kind: type[socket.socket]) -> None:
        self.listener = kind(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.setblocking(False)
        self.listener.bind("")
        self.listener.listen(1000)
        self.name = self.listener.getsockname()
        self.taken: list[socket.socket] = []
        self.first_burst = 0
        self.came = asyncio.Event()
        self.refused = asyncio.Event()
        self.acceptor = Acceptor(self.listener, self._take, self.refused.set, rest_s)

    def call(self) -> socket.socket:
        caller = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        caller.connect(self.name)
        return caller

    def _take(self, sock: socket.socket) -> None:
        if not self.taken:
            asyncio.get_running_loop().call_soon(self._end_first_burst)
        self.taken.append(sock)

    def _end_first_burst(self) -> None:
        self.first_burst = len(self.taken)
        self.came.set()


@contextmanager
def opened(rest_s: float = 0.01, kind: type[socket.socket] = socket.socket) -> Generator[Door]:
    door = Door(rest_s, kind)
    try:
        yield door
    finally:
        door.acceptor.close()
        for sock in door.taken:
            sock.close()


async def test_a_connection_that_comes_is_taken() -> None:
    """Ready for an event loop: it never blocks."""
    with opened() as door, door.call():
        await asyncio.wait_for(door.came.wait(), WAIT_S)

        assert [False] == [sock.getblocking() for sock in door.taken]


async def test_a_flood_of_connections_lets_others_have_their_turn() -> None:
    """Timers and answers must not wait until the backlog is empty."""
    with opened() as door:
        callers = [door.call() for _ in range(ACCEPTS + 1)]
        await asyncio.wait_for(door.came.wait(), WAIT_S)
        for caller in callers:
            caller.close()

        assert ACCEPTS == door.first_burst


async def test_one_that_cannot_be_taken_now_is_taken_later() -> None:
    """Out of descriptors we neither spin nor close: the caller waits in the backlog."""
    with opened() as door, door.call():
        with no_descriptors():
            await asyncio.wait_for(door.refused.wait(), WAIT_S)
            meanwhile = len(door.taken)
        await asyncio.wait_for(door.came.wait(), WAIT_S)

        assert (0, 1) == (meanwhile, len(door.taken))


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_without_means_it_rests(code: int) -> None:
    """Of this process or of the whole machine: each such try is told."""
    with opened(kind=failing_once(code)) as door, door.call():
        await asyncio.wait_for(door.refused.wait(), WAIT_S)
        meanwhile = len(door.taken)
        await asyncio.wait_for(door.came.wait(), WAIT_S)

        assert (0, 1) == (meanwhile, len(door.taken))


@pytest.mark.parametrize(
    "code", [errno.ECONNABORTED, errno.EPROTO, errno.EHOSTUNREACH, errno.EPERM]
)
async def test_a_connection_that_broke_before_it_was_taken_holds_up_nobody(code: int) -> None:
    """Whoever can break his own would else keep all others waiting, again and again."""
    with opened(2 * WAIT_S, failing_once(code)) as door, door.call():
        await asyncio.wait_for(door.came.wait(), WAIT_S)

        assert (1, False) == (len(door.taken), door.refused.is_set())


async def test_out_of_descriptors_it_rests() -> None:
    """The listener stays readable, and must not be asked again in each turn of the loop."""
    with opened(WAIT_S) as door, door.call(), no_descriptors():
        await asyncio.wait_for(door.refused.wait(), WAIT_S)
        door.refused.clear()
        for _ in range(100):
            await asyncio.sleep(0)

        assert not door.refused.is_set()


async def test_one_that_rests_can_be_closed() -> None:
    """Nothing wakes it up to look at a socket that is gone."""
    with broken_callbacks() as broken, opened() as door, door.call():
        with no_descriptors():
            await asyncio.wait_for(door.refused.wait(), WAIT_S)
        door.acceptor.close()
        woken = asyncio.Event()
        asyncio.get_running_loop().call_later(0.02, woken.set)
        await woken.wait()

        assert ([], []) == (broken, door.taken)


async def test_closing_twice_does_no_harm() -> None:
    """And gives the address back the first time."""
    with opened() as door:
        door.acceptor.close()
        door.acceptor.close()

        assert -1 == door.listener.fileno()
