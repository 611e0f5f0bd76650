"""Where messages come from and go to (RFC 3261 §18.2, RFC 3581)."""

import pytest

from regcluster.sip.grammar import split_list
from regcluster.sip.headers import parse_via
from regcluster.sip.hop import Hop, default_port, reply_hop, stamp_via, via_hop

SOURCE = Hop("UDP", "192.0.2.9", 4000)


def stamped(row: str, source: Hop = SOURCE) -> str:
    return stamp_via(row, parse_via(split_list(row)[0]), source)


@pytest.mark.parametrize(
    ("hop", "text"),
    [
        (Hop("UDP", "192.0.2.9", 5060), "192.0.2.9:5060"),
        (Hop("TLS", "2001:db8::1", 5061), "[2001:db8::1]:5061"),
        (Hop("TCP", "example.test", 1), "example.test:1"),
    ],
)
def test_a_hop_is_written_as_host_and_port(hop: Hop, text: str) -> None:
    """An IPv6 address gets the brackets that keep its port apart."""
    assert text == hop.render()


def test_equal_hops_are_one_key() -> None:
    """A table of flows can be asked by peer."""
    assert "flow" == {SOURCE: "flow"}[Hop("UDP", "192.0.2.9", 4000)]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        # 18-02: a name, or an address other than the source.
        ("SIP/2.0/UDP host.invalid;branch=b", ";branch=b;received=192.0.2.9"),
        ("SIP/2.0/UDP 192.0.2.1:5060;branch=b", ";branch=b;received=192.0.2.9"),
        ("SIP/2.0/UDP 192.0.2.1", ";received=192.0.2.9"),
        # 18-02, rp-04: the source itself, and no rport.
        ("SIP/2.0/UDP 192.0.2.9:5060;branch=b", ";branch=b"),
        # 18-02: claimed by the peer.
        ("SIP/2.0/UDP h;received=6.6.6.6;x", ";x;received=192.0.2.9"),
        ("SIP/2.0/UDP 192.0.2.9;Received = 6.6.6.6", ";received=192.0.2.9"),
        # rp-01: asked for, even where it says nothing new.
        ("SIP/2.0/UDP 192.0.2.9;rport;branch=b", ";received=192.0.2.9;rport=4000;branch=b"),
        # rp-05: claimed by the peer.
        ("SIP/2.0/UDP h;branch=b;RPORT=1234", ";branch=b;received=192.0.2.9;rport=4000"),
        ("SIP/2.0/UDP h;rport=;branch=b", ";received=192.0.2.9;rport=4000;branch=b"),
        # All else byte for byte.
        ("SIP / 2.0/UDP  h :1 ;X= 1 ; y", " ;X= 1 ; y;received=192.0.2.9"),
        ('SIP/2.0/UDP h;x="a;rport;b" ;rport', ';x="a;rport;b" ;received=192.0.2.9;rport=4000'),
    ],
)
def test_a_via_tells_the_true_source(row: str, expected: str) -> None:
    """Received and rport are the truth, whatever the peer claimed; the rest stays as it was."""
    assert expected == stamped(row).removeprefix(row.partition(";")[0].rstrip())


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            "SIP/2.0/UDP h;rport , SIP/2.0/UDP i;rport",
            "SIP/2.0/UDP h;received=192.0.2.9;rport=4000 , SIP/2.0/UDP i;rport",
        ),
        (
            "SIP/2.0/UDP h;RPORT,SIP/2.0/UDP i;rport",
            "SIP/2.0/UDP h;received=192.0.2.9;rport=4000,SIP/2.0/UDP i;rport",
        ),
        (
            "SIP/2.0/UDP h,SIP/2.0/TCP i;received=1.1.1.1",
            "SIP/2.0/UDP h;received=192.0.2.9,SIP/2.0/TCP i;received=1.1.1.1",
        ),
    ],
)
def test_only_the_topmost_via_is_touched(row: str, expected: str) -> None:
    """Lower values in the same row stay byte for byte (rp-09)."""
    assert expected == stamped(row)


