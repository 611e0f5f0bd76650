"""Forwarding a request: what changes, what stays, and what may not go on."""

from collections.abc import Sequence
from typing import Any

import pytest

from regcluster.errors import MalformedHeader
from regcluster.proxy.forward import (
    Outgoing,
    check,
    first_route,
    forward,
    shown_seal,
    strip_route,
)
from regcluster.sip.headers import Via, parse_via
from regcluster.sip.hop import Hop
from regcluster.sip.message import Request
from regcluster.sip.parser import parse
from regcluster.sip.reply import Reply
from regcluster.sip.uri import SipUri, parse_uri
from tests.sip.torture.index import CORPUS, Read
from tests.wire import invite, request

CONTACT = "sip:alice@192.0.2.7:5070"
SOURCE = Hop("UDP", "127.0.0.1", 5066)
SECRET = b"a secret of all nodes"
BY_UDP = Outgoing("UDP", "192.0.2.9:5060", SOURCE, "", SECRET)
BY_TCP = Outgoing("TCP", "192.0.2.9:5060", SOURCE, "", SECRET)


def read(data: bytes) -> Request:
    parsed = parse(data)
    assert isinstance(parsed, Request)
    return parsed


def sip(text: str) -> SipUri:
    uri = parse_uri(text)
    assert isinstance(uri, SipUri)
    return uri


def sent(data: bytes, contact: str = CONTACT, outgoing: Outgoing = BY_UDP) -> bytes:
    return forward(read(data), sip(contact), outgoing)


def lines(data: bytes) -> list[bytes]:
    return data.partition(b"\r\n\r\n")[0].split(b"\r\n")


def wrote(via: Via) -> bool:
    return via.host == "192.0.2.9"


def is_ours(uri: SipUri) -> bool:
    return uri.host == "192.0.2.9"


def test_a_request_goes_on_with_our_via_on_top_and_one_hop_less() -> None:
    """RFC 3261 §16.6: Request-URI, Via and Max-Forwards change, nothing else does."""
    forwarded = lines(sent(invite(subject="lunch")))
    top = forwarded[1].rpartition(b"=")[0]

    assert [
        b"INVITE sip:alice@192.0.2.7:5070 SIP/2.0",
        b"Via: SIP/2.0/UDP 192.0.2.9:5060;rport;branch",
        b"Via: SIP/2.0/UDP 127.0.0.1:5066;branch=z9hG4bK-1;received=127.0.0.1;rport=5066",
        b"Max-Forwards: 69",
        b"From: <sip:bob@example.test>;tag=from-1",
        b"To: <sip:alice@example.test>",
        b"Call-ID: call-1@127.0.0.1",
        b"CSeq: 1 INVITE",
        b"Contact: <sip:bob@127.0.0.1:5066>",
        b"Subject: lunch",
        b"Content-Length: 0",
    ] == [forwarded[0], top, *forwarded[2:]]


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        (None, ["70"]),
        ("0068", ["67"]),
        ("1", ["0"]),
        (255, ["254"]),
        # Two equal rows pass the parser and must not become two unequal ones.
        ([70, 70], ["69", "69"]),
    ],
)
def test_a_request_has_one_hop_less_to_go(asked: Any, left: list[str]) -> None:
    """RFC 3261 §16.6 step 3: one less than came in, seventy if nothing did."""
    assert left == read(sent(invite(max_forwards=asked))).all("max-forwards")


@pytest.mark.parametrize(
    "line",
    [
        b"UnknownHeaderWithUnusualValue: ;;,,;;,;",
        b"X-Folded: a  b\tc",
        b"Date: Fri, 01 Jan 2010 16:00:00 EST",
        b'Subject: "never closed',
        "Subject: Жанна".encode(),
        b"X-Bytes: \xff\xfe",
        b"s: lunch",
        b"CONTACT : <sip:bob@h>;q=7",
        b"Require: nothingSupportsThis",
        b'Proxy-Authorization: Digest realm="elsewhere.test", uri="sip:x"',
        b"Max-Breadth: 10",
        b"Supported:",
    ],
)
def test_what_is_not_a_proxys_passes_as_it_came(line: bytes) -> None:
    """RFC 3261 §16.3: unknown, malformed or meant for others, a header is not ours to touch."""
    data = invite(contact=None).replace(b"Content-Length", line + b"\r\nContent-Length")

    assert line in lines(sent(data))


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, case in CORPUS.items()
        if isinstance(case.outcome, Read) and isinstance(case.outcome.what, str)
    ],
)
def test_a_torture_message_passes_as_it_came(name: str) -> None:
    """RFC 4475, RFC 5118: method, other headers in their order, lower Vias and body."""
    before = read(CORPUS[name].data)
    after = read(sent(CORPUS[name].data))
    ours = ("via", "max-forwards")

    assert (
        (before.method, before.values("via")[1:], before.body),
        [row for row in before.headers if row[0] not in ours],
    ) == (
        (after.method, after.values("via")[2:], after.body),
        [row for row in after.headers if row[0] not in ours],
    )


