"""Connections of a generator: messages cut out of a stream, and connections made again."""

import random
import socket
from collections.abc import Iterator

import pytest

from regcluster.errors import RegclusterError
from regcluster.load.stream import Cutter, TcpWire

HOST = "127.0.0.1"

PLAIN = b"SIP/2.0 200 OK\r\nVia: v\r\nContent-Length: 0\r\n\r\n"
BODY = b"SIP/2.0 200 OK\r\nl : 4\r\nVia: v\r\n\r\nbody"
BARE = b"SIP/2.0 200 OK\r\nVia: v\r\n\r\n"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket to connect to."""
    with socket.create_server((HOST, 0)) as sock:
        sock.settimeout(5.0)
        yield sock


def target(sock: socket.socket) -> str:
    """Where ``sock`` listens."""
    return f"{HOST}:{sock.getsockname()[1]}"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_messages_are_cut_wherever_the_stream_was(size: int) -> None:
    """Lengths are found in full and compact form; without one there is no body."""
    stream = PLAIN + BODY + BARE + PLAIN
    cutter = Cutter()
    found: list[bytes] = []
    for start in range(0, len(stream), size):
        cutter.feed(stream[start : start + size], found.append)

    assert [PLAIN, BODY, BARE, PLAIN] == found


def test_what_is_sent_in_one_turn_leaves_together(listener: socket.socket) -> None:
    """Nothing before ``flush``; answers come back one by one."""
    wire = TcpWire([target(listener)], 1)
    peer, _ = listener.accept()
    peer.settimeout(5.0)
    wire.send(0, b"one ")
    wire.send(0, b"two ")
    wire.flush()
    together = peer.recv(100)
    peer.sendall(PLAIN * 2)
    found: list[bytes] = []
    wire.receive(5.0, found.append)
    wire.close()
    peer.close()

    assert (b"one two ", [PLAIN, PLAIN]) == (together, found)


def test_what_the_kernel_does_not_take_waits(listener: socket.socket) -> None:
    """And leaves as soon as the peer has read some, in order."""
    wire = TcpWire([target(listener)], 1)
    peer, _ = listener.accept()
    peer.settimeout(5.0)
    data = random.Random(1).randbytes(10 << 20)
    wire.send(0, data)
    wire.flush()
    heard = bytearray()
    while len(heard) < len(data):
        wire.receive(0.0, lambda answer: None)
        heard += peer.recv(1 << 20)
    wire.close()
    peer.close()

    assert data == heard


@pytest.mark.server
def test_a_connection_that_breaks_is_made_again(listener: socket.socket) -> None:
    """What is sent meanwhile is lost with it, and the break is counted."""
    wire = TcpWire([target(listener)], 1)
    listener.accept()[0].close()
    wire.receive(5.0, lambda data: None)
    wire.send(0, b"lost")
    listener.setblocking(False)
    peer = None
    while peer is None:
        wire.receive(0.1, lambda data: None)
        try:
            peer, _ = listener.accept()
        except BlockingIOError:
            continue
    peer.settimeout(5.0)
    wire.send(0, b"found")
    wire.flush()
    heard = peer.recv(100)
    wire.close()
    peer.close()

    assert (b"found", 1) == (heard, wire.lost)


@pytest.mark.server
def test_a_server_that_is_gone_is_tried_again_and_again(listener: socket.socket) -> None:
    """Each failure is counted; nothing is raised."""
    wire = TcpWire([target(listener)], 1)
    peer, _ = listener.accept()
    listener.close()
    peer.close()
    while wire.lost < 2:
        wire.receive(0.1, lambda data: None)
    wire.close()

    assert 0 == wire.drops()


def test_a_target_that_refuses_is_an_error(listener: socket.socket) -> None:
    """Before anything is sent."""
    there = target(listener)
    listener.close()
    with pytest.raises(RegclusterError, match=f"cannot reach {there}: Connection refused"):
        TcpWire([there], 1)
