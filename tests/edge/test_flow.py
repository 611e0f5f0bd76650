"""The table of live flows, and the tokens that name them."""

import pytest

from regcluster.edge.flow import FlowTable, socket_named, socket_token, worker_of
from regcluster.sip.grammar import is_token
from regcluster.sip.hop import Hop

PEER = Hop("TCP", "192.0.2.1", 5060)


class Wire:
    """A flow that leads nowhere."""

    transport = "TCP"
    local = Hop("TCP", "192.0.2.9", 5060)

    def __init__(self, token: str, peer: Hop = PEER) -> None:
        self.token = token
        self.peer = peer

    def send(self, data: bytes, to: Hop | None = None) -> bool:
        return True


def table_with(*flows: Wire) -> FlowTable:
    table = FlowTable(0, "e")
    for flow in flows:
        table.add(flow)
    return table


def test_a_live_flow_is_found_by_its_token_and_by_its_peer() -> None:
    """Both ways lead to the connection, and only to that."""
    flow = Wire("0.e.1")
    table = table_with(flow, Wire("0.e.2", Hop("TCP", "192.0.2.2", 5060)))

    assert (flow, flow, 2) == (table.by_token("0.e.1"), table.by_hop(PEER), len(table))


@pytest.mark.parametrize(
    "hop",
    [Hop("TLS", "192.0.2.1", 5060), Hop("TCP", "192.0.2.1", 5061), Hop("TCP", "::1", 5060)],
)
def test_a_flow_to_another_transport_address_or_port_is_not_reused(hop: Hop) -> None:
    """RFC 5923 §8: what is sent to a hop uses a connection to that very hop, or none."""
    assert None is table_with(Wire("0.e.1")).by_hop(hop)


def test_a_flow_that_is_gone_is_found_no_more() -> None:
    """Neither way leads to a dead connection."""
    flow = Wire("0.e.1")
    table = table_with(flow)

    table.remove(flow)

    assert (None, None, 0) == (table.by_token("0.e.1"), table.by_hop(PEER), len(table))


def test_the_newer_of_two_flows_to_one_peer_survives_the_older() -> None:
    """A phone that came back on the same port is reached although its old connection ends."""
    older, newer = Wire("0.e.1"), Wire("0.e.2")
    table = table_with(older, newer)

    table.remove(older)

    assert newer == table.by_hop(PEER)


def test_a_retired_flow_is_found_by_its_token_only() -> None:
    """A response still finds the connection its request came on; a new request does not."""
    flow = Wire("0.e.1")
    table = table_with(flow)

    table.retire(flow)

    assert (flow, None) == (table.by_token("0.e.1"), table.by_hop(PEER))


def test_a_flow_is_offered_as_long_as_its_peer_can_answer() -> None:
    """Then it is gone for whoever looks for the phone behind it, by its name too."""
    flow, retired, ended = Wire("0.e.1"), Wire("0.e.2"), Wire("0.e.3")
    table = table_with(flow, retired, ended)
    table.retire(retired)
    table.remove(ended)
    tokens = ("0.e.1", "0.e.2", "0.e.3")

    assert ([flow, None, None], [False, True, True]) == (
        [table.offered(token) for token in tokens],
        [table.is_gone(token) for token in tokens],
    )


def test_a_flow_that_was_never_taken_in_leaves_nothing_behind() -> None:
    """A connection that is one too many is retired at once, and costs no memory from then on."""
    flow, table = Wire("0.e.1"), table_with()
    table.retire(flow)
    table.remove(flow)

    table.add(flow)

    assert flow == table.offered("0.e.1")


def test_a_retired_flow_that_ends_leaves_nothing_behind() -> None:
    """Nor is a later one taken for it."""
    flow = Wire("0.e.1")
    table = table_with(flow)
    table.retire(flow)
    table.remove(flow)

    table.add(flow)

    assert flow == table.offered("0.e.1")


@pytest.mark.parametrize(
    ("token", "is_gone"), [("0.earlier.1", True), ("1.e.1", False), ("", False), ("x", False)]
)
def test_a_worker_knows_of_its_own_connections_only(token: str, is_gone: bool) -> None:
    """Those of an earlier life have ended with it; what others hold may well be there."""
    assert is_gone == table_with().is_gone(token)


def test_a_flow_that_was_never_taken_in_can_be_removed() -> None:
    """A connection refused for want of room ends like any other, and harms no namesake."""
    flow = Wire("0.e.1")
    table = table_with(flow)

    table.remove(Wire("0.e.2"))

    assert flow == table.by_hop(PEER)


def test_tokens_name_worker_life_and_connection() -> None:
    """No two are the same, and a later life of the worker mints others."""
    before, after = FlowTable(3, "1f"), FlowTable(3, "2a")

    assert ["3.1f.1", "3.1f.2", "3.2a.1"] == [before.mint(), before.mint(), after.mint()]
    assert (2, 1) == (before.minted, after.minted)


@pytest.mark.parametrize(("token", "worker"), [("0.1f.1", 0), ("12.1f.77", 12)])
def test_a_token_tells_its_worker(token: str, worker: int) -> None:
    """What has to leave by a connection is handed to the worker that holds it."""
    assert worker == worker_of(token)


@pytest.mark.parametrize("token", ["", "1", "1.", ".1f.1", "x.1f.1", "-1.1f.1", "²2.1", "9" * 5000])
def test_a_token_nobody_minted_names_no_worker(token: str) -> None:
    """Tokens come back in messages, so anything may stand there."""
    assert None is worker_of(token)


@pytest.mark.parametrize(
    ("host", "socket"),
    [
        ("192.0.2.1", "udp:192.0.2.1:5060"),
        ("2001:db8::1", "udp:[2001:db8::1]:5060"),
        # Which link it was is nothing that a peer could keep for us.
        ("fe80::1%2", "udp:[fe80::1]:5060"),
    ],
)
def test_a_socket_has_a_token_too(host: str, socket: str) -> None:
    """One that a Via parameter can hold, and that is no connection's."""
    token = socket_token(Hop("UDP", host, 5060))

    assert (socket, True, None) == (socket_named(token), is_token(token), worker_of(token))


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_socket_at_an_unknown_address_has_none(host: str) -> None:
    """A datagram that came by broadcast: nothing can leave from there."""
    assert "" == socket_token(Hop("UDP", host, 5060))


@pytest.mark.parametrize(
    "token", ["", "0.e.1", "udp.", "udp.c0.5060", "udp.xyz.5060", "udp.c0000201", "udp.c0000201.x"]
)
def test_what_names_no_socket(token: str) -> None:
    """Connections, and what another version may have written."""
    assert "" == socket_named(token)
