"""From a URI to the hop it names."""

import pytest

from regcluster.proxy.nexthop import next_hop
from regcluster.sip.hop import Hop
from regcluster.sip.uri import SipUri, parse_uri


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
