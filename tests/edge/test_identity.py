"""Who we are on the wire."""

import pytest

from regcluster.edge.flow import FlowTable
from regcluster.edge.identity import Identity, is_local_address
from regcluster.sip.headers import parse_via
from regcluster.sip.hop import Hop
from regcluster.sip.uri import SipUri, parse_uri
from tests.edge.loopback import no_descriptors

LISTENERS = [Hop("UDP", "0.0.0.0", 5060), Hop("TCP", "::", 5060)]
PLAIN = Identity("", LISTENERS, "node-1", FlowTable(0, "e"))
MANY = Identity(
    "sip.example.com",
    [Hop("UDP", "0.0.0.0", 5060), Hop("TCP", "127.0.0.9", 5070), Hop("TCP", "::", 5080)],
    "node-1",
    FlowTable(0, "e"),
)
NAMED = Identity("SIP.example.com", LISTENERS, "node-1", FlowTable(0, "e"))
BALANCED = Identity(
    "", LISTENERS, "node-1", FlowTable(0, "e"), ["Balancer.example.com", "vip.example.com:5090"]
)


def uri(text: str) -> SipUri:
    parsed = parse_uri(text)
    assert isinstance(parsed, SipUri)
    return parsed


def test_via_names_the_address_in_use() -> None:
    """Without node.advertise our Via says where the message leaves from."""
    assert "[::1]:5060" == PLAIN.sent_by(Hop("UDP", "::1", 5060))


def test_via_names_a_link_local_address_without_its_scope() -> None:
    """``%2`` is how we call our own network interface; RFC 3261 §25.1 has no place for it."""
    assert "[fe80::1]:5060" == PLAIN.sent_by(Hop("UDP", "fe80::1%2", 5060))


def test_via_names_what_is_advertised() -> None:
    """With node.advertise our Via says how we are reached from outside."""
    assert "sip.example.com:5060" == NAMED.sent_by(Hop("UDP", "127.0.0.1", 5060))


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("sip:127.0.0.1:5060", True),
        ("sip:127.0.0.1", True),
        ("sip:alice@127.0.0.1:5060;lr", True),
        ("sip:[::1]", True),
        ("sip:SIP.example.com", True),
        ("sip:127.0.0.1:5070", False),
        ("sips:127.0.0.1", False),
        ("sip:192.0.2.1", False),
        ("sip:other.example.com", False),
        ("sip:0.0.0.0", False),
    ],
)
def test_a_uri_is_ours_by_host_and_port(text: str, ours: bool) -> None:
    """An address of this machine or the advertised name, at a port we listen on."""
    assert ours == NAMED.is_ours(uri(text))


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("sip:balancer.example.com;lr", True),
        ("sip:BALANCER.example.com:5070", True),
        ("sip:vip.example.com:5090", True),
        ("sip:vip.example.com", False),
        ("sip:127.0.0.1", True),
        ("sip:other.example.com", False),
    ],
)
def test_a_uri_is_ours_by_an_alias(text: str, ours: bool) -> None:
    """The name of a balancer leads here, at any port or at the one it is given."""
    assert ours == BALANCED.is_ours(uri(text))


def test_a_via_with_an_alias_is_not_ours() -> None:
    """We never write one: it is a Via of the balancer's."""
    assert not BALANCED.wrote(parse_via("SIP/2.0/UDP balancer.example.com;branch=z9hG4bK-1"))


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1", True),
        ("SIP/2.0/TCP sip.example.com;branch=z9hG4bK1", True),
        ("SIP/2.0/TLS sip.example.com;branch=z9hG4bK1", False),
        ("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", False),
    ],
)
def test_a_via_is_ours_by_sent_by(text: str, ours: bool) -> None:
    """RFC 3261 §18.1.2: a response with another Via on top is not for us."""
    assert ours == NAMED.wrote(parse_via(text))


