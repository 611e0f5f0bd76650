"""From worker to worker of one node: messages that must leave by another's connection.

Any worker may get a datagram, but a stream connection lives in one. A response that has to leave
by it, or a request for the phone behind it, is handed over with the connection's token, through a
Unix socket in a directory that only this node can enter. Each worker listens there under its index
and connects to another when it first has something for it.

The sockets keep messages apart and in order (SOCK_SEQPACKET). Datagram sockets would do so too, but
the kernel lets a mere ``net.unix.max_dgram_qlen`` of them wait, usually ten: less than one burst.
"""

import asyncio
import socket
from pathlib import Path

from regcluster.edge.acceptor import Acceptor
from regcluster.edge.flow import Count, FlowTable, worker_of
from regcluster.sip.parser import MAX_MESSAGE

DRAIN = 64
"""Messages taken from one worker in one turn of the event loop."""

MAX_TOKEN = 64
BACKLOG = 128
BUFFER = 4 * 1024 * 1024
"""Octets that may wait for a worker that is busy; the kernel may grant less."""

_ROOM = MAX_TOKEN + 1 + MAX_MESSAGE


class Relay:
    """One worker's end: sends by any connection of the node, and for the others by those here.

    ``directory`` must exist and be private. The path in it has to fit a Unix socket address, some
    100 octets. ``lost`` is told why a message that another worker handed over was not sent.
    """

    def __init__(self, directory: Path, worker: int, table: FlowTable, lost: Count) -> None:
        self._directory = directory
        self._worker = worker
        self._table = table
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._outgoing: dict[int, socket.socket] = {}
        self._incoming: set[socket.socket] = set()
        self._is_closed = False
        listener = _listen_at(self._path(worker))
        # Nothing is lost while a worker waits to be accepted: what it sends waits with it.
        self._acceptor = Acceptor(listener, self._take, lambda: None)

    def send(self, token: str, data: bytes) -> bool:
        """Send by the connection that ``token`` names, wherever it lives. False: not sent.

        True, where another worker holds it, means that this worker has the message.
        """
        worker = worker_of(token)
        if worker is None or self._is_closed:
            return False
        if worker == self._worker:
            return self._send_here(token, data)
        return self._hand_over(worker, token, data)

    def close(self) -> None:
        """Take and hand over nothing more."""
        self._is_closed = True
        self._acceptor.close()
        for sock in list(self._incoming):
            self._forget(sock)
        while self._outgoing:
            self._outgoing.popitem()[1].close()

    def _send_here(self, token: str, data: bytes) -> bool:
        flow = self._table.by_token(token)
        return flow is not None and flow.send(data)

    def _hand_over(self, worker: int, token: str, data: bytes) -> bool:
        if len(data) > MAX_MESSAGE or not _is_plain(token):
            return False
        packet = token.encode() + b"\n" + data
        # The first try may meet a connection to a life of the worker that has ended.
        for _ in range(2):
            peer = self._outgoing.get(worker) or self._connect(worker)
            if peer is None:
                return False
            try:
                peer.send(packet)
            except BlockingIOError:
                return False
            except OSError:
                self._outgoing.pop(worker).close()
            else:
                return True
        return False

    def _path(self, worker: int) -> Path:
        return self._directory / f"worker-{worker}.sock"

    def _connect(self, worker: int) -> socket.socket | None:
        sock = None
        try:
            sock = _new_socket()
            sock.connect(str(self._path(worker)))
        except OSError:
            # Nobody listens there, too many wait already, or there is no descriptor left.
            if sock:
                sock.close()
            return None
        self._outgoing[worker] = sock
        return sock

    def _take(self, sock: socket.socket) -> None:
        self._incoming.add(sock)
        self._loop.add_reader(sock.fileno(), self._drain, sock)

    def _drain(self, sock: socket.socket) -> None:
        for _ in range(DRAIN):
            try:
                packet = sock.recv(_ROOM)
            except BlockingIOError:
                return
            except OSError:
                packet = b""
            if not packet:
                self._forget(sock)
                return
            token, _, data = packet.partition(b"\n")
            if not self._send_here(token.decode("ascii", "replace"), data):
                self._lost("relay")

    def _forget(self, sock: socket.socket) -> None:
        self._loop.remove_reader(sock.fileno())
        self._incoming.discard(sock)
        sock.close()


def _is_plain(token: str) -> bool:
    # It stood in a message: as long as it likes, with line ends and octets that are no text.
    return len(token) <= MAX_TOKEN and token.isascii() and token.isprintable()


def _listen_at(path: Path) -> socket.socket:
    # Left behind by a life of this worker that was killed.
    path.unlink(missing_ok=True)
    sock = _new_socket()
    try:
        sock.bind(str(path))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _new_socket() -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    return sock
