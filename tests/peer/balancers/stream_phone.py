"""Phones on TCP or TLS, which come back when their connection is lost, and a load of them.

A phone whose connection ends before its answer comes connects again, after a moment as phones do,
and sends the same REGISTER once more, until it is answered or has waited as long as RFC 3261 §17
lets it.
"""

import asyncio
import itertools
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tests import wire
from tests.peer.phone import GIVE_UP_S

PAUSE_S = 0.1


class StreamPhone:
    """One phone of ``user``, which registers at ``address``."""

    def __init__(
        self, user: str, address: tuple[str, int], secured: ssl.SSLContext | None = None
    ) -> None:
        self.user = user
        self.port = 0
        """Its end of the connection."""
        self._address = address
        self._secured = secured
        self._numbers = itertools.count(1)
        self._writer: asyncio.StreamWriter | None = None

    @property
    def contact(self) -> str:
        """What it registers."""
        return f"sip:{self.user}@127.0.0.1:5070;transport=tcp"

    async def register(self) -> str:
        """Register, again and again until it is answered; the answer."""
        number = next(self._numbers)
        aor = f"<sip:{self.user}@example.test>"
        data = wire.register(
            via=f"SIP/2.0/TCP 127.0.0.1:5070;branch=z9hG4bK{self.user}-{number};rport",
            from_=f"{aor};tag=1",
            to=aor,
            call_id=self.user,
            cseq=f"{number} REGISTER",
            contact=f"<{self.contact}>",
            expires=3600,
        )
        async with asyncio.timeout(GIVE_UP_S):
            while True:
                if answer := await self._ask(data):
                    return answer
                await asyncio.sleep(PAUSE_S)

    async def close(self) -> None:
        """Hang up."""
        if self._writer:
            self._writer.close()
            with suppress(OSError, ssl.SSLError):
                await self._writer.wait_closed()
            self._writer = None

    async def _ask(self, data: bytes) -> str:
        """The answer to one request; empty if the connection could not be had, or was lost."""
        try:
            if self._writer is None:
                self._reader, self._writer = await asyncio.open_connection(
                    *self._address, ssl=self._secured
                )
                self.port = self._writer.get_extra_info("sockname")[1]
            self._writer.write(data)
            return (await self._reader.readuntil(b"\r\n\r\n")).decode()
        except (OSError, asyncio.IncompleteReadError):
            await self.close()
            return ""


@dataclass(slots=True)
class StreamLoad:
    """Phones that register one after the other, all the time, each on its own connection."""

    phones: Sequence[StreamPhone]
    answers: list[str] = field(default_factory=list)
    stopped: bool = False
    _progress: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, every_s: float) -> None:
        """Have each phone register about every so many seconds until ``stopped``."""
        async with asyncio.TaskGroup() as tasks:
            for number, phone in enumerate(self.phones):
                tasks.create_task(self._one(phone, number / len(self.phones) * every_s, every_s))

    async def more(self, count: int) -> None:
        """Return once there are so many answers more."""
        wanted = len(self.answers) + count
        while len(self.answers) < wanted:
            self._progress.clear()
            await self._progress.wait()

    async def _one(self, phone: StreamPhone, first_s: float, every_s: float) -> None:
        await asyncio.sleep(first_s)
        while not self.stopped:
            self.answers.append(await phone.register())
            self._progress.set()
            await asyncio.sleep(every_s)
        await phone.close()
