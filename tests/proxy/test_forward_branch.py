"""The branch a request leaves with: whom it tells from whom, and what it seals."""

from typing import Any

import pytest

from regcluster.proxy.forward import Outgoing, shown_seal
from regcluster.proxy.seal import seal
from regcluster.sip.headers import parse_via
from regcluster.sip.hop import Hop, via_hop
from tests.proxy.test_forward import SECRET, SOURCE, read, sent
from tests.wire import invite, request

OLD_VIA = "SIP/2.0/UDP 127.0.0.1:5066"
"""The Via of a client of RFC 2543: without a branch."""

NO_BRANCH = "SIP/2.0/UDP 127.0.0.1:5066;branch=z9hG4bK"
"""The cookie alone is none either (RFC 4475 §3.2.1)."""


def branch(data: bytes, source: Hop = SOURCE) -> str:
    return read(
        sent(data, outgoing=Outgoing("UDP", "192.0.2.9:5060", source, "", SECRET))
    ).via.branch


@pytest.mark.parametrize(
    ("via", "way"),
    [
        ("SIP/2.0/UDP 127.0.0.1:7;branch=z9hG4bK-1", Hop("UDP", "127.0.0.1", 7)),
        ("SIP/2.0/UDP 10.0.0.1:7;rport", Hop("UDP", "127.0.0.1", 5066)),
        ("SIP/2.0/TCP phone.invalid", Hop("TCP", "127.0.0.1", 5060)),
        # What the sender says about itself is overwritten, and so never sealed.
        ("SIP/2.0/UDP 10.0.0.1:7;received=192.0.2.66;rport=66", Hop("UDP", "127.0.0.1", 5066)),
        (["SIP/2.0/UDP 10.0.0.1:7, SIP/2.0/UDP 192.0.2.66", OLD_VIA], Hop("UDP", "127.0.0.1", 7)),
    ],
)
def test_our_via_seals_the_way_back(via: Any, way: Hop) -> None:
    """It is where the Via below ours leads, as stamped, by the connection it came on."""
    outgoing = Outgoing("UDP", "192.0.2.9:5060", SOURCE, "1.ab.7", SECRET)
    forwarded = read(sent(invite(via=via), outgoing=outgoing))
    below = via_hop(parse_via(forwarded.values("via")[1]))

    assert (way, seal(SECRET, way, "1.ab.7")) == (below, shown_seal(forwarded.via))


@pytest.mark.parametrize("via", ["SIP/2.0/UDP 127.0.0.1:5066;branch=z9hG4bK-1", OLD_VIA])
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("CANCEL", {}),
        ("CANCEL", {"proxy_require": "foo"}),
        ("ACK", {"to": "<sip:alice@example.test>;tag=to-1"}),
    ],
)
def test_cancel_and_ack_leave_with_the_branch_of_their_invite(
    method: str, headers: dict[str, Any], via: str
) -> None:
    """RFC 3261 §9.1, §17.1.1.3: the next hop knows by it what they are about.

    A CANCEL is never challenged (§22.1), so it need not bring the credentials of its INVITE.
    """
    first = invite(via=via, proxy_authorization='Digest username="bob"')

    assert branch(first) == branch(request(method, via=via, **headers))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"via": OLD_VIA + ";branch=z9hG4bKa"}, {"via": OLD_VIA + ";branch=z9hG4bKb"}),
        ({"via": "SIP/2.0/UDP x;branch=z9hG4bKa"}, {"via": "SIP/2.0/UDP y;branch=z9hG4bKa"}),
        ({"via": "SIP/2.0/UDP x;branch=z9hG4bKa"}, {"via": "SIP/2.0/UDP x:1;branch=z9hG4bKa"}),
        ({"via": OLD_VIA}, {"via": OLD_VIA, "cseq": "2 INVITE"}),
        ({"via": OLD_VIA}, {"via": OLD_VIA, "call_id": "call-2"}),
        ({"via": OLD_VIA}, {"via": OLD_VIA, "from_": "<sip:bob@example.test>;tag=from-2"}),
        ({"via": NO_BRANCH}, {"via": NO_BRANCH, "cseq": "2 INVITE"}),
        # The same branch, back with another route: a spiral.
        ({}, {"route": "<sip:192.0.2.5;lr>"}),
    ],
)
def test_different_requests_leave_with_different_branches(
    a: dict[str, Any], b: dict[str, Any]
) -> None:
    """RFC 3261 §16.11: senders may choose one branch, and old ones choose none."""
    assert branch(invite(**a)) != branch(invite(**b))


def test_one_branch_from_two_senders_leaves_as_two() -> None:
    """Two phones behind two NATs may share even the address they think they have."""
    assert branch(invite(), Hop("UDP", "10.0.0.1", 5060)) != branch(
        invite(), Hop("UDP", "10.0.0.2", 5060)
    )


def test_our_branch_is_a_token_and_the_same_for_ever() -> None:
    """RFC 3261 §8.1.1.7, §16.11: whichever node, before or after an upgrade, forwards a copy."""
    assert ("z9hG4bKeb6c163fd84cdbcb578d.63df68685ed8bf9bb900.f613aa71bc520dc24058") == branch(
        invite()
    )


def test_where_a_request_goes_leaves_its_branch_alone() -> None:
    """RFC 3261 §9.1, §16.11: a CANCEL or ACK finds its INVITE; Path and added rows are ours.

    Nothing of them was in the request as it came, by which a loop is known.
    """
    added = [("X-Socket", "udp:192.0.2.9:5060")]
    elsewhere = Outgoing(
        "UDP", "192.0.2.9:5060", SOURCE, "", SECRET, "<sip:p1.test;lr>,<sip:p2.test;lr>", added
    )
    strict = Outgoing("UDP", "192.0.2.9:5060", SOURCE, "", SECRET, "<sip:p1.test>")
    ways = [sent(invite(), "sip:carol@192.0.2.8", way) for way in (elsewhere, strict)]

    assert [branch(invite())] * 2 == [read(way).via.branch for way in ways]


def test_a_copy_leaves_by_its_path_as_the_same_bytes() -> None:
    """RFC 3261 §16.11: everything that is added is the same in each of them."""
    way = Outgoing("UDP", "192.0.2.9:5060", SOURCE, "", SECRET, "<sip:p1.test;lr>", [("X", "y")])

    assert sent(invite(), outgoing=way) == sent(invite(), outgoing=way)