def test_a_binary_body_passes_bit_by_bit() -> None:
    """NULs, line ends and bytes that are no UTF-8 are none of our business."""
    body = bytes(range(256)) + b"\r\n\r\n\0\r\n"

    assert body == sent(invite(body=body)).partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("outgoing", "length", "rows"),
    [(BY_UDP, None, []), (BY_TCP, None, ["4"]), (BY_UDP, 4, ["4"]), (BY_TCP, 4, ["4"])],
)
def test_on_a_stream_the_length_is_told(outgoing: Outgoing, length: Any, rows: list[str]) -> None:
    """RFC 3261 §16.6 step 9: a datagram may leave it out, a stream may not."""
    data = invite(body=b"body", content_length=length)

    assert rows == read(sent(data, outgoing=outgoing)).all("content-length")


@pytest.mark.parametrize(
    ("contact", "request_uri"),
    [
        (
            "sip:alice@192.0.2.7:5070;ob;x=1;method=INVITE?Subject=x",
            "sip:alice@192.0.2.7:5070;ob;x=1",
        ),
        ("sip:alice@192.0.2.7?Route=%3Csip:evil%3E", "sip:alice@192.0.2.7"),
        ("sip:a%0d%0aRoute%3Ax%00@192.0.2.7", "sip:a%0d%0aRoute%3Ax%00@192.0.2.7"),
        ("sips:alice:pw@[2001:db8::1]:5061", "sips:alice:pw@[2001:db8::1]:5061"),
        ("sip:192.0.2.7;transport=tcp;maddr=a", "sip:192.0.2.7;transport=tcp;maddr=a"),
    ],
)
def test_a_contact_becomes_the_request_uri(contact: str, request_uri: str) -> None:
    """RFC 3261 §16.6 step 2: without what may not stand there, and no escape is ever undone."""
    assert request_uri == read(sent(invite(), contact)).uri


@pytest.mark.parametrize(
    ("via", "stamped"),
    [
        ("SIP/2.0/UDP 127.0.0.1:5066;branch=z9hG4bK-1", ""),
        ("SIP/2.0/UDP phone.invalid;branch=z9hG4bK-1", ";received=127.0.0.1"),
        (["SIP/2.0/UDP 10.0.0.1", "SIP/2.0/UDP 10.0.0.2;rport"], ";received=127.0.0.1"),
    ],
)
def test_only_the_top_via_learns_where_it_came_from(via: Any, stamped: str) -> None:
    """RFC 3261 §18.2.1: what is below was stamped, or not, by those before us."""
    top, *below = via if isinstance(via, list) else [via]

    assert [top + stamped, *below] == read(sent(invite(via=via))).all("via")[1:]


def test_our_via_tells_how_it_leaves_and_where_its_answer_must_go() -> None:
    """The transport and the connection are in it, for the response has nothing else."""
    outgoing = Outgoing(
        "TCP", "[2001:db8::9]:5062", Hop("TCP", "127.0.0.1", 5066), "1.ab.7", SECRET
    )
    via = read(sent(invite(), outgoing=outgoing)).via

    assert ("TCP", "[2001:db8::9]", 5062, {"rport": None, "rc-flow": "1.ab.7"}) == (
        via.transport,
        via.host,
        via.port,
        {name: value for name, value in via.params.items() if name != "branch"},
    )


@pytest.mark.parametrize("branch", ["", ";branch=z9hG4bKa.b", ";branch=z9hG4bKa.b.c.d"])
def test_a_branch_of_another_kind_shows_no_seal(branch: str) -> None:
    """It is none that we made."""
    assert "" == shown_seal(parse_via(f"SIP/2.0/UDP 192.0.2.9{branch}"))