def test_an_address_is_called_by_what_is_advertised() -> None:
    """The port stays: only the host is another one outside."""
    assert Hop("TCP", "sip.example.com", 5070) == NAMED.advertised(Hop("TCP", "127.0.0.1", 5070))


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("udp:127.0.0.1:5060", Hop("UDP", "127.0.0.1", 5060)),
        ("127.0.0.1:5060", Hop("UDP", "127.0.0.1", 5060)),
        ("tcp:127.0.0.9", Hop("TCP", "127.0.0.9", 5070)),
        ("127.0.0.9", Hop("UDP", "127.0.0.9", 5060)),
        ("tcp:[::1]:5080", Hop("TCP", "::1", 5080)),
        ("udp:sip.example.com:5060", Hop("UDP", "sip.example.com", 5060)),
    ],
)
def test_a_socket_of_ours_is_known_by_what_is_said_of_it(text: str, own: Hop) -> None:
    """As bound, as any address of this machine behind a wildcard, and as advertised."""
    assert own == MANY.own_socket(text)


@pytest.mark.parametrize(
    "text",
    [
        *("udp:127.0.0.1:5070", "tcp:127.0.0.1:5060", "tls:127.0.0.1:5060", "udp:[::1]:5060"),
        *("udp:192.0.2.77:5060", "udp:0.0.0.0:5060", "udp:other.example.com", "tcp:127.0.0.8:5070"),
        *("", "udp:", "a b"),
    ],
)
def test_a_socket_of_others_is_none_of_ours(text: str) -> None:
    """Whatever a REGISTER writes there, or a binding that another node has saved."""
    assert None is MANY.own_socket(text)


@pytest.mark.parametrize(
    ("connection", "token"),
    [
        ("node-1/0.e.1", "0.e.1"),
        ("node-2/0.e.1", ""),
        ("a/node-1/0.e.1", ""),
        ("0.e.1", ""),
        ("node-1", ""),
        ("", ""),
    ],
)
def test_a_connection_is_ours_by_the_name_of_its_node(connection: str, token: str) -> None:
    """Every node has a worker 0; what its tokens mean, it alone knows."""
    assert token == PLAIN.own_token(connection)


def test_a_node_without_a_name_has_connections_too() -> None:
    """And takes nothing for one that has no name of a node at all."""
    nameless = Identity("", LISTENERS, "", FlowTable(0, "e"))

    assert ["0.e.1", ""] == [nameless.own_token(text) for text in ("/0.e.1", "0.e.1")]


@pytest.mark.parametrize(
    ("connection", "is_gone"),
    [("node-1/0.e.1", True), ("node-1/1.e.1", False), ("node-2/0.e.1", False), ("", False)],
)
def test_a_connection_is_known_to_be_gone_where_it_was_held(connection: str, is_gone: bool) -> None:
    """By the worker that would have it; the others do not know, and say no."""
    assert is_gone == PLAIN.is_gone(connection)


@pytest.mark.parametrize("host", ["example.com", "fe80::zz", "a\0b", ""])
def test_names_are_never_local_addresses(host: str) -> None:
    """Nothing is looked up: a name in a message must not cost a query."""
    assert not is_local_address(host)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *(("127.0.0.1", True), ("127.9.8.7", True), ("::1", True), ("0:0:0:0:0:0:0:1", True)),
        *(("0.0.0.0", False), ("::", False), ("0::0", False), ("192.0.2.77", False)),
        *(("224.0.1.75", False), ("255.255.255.255", False), ("ff02::1", False)),
        *(("fe80::1", False), ("127.0.0.1%1", False), ("127.0.0.1.", False)),
    ],
)
def test_an_address_is_local_if_this_machine_alone_has_it(host: str, local: bool) -> None:
    """Multicast, broadcast and wildcard addresses can be bound, and are yet nobody's own."""
    assert local == is_local_address(host)


def test_a_machine_out_of_descriptors_forgets_that_it_could_not_tell() -> None:
    """For the moment nothing is ours; the next one who asks is told the truth."""
    with no_descriptors():
        without = is_local_address("0:0:0::0:1")
    later = is_local_address("0:0:0::0:1")

    assert (False, True) == (without, later)
