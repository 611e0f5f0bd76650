"""What tests of sockets share: a place to collect what arrives, and limits that suit a test."""

import asyncio
from collections import Counter

from regcluster.config import LimitSettings
from regcluster.edge.flow import Flow

BOTH_LOOPS = [
    ("asyncio", {"use_uvloop": True}),
    ("asyncio", {"use_uvloop": False}),
]
"""What we ship, and what must behave the same, for nothing of ours leans on one of them."""

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
