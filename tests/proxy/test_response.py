"""Responses on their way back: whose they are, what changes, where they may go."""

from typing import Any

import pytest

from regcluster.errors import MalformedHeader
from regcluster.proxy.response import MAX_VIAS, Forwarded, pop_via
from regcluster.proxy.seal import seal
from regcluster.sip.grammar import split_list
from regcluster.sip.headers import Via, parse_via
from regcluster.sip.hop import Hop, via_hop
from regcluster.sip.message import Response
from regcluster.sip.parser import parse
from tests.wire import response

SECRET = b"a secret of all nodes"
BOBS = "SIP/2.0/UDP 127.0.0.1:5066;branch=z9hG4bK-1;rport=5066;received=127.0.0.1"


def above(below: str, flow: str = "") -> str:
    """Our Via for a request that came with ``below``, by ``flow``."""
    try:
        hop = via_hop(parse_via(split_list(below)[0]))
    except MalformedHeader:
        hop = Hop("UDP", "", 0)
    sealed = seal(SECRET, hop, flow)
    token = f";rc-flow={flow}" if flow else ""
    return f"SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK1.{sealed}.2{token}"


OURS = above(BOBS)


def read(data: bytes) -> Response:
    parsed = parse(data)
    assert isinstance(parsed, Response)
    return parsed


def wrote(via: Via) -> bool:
    return (via.host, via.port) == ("127.0.0.1", 5060)


def popped(data: bytes) -> Forwarded:
    forwarded = pop_via(read(data), wrote, SECRET)
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
        ([above(OURS), OURS, BOBS], [OURS, BOBS]),
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
    assert hop == popped(response(via=[above(via), via])).hop


def test_a_request_that_came_by_connection_is_answered_there() -> None:
    """Our own Via remembers it."""
    assert "1.ab.7" == popped(response(via=[above(BOBS, "1.ab.7"), BOBS])).flow


@pytest.mark.parametrize(
    ("next_via", "flow", "rows"),
    [(BOBS, "", []), (BOBS, "1.ab.7", ["4"]), ("SIP/2.0/TCP 127.0.0.1", "", ["4"])],
)
def test_on_a_stream_the_length_is_told(next_via: str, flow: str, rows: list[str]) -> None:
    """RFC 3261 §18.3: the datagram it came in could do without."""
    data = response(via=[above(next_via, flow), next_via], body=b"body", content_length=None)

    assert rows == read(popped(data).data).all("content-length")


@pytest.mark.parametrize(
    "vias",
    [
        [OURS],
        [BOBS, OURS],
        [OURS.replace("127.0.0.1", "192.0.2.66"), BOBS],
        [OURS.replace("5060", "5061"), BOBS],
    ],
)
def test_a_response_that_is_not_for_others_ends_here(vias: list[str]) -> None:
    """RFC 3261 §16.11, §18.1.2: the top Via has to be ours, and somebody's below it."""
    assert None is pop_via(read(response(via=vias)), wrote, SECRET)


@pytest.mark.parametrize(
    "vias",
    [
        ["SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK-proxy", BOBS],
        ["SIP/2.0/UDP 127.0.0.1:5060", BOBS],
        [OURS, BOBS.replace("127.0.0.1", "192.0.2.66")],
        [OURS, BOBS.replace("5066", "6379")],
        [OURS, BOBS.replace("UDP", "TCP")],
        [f"{OURS};rc-flow=1.ab.7", BOBS],
        [above(BOBS, "1.ab.7").replace("1.ab.7", "1.ab.8"), BOBS],
        [above(BOBS, "1.ab.7").partition(";rc-flow")[0], BOBS],
    ],
)
def test_a_response_goes_nowhere_that_no_request_came_from(vias: list[str]) -> None:
    """Anybody can write our address on top, and below it that of whom he wants to reach."""
    assert None is pop_via(read(response(via=vias)), wrote, SECRET)


@pytest.mark.parametrize("secret", [b"", b"another secret"])
def test_a_response_to_a_request_of_others_ends_here(secret: bytes) -> None:
    """Of another cluster, or of ours before we have been told how to know it."""
    assert None is pop_via(read(response(via=[OURS, BOBS])), wrote, secret)


@pytest.mark.parametrize(
    "via",
    [
        "SIP / 2.0 / udp 127.0.0.1:5066 ; received = 127.0.0.1 ; RPORT=5066",
        "SIP/2.0/UDP phone.invalid:7;rport=05066;received=127.0.0.1;x",
        "SIP/2.0/UDP 127.0.0.1:5066",
    ],
)
def test_a_way_may_be_spelled_anew(via: str) -> None:
    """Some phones do not copy a Via, as RFC 3261 §8.2.6.2 wants, but write what they understood."""
    assert Hop("UDP", "127.0.0.1", 5066) == popped(response(via=[OURS, via])).hop


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
    assert None is pop_via(read(response(via=[above(via), via])), wrote, SECRET)


@pytest.mark.parametrize(("count", "goes_on"), [(MAX_VIAS, True), (MAX_VIAS + 1, False)])
def test_a_response_has_no_more_vias_than_a_request_has_hops(count: int, goes_on: bool) -> None:
    """A datagram full of our own Vias would keep us busy with ourselves."""
    data = response(via=[OURS, ", ".join([BOBS] * (count - 1))])

    assert goes_on == (pop_via(read(data), wrote, SECRET) is not None)
