"""From a branch, a route or a URI to the hop it names."""

import pytest

from regcluster.errors import MalformedHeader
from regcluster.proxy.nexthop import first_hop, next_hop, parse_socket, target_of
from regcluster.registrar.branch import Branch
from regcluster.sip.hop import Hop
from regcluster.sip.message import Request
from regcluster.sip.parser import parse
from regcluster.sip.uri import SipUri, parse_uri
from tests.wire import invite

CONTACT = "sip:alice@10.0.0.7:5070"


def sip(text: str) -> SipUri:
    uri = parse_uri(text)
    assert isinstance(uri, SipUri)
    return uri


@pytest.mark.parametrize(
    ("uri", "hop"),
    [
        ("sip:alice@192.0.2.7", Hop("UDP", "192.0.2.7", 5060)),
        ("sip:alice@192.0.2.7:5070", Hop("UDP", "192.0.2.7", 5070)),
        ("sip:phone.example.test", Hop("UDP", "phone.example.test", 5060)),
        ("sip:a@[2001:db8::1]:5070", Hop("UDP", "2001:db8::1", 5070)),
        ("sip:a@192.0.2.7;transport", Hop("UDP", "192.0.2.7", 5060)),
        ("sip:a@192.0.2.7;transport=UDP", Hop("UDP", "192.0.2.7", 5060)),
        ("sip:a@192.0.2.7;Transport=Tcp", Hop("TCP", "192.0.2.7", 5060)),
        # Obeying it would let a contact aim at a multicast group or at a third party.
        ("sip:a@192.0.2.7;maddr=224.0.1.75", Hop("UDP", "192.0.2.7", 5060)),
    ],
)
def test_a_uri_names_transport_host_and_port(uri: str, hop: Hop) -> None:
    """RFC 3263 §4.1: the transport asked for, else UDP."""
    assert hop == next_hop(sip(uri))


@pytest.mark.parametrize(
    "uri",
    [
        *[f"sip:a@192.0.2.7;transport={t}" for t in ("ws", "sctp", "tls-sctp", "carrier%2Dpigeon")],
        # TLS, by whatever name, is not spoken yet.
        "sip:a@192.0.2.7;transport=tls",
        "sips:a@192.0.2.7",
        "sips:a@192.0.2.7:5070;transport=tcp",
        "sips:a@192.0.2.7;transport=udp",
    ],
)
def test_a_transport_we_do_not_speak_leads_nowhere(uri: str) -> None:
    """Better no hop than one where nobody listens; ``sips`` is never less than TLS."""
    assert None is next_hop(sip(uri))


@pytest.mark.parametrize("route", ["sip:192.0.2.5;lr", "sip:192.0.2.5;lr;transport=tcp"])
def test_the_route_of_a_sips_request_is_not_travelled_without_tls(route: str) -> None:
    """RFC 3261 §16.6 step 7: whatever the route says, the Request-URI decides."""
    assert None is next_hop(sip(route), is_secure=True)


def read(data: bytes) -> Request:
    parsed = parse(data)
    assert isinstance(parsed, Request)
    return parsed


