"""The embedded server of a node, kept running for as long as the node runs.

When it dies, all is in its append-only file: it is started again, at once the first time and later
each time after that, and the workers find it where it was. Until then they answer 503.
"""

from collections.abc import Callable
from typing import NoReturn

import anyio

from regcluster.control.gauges import NodeGauges
from regcluster.errors import ConfigError
from regcluster.log import get_logger
from regcluster.store.embedded import Embedded

logger = get_logger(__name__)

SHORTEST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0
GOOD_LIFE_S = 30.0
"""A server that lived this long did not die of its start."""


class Storekeeper:
    """Keeps the server of ``embedded://...``: ``open`` once, then ``keep``; ``close`` at the end.

    ``on_move`` is told the server's new URL when it could not be given its old one.
    """

    def __init__(self, url: str, gauges: NodeGauges, on_move: Callable[[str], None]) -> None:
        self._given = url
        self._gauges = gauges
        self._on_move = on_move
        self._server: Embedded

    async def open(self) -> str:
        """Start the server; the URL to reach it at. Raises ``ConfigError`` when it cannot run."""
        self._server = await self._start()
        return self._server.url

    async def keep(self) -> NoReturn:
        """Start the server again whenever it ends, until cancelled."""
        wait = 0.0
        while True:
            born = anyio.current_time()
            code = await self._server.wait()
            logger.error("embedded store ended", code=code)
            if anyio.current_time() - born > GOOD_LIFE_S:
                wait = 0.0
            while not await self._revive(wait):
                wait = _longer(wait)
            wait = _longer(wait)

    async def close(self) -> None:
        """End the server in order."""
        await self._server.stop()

    async def _revive(self, wait: float) -> bool:
        """Start the server again after ``wait`` seconds; whether it runs."""
        before = self._server
        await before.stop()
        await anyio.sleep(wait)
        try:
            self._server = await self._start()
        except ConfigError as why:
            logger.error("embedded store not started", problem=str(why))
            return False
        self._gauges.store_restarts += 1
        logger.info("embedded store started again")
        if self._server.url != before.url:
            self._on_move(self._server.url)
        return True

    async def _start(self) -> Embedded:
        try:
            return await Embedded.start(self._given)
        except OSError as why:
            problem = f"store.url: {self._given} cannot be used: {why.strerror}"
            raise ConfigError([problem]) from None


def _longer(wait: float) -> float:
    return min(max(2 * wait, SHORTEST_WAIT_S), LONGEST_WAIT_S)
