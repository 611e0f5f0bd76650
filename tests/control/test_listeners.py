"""Asking for addresses before anything is started: free ones are free again, others are named."""

import socket
from collections.abc import Iterator

import pytest

from regcluster.config import ListenSettings
from regcluster.control.listeners import bind_alone, claim
from regcluster.edge.sockets import bind_tcp, bind_udp
from regcluster.errors import ConfigError
from tests.peer.processes import HOST, free_port


@pytest.fixture
def udp() -> Iterator[str]:
    """An address at which another node of ours listens over UDP."""
    with bind_udp(HOST, free_port(), 2) as taken:
        yield f"{HOST}:{taken.getsockname()[1]}"


@pytest.fixture
def tcp() -> Iterator[str]:
    """An address at which another node of ours listens over TCP."""
    with bind_tcp(HOST, free_port()) as taken:
        taken.listen()
        yield f"{HOST}:{taken.getsockname()[1]}"


def problems(**listen: list[str]) -> list[str]:
    """What is wrong with listening there."""
    try:
        claim(ListenSettings(**{"udp": [], "tcp": [], **listen}))
    except ConfigError as refused:
        return list(refused.problems)
    return []


def refusal(key: str, address: str) -> str:
    """What is said of an address that somebody has."""
    return (
        f"{key}: cannot listen on {address}: Address already in use; another program has it: "
        f"--set {key}=... takes another port"
    )


def test_free_addresses_are_left_free() -> None:
    """The workers have to bind them after this."""
    address = f"{HOST}:{free_port()}"

    assert [] == problems(udp=[address], tcp=[address])
    assert [] == problems(udp=[address], tcp=[address])


def test_another_nodes_address_is_refused(udp: str, tcp: str) -> None:
    """Though it would share it, as our own workers do; each is named, with a way out."""
    assert [
        refusal("listen.udp", udp),
        refusal("listen.tcp", tcp),
        refusal("listen.tcp_proxied", tcp),
    ] == problems(udp=[udp], tcp=[tcp], tcp_proxied=[tcp])


def test_transports_do_not_stand_in_each_others_way(udp: str) -> None:
    """A port has a UDP side and a TCP side."""
    assert [] == problems(tcp=[udp])


def test_an_address_and_every_address_can_both_be_ours() -> None:
    """They are tried one after the other: together they could not be bound alone."""
    port = free_port()

    assert [] == problems(udp=[f"0.0.0.0:{port}", f"{HOST}:{port}", f"[::1]:{port}"])


def test_every_address_of_one_family_leaves_the_others_free() -> None:
    """As the workers see it: [::] does not stand for 0.0.0.0."""
    with bind_udp("0.0.0.0", free_port(), 2) as taken:
        port = taken.getsockname()[1]

        assert [] == problems(udp=[f"[::]:{port}"])


def test_an_address_of_nobody_is_refused() -> None:
    """192.0.2.0/24 is documentation's (RFC 5737)."""
    assert [
        "listen.udp: cannot listen on 192.0.2.1:5060: Cannot assign requested address"
    ] == problems(udp=["192.0.2.1:5060"])


def test_a_name_that_leads_nowhere_is_refused() -> None:
    """.invalid never does (RFC 6761)."""
    (problem,) = problems(tcp=["sip.invalid:5060"])

    assert problem.startswith("listen.tcp: cannot listen on sip.invalid:5060: ")
    assert "Unknown error" not in problem


def test_connections_of_an_earlier_life_are_no_obstacle() -> None:
    """A node that was restarted must not wait for the last of them to be forgotten."""
    with bind_alone("listen.tcp", socket.SOCK_STREAM, f"{HOST}:{free_port()}") as listener:
        listener.listen()
        address = listener.getsockname()
        with socket.create_connection(address):
            # Who closes first keeps the port in TIME_WAIT.
            listener.accept()[0].close()

    assert [] == problems(tcp=[f"{HOST}:{address[1]}"])