@pytest.mark.parametrize(
    ("branch", "route", "hop"),
    [
        (Branch(CONTACT), None, Hop("UDP", "10.0.0.7", 5070)),
        (Branch(CONTACT), "<sip:192.0.2.5;lr>", Hop("UDP", "192.0.2.5", 5060)),
        (
            Branch(CONTACT, next_hop="sip:192.0.2.6:1024;transport=tcp"),
            "<sip:192.0.2.5;lr>",
            Hop("TCP", "192.0.2.6", 1024),
        ),
        (
            Branch(CONTACT, path="<sip:p1.test;lr>,<sip:p2.test;lr>"),
            "<sip:192.0.2.5;lr>",
            Hop("UDP", "p1.test", 5060),
        ),
        (
            Branch(
                CONTACT, path='"A, B" <sip:p1.test:5080;transport=tcp;lr>;x=1, <sip:p2.test;lr>'
            ),
            None,
            Hop("TCP", "p1.test", 5080),
        ),
        # The lookup makes the first of a Path the next hop, and a script may change it.
        (
            Branch(CONTACT, next_hop="sip:192.0.2.6", path="<sip:p1.test;lr>"),
            None,
            Hop("UDP", "192.0.2.6", 5060),
        ),
        # What a request with a Route that is none of SIP's wants is left to whoever comes next.
        (Branch(CONTACT), "<tel:+1>", Hop("UDP", "10.0.0.7", 5070)),
        (
            Branch("sips:alice@10.0.0.7", next_hop="sip:192.0.2.6"),
            None,
            None,
        ),
        (Branch("sips:alice@10.0.0.7", path="<sip:p1.test;lr>"), None, None),
    ],
)
def test_a_branch_says_where_to_go_first(
    branch: Branch, route: str | None, hop: Hop | None
) -> None:
    """Next hop, Path, Route, target, in that order (RFC 3327 §5.4, RFC 3261 §16.6 step 7)."""
    assert hop == first_hop(read(invite(route=route)), branch)


@pytest.mark.parametrize(
    "branch",
    [
        Branch("tel:+12015550123"),
        Branch("no URI at all"),
        Branch("tel:+12015550123", next_hop="sip:192.0.2.6"),
        Branch(CONTACT, next_hop="sip:[::g]"),
        Branch(CONTACT, next_hop="tel:+1"),
        Branch(CONTACT, path="<tel:+1>"),
        Branch(CONTACT, path="sip:p1.test;lr"),
        Branch(CONTACT, path="<sip:p1.test;lr>,"),
        Branch(CONTACT, path="<sip:p1.test;lr>, <sip:[::g]>"),
        Branch(CONTACT, next_hop="sip:192.0.2.6", path="nonsense"),
        *[
            Branch(CONTACT, next_hop="sip:192.0.2.6", path=f'<sip:p1.test;lr>, "{end}" <sip:p2>')
            for end in ("\r\nX: y", "\n", "\0")
        ],
    ],
)
def test_a_branch_that_cannot_be_followed_leads_nowhere(branch: Branch) -> None:
    """It came from a script or the store: the caller cannot help it, and nothing is raised."""
    assert None is first_hop(read(invite()), branch)


def test_a_route_that_cannot_be_followed_is_the_callers_fault() -> None:
    """He is told so with a 400, which is what the error turns into."""
    with pytest.raises(MalformedHeader, match="IPv6"):
        first_hop(read(invite(route="<sip:[::g];lr>")), Branch(CONTACT))


@pytest.mark.parametrize(
    ("uri", "target"), [(CONTACT, sip(CONTACT)), ("tel:+1", None), ("sip:", None)]
)
def test_a_branch_has_a_target_if_sip_can_get_there(uri: str, target: SipUri | None) -> None:
    """It becomes the Request-URI."""
    assert target == target_of(Branch(uri))


@pytest.mark.parametrize(
    ("text", "hop"),
    [
        ("udp:192.0.2.1:5060", Hop("UDP", "192.0.2.1", 5060)),
        ("TCP:[2001:DB8:0::1]:5070", Hop("TCP", "2001:db8::1", 5070)),
        ("tls:Edge.example.test", Hop("TLS", "edge.example.test", 0)),
        ("192.0.2.1:5060", Hop("", "192.0.2.1", 5060)),
        ("[::1]", Hop("", "::1", 0)),
        ("udp", Hop("", "udp", 0)),
    ],
)
def test_a_socket_names_transport_host_and_port(text: str, hop: Hop) -> None:
    """As Kamailio writes it; all but the host may be left out."""
    assert hop == parse_socket(text)


@pytest.mark.parametrize(
    "text",
    ["", "udp:", "udp::5060", "192.0.2.256", "x:y:5060", "udp:192.0.2.1:0", "udp:a b", "[::1"],
)
def test_what_is_no_socket_names_none(text: str) -> None:
    """A REGISTER may write anything there."""
    assert None is parse_socket(text)
