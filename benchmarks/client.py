"""Who asks: one process that keeps a fixed number of requests under way, over UDP or TCP.

That is how a busy balancer looks from here. The next request leaves as soon as an answer came, so
whoever is measured is never idle for long and never behind; the price of being idle is what
``benchmarks.rates`` tells.
"""

import selectors
import socket
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

from benchmarks.contestants import Contestant
from benchmarks.phones import Fleet
from benchmarks.processes import cpu_us
from tests.peer.processes import HOST

WINDOW = 64
"""Requests without an answer at any time, at most."""

CONNECTIONS = 8
"""Over TCP: as many as a few balancers would keep open."""

ANSWER_S = 10.0

_END = b"\r\n\r\n"
"""Of a message: none of ours has a body."""


class Line(Protocol):
    """A way to a contestant."""

    port: int
    """Ours: where answers come back to."""

    def ask(self, messages: Sequence[bytes], status: bytes) -> None:
        """Send all, and return when all are answered.

        Raises ``RuntimeError`` if one of them is not answered ``status``, ``TimeoutError`` if not
        at all.
        """

    def close(self) -> None:
        """Ask no more."""


class Datagrams:
    """UDP, through one socket."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.settimeout(ANSWER_S)
        self.socket.bind((HOST, 0))
        self.socket.connect((HOST, port))
        self.port: int = self.socket.getsockname()[1]

    def ask(self, messages: Sequence[bytes], status: bytes) -> None:
        """Send all, and answer those that come to us as a phone would."""
        send, recv = self.socket.send, self.socket.recv
        good = b"SIP/2.0 %b " % status
        todo = iter(messages)
        for message in islice(todo, WINDOW):
            send(message)
        answered = 0
        while answered < len(messages):
            data = recv(65535)
            if data.startswith(good):
                answered += 1
                if message := next(todo, b""):
                    send(message)
            elif data.startswith(b"SIP/2.0 "):
                raise RuntimeError(f"not answered {status!r} but {data[:40]!r}")
            else:
                send(phone_answer(data))

    def close(self) -> None:
        """Ask no more."""
        self.socket.close()


class Streams:
    """TCP, through several connections."""

    def __init__(self, port: int) -> None:
        self._sockets = [socket.create_connection((HOST, port)) for _ in range(CONNECTIONS)]
        self._selector = selectors.DefaultSelector()
        for stream in self._sockets:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(stream, selectors.EVENT_READ, stream)
        self.port: int = self._sockets[0].getsockname()[1]

    def ask(self, messages: Sequence[bytes], status: bytes) -> None:
        """Send all, each connection its share of the window at a time."""
        good = b"SIP/2.0 %b " % status
        todo = iter(messages)
        share = WINDOW // CONNECTIONS
        for idle in self._sockets:
            idle.sendall(_next(todo, share))
        answered = 0
        pending = dict.fromkeys(self._sockets, b"")
        while answered < len(messages):
            ready = self._selector.select(ANSWER_S)
            if not ready:
                raise TimeoutError("no answer")
            for key, _ in ready:
                stream: socket.socket = key.data
                whole, end, pending[stream] = (pending[stream] + _receive(stream)).rpartition(_END)
                count = (whole + end).count(_END)
                if count != whole.count(good):
                    raise RuntimeError(f"not all answered {status!r}: {whole[:40]!r}")
                answered += count
                stream.sendall(_next(todo, count))

    def close(self) -> None:
        """Ask no more."""
        self._selector.close()
        for stream in self._sockets:
            stream.close()


class Client:
    """The phones of a fleet before one contestant, until it is closed."""

    def __init__(self, contestant: Contestant, phones: int, transport: str = "UDP") -> None:
        self._contestant = contestant
        self.line: Line = (Datagrams if transport == "UDP" else Streams)(contestant.port)
        self.port = self.line.port
        self.fleet = Fleet(phones, self.port, transport=transport)

    def close(self) -> None:
        """Ask no more."""
        self.line.close()

    def ask(self, messages: Sequence[bytes], status: bytes) -> dict[str, float]:
        """Send ``messages``; µs of CPU per message, by process.

        Raises ``RuntimeError`` if any is not answered ``status``, and ``TimeoutError``.
        """
        roots = self._contestant.roots
        before = {part: cpu_us([pid]) for part, pid in roots.items()}
        try:
            self.line.ask(messages, status)
        except (RuntimeError, OSError) as error:
            raise RuntimeError(f"{self._contestant.name}: {error}") from error
        return {part: (cpu_us([pid]) - before[part]) / len(messages) for part, pid in roots.items()}


def phone_answer(request: bytes) -> bytes:
    """A 200 to a request that came to the phone: its own header, Vias included."""
    return b"SIP/2.0 200 OK\r\n" + request.partition(b"\r\n")[2]


def _next(todo: Iterator[bytes], count: int) -> bytes:
    return b"".join(islice(todo, count))


def _receive(stream: socket.socket) -> bytes:
    data = stream.recv(1 << 18)
    if not data:
        raise ConnectionResetError("the connection was closed")
    return data
