"""The primary that Sentinels watch, sought anew for each connection.

All Sentinels are asked at once and the best informed is believed: while a failover goes on, the one
that leads it knows the new primary a second before the others. The server found must say itself
that it is a primary; a demoted one would answer lookups from yesterday's bindings.

They are asked again every second. After a failover that an operator asked for the old primary does
not know for ten seconds that it is none any more: it goes on to take changes, only to forget them.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from regcluster.errors import StoreUnavailable
from regcluster.store.connection import Arg
from regcluster.store.discovery import ask_all
from regcluster.store.endpoint import Endpoint

LOOK_S = 1.0
"""The longest time between two questions to the Sentinels while a connection is up."""


@dataclass(slots=True)
class SentinelPlace:
    """The primary of ``service``; ``server`` says how it lets us in, whatever its address."""

    service: str
    sentinels: tuple[Endpoint, ...]
    server: Endpoint
    here: Endpoint | None = None
    """The server that the Sentinels named last."""
    look_s: float = LOOK_S

    async def connect(self, factory: Callable[[], asyncio.Protocol]) -> None:
        """Ask the Sentinels and connect. Raises ``OSError`` and ``StoreUnavailable``."""
        self.here = await self._seek()
        await self.here.connect(factory)

    @property
    def introduction(self) -> list[tuple[Arg, ...]]:
        """Who we are, and whether the server is what we take it for."""
        return [*self.server.introduction, (b"ROLE",)]

    def admit(self, replies: Sequence[Any]) -> None:
        """Only a primary will do."""
        role = replies[-1][0]
        if role != b"master":
            told = role.decode(errors="replace")
            raise StoreUnavailable(f"the Sentinels name a server that says it is a {told}")

    async def moved(self) -> None:
        """Return once the Sentinels name another server than the one we are connected to."""
        while True:
            await asyncio.sleep(self.look_s * random.uniform(0.5, 1.0))
            # A connection that is up is not given up for Sentinels that cannot be asked, or that
            # say what nobody understands.
            with suppress(Exception):
                if await self._seek() != self.here:
                    return

    async def _seek(self) -> Endpoint:
        questions: tuple[tuple[Arg, ...], ...] = (
            (b"SENTINEL", b"MASTER", self.service),
            (b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", self.service),
        )
        answers = await ask_all(self.sentinels, *questions)
        _, (_, (host, port)) = max(answers, key=lambda answer: _epoch(answer[1][0]))
        return self.server.at(host.decode(), int(port))


def _epoch(facts: Sequence[bytes]) -> int:
    """How often the primary had been changed when a Sentinel said so."""
    return int(dict(zip(facts[::2], facts[1::2], strict=True)).get(b"config-epoch", 0))
