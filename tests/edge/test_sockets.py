"""Sockets as the kernel sees them: addresses, options, and a port that several workers share."""

import socket
from collections import Counter

import pytest

from regcluster.edge.flow import hop_of
from regcluster.edge.sockets import (
    Address,
    address_of,
    bind_tcp,
    bind_udp,
    common_family,
    count_overflow,
    family_of,
    is_wildcard,
    probe_local,
)
from regcluster.sip.hop import Hop
from tests.edge.loopback import no_descriptors

SENT = 2000


@pytest.mark.parametrize(
    ("address", "hop"),
    [
        (("192.0.2.1", 5060), Hop("UDP", "192.0.2.1", 5060)),
        (("2001:db8::1", 5060, 0, 0), Hop("UDP", "2001:db8::1", 5060)),
        (("fe80::1", 5060, 0, 2), Hop("UDP", "fe80::1%2", 5060)),
    ],
)
def test_a_socket_address_and_its_hop_tell_the_same(address: Address, hop: Hop) -> None:
    """Either way; a link-local address keeps its scope, without which it leads nowhere."""
    assert (hop, address) == (hop_of("UDP", address), address_of(hop))


@pytest.mark.parametrize(
    "host",
    [
        *("example.test", "localhost", "", "192.0.2", "192.0.2.1.", "192.0.2.1%1", "[::1]"),
        *("::1%lo", "fe80::1%2x", "::g", "a\0b", "\udcff", "::1%" + "9" * 5000),
    ],
)
def test_what_is_no_plain_address_has_no_socket_address(host: str) -> None:
    """A socket would look a name up, and wait. Hosts come from messages: anything may stand."""
    assert None is address_of(Hop("UDP", host, 5060))


@pytest.mark.parametrize(
    ("address", "family"),
    [(("192.0.2.1", 1), socket.AF_INET), (("::1", 1, 0, 0), socket.AF_INET6)],
)
def test_the_family_of_an_address(address: Address, family: socket.AddressFamily) -> None:
    """A socket can only send within its own."""
    assert family == family_of(address)


@pytest.mark.parametrize(
    ("host", "wild"), [("0.0.0.0", True), ("::", True), ("127.0.0.1", False), ("::1", False)]
)
def test_a_wildcard_stands_for_every_address(host: str, wild: bool) -> None:
    """One of each family."""
    assert wild == is_wildcard(host)


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.9", "127.0.0.1"), ("::1", "::1"), ("fe80::1", None), ("255.255.255.255", None)],
)
def test_the_kernel_tells_which_address_of_ours_leads_there(host: str, local: str | None) -> None:
    """None where no way leads: a link-local address without scope, a broadcast."""
    address = address_of(Hop("UDP", host, 5060))
    assert address is not None

    assert local == probe_local(address)


