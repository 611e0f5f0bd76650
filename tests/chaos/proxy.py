"""A way to a server that can be cut without a word, as a lost route or a full firewall does it.

While it is frozen it accepts, reads nothing, and says nothing; no connection is closed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.peer.processes import HOST


class Proxy:
    """Passes octets on between its own port and ``target`` on this machine."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._thawed = asyncio.Event()
        self._thawed.set()
        self.port = 0
        self.accepted = 0
        """Connections so far."""

    def freeze(self) -> None:
        """From now on nothing passes."""
        self._thawed.clear()

    def thaw(self) -> None:
        """What has piled up passes, and all that follows."""
        self._thawed.set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listens until it is left, and breaks every connection then."""
        async with asyncio.TaskGroup() as tasks:
            flows: set[asyncio.Task[None]] = set()

            def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                self.accepted += 1
                task = tasks.create_task(self._serve(reader, writer))
                flows.add(task)
                task.add_done_callback(flows.discard)

            server = await asyncio.start_server(accept, HOST, 0)
            self.port = server.sockets[0].getsockname()[1]
            try:
                yield
            finally:
                server.close()
                for task in flows:
                    task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._thawed.wait()
        there, back = await asyncio.open_connection(HOST, self._target)
        try:
            with suppress(OSError):
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._pass_on(reader, back))
                    tasks.create_task(self._pass_on(there, writer))
        finally:
            back.close()
            writer.close()

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(1 << 16):
            await self._thawed.wait()
            sink.write(data)
        sink.close()