@pytest.mark.parametrize(
    ("route", "request_uri", "routes"),
    [
        (["<sip:192.0.2.5;lr>"], CONTACT, ["<sip:192.0.2.5;lr>"]),
        (["<sip:192.0.2.5;LR=on>"], CONTACT, ["<sip:192.0.2.5;LR=on>"]),
        (["<tel:+1>"], CONTACT, ["<tel:+1>"]),
        (["<sip:192.0.2.5>"], "sip:192.0.2.5", [f"<{CONTACT}>"]),
        (
            ["<sip:192.0.2.5;x>, <sip:a;lr>", "<sip:b;lr>"],
            "sip:192.0.2.5;x",
            ["<sip:a;lr>", "<sip:b;lr>", f"<{CONTACT}>"],
        ),
    ],
)
def test_a_strict_router_finds_itself_in_the_request_uri(
    route: list[str], request_uri: str, routes: list[str]
) -> None:
    """RFC 3261 §16.6 step 6: without ``lr`` it looks nowhere else, and the target goes last."""
    forwarded = read(sent(invite(route=route)))

    assert (request_uri, routes) == (forwarded.uri, forwarded.values("route"))


PATH = "<sip:p1.test;lr>,<sip:p2.test;lr;ob>"


def on_its_way(path: str = "", added: Sequence[tuple[str, str]] = ()) -> Outgoing:
    return Outgoing("UDP", "192.0.2.9:5060", SOURCE, "", SECRET, path, added)


@pytest.mark.parametrize(
    ("route", "routes"),
    [
        (None, [PATH]),
        ("<sip:a;lr>", [PATH, "<sip:a;lr>"]),
        (["<sip:a;lr>, <sip:b;lr>", "<sip:c;lr>"], [PATH, "<sip:a;lr>, <sip:b;lr>", "<sip:c;lr>"]),
    ],
)
def test_a_path_becomes_the_first_route(route: Any, routes: list[str]) -> None:
    """RFC 3327 §5.4: in its order and as stored, before what the request has of its own."""
    forwarded = read(sent(invite(route=route), outgoing=on_its_way(PATH)))

    assert (CONTACT, routes) == (forwarded.uri, forwarded.all("route"))


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        *[(f"<sip:p1;lr>{end}Route: <sip:evil>", "X", "") for end in ("\r\n", "\n", "\r", "\0")],
        *[("", "X", f"1{end}Route: <sip:evil>") for end in ("\r\n", "\n", "\r", "\0")],
        *[("", name, "1") for name in ("", "X: y\r\nZ", "X Y", "X:", "Ж")],
    ],
)
def test_no_row_hides_another_one(path: str, name: str, value: str) -> None:
    """Whatever a script copies from a message or a database: it gets an error, the peer nothing."""
    with pytest.raises(ValueError, match="not one header row"):
        sent(invite(), outgoing=on_its_way(path, [(name, value)]))


@pytest.mark.parametrize(
    ("route", "left"),
    [
        (None, []),
        ("<sip:192.0.2.9;lr>", []),
        ("<sip:other@192.0.2.5;lr>", ["<sip:other@192.0.2.5;lr>"]),
        ("<tel:+1>", ["<tel:+1>"]),
        ("<sip:192.0.2.9;lr>,<sip:a;lr>", ["<sip:a;lr>"]),
        (["<sip:192.0.2.9;lr>", "<sip:a;lr>"], ["<sip:a;lr>"]),
        (["<sip:192.0.2.9;lr>", "<sip:192.0.2.9;lr>"], []),
        ("<sip:192.0.2.9;lr>, <sip:x@192.0.2.9;lr>, <sip:a;lr>", ["<sip:a;lr>"]),
        (["<sip:192.0.2.9;lr>", "<tel:+1>"], ["<tel:+1>"]),
        (["<sip:a;lr>", "<sip:192.0.2.9;lr>"], ["<sip:a;lr>", "<sip:192.0.2.9;lr>"]),
    ],
)
def test_routes_that_lead_to_us_are_taken_off(route: Any, left: list[str]) -> None:
    """RFC 3261 §16.4: from the front; whatever else is to be visited stays, in order."""
    assert left == strip_route(read(invite(route=route)), is_ours).values("route")