@pytest.mark.parametrize("host", ["[2001:db8::9]", "[2001:DB8::9]"])
def test_an_ipv6_source_is_known_by_its_brackets(host: str) -> None:
    """sent-by has brackets, the source address has none: still the same host (18-17)."""
    row = f"SIP/2.0/TCP {host}:5060;branch=b"

    assert row == stamped(row, Hop("TCP", "2001:db8::9", 4000))


def test_an_ipv6_source_is_received_without_brackets() -> None:
    """The form to generate is the bare address, without a zone (18-17, RFC 5118 §4.5)."""
    assert "SIP/2.0/UDP h;received=fe80::1;rport=4000" == stamped(
        "SIP/2.0/UDP h;rport", Hop("UDP", "fe80::1%eth0", 4000)
    )


def test_a_stamped_via_can_be_read_again() -> None:
    """What we write is a Via, and stamping it twice changes nothing."""
    once = stamped("SIP/2.0/UDP h;rport;branch=b")

    assert once == stamped(once)


@pytest.mark.parametrize(
    ("via", "hop"),
    [
        ("SIP/2.0/UDP 192.0.2.1:7777", Hop("UDP", "192.0.2.9", 7777)),
        ("SIP/2.0/UDP host.invalid", Hop("UDP", "192.0.2.9", 5060)),
        ("SIP/2.0/TLS host.invalid", Hop("UDP", "192.0.2.9", 5061)),
        ("SIP/2.0/UDP 192.0.2.1:7777;rport", Hop("UDP", "192.0.2.9", 4000)),
        ("SIP/2.0/UDP 192.0.2.1:7777;rport=1", Hop("UDP", "192.0.2.9", 4000)),
        ("SIP/2.0/UDP 192.0.2.1:7777;maddr=6.6.6.6", Hop("UDP", "192.0.2.9", 7777)),
        ("SIP/2.0/UDP 192.0.2.1:7777;received=6.6.6.6", Hop("UDP", "192.0.2.9", 7777)),
    ],
)
def test_a_reply_goes_back_to_the_source_address(via: str, hop: Hop) -> None:
    """Never elsewhere; the port is sent-by's unless rport was asked for (18-03, 18-14, rp-02)."""
    assert hop == reply_hop(parse_via(via), SOURCE)


@pytest.mark.parametrize(
    ("via", "hop"),
    [
        ("SIP/2.0/UDP h", Hop("UDP", "h", 5060)),
        ("SIP/2.0/TCP h:1", Hop("TCP", "h", 1)),
        ("SIP/2.0/TLS h", Hop("TLS", "h", 5061)),
        ("SIP/2.0/UDP h:1;received=192.0.2.9", Hop("UDP", "192.0.2.9", 1)),
        ("SIP/2.0/UDP h:1;received=192.0.2.9;rport=2", Hop("UDP", "192.0.2.9", 2)),
        ("SIP/2.0/UDP [2001:db8::1]:1", Hop("UDP", "2001:db8::1", 1)),
        ("SIP/2.0/UDP h;received=[2001:db8::2]", Hop("UDP", "2001:db8::2", 5060)),
        ("SIP/2.0/UDP h;received=2001:db8::2", Hop("UDP", "2001:db8::2", 5060)),
        ("SIP/2.0/UDP h;received", Hop("UDP", "h", 5060)),
        ("SIP/2.0/UDP h:1;rport", Hop("UDP", "h", 1)),
        ("SIP/2.0/UDP h:1;rport=x", Hop("UDP", "h", 1)),
        ("SIP/2.0/UDP h:1;rport=0", Hop("UDP", "h", 1)),
        ("SIP/2.0/UDP h:1;rport=65536", Hop("UDP", "h", 1)),
        ("SIP/2.0/UDP h:1;maddr=6.6.6.6", Hop("UDP", "h", 1)),
    ],
)
def test_a_response_goes_where_its_via_says(via: str, hop: Hop) -> None:
    """received and rport before sent-by, each where it can be read; never maddr (18-04)."""
    assert hop == via_hop(parse_via(via))


def test_each_transport_has_its_port() -> None:
    """5061 for TLS, 5060 for all others (18-14)."""
    assert [5060, 5060, 5061] == [default_port(name) for name in ("UDP", "TCP", "TLS")]
