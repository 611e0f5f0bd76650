"""From worker to worker of one node: messages that must leave by another's connection.

Any worker may get a datagram, but a stream connection lives in one. A response that has to leave
by it, or a request for the phone behind it, is handed over with the connection's token, through a
Unix socket in a directory that only this node can enter. Each worker listens there under its index
and connects to another when it first has something for it.

A request needs to know beforehand that the connection is still there, and what to say of it in its
Via: it asks for both, and the answer comes back by the same socket.

The sockets keep messages apart and in order (SOCK_SEQPACKET). Datagram sockets would do so too, but
the kernel lets a mere ``net.unix.max_dgram_qlen`` of them wait, usually ten: less than one burst.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from regcluster.edge.acceptor import Acceptor
from regcluster.edge.flow import Count, Flow, FlowTable, worker_of
from regcluster.sip.hop import Hop
from regcluster.sip.parser import MAX_MESSAGE

DRAIN = 64
"""Messages taken from one worker in one turn of the event loop."""

MAX_TOKEN = 64
BACKLOG = 128
BUFFER = 4 * 1024 * 1024
"""Octets that may wait for a worker that is busy; the kernel may grant less."""

ANSWER_S = 1.0
"""The longest we wait to hear of a connection; a worker that takes longer cannot use it either."""

_ROOM = MAX_TOKEN + 1 + MAX_MESSAGE

_QUESTION = b"?"
"""Begins a question, ``?<number> <token>``. No token begins like this. The answer is ``<number>``
and, for a connection that is there, its transport, our hop and the peer's."""


Ends = tuple[Hop, Hop]
"""Our hop of a connection, and its peer's."""


class RelayedFlow:
    """A connection that another worker of this node holds."""

    __slots__ = ("_relay", "local", "peer", "token", "transport")

    def __init__(self, relay: "Relay", token: str, local: Hop, peer: Hop) -> None:
        self._relay = relay
        self.transport = local.transport
        self.local = local
        self.peer = peer
        self.token = token

    def send(self, data: bytes, to: Hop | None = None) -> bool:
        """Hand one message over to the worker that holds the connection."""
        return self._relay.send(self.token, data)


class Relay:
    """One worker's end: sends by any connection of the node, and for the others by those here.

    ``directory`` must exist and be private. The path in it has to fit a Unix socket address, some
    100 octets. ``lost`` is told why a message that another worker handed over was not sent.
    """

    def __init__(
        self,
        directory: Path,
        worker: int,
        table: FlowTable,
        lost: Count,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._directory = directory
        self._worker = worker
        self._table = table
        self._lost = lost
        self._answer_s = answer_s
        self._loop = asyncio.get_running_loop()
        self._outgoing: dict[int, socket.socket] = {}
        self._asked: dict[bytes, tuple[int, asyncio.Future[Ends | None]]] = {}
        self._questions = 0
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

    async def find(self, token: str) -> Flow | None:
        """The connection that ``token`` names, for a request of ours; None if it is gone.

        One that its peer has begun to close counts as gone.
        """
        worker = worker_of(token)
        if worker is None or self._is_closed:
            return None
        if worker == self._worker:
            return self._table.offered(token)
        return await self._ask(worker, token) if _is_plain(token) else None

    def close(self) -> None:
        """Take and hand over nothing more."""
        self._is_closed = True
        self._acceptor.close()
        for sock in list(self._incoming):
            self._forget(sock)
        for worker in list(self._outgoing):
            self._lose(worker)

    def _send_here(self, token: str, data: bytes) -> bool:
        flow = self._table.by_token(token)
        return flow is not None and flow.send(data)

    def _hand_over(self, worker: int, token: str, data: bytes) -> bool:
        if len(data) > MAX_MESSAGE or not _is_plain(token):
            return False
        return self._pass_on(worker, token.encode() + b"\n" + data)

    def _pass_on(self, worker: int, packet: bytes) -> bool:
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
                self._lose(worker)
            else:
                return True
        return False

    async def _ask(self, worker: int, token: str) -> Flow | None:
        self._questions += 1
        number = b"%d" % self._questions
        if not self._pass_on(worker, _QUESTION + number + b" " + token.encode()):
            return None
        answer = self._loop.create_future()
        self._asked[number] = (worker, answer)
        try:
            async with asyncio.timeout(self._answer_s):
                ends = await answer
        except TimeoutError:
            return None
        finally:
            del self._asked[number]
        return RelayedFlow(self, token, *ends) if ends else None

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
        self._loop.add_reader(sock.fileno(), self._hear, worker, sock)
        return sock

    def _hear(self, worker: int, sock: socket.socket) -> None:
        """Take the answers to what was asked of ``worker``."""
        for packet in _packets(sock):
            number, _, text = packet.partition(b" ")
            if not number:
                self._lose(worker)
                return
            _, answer = self._asked.get(number, (worker, None))
            if answer and not answer.done():
                answer.set_result(_read_ends(text))

    def _lose(self, worker: int) -> None:
        """Forget the connection to ``worker``; what was asked of it is not answered any more."""
        sock = self._outgoing.pop(worker)
        self._loop.remove_reader(sock.fileno())
        sock.close()
        for asked, answer in self._asked.values():
            if asked == worker and not answer.done():
                answer.set_result(None)

    def _take(self, sock: socket.socket) -> None:
        self._incoming.add(sock)
        self._loop.add_reader(sock.fileno(), self._drain, sock)

    def _drain(self, sock: socket.socket) -> None:
        for packet in _packets(sock):
            if not packet:
                self._forget(sock)
                return
            if packet.startswith(_QUESTION):
                self._answer(sock, packet)
                continue
            token, _, data = packet.partition(b"\n")
            if not self._send_here(token.decode("ascii", "replace"), data):
                self._lost("relay")

    def _answer(self, sock: socket.socket, question: bytes) -> None:
        number, _, token = question.removeprefix(_QUESTION).partition(b" ")
        flow = self._table.offered(token.decode("ascii", "replace"))
        # Whoever gets no answer thinks that the connection is gone: one too slow to be of use.
        with suppress(OSError):
            sock.send(number + b" " + (_write_ends(flow) if flow else b""))

    def _forget(self, sock: socket.socket) -> None:
        self._loop.remove_reader(sock.fileno())
        self._incoming.discard(sock)
        sock.close()


def _packets(sock: socket.socket) -> Iterator[bytes]:
    """What waits in ``sock``, one burst of it; an empty packet for the end."""
    for _ in range(DRAIN):
        try:
            packet = sock.recv(_ROOM)
        except BlockingIOError:
            return
        except OSError:
            packet = b""
        yield packet


def _write_ends(flow: Flow) -> bytes:
    ends = [flow.transport]
    for hop in (flow.local, flow.peer):
        ends += [hop.host, str(hop.port)]
    return " ".join(ends).encode()


def _read_ends(text: bytes) -> Ends | None:
    if not text:
        return None
    transport, local, local_port, peer, peer_port = text.decode().split(" ")
    return Hop(transport, local, int(local_port)), Hop(transport, peer, int(peer_port))


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