def test_nothing_is_told_without_a_descriptor_to_ask_with() -> None:
    """That is no answer, and nobody must take it for one."""
    with no_descriptors(), pytest.raises(OSError, match="Too many open files"):
        probe_local(("127.0.0.1", 5060))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_an_address_that_is_taken_is_named_in_the_error(host: str, kind: socket.SocketKind) -> None:
    """Whoever started the node must see which of its addresses it could not have."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as other:
        other.bind((host, 0))
        port = other.getsockname()[1]
        where = Hop("", host, port).render()
        with pytest.raises(OSError, match="cannot listen") as caught:
            bind_udp(host, port, 1) if kind == socket.SOCK_DGRAM else bind_tcp(host, port)

    assert f"cannot listen on {where}: Address already in use" == caught.value.strerror


def test_a_host_that_is_not_ours_cannot_be_listened_on() -> None:
    """A name that leads nowhere is refused at start as well."""
    with pytest.raises(OSError, match=r"cannot listen on nowhere\.invalid:5060"):
        bind_tcp("nowhere.invalid", 5060)


def test_the_two_wildcards_are_two_listeners() -> None:
    """``[::]`` takes no IPv4: both can be bound, and no peer is called ::ffff:192.0.2.1."""
    with bind_tcp("::", 0) as six:
        six.listen()
        port = six.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        with bind_tcp("0.0.0.0", port) as four:
            assert port == four.getsockname()[1]


def test_an_accepted_connection_has_the_options_of_its_listener() -> None:
    """Small messages leave at once, and a peer that has vanished is found out."""
    with bind_tcp("127.0.0.1", 0) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
    with accepted:
        tcp = (
            *(socket.TCP_NODELAY, socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL),
            *(socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT),
        )
        values = [accepted.getsockopt(socket.IPPROTO_TCP, option) for option in tcp]
        values.append(accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    assert [1, 60, 15, 4, 120_000, 1] == values


def test_one_peer_is_dealt_to_all_workers_evenly() -> None:
    """A proxy in front is one flow, which the kernel alone would give to one worker."""
    workers = _workers("127.0.0.1", bound=4, workers=4)
    shares = _shares(workers)

    # Seven standard deviations of the binomial distribution: one run in 10^11 lies outside.
    assert (4, SENT, True) == (len(shares), shares.total(), min(shares.values()) > SENT / 4 - 136)


def test_one_peer_over_ipv6_is_dealt_to_all_workers() -> None:
    """The filter of a socket does not ask for the family."""
    shares = _shares(_workers("::1", bound=2, workers=2))

    assert (2, SENT, True) == (len(shares), shares.total(), min(shares.values()) > SENT / 2 - 157)


def test_nothing_is_lost_while_workers_are_missing() -> None:
    """The filter points at sockets that are not there yet: the kernel then chooses itself."""
    assert SENT == _shares(_workers("127.0.0.1", bound=2, workers=4)).total()


def test_a_worker_that_comes_back_gets_its_share_again() -> None:
    """The sockets move up when one closes, and the new one goes to the end."""
    workers = _workers("127.0.0.1", bound=3, workers=3)
    port = workers[0].getsockname()[1]
    workers.pop(0).close()
    workers.append(bind_udp("127.0.0.1", port, 3))
    shares = _shares(workers)

    assert (3, SENT, True) == (len(shares), shares.total(), min(shares.values()) > SENT / 3 - 148)


def test_datagrams_that_found_no_room_are_counted() -> None:
    """What the kernel drops before we read it is not lost from sight."""
    with bind_udp("127.0.0.1", 0, 1) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            for _ in range(50):
                peer.sendto(b"x" * 500, sock.getsockname())
        dropped = count_overflow(sock)
        arrived = len(_waiting(sock))

    assert (50, True) == (dropped + arrived, dropped > 0)


def _workers(host: str, bound: int, workers: int) -> list[socket.socket]:
    first = bind_udp(host, 0, workers)
    port = first.getsockname()[1]
    return [first, *(bind_udp(host, port, workers) for _ in range(bound - 1))]


@pytest.mark.parametrize(
    ("hosts", "family"),
    [
        (["0.0.0.0", "192.0.2.1"], socket.AF_INET),
        (["::", "2001:db8::1"], socket.AF_INET6),
        (["0.0.0.0", "::"], socket.AF_UNSPEC),
        (["sip.example.test"], socket.AF_INET),
    ],
)
def test_names_are_asked_for_the_family_we_listen_in(
    hosts: list[str], family: socket.AddressFamily
) -> None:
    """An address of another family would be one we have no socket for."""
    assert family == common_family(hosts)


def _shares(workers: list[socket.socket]) -> Counter[int]:
    """How many of the datagrams of one peer came to which worker; closes the sockets."""
    with socket.socket(workers[0].family, socket.SOCK_DGRAM) as peer:
        for _ in range(SENT):
            peer.sendto(b"x", workers[0].getsockname())
    shares = Counter({number: len(_waiting(sock)) for number, sock in enumerate(workers)})
    for sock in workers:
        sock.close()
    return +shares


def _waiting(sock: socket.socket) -> list[bytes]:
    datagrams = []
    while True:
        try:
            datagrams.append(sock.recv(65535))
        except BlockingIOError:
            return datagrams