def test_taking_off_a_route_changes_nothing_else() -> None:
    """Neither the other rows nor the body."""
    before = invite(body=b"x", route=["<sip:192.0.2.9;lr>, <sip:a;lr>", "<sip:b;lr>"])
    stripped = strip_route(read(before), is_ours)
    after = read(invite(body=b"x", route=["<sip:a;lr>", "<sip:b;lr>"]))

    assert after == stripped


@pytest.mark.parametrize(
    ("route", "first"),
    [(None, None), ("<tel:+1>", None), (["<sip:a;lr>, <sip:b>"], sip("sip:a;lr"))],
)
def test_the_first_route_is_where_a_request_goes_next(route: Any, first: SipUri | None) -> None:
    """RFC 3261 §16.6 step 7: if SIP can get there."""
    assert first == first_route(read(invite(route=route)))


@pytest.mark.parametrize(
    "data",
    [
        invite(),
        invite(max_forwards=1),
        invite(max_forwards=None),
        request("FOO", require="nothingSupportsThis"),
        # Neither can be answered 420, so neither may be held up by it (RFC 3261 §8.2.2.3).
        request("CANCEL", proxy_require="foo"),
        request("ACK", proxy_require="foo"),
        # What is wrong with the Vias of others is not for us to say.
        invite(via=["SIP/2.0/UDP 127.0.0.1:5066;branch=z9hG4bK-1", "nonsense"]),
    ],
)
def test_what_a_proxy_has_nothing_against_may_go_on(data: bytes) -> None:
    """RFC 3261 §16.3: unknown methods and extensions of the endpoints are no reason to refuse."""
    assert None is check(read(data), wrote)


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "ACK", "CANCEL"])
def test_a_request_that_has_gone_far_enough_stops_here(method: str) -> None:
    """RFC 3261 §16.3 step 3: Max-Forwards 0 is never forwarded."""
    assert Reply(483, "Too Many Hops", []) == check(read(request(method, max_forwards=0)), wrote)


def test_a_demand_on_proxies_is_refused_by_name() -> None:
    """RFC 3261 §16.3 step 5: we have no extensions, so every tag is listed."""
    refusal = check(read(invite(proxy_require=["foo, gin", "sec-agree"])), wrote)

    assert Reply(420, "Bad Extension", [("Unsupported", "foo, gin, sec-agree")]) == refusal


@pytest.mark.parametrize("max_forwards", ["x", "-1", "256", ""])
def test_hops_that_are_no_number_are_malformed(max_forwards: str) -> None:
    """A proxy has to read this one."""
    with pytest.raises(MalformedHeader, match="Bad Max-Forwards"):
        check(read(invite(max_forwards=max_forwards)), wrote)


@pytest.mark.parametrize(
    "contacts",
    [
        ["sip:alice@example.test"],
        ["sip:alice@EXAMPLE.test;x", "sip:alice@EXAMPLE.test;x"],
        ["sip:carol@example.test", "sip:alice@example.test"],
    ],
)
def test_a_request_that_comes_back_unchanged_is_a_loop(contacts: list[str]) -> None:
    """RFC 3261 §16.3 step 4: by a contact that is the AOR, or by two that are each other's."""
    data = invite()
    for contact in contacts:
        data = sent(data, contact)

    assert Reply(482, "Loop Detected", []) == check(read(data), wrote)


def test_a_request_that_comes_back_for_somebody_else_is_a_spiral() -> None:
    """RFC 3261 §16.3 step 4: a new Request-URI is a new errand."""
    assert None is check(read(sent(invite(), "sip:carol@example.test")), wrote)


def test_a_loop_of_another_proxy_is_not_ours() -> None:
    """The branch alone says nothing: the Via has to be one we wrote."""
    looped = read(sent(invite(), "sip:alice@example.test"))

    assert None is check(looped, lambda via: False)


def test_our_hash_in_the_wrong_place_is_no_loop() -> None:
    """Only the end of a branch counts, whatever a peer hides in its own parameters."""
    end = read(sent(invite())).via.branch.rpartition(".")[2]
    data = invite(via=["SIP/2.0/UDP 127.0.0.1:5066", f"SIP/2.0/UDP 192.0.2.9;branch={end}x"])

    assert None is check(read(data), wrote)
