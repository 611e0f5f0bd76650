"""Datagram sockets of a generator, on the loopback interface."""

import socket
import time
from collections.abc import Iterator

import pytest

from regcluster.errors import RegclusterError
from regcluster.load.wire import Poller, UdpWire

HOST = "127.0.0.1"

INVITE = b"INVITE sip:a@b SIP/2.0\r\nVia: v\r\nTo: <sip:a@b>\r\n\r\n"


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A socket to send to."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HOST, 0))
        sock.settimeout(5.0)
        yield sock


def address(sock: socket.socket) -> str:
    """Where ``sock`` is, as a target."""
    host, port = sock.getsockname()
    return f"{host}:{port}"


def test_a_message_goes_there_and_its_answer_comes_back(server: socket.socket) -> None:
    """From the address that the wire says is its own."""
    wire = UdpWire([address(server)], 1)
    found: list[bytes] = []
    wire.send(0, b"question")
    data, peer = server.recvfrom(100)
    server.sendto(b"answer", peer)
    wire.receive(5.0, found.append)
    wire.close()

    assert (b"question", [b"answer"]) == (data, found)
    assert (wire.locals[0].host, wire.locals[0].port) == peer


def test_each_target_has_its_sockets(server: socket.socket) -> None:
    """So many of each, every one with a port of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, 0))
        other.settimeout(5.0)
        wire = UdpWire([address(server), address(other)], 2)
        for channel in range(4):
            wire.send(channel, b"%d" % channel)
        heard = [[sock.recv(10) for _ in range(2)] for sock in (server, other)]
        wire.close()

    assert [[b"0", b"1"], [b"2", b"3"]] == heard
    assert 4 == len({here.port for here in wire.locals})


def test_nothing_is_waited_for_longer_than_asked(server: socket.socket) -> None:
    """Below a millisecond, too."""
    wire = UdpWire([address(server)], 1)
    found: list[bytes] = []
    begun = time.monotonic()
    for wait in (0.0, 0.0002, 0.003):
        wire.receive(wait, found.append)
    taken = time.monotonic() - begun
    wire.close()

    assert [] == found
    assert 0.002 <= taken < 1.0


def test_answers_nobody_had_room_for_are_counted(server: socket.socket) -> None:
    """The kernel knows how many it has dropped."""
    wire = UdpWire([address(server)], 1)
    here = wire.locals[0]
    sent = 40_000
    for _ in range(sent):
        server.sendto(b"x" * 1000, (here.host, here.port))
    found: list[bytes] = []
    while len(found) + wire.drops() < sent:
        wire.receive(1.0, found.append)
    wire.close()

    assert 0 < len(found) < sent


def test_a_port_where_nobody_listens_is_an_error_of_the_socket(server: socket.socket) -> None:
    """And does not take the next message with it."""
    target = address(server)
    server.close()
    wire = UdpWire([target], 1)
    sent = [wire.send(0, b"one"), wire.send(0, b"two")]
    wire.receive(1.0, lambda data: None)
    wire.close()

    assert ([True, True], 2) == (sent, wire.lost)


def test_a_phone_answers_what_is_forwarded_to_it(server: socket.socket) -> None:
    """From the address that is its contact, all but an ACK."""
    wire = UdpWire([address(server)], 1, is_callee=True)
    host, _, port = wire.contact.rpartition(":")
    for message in (b"ACK sip:a@b SIP/2.0\r\nVia: other\r\nTo: <sip:a@b>\r\n\r\n", INVITE):
        server.sendto(message, (host, int(port)))
    wire.receive(5.0, lambda data: None)
    data, peer = server.recvfrom(1000)
    wire.close()

    assert (host, int(port)) == peer
    assert b"SIP/2.0 200 OK\r\nVia: v\r\nTo: <sip:a@b>;tag=callee\r\n\r\n" == data


def test_a_name_that_nobody_has_is_an_error() -> None:
    """In a sentence that names it."""
    with pytest.raises(RegclusterError, match=r"cannot reach nowhere\.invalid:5060: "):
        UdpWire(["nowhere.invalid:5060"], 1)


def test_a_poller_tells_what_is_ready() -> None:
    """And only of events that it was asked to tell of."""
    ours, theirs = socket.socketpair()
    poller = Poller()
    poller.watch(ours.fileno(), 1)
    theirs.send(b"x")
    before = poller.wait(1.0)
    poller.change(ours.fileno(), 0)
    after = poller.wait(0.0)
    for each in (poller, ours, theirs):
        each.close()

    assert ([(ours_fd, 1) for ours_fd, _ in before], []) == (before, after)
    assert 1 == len(before)
