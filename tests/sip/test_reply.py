"""From a decided reply to bytes (RFC 3261 §8.2.6)."""

import pytest

from regcluster import __version__
from regcluster.errors import MalformedHeader
from regcluster.sip.hop import Hop
from regcluster.sip.message import Request
from regcluster.sip.parser import parse
from regcluster.sip.reply import REASONS, Reply, render_reply, to_tag
from tests.wire import AOR, Rows, request

SOURCE = Hop("UDP", "127.0.0.1", 5066)
OK = Reply(200, "OK", [])


def options(**headers: Rows) -> Request:
    message = parse(request("OPTIONS", AOR, b"", **headers))
    assert isinstance(message, Request)
    return message


def lines(message: Request, reply: Reply = OK, source: Hop = SOURCE) -> list[str]:
    data = render_reply(message, reply, source)
    return data.decode("utf-8", "surrogateescape").split("\r\n")


def rows(name: str, message: Request, reply: Reply = OK) -> list[str]:
    """The values of the rows called ``name`` in the reply."""
    return [line.partition(": ")[2] for line in lines(message, reply) if line.startswith(name)]


def test_a_reply_has_what_every_reply_needs_in_order() -> None:
    """Status line, what is echoed, what was decided, who we are, no body."""
    message = options(
        via="SIP/2.0/UDP 127.0.0.1:5066;branch=z9hG4bK1",
        from_="<sip:b@h>;tag=1",
        to="<sip:a@h>;tag=2",
        call_id="c1",
        cseq="7 OPTIONS",
    )
    reply = Reply(423, "Interval Too Brief", [("Min-Expires", "60"), ("Supported", "")])

    assert [
        "SIP/2.0 423 Interval Too Brief",
        "Via: SIP/2.0/UDP 127.0.0.1:5066;branch=z9hG4bK1",
        "From: <sip:b@h>;tag=1",
        "To: <sip:a@h>;tag=2",
        "Call-ID: c1",
        "CSeq: 7 OPTIONS",
        "Min-Expires: 60",
        "Supported: ",
        f"Server: regcluster/{__version__}",
        "Content-Length: 0",
        "",
        "",
    ] == lines(message, reply)


def test_all_vias_go_back_in_order_and_only_the_topmost_is_stamped() -> None:
    """Rows stay rows, commas stay commas, odd spacing stays (8-19, rp-09)."""
    message = options(
        via=["SIP/2.0/UDP h;rport,  SIP/2.0/TCP i ;rport", "SIP / 2.0 / UNKNOWN j: 5;received=k"]
    )

    assert [
        "SIP/2.0/UDP h;received=127.0.0.1;rport=5066,  SIP/2.0/TCP i ;rport",
        "SIP / 2.0 / UNKNOWN j: 5;received=k",
    ] == rows("Via", message)


def test_echoed_values_are_byte_for_byte_what_came() -> None:
    """UTF-8, stray bytes, quoted NUL, odd spacing: nothing is normalised (8-19, 7-24)."""
    data = request("OPTIONS", from_="\ufffd", to="<sip:a@h> ; TAG = x", cseq="0009 \t OPTIONS")
    value = '"Жанна \\\0 '.encode() + b'\xff\xfe" <sip:b@h>;tag=1'
    message = parse(data.replace("\ufffd".encode(), value))
    assert isinstance(message, Request)

    reply = render_reply(message, OK, SOURCE)

    assert b"\r\nFrom: " + value + b"\r\n" in reply
    assert b"\r\nTo: <sip:a@h> ; TAG = x\r\n" in reply
    assert b"\r\nCSeq: 0009 \t OPTIONS\r\n" in reply


@pytest.mark.parametrize(
    "to", ["<sip:a@h>", "sip:a@h", '"Montag ;tag=1" <sip:a@h>', "<sip:a@h;tag=1>", "<sip:tag@h>;x"]
)
def test_a_to_without_a_tag_gets_one(to: str) -> None:
    """What looks like a tag elsewhere is none (8-20)."""
    message = options(to=to)

    assert [f"{to};tag={to_tag(message)}"] == rows("To", message)


