"""The least a server can be: it answers every request at once and knows nothing.

Whoever offers load to it measures the generator, and this machine's network, alone.
"""

import multiprocessing
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from regcluster.errors import RegclusterError

HOST = "127.0.0.1"

BUFFER = 8 * 1024 * 1024


@contextmanager
def echo() -> Iterator[str]:
    """Where such a server answers over UDP, ``host:port``, as long as this context lasts."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there,), daemon=True)
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


def serve(parent: Connection) -> None:
    """Tell ``parent`` the address, then answer until killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        sock.bind((HOST, 0))
        parent.send(f"{HOST}:{sock.getsockname()[1]}")
        while True:
            request, address = sock.recvfrom(8192)
            if answer := answered(request):
                sock.sendto(answer, address)


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
