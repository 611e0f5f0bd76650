"""The TCP half of the wire: connections that carry many requests at once, and are made again.

What is sent in one turn leaves in one write per connection. A connection that breaks takes the
requests on it with it: over TCP nobody sends them again, and they are missed in time.
"""

import errno
import re
import select
import socket
import time
from collections.abc import Sequence
from contextlib import suppress

from regcluster.load.wire import Poller, Take, connected, place

CHUNK = 256 * 1024

AGAIN_S = 0.5
"""Seconds between two tries to make a connection again."""

_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:[ \t]*(\d+)", re.IGNORECASE)


class Cutter:
    """Cuts a stream into messages; whatever ends in a blank line is taken for a head."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes, take: Take) -> None:
        """Give each whole message to ``take``."""
        stream = self._rest + data if self._rest else data
        start = 0
        while (head := stream.find(b"\r\n\r\n", start)) >= 0:
            end = head + 4
            # Nearly every answer says this in its last line.
            if not stream.endswith(b"\r\nContent-Length: 0", start, head):
                length = _LENGTH.search(stream, start, head)
                end += int(length[1]) if length else 0
            if end > len(stream):
                break
            take(stream[start:end])
            start = end
        self._rest = stream[start:]


class Connection:
    """One connection to one target, and what waits to be sent on it."""

    __slots__ = ("_peer", "again_at", "cutter", "sock", "waiting")

    def __init__(self, target: str) -> None:
        self.sock = connected(target, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._peer = self.sock.getpeername()
        self.waiting = bytearray()
        self.cutter = Cutter()
        self.again_at = 0.0
        """When to connect again; 0: it is connected, or on the way to it."""

    def write(self) -> bool:
        """Send what waits, as far as the kernel takes it; False: some is left."""
        with suppress(BlockingIOError):
            while self.waiting:
                del self.waiting[: self.sock.send(self.waiting)]
        return not self.waiting

    def fail(self, now: float) -> None:
        """Drop all that was on its way, to try again in a while."""
        self.sock.close()
        self.waiting.clear()
        self.cutter = Cutter()
        self.again_at = now + AGAIN_S

    def reconnect(self) -> None:
        """Begin to connect again; whether that works is told like any other failure."""
        self.sock = socket.socket(self.sock.family, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect_ex(self._peer)
        self.again_at = 0.0


class TcpWire:
    """Connections to all targets."""

    contact = ""

    def __init__(self, targets: Sequence[str], sockets: int) -> None:
        self.lost = 0
        self._poller = Poller()
        self._connections = [Connection(target) for target in targets for _ in range(sockets)]
        self.locals = [place(one.sock) for one in self._connections]
        self._by_fd = {one.sock.fileno(): one for one in self._connections}
        for fd in self._by_fd:
            self._poller.watch(fd, select.EPOLLIN)
        self._dirty: set[Connection] = set()
        self._broken: list[Connection] = []

    def send(self, channel: int, data: bytes) -> bool:
        """Queue it for ``flush``; on a connection that is broken just now it is lost."""
        connection = self._connections[channel]
        if not connection.again_at:
            connection.waiting += data
            self._dirty.add(connection)
        return True

    def flush(self) -> None:
        """One write for each connection that has something to send."""
        for connection in self._dirty:
            self._write(connection)
        self._dirty.clear()

    def receive(self, wait: float, take: Take) -> None:
        """Read what has come on each connection, and go on writing where that was not possible."""
        if self._broken:
            wait = min(wait, AGAIN_S)
            self._mend()
        for fd, events in self._poller.wait(wait):
            connection = self._by_fd[fd]
            if events & select.EPOLLOUT and not self._write(connection):
                continue
            if events & ~select.EPOLLOUT:
                self._read(connection, take)

    def drops(self) -> int:
        """None: TCP does not let a peer send what nobody reads."""
        return 0

    def close(self) -> None:
        """Close all connections."""
        self._poller.close()
        for connection in self._connections:
            connection.sock.close()

    def _write(self, connection: Connection) -> bool:
        """Whether the connection is still one."""
        try:
            is_done = connection.write()
        except OSError as error:
            if error.errno == errno.ENOTCONN:
                is_done = False
            else:
                self._fail(connection)
                return False
        out = 0 if is_done else select.EPOLLOUT
        self._poller.change(connection.sock.fileno(), select.EPOLLIN | out)
        return True

    def _read(self, connection: Connection, take: Take) -> None:
        try:
            data = connection.sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            connection.cutter.feed(data, take)
        else:
            self._fail(connection)

    def _fail(self, connection: Connection) -> None:
        self.lost += 1
        del self._by_fd[connection.sock.fileno()]
        connection.fail(time.monotonic())
        self._broken.append(connection)

    def _mend(self) -> None:
        now = time.monotonic()
        for connection in [one for one in self._broken if one.again_at <= now]:
            self._broken.remove(connection)
            connection.reconnect()
            self._by_fd[connection.sock.fileno()] = connection
            self._poller.watch(connection.sock.fileno(), select.EPOLLIN | select.EPOLLOUT)
