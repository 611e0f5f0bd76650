"""Whoever asks: each request is sent once, each answer looked at, each wait honestly counted."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from benchmarks.client import Datagrams, Line, Streams
from benchmarks.pace import Paced, SipLine, loop, pace
from benchmarks.phones import Fleet
from tests.peer.processes import HOST

MESSAGES = Fleet(300, 5060).registers(1)


class Connections(socketserver.ThreadingTCPServer):
    """All that the client opens at once."""

    request_queue_size = 16


BOTH = pytest.mark.parametrize(
    ("server", "line"),
    [(socketserver.UDPServer, Datagrams), (Connections, Streams)],
    ids=["UDP", "TCP"],
)


class Registrar:
    """Answers each request with a status line over the request's own header."""

    def __init__(self, status: bytes = b"200 OK") -> None:
        self.asked: list[bytes] = []
        self.status = status

    def answer(self, request: bytes) -> bytes:
        """What goes back; empty: nothing."""
        self.asked.append(request)
        return b"SIP/2.0 %b\r\n" % self.status + request.partition(b"\r\n")[2]


@contextmanager
def _serving(
    server: type[socketserver.TCPServer], answer: Callable[[bytes], bytes]
) -> Iterator[int]:
    """A server in a thread, which ends with the block; its port."""

    class Datagram(socketserver.DatagramRequestHandler):
        def handle(self) -> None:
            self.wfile.write(answer(self.rfile.read()))

    class Stream(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            request = b""
            for line in self.rfile:
                request += line
                if line == b"\r\n":
                    self.wfile.write(answer(request))
                    request = b""

    handler = Datagram if server is socketserver.UDPServer else Stream
    with server((HOST, 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield running.socket.getsockname()[1]
        finally:
            running.shutdown()
            thread.join()


@BOTH
def test_every_request_is_sent_once(
    server: type[socketserver.TCPServer], line: Callable[[int], Line]
) -> None:
    """More of them than are under way at a time."""
    registrar = Registrar()

    with _serving(server, registrar.answer) as port, closing(line(port)) as asking:
        asking.ask(MESSAGES, b"200")

    assert sorted(MESSAGES) == sorted(registrar.asked)


@BOTH
def test_another_status_ends_the_measurement(
    server: type[socketserver.TCPServer], line: Callable[[int], Line]
) -> None:
    """What is refused is cheaper, and is no figure."""
    with (
        _serving(server, Registrar(b"503 Busy").answer) as port,
        closing(line(port)) as asking,
        pytest.raises(RuntimeError, match="503"),
    ):
        asking.ask(MESSAGES, b"200")


def test_a_fixed_number_is_under_way() -> None:
    """All are answered, each is sent once, and there is no answer that comes before its request."""
    registrar = Registrar()

    with (
        _serving(socketserver.UDPServer, registrar.answer) as port,
        closing(Datagrams(port)) as line,
    ):
        looped = loop(SipLine(line.socket, MESSAGES, b"200"), MESSAGES, 4)

    assert sorted(MESSAGES) == sorted(registrar.asked)
    assert len(MESSAGES) == len(looped.waits)
    assert 0 < looped.waits[0] <= looped.percentile(50) <= looped.waits[-1] * 1e6


def test_a_wait_belongs_to_its_request() -> None:
    """All are answered, and none before it was sent."""
    registrar = Registrar()

    with _serving(socketserver.UDPServer, registrar.answer) as port:
        paced = _pace(port, rate=3000)

    assert (len(MESSAGES), 0) == (len(paced.waits), paced.unanswered)
    assert paced.waits == sorted(paced.waits)
    assert paced.waits[0] > 0


def test_a_slow_answer_makes_the_requests_behind_it_wait_too() -> None:
    """A server that stops for a tenth of a second is seen by a fifth of a second's requests."""
    held = threading.Event()

    def answer(request: bytes) -> bytes:
        if request == MESSAGES[0]:
            # Nobody sets it: this is how long the server is away.
            held.wait(0.1)
        return b"SIP/2.0 200 OK\r\n" + request.partition(b"\r\n")[2]

    with _serving(socketserver.UDPServer, answer) as port:
        paced = _pace(port, rate=1500)

    assert len(MESSAGES) == len(paced.waits)
    # At 1,500 a second, 75 requests fall into the first half of it.
    assert sum(wait > 0.05 for wait in paced.waits) >= 70


@pytest.mark.parametrize(("share", "wait_us"), [(50, 5e6), (99, 10e6), (10, 1e6), (11, 2e6)])
def test_a_percentile_is_a_wait_that_was_seen(share: float, wait_us: float) -> None:
    """The least one that so many of a hundred do not exceed."""
    paced = Paced([float(second) for second in range(1, 11)], 0, 0, 0.1)

    assert wait_us == paced.percentile(share)


@pytest.mark.parametrize(
    ("late", "own_share", "sound"), [(1, 0.1, True), (2, 0.1, False), (0, 0.95, False)]
)
def test_a_sender_that_fell_behind_says_so(late: int, own_share: float, sound: bool) -> None:
    """More than one request of a hundred, or hardly a moment to spare."""
    assert sound == Paced([0.001] * 100, 0, late, own_share).is_sound


def _pace(port: int, rate: float) -> Paced:
    with closing(Datagrams(port)) as line:
        return pace(SipLine(line.socket, MESSAGES, b"200"), MESSAGES, rate)
