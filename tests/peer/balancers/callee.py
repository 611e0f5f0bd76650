"""A phone that can be called: it registers at a balancer over UDP or TCP, and answers."""

import asyncio
import socket
from types import TracebackType
from typing import Self

from tests import wire

ANSWER_S = 10.0

ECHOED = ("via", "from", "to", "call-id", "cseq", "record-route")


class Callee:
    """``user``'s phone; use it in ``async with``. What it is asked is in ``asked``."""

    def __init__(self, user: str, transport: str, balancer: tuple[str, int]) -> None:
        self.asked: list[str] = []
        self._user = user
        self._transport = transport
        self._balancer = balancer
        self._answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        kind = socket.SOCK_DGRAM if self._transport == "udp" else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.connect(self._balancer)
        self._socket.setblocking(False)
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reading.cancel()
        await asyncio.wait([self._reading])
        self._socket.close()

    async def register(self) -> str:
        """Register a contact that nobody can reach: only the way it came by leads here."""
        aor = f"<sip:{self._user}@example.test>"
        contact = f"<sip:{self._user}@192.0.2.77:5060;transport={self._transport}>"
        via = f"SIP/2.0/{self._transport.upper()} 192.0.2.77:5060;branch=z9hG4bK{self._user};rport"
        data = wire.register(via=via, from_=f"{aor};tag=1", to=aor, contact=contact)
        await asyncio.get_running_loop().sock_sendall(self._socket, data)
        return await asyncio.wait_for(self._answered, ANSWER_S)

    async def _read(self) -> None:
        # No message here has a body, and none is long: each comes whole, or ends like this.
        loop, text = asyncio.get_running_loop(), ""
        while data := await loop.sock_recv(self._socket, 65535):
            text += data.decode()
            while "\r\n\r\n" in text:
                message, _, text = text.partition("\r\n\r\n")
                await self._take(message)

    async def _take(self, message: str) -> None:
        start, *rows = message.split("\r\n")
        if start.startswith("SIP/2.0"):
            self._answered.set_result(message)
            return
        self.asked.append(message)
        echo = [row for row in rows if row.partition(":")[0].lower() in ECHOED]
        answer = "\r\n".join(["SIP/2.0 200 OK", *echo, "Content-Length: 0", "", ""])
        await asyncio.get_running_loop().sock_sendall(self._socket, answer.encode())
