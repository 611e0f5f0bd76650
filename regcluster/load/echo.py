"""The least a server can be: it answers every request at once and knows nothing.

Whoever offers load to it measures the generator, and this machine's network, alone.
"""

import multiprocessing
import selectors
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import NoReturn

from regcluster.errors import RegclusterError
from regcluster.load.stream import CHUNK, Cutter

HOST = "127.0.0.1"

BUFFER = 8 * 1024 * 1024


@contextmanager
def echo(transport: str = "udp") -> Iterator[str]:
    """Where such a server answers, ``host:port``, as long as this context lasts."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, transport), daemon=True)
    process.start()
    # Or its end would not be noticed: the pipe would still be open here.
    there.close()
    try:
        yield _address(here)
    finally:
        process.kill()
        process.join()
        here.close()


def _address(child: Connection) -> str:
    try:
        return str(child.recv())
    except EOFError:
        raise RegclusterError("the server that was to answer ended before its time") from None


def serve(parent: Connection, transport: str) -> None:
    """Tell ``parent`` the address, then answer until killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with _datagrams() if transport == "udp" else socket.create_server((HOST, 0)) as sock:
        parent.send(f"{HOST}:{sock.getsockname()[1]}")
        if transport == "udp":
            _answer_datagrams(sock)
        _answer_streams(sock)


def _datagrams() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    sock.bind((HOST, 0))
    return sock


def _answer_datagrams(sock: socket.socket) -> NoReturn:
    while True:
        request, address = sock.recvfrom(8192)
        if answer := answered(request):
            sock.sendto(answer, address)


def _answer_streams(listener: socket.socket) -> NoReturn:
    ready = selectors.DefaultSelector()
    ready.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in ready.select():
            peer: _Peer | None = key.data
            if peer is None:
                peer = _Peer(listener.accept()[0])
                ready.register(peer.sock, selectors.EVENT_READ, peer)
            elif not peer.answer():
                ready.unregister(peer.sock)
                peer.sock.close()


class _Peer:
    """A connection, and what has come on it of a request that is not there as a whole."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._cutter = Cutter()

    def answer(self) -> bool:
        """Answer in one write what has come; False: the connection is none any more."""
        answers: list[bytes] = []
        try:
            data = self.sock.recv(CHUNK)
            self._cutter.feed(data, lambda request: answers.append(answered(request)))
            # It may wait for the generator, which reads whether or not it has more to send.
            self.sock.sendall(b"".join(answers))
        except OSError:
            return False
        return bool(data)


def answered(request: bytes) -> bytes:
    """A 200 to a REGISTER, a 302 to anything else, nothing to an ACK."""
    if request.startswith(b"ACK "):
        return b""
    status = b"200 OK" if request.startswith(b"REGISTER ") else b"302 Moved Temporarily"
    fields = request.find(b"\r\n")
    # From the Contact on there is nothing that an answer has to repeat.
    return b"SIP/2.0 %b%b\r\nContent-Length: 0\r\n\r\n" % (
        status,
        request[fields : request.find(b"\r\nContact:", fields)],
    )
