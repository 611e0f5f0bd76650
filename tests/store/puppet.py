"""A server whose every word a test decides: silence, refusals and junk that no real one gives."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self, cast

import hiredis

Command = list[bytes]
Answer = Callable[[Command], bytes | None]

WAIT_S = 5.0
"""No event takes this long; a test that waits so long has failed."""

OK = b"+OK\r\n"


def polite(command: Command) -> bytes | None:
    """What a server of ours says to a greeting; anything else is echoed by its last word."""
    match command[0]:
        case b"HMGET":
            return b"*3\r\n$1\r\n1\r\n$3\r\n256\r\n$6\r\nsecret\r\n"
        case b"TIME":
            return b"*2\r\n$10\r\n1700000000\r\n$1\r\n0\r\n"
        case b"AUTH" | b"SELECT" | b"CLIENT" | b"SCRIPT":
            return OK
    return b"$%d\r\n%b\r\n" % (len(command[-1]), command[-1])


def saying(words: Mapping[bytes, bytes | None]) -> Answer:
    """Polite but for the commands in ``words``; ``None``: no answer."""

    def answer(command: Command) -> bytes | None:
        return words[command[0]] if command[0] in words else polite(command)

    return answer


class Puppet:
    """Listens on a loopback port while entered; ``answer`` may be changed at any time.

    ``None`` for an answer is silence. ``welcome`` is said before any question.
    """

    def __init__(self, answer: Answer = polite, welcome: bytes = b"") -> None:
        self.answer = answer
        self.welcome = welcome
        self.port = 0
        self.connections = 0
        self.commands: list[Command] = []
        self.peers: set[Peer] = set()
        self._news = asyncio.Event()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, on the same port as the last time."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Peer(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Be gone, as after a kill."""
        if self._server:
            self._server.close()
            self._server = None
        self.drop()
        await self.until(lambda: not self.peers)

    def drop(self) -> None:
        """Break every connection."""
        for peer in self.peers:
            peer.transport.abort()

    def say(self, data: bytes) -> None:
        """Say ``data`` to everybody, asked or not."""
        for peer in self.peers:
            peer.transport.write(data)

    def count(self, word: bytes) -> int:
        """How many commands began with ``word``."""
        return sum(command[0] == word for command in self.commands)

    async def heard(self, word: bytes, times: int = 1) -> None:
        """Return once so many commands have begun with ``word``."""
        await self.until(lambda: self.count(word) >= times)

    async def until(self, claim: Callable[[], bool]) -> None:
        """Return once ``claim`` holds; it is looked at whenever anything happens here."""
        async with asyncio.timeout(WAIT_S):
            while not claim():
                self._news.clear()
                await self._news.wait()

    def happened(self) -> None:
        """Something did."""
        self._news.set()


class Peer(asyncio.Protocol):
    """One connection to a puppet."""

    transport: asyncio.Transport

    def __init__(self, puppet: Puppet) -> None:
        self._puppet = puppet
        self._reader = hiredis.Reader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._puppet.peers.add(self)
        self._puppet.connections += 1
        self._puppet.happened()
        self.transport.write(self._puppet.welcome)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        answers = []
        # What is no command at all, such as the first words of TLS, gets no answer either.
        with suppress(hiredis.ProtocolError):
            while command := self._reader.gets():
                self._puppet.commands.append(command)
                if (answer := self._puppet.answer(command)) is not None:
                    answers.append(answer)
        self.transport.write(b"".join(answers))
        self._puppet.happened()

    def connection_lost(self, exc: Exception | None) -> None:
        self._puppet.peers.discard(self)
        self._puppet.happened()
