"""Sockets of a generator: non-blocking, read in bursts, watched through one epoll.

``receive`` waits to the microsecond, which epoll alone does not, and calls back for each message.
A channel is one socket; which target it leads to was decided when it was made.
"""

import select
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from regcluster.config.address import parse_address
from regcluster.errors import RegclusterError, told
from regcluster.load.messages import Place, picked_up

BURST = 64
"""Datagrams taken from one socket before the others get their turn."""

BUFFER = 8 * 1024 * 1024
"""Octets that may wait at a socket while the generator is busy; the kernel may grant less."""

MAX_ANSWER = 8192

CONNECT_S = 5.0

_SO_MEMINFO = 55
_MEMINFO_DROPS = 8

Take = Callable[[bytes], None]
"""What a wire calls with each message that came in."""


class Wire(Protocol):
    """A set of channels to the targets."""

    contact: str
    """Where phones take requests; empty: nowhere."""
    lost: int
    """Sockets that failed: errors told by the kernel, connections that broke."""

    @property
    def locals(self) -> Sequence[Place]:
        """Our end of each channel."""

    def send(self, channel: int, data: bytes) -> bool:
        """Send, at the latest with ``flush``; False: the kernel does not take it."""

    def flush(self) -> None:
        """Send what has been put together."""

    def receive(self, wait: float, take: Take) -> None:
        """Give what has come to ``take``, after waiting at most so many seconds for the first."""

    def drops(self) -> int:
        """Answers that the kernel has dropped because we did not read them in time."""

    def close(self) -> None:
        """Close all sockets."""


class UdpWire:
    """Datagram sockets, each connected to one target."""

    def __init__(self, targets: Sequence[str], sockets: int, *, is_callee: bool = False) -> None:
        self.lost = 0
        self._epoll = Poller()
        self._sockets = [_datagram_to(target) for target in targets for _ in range(sockets)]
        self._sends = [sock.send for sock in self._sockets]
        self._by_fd = {sock.fileno(): sock.recv for sock in self._sockets}
        self.locals = [place(sock) for sock in self._sockets]
        self._callee = _datagram_at(self.locals[0].host) if is_callee else None
        self.contact = _shown(self._callee) if self._callee else ""
        for sock in (*self._sockets, *([self._callee] if self._callee else [])):
            self._epoll.watch(sock.fileno(), select.EPOLLIN)

    def send(self, channel: int, data: bytes) -> bool:
        """Send at once."""
        try:
            self._sends[channel](data)
        except ConnectionRefusedError:
            # That is told of a datagram before this one, which has not been sent yet.
            self.lost += 1
            with suppress(OSError):
                return self._sends[channel](data) > 0
            return False
        except OSError:
            return False
        return True

    def flush(self) -> None:
        """Nothing is ever kept."""

    def receive(self, wait: float, take: Take) -> None:
        """Read a burst from each socket that has something."""
        for fd, _ in self._epoll.wait(wait):
            recv = self._by_fd.get(fd)
            try:
                if recv is None:
                    self._answer_calls()
                    continue
                for _ in range(BURST):
                    take(recv(MAX_ANSWER))
            except BlockingIOError:
                continue
            except OSError:
                # Nobody listens there; the request will be missed in time.
                self.lost += 1

    def drops(self) -> int:
        """Of all sockets together."""
        return sum(_drops(sock) for sock in self._sockets)

    def close(self) -> None:
        """Close all sockets."""
        self._epoll.close()
        for sock in (*self._sockets, *([self._callee] if self._callee else [])):
            sock.close()

    def _answer_calls(self) -> None:
        assert self._callee, "only its descriptor is no channel's"
        for _ in range(BURST):
            request, address = self._callee.recvfrom(MAX_ANSWER)
            if not request.startswith((b"ACK ", b"SIP/2.0 ")):
                self._callee.sendto(picked_up(request), address)


class Poller:
    """An epoll that can wait for less than a millisecond."""

    def __init__(self) -> None:
        self._epoll = select.epoll()

    def watch(self, fd: int, events: int) -> None:
        """Tell of ``events`` at ``fd`` from now on."""
        self._epoll.register(fd, events)

    def change(self, fd: int, events: int) -> None:
        """Tell of other events at ``fd``."""
        self._epoll.modify(fd, events)

    def wait(self, seconds: float) -> list[tuple[int, int]]:
        """What is ready, after at most ``seconds``."""
        if seconds >= 0.001:
            # Whole milliseconds, rounded down: half a one is what Python's rounding up may add.
            return self._epoll.poll((int(seconds * 1000) - 0.5) / 1000)
        if seconds > 0:
            select.select((self._epoll,), (), (), seconds)
        return self._epoll.poll(0)

    def close(self) -> None:
        """Watch nothing any more."""
        self._epoll.close()


def connected(target: str, kind: socket.SocketKind) -> socket.socket:
    """A non-blocking socket to ``target``; raises ``RegclusterError`` if there is no way there."""
    host, port = parse_address(target)
    sock = None
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=kind)[0]
        sock = socket.socket(family, kind)
        sock.settimeout(CONNECT_S)
        sock.connect(address)
    except OSError as error:
        if sock:
            sock.close()
        raise RegclusterError(f"cannot reach {target}: {told(error)}") from error
    sock.setblocking(False)
    return sock


def _datagram_to(target: str) -> socket.socket:
    sock = connected(target, socket.SOCK_DGRAM)
    _widen(sock)
    return sock


def _datagram_at(host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.setblocking(False)
    _widen(sock)
    return sock


def _widen(sock: socket.socket) -> None:
    for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, buffer, BUFFER)


def place(sock: socket.socket) -> Place:
    """Our end of ``sock``."""
    return Place(*sock.getsockname()[:2])


def _shown(sock: socket.socket) -> str:
    here = place(sock)
    return f"{here.shown}:{here.port}"


def _drops(sock: socket.socket) -> int:
    counters = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 4 * (_MEMINFO_DROPS + 1))
    return int(struct.unpack_from("=I", counters, 4 * _MEMINFO_DROPS)[0])
