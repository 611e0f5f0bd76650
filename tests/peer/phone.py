"""A UDP client that is lean enough to be trusted with a stopwatch.

Requests are matched to their final answers by branch, and repeated as RFC 3261 §17.1.2.2 has it
until an answer comes. The instant of arrival is the kernel's, so a busy client does not make the
server look slow; the instant of sending is taken before the send, so it never makes it look fast.
"""

import asyncio
import itertools
import socket
import struct
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests import wire

T1_S = 0.5
T2_S = 4.0
GIVE_UP_S = 64 * T1_S

# Linux's number; the socket module has no name for it.
SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")
_ANCILLARY = socket.CMSG_SPACE(_TIMESPEC.size)

_COOKIE = b"branch=z9hG4bK"


@dataclass(slots=True)
class Answer:
    """A final response and the instants around it, epoch seconds."""

    status: int
    text: str
    sent_at: float
    received_at: float
    sends: int
    """How often the request was sent until it came."""

    @property
    def took_s(self) -> float:
        """From the first sending to the arrival."""
        return self.received_at - self.sent_at

    def values(self, name: str) -> list[str]:
        """The values of one header, one a line, spelled as the node spells it."""
        prefix = f"{name}: "
        lines = self.text.split("\r\n")
        return [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]


class Phone:
    """One UDP socket that asks ``server``; use it in ``async with``."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._waiting: dict[bytes, asyncio.Future[tuple[float, bytes]]] = {}
        self._numbers = itertools.count(1)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    async def __aenter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._socket, self._drain)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    async def register(self, user: str, contact: str) -> Answer:
        """Register ``contact`` for ``user``, repeating until the answer comes."""
        return await self.ask(*self.registration(user, contact))

    async def invite(self, user: str) -> Answer:
        """Call ``user``; the final answer is acknowledged by no one, as a probe would do."""
        uri, via, branch = f"sip:{user}@example.test", *self.via()
        data = wire.invite(uri, via=via, to=f"<{uri}>", call_id=branch.decode())
        return await self.ask(data, branch)

    def registration(self, user: str, contact: str) -> tuple[bytes, bytes]:
        """A REGISTER for an hour with a branch and a Call-ID of its own, and that branch."""
        aor, via, branch = f"<sip:{user}@example.test>", *self.via()
        data = wire.register(
            via=via,
            from_=f"{aor};tag=1",
            to=aor,
            call_id=branch.decode(),
            contact=f"<{contact}>",
            expires=3600,
        )
        return data, branch

    def via(self) -> tuple[str, bytes]:
        """The next Via of this phone, and the part of its branch that follows the cookie."""
        branch = f"{self.port}-{next(self._numbers)}"
        return f"SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{branch};rport", branch.encode()

    async def ask(
        self, data: bytes, branch: bytes, *, repeat: bool = True, give_up_s: float = GIVE_UP_S
    ) -> Answer:
        """Send ``data`` and wait for its final answer; ``TimeoutError`` when none comes."""
        loop = asyncio.get_running_loop()
        answered = self._waiting[branch] = loop.create_future()
        sent_at, sends, pause = time.time(), 0, T1_S
        try:
            async with asyncio.timeout(give_up_s):
                while not answered.done() and (repeat or not sends):
                    self._socket.sendto(data, self._server)
                    sends += 1
                    # Timer E: 0.5, 1, 2, 4, 4, ... seconds apart.
                    await asyncio.wait([answered], timeout=pause if repeat else None)
                    pause = min(2 * pause, T2_S)
                received_at, response = await answered
        finally:
            del self._waiting[branch]
        return Answer(int(response[8:11]), response.decode(), sent_at, received_at, sends)

    def _drain(self) -> None:
        while True:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(65535, _ANCILLARY)
            except BlockingIOError:
                return
            if not data:
                continue  # Some balancers pass on that there was nobody to be reached.
            answered = self._waiting.get(_branch(data))
            # A provisional response ends nothing, and a repeated one finds nobody waiting.
            if answered and not answered.done() and data[8:9] != b"1":
                seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
                answered.set_result((seconds + nanoseconds / 1e9, data))


def _branch(response: bytes) -> bytes:
    """What follows the cookie in the top Via, which every response gives back."""
    start = response.find(_COOKIE) + len(_COOKIE)
    end = min(i for i in (response.find(b";", start), response.find(b"\r", start)) if i > 0)
    return response[start:end]