@pytest.mark.parametrize("to", ["<sip:a@h>;tag=1", "sip:a@h;tag=1", "<sip:a@h>;x;TAG = 1"])
def test_a_to_with_a_tag_keeps_it(to: str) -> None:
    """A dialog has the tags it has (8-20)."""
    assert [to] == rows("To", options(to=to))


def test_a_to_that_cannot_be_read_is_left_alone() -> None:
    """A tag behind an open quote or in the middle of nowhere would belong to nothing."""
    value = '"tag <sip:a@h>'
    headers = [row for row in options().headers if row[0] != "to"]
    broken = Request("OPTIONS", "sip:h", [*headers, ("to", value)], [], b"")

    assert [value] == rows("To", broken)


def test_a_100_gets_no_tag() -> None:
    """Trying is not yet anybody's answer (8-20)."""
    assert ["<sip:a@h>"] == rows("To", options(to="<sip:a@h>"), Reply(100, "Trying", []))


def test_equal_requests_get_equal_tags() -> None:
    """A retransmission is answered alike, by whichever worker (8-21)."""
    assert to_tag(options()) == to_tag(options())
    assert 16 == len(to_tag(options()))


@pytest.mark.parametrize(
    "headers",
    [
        {"via": "SIP/2.0/UDP 127.0.0.1:5066;branch=z9hG4bK-2;rport"},
        {"via": "SIP/2.0/UDP 127.0.0.2:5066;branch=z9hG4bK-1;rport"},
        {"call_id": "call-2@127.0.0.1"},
        {"cseq": "2 OPTIONS"},
        {"from_": "<sip:bob@example.test>;tag=from-2"},
    ],
)
def test_different_requests_get_different_tags(headers: dict[str, Rows]) -> None:
    """A tag that two requests shared would join their dialogs (8-21, §19.3)."""
    assert to_tag(options()) != to_tag(options(**headers))


@pytest.mark.parametrize("name", ["from", "to", "call-id", "cseq"])
def test_what_a_request_lacks_its_reply_lacks(name: str) -> None:
    """A request that is refused for it is still answered with all the others (8-01)."""
    whole = options()
    headers = [row for row in whole.headers if row[0] != name]
    reply = lines(Request("OPTIONS", "sip:h", headers, [], b""), Reply(400, "Bad Request", []))

    names = [line.partition(":")[0].lower() for line in reply]

    assert name not in names
    assert {"via", "from", "to", "call-id", "cseq"} - {name} <= set(names)


def test_a_request_without_a_via_cannot_be_answered() -> None:
    """The parser lets none pass; here it is an error and no guess."""
    with pytest.raises(MalformedHeader):
        render_reply(Request("OPTIONS", "sip:h", [], [], b""), OK, SOURCE)


@pytest.mark.parametrize("evil", ["a\r\nContact: <sip:evil@h>", "a\rb", "a\nb", "a\0b", "\r\n"])
def test_nothing_can_be_injected(evil: str) -> None:
    """A line end or NUL in a reason or a header is an error of ours, never bytes (16-37)."""
    for reply in (
        Reply(200, evil, []),
        Reply(200, "OK", [("X", evil)]),
        Reply(200, "OK", [(evil, "x"), ("Y", "y")]),
    ):
        with pytest.raises(ValueError, match="line end or NUL"):
            render_reply(options(), reply, SOURCE)


@pytest.mark.parametrize(("status", "reason"), list(REASONS.items()))
def test_every_standard_reason_fits_its_status(status: int, reason: str) -> None:
    """Three digits and a phrase that can stand in a status line."""
    assert f"SIP/2.0 {status} {reason}" == lines(options(), Reply(status, reason, []))[0]
    assert 100 <= status <= 699
