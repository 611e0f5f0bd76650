"""Responses on their way back: whose they are, what changes, where they may go."""

from typing import Any

import pytest

from regcluster.proxy.response import MAX_VIAS, Forwarded, pop_via
from regcluster.sip.headers import Via
from regcluster.sip.hop import Hop
from regcluster.sip.message import Response
from regcluster.sip.parser import parse
from tests.wire import response

OURS = "SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK-proxy"
BOBS = "SIP/2.0/UDP 127.0.0.1:5066;branch=z9hG4bK-1;rport=5066;received=127.0.0.1"


def read(data: bytes) -> Response:
    parsed = parse(data)
    assert isinstance(parsed, Response)
    return parsed


def wrote(via: Via) -> bool:
    return (via.host, via.port) == ("127.0.0.1", 5060)


def popped(data: bytes) -> Forwarded:
    forwarded = pop_via(read(data), wrote)
    assert forwarded is not None
    return forwarded


def test_a_response_goes_on_without_our_via() -> None:
    """RFC 3261 §16.11: to where the next one says, and not a byte of it changes otherwise."""
    rows: dict[str, Any] = {
        "x_odd": ";;,,;;,;",
        "subject": "\udcff\udcfe",
        "body": bytes(range(256)),
    }
    before = response(183, "Session Прогресс", via=[OURS, BOBS], **rows)
    after = response(183, "Session Прогресс", via=[BOBS], **rows)

    assert Forwarded(after, Hop("UDP", "127.0.0.1", 5066), "") == popped(before)


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        ([OURS, BOBS], [BOBS]),
        ([f"{OURS}, {BOBS}"], [BOBS]),
        ([f"{OURS},{BOBS}", "SIP/2.0/SCTP x"], [BOBS, "SIP/2.0/SCTP x"]),
        ([OURS, f"{BOBS}, SIP/2.0/TLS y"], [f"{BOBS}, SIP/2.0/TLS y"]),
        # A spiral: the request came by here twice, so the response does.
        ([OURS, OURS, BOBS], [OURS, BOBS]),
        # What those behind us wrote into our Via says where they saw us, and is of no use now.
        ([f"{OURS.replace('rport', 'rport=9')};received=192.0.2.66", BOBS], [BOBS]),
    ],
)
def test_one_via_is_taken_off_however_they_are_joined(rows: list[str], left: list[str]) -> None:
    """RFC 3261 §7.3.1: rows and commas mean the same."""
    assert left == read(popped(response(via=rows)).data).all("via")


def test_a_reason_that_says_nothing_stays_so() -> None:
    """RFC 4475 §3.1.1.13: the space behind the status does, too."""
    assert b"SIP/2.0 100 " == popped(response(100, "", via=[OURS, BOBS])).data.split(b"\r\n")[0]


@pytest.mark.parametrize(
    ("via", "hop"),
    [
        ("SIP/2.0/UDP 192.0.2.1", Hop("UDP", "192.0.2.1", 5060)),
        ("SIP/2.0/UDP 192.0.2.1:5070", Hop("UDP", "192.0.2.1", 5070)),
        ("SIP/2.0/UDP 10.0.0.1:5070;received=192.0.2.1", Hop("UDP", "192.0.2.1", 5070)),
        ("SIP/2.0/UDP x:5070;received=192.0.2.1;rport=7", Hop("UDP", "192.0.2.1", 7)),
        ("SIP/2.0/TCP 192.0.2.1;rport=70000", Hop("TCP", "192.0.2.1", 5060)),
        ("SIP/2.0/UDP [2001:db8::1]:7", Hop("UDP", "2001:db8::1", 7)),
        ("SIP/2.0/UDP x;received=[2001:db8::1]", Hop("UDP", "2001:db8::1", 5060)),
        ("SIP/2.0/UDP [::ffff:192.0.2.1]", Hop("UDP", "::ffff:192.0.2.1", 5060)),
        ("SIP/2.0/UDP 192.0.2.1;maddr=224.0.1.75", Hop("UDP", "192.0.2.1", 5060)),
    ],
)
def test_the_next_via_says_where(via: str, hop: Hop) -> None:
    """RFC 3261 §18.2.2, RFC 3581 §4: what we wrote into it when the request came."""
    assert hop == popped(response(via=[OURS, via])).hop


def test_a_request_that_came_by_connection_is_answered_there() -> None:
    """Our own Via remembers it."""
    assert "1.ab.7" == popped(response(via=[f"{OURS};rc-flow=1.ab.7", BOBS])).flow


@pytest.mark.parametrize(
    ("via", "next_via", "rows"),
    [
        (OURS, BOBS, []),
        (f"{OURS};rc-flow=1.ab.7", BOBS, ["4"]),
        (OURS, "SIP/2.0/TCP 127.0.0.1", ["4"]),
    ],
)
def test_on_a_stream_the_length_is_told(via: str, next_via: str, rows: list[str]) -> None:
    """RFC 3261 §18.3: the datagram it came in could do without."""
    data = response(via=[via, next_via], body=b"body", content_length=None)

    assert rows == read(popped(data).data).all("content-length")


@pytest.mark.parametrize(
    "vias",
    [
        [OURS],
        [BOBS, OURS],
        ["SIP/2.0/UDP 192.0.2.66:5060;branch=z9hG4bK-proxy", BOBS],
        ["SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bK-proxy", BOBS],
    ],
)
def test_a_response_that_is_not_for_others_ends_here(vias: list[str]) -> None:
    """RFC 3261 §16.11, §18.1.2: the top Via has to be ours, and somebody's below it."""
    assert None is pop_via(read(response(via=vias)), wrote)


@pytest.mark.parametrize(
    "via",
    [
        "SIP/2.0/UDP 255.255.255.255",
        "SIP/2.0/UDP [::ffff:255.255.255.255]",
        "SIP/2.0/UDP 224.0.1.75",
        "SIP/2.0/UDP [::ffff:224.0.1.75]",
        "SIP/2.0/UDP [ff02::1]",
        "SIP/2.0/UDP 0.0.0.0",
        "SIP/2.0/UDP [::]",
        "SIP/2.0/UDP 192.0.2.1;received=224.0.1.75",
        "SIP/2.0/UDP victim.example.test",
        "SIP/2.0/UDP 192.0.2.1;received=victim.example.test",
        'SIP/2.0/UDP 192.0.2.1;received="192.0.2.1"',
        "SIP/2.0/PIGEON 192.0.2.1",
        "SIP/2.0/UDP 192.0.2.300",
        "nonsense",
    ],
)
def test_an_address_of_many_or_of_nobody_gets_nothing(via: str) -> None:
    """RFC 4475 §3.3.10: whoever forged it shall not have us shout, look up names or guess."""
    assert None is pop_via(read(response(via=[OURS, via])), wrote)


@pytest.mark.parametrize(("count", "goes_on"), [(MAX_VIAS, True), (MAX_VIAS + 1, False)])
def test_a_response_has_no_more_vias_than_a_request_has_hops(count: int, goes_on: bool) -> None:
    """A datagram full of our own Vias would keep us busy with ourselves."""
    data = response(via=[OURS, ", ".join([BOBS] * (count - 1))])

    assert goes_on == (pop_via(read(data), wrote) is not None)
