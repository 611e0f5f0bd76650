"""From bytes to messages (RFC 3261 §7, §18.3). Ids such as 7-08 name the rule tested."""

import pytest

from regcluster.errors import MalformedMessage
from regcluster.sip.message import Request, Response
from regcluster.sip.parser import MAX_URI, BadRequest, is_keepalive, parse
from tests.wire import AOR, Rows, register, request, response


def parsed(data: bytes) -> Request:
    read = parse(data)
    assert isinstance(read, Request)
    return read


def options(**headers: Rows) -> bytes:
    return request("OPTIONS", AOR, b"", **headers)


def refused(data: bytes, *, stream: bool = False) -> BadRequest:
    """The refusal of ``data`` that can be answered."""
    with pytest.raises(BadRequest) as caught:
        parse(data, stream=stream)
    return caught.value


def dropped(data: bytes) -> MalformedMessage:
    """The refusal of ``data`` that nobody can be told."""
    with pytest.raises(MalformedMessage) as caught:
        parse(data)
    assert not isinstance(caught.value, BadRequest)
    return caught.value


# What is read


def test_a_request_is_read_whole() -> None:
    """Start line, rows in order with the lines they came in, body."""
    data = (
        b"MESSAGE sip:a@h SIP/2.0\r\n"
        b"v: SIP/2.0/UDP 192.0.2.1\r\n"
        b"FROM : <sip:b@h>;tag=1 \r\n"
        b"To:<sip:a@h>\r\n"
        b"Call-ID:\tc1\r\n"
        b"CSeq: 1 MESSAGE\r\n"
        b"X-Odd: ;;,,;;,;\r\n"
        b"Subject:\r\n"
        b"\r\n"
        b"hello\0\r\n\r\n\xff"
    )

    assert Request(
        "MESSAGE",
        "sip:a@h",
        [
            ("via", "SIP/2.0/UDP 192.0.2.1"),
            ("from", "<sip:b@h>;tag=1"),
            ("to", "<sip:a@h>"),
            ("call-id", "c1"),
            ("cseq", "1 MESSAGE"),
            ("x-odd", ";;,,;;,;"),
            ("subject", ""),
        ],
        [
            "v: SIP/2.0/UDP 192.0.2.1",
            "FROM : <sip:b@h>;tag=1 ",
            "To:<sip:a@h>",
            "Call-ID:\tc1",
            "CSeq: 1 MESSAGE",
            "X-Odd: ;;,,;;,;",
            "Subject:",
        ],
        b"hello\0\r\n\r\n\xff",
    ) == parse(data)


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        ("SIP/2.0 200 OK", 200, "OK"),
        ("sip/2.0 486 Busy Here", 486, "Busy Here"),
        ("SIP/2.0 100 ", 100, ""),
        ("SIP/2.0 100", 100, ""),
        ("SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое", 200, None),
        ("SIP/2.0 699 SIP/2.0", 699, "SIP/2.0"),
    ],
)
def test_a_response_is_read(line: str, status: int, reason: str | None) -> None:
    """The phrase may be anything, UTF-8 or nothing too (4475 unreason, noreason)."""
    data = response().replace(b"SIP/2.0 200 OK", line.encode(), 1)
    read = parse(data)

    assert isinstance(read, Response)
    assert status == read.status
    assert reason in (read.reason, None)
    assert "1 INVITE" == read.first("cseq")


def test_rows_of_both_spellings_keep_their_order() -> None:
    """A compact row between two long ones stays between them (7-10, 7-14)."""
    data = register(contact=["<sip:1@h>", "<sip:2@h>", "<sip:3@h>"])

    assert ["<sip:1@h>", "<sip:2@h>", "<sip:3@h>"] == parsed(
        data.replace(b"Contact: <sip:2@h>", b"m: <sip:2@h>")
    ).all("contact")


def test_a_fold_may_be_anywhere_in_the_head() -> None:
    """In Via, between the number and the method of CSeq, in an unknown header (7-08)."""
    data = options(
        via="SIP/2.0/UDP\r\n h;branch=b\r\n ;rport", cseq="1\r\n\tOPTIONS", x_odd="a\r\n b"
    )
    read = parsed(data)

    assert "SIP/2.0/UDP h;branch=b ;rport" == read.first("via")
    assert "1 OPTIONS" == read.first("cseq")
    assert "a b" == read.first("x-odd")


def test_bytes_that_are_no_utf8_survive() -> None:
    """Nobody may be refused for them, and they come out as they went in (7-24)."""
    value = "\x85日本語\u2028 ".encode() + b"\xff\xc3\x28"
    data = options(x_odd="here").replace(b"here", value)

    assert value == (parsed(data).first("x-odd") or "").encode("utf-8", "surrogateescape")


def test_the_version_has_no_case() -> None:
    """``sip/2.0`` is SIP/2.0 (7-04)."""
    assert "OPTIONS" == parsed(options().replace(b" SIP/2.0\r\n", b" sip/2.0\r\n", 1)).method


@pytest.mark.parametrize(
    "method", ["register", "FOO", "!interesting-Method0123456789_*+`.%indeed'~"]
)
def test_a_method_is_any_token_and_has_case(method: str) -> None:
    """A method we do not know is still a method (7-05)."""
    assert method == parsed(request(method)).method


def test_a_request_may_look_like_rfc_2543() -> None:
    """No branch, no From tag, no Max-Forwards, no Content-Length (4475 inv2543, 8-02, 8-03)."""
    data = request(
        "INVITE",
        via="SIP/2.0/UDP iftgw.example.com",
        from_="<sip:caller@example.net>",
        max_forwards=None,
        content_length=None,
        body=b"v=0\r\n",
    )

    assert b"v=0\r\n" == parsed(data).body


def test_a_single_header_may_be_repeated_if_it_says_the_same() -> None:
    """Nobody can be misled by that."""
    assert "70" == parsed(options(max_forwards=[70, 70])).first("max-forwards")


@pytest.mark.parametrize("lead", [b"\r\n", b"\r\n\r\n\r\n"])
def test_empty_lines_before_a_datagram_are_skipped(lead: bytes) -> None:
    """Some phones send them (7-22)."""
    assert parse(options()) == parse(lead + options())


@pytest.mark.parametrize(
    ("length", "body"),
    [(0, b""), (5, b"hello"), (None, b"hello, world"), ("0012", b"hello, world")],
)
def test_content_length_ends_the_body_of_a_datagram(length: Rows, body: bytes) -> None:
    """What follows is dropped; without a length all of the rest is body (18-07, 18-08)."""
    data = request("MESSAGE", AOR, b"hello, world", content_length=length)

    assert body == parsed(data).body


def test_a_second_message_in_a_datagram_is_dropped() -> None:
    """It is not read and not part of the first one (4475 dblreq)."""
    assert parse(register()) == parse(register() + request("INVITE"))


def test_a_framed_message_is_read_like_a_datagram() -> None:
    """Content-Length is there already, or the framer would not have cut it."""
    data = request("MESSAGE", AOR, b"hello")

    assert parse(data) == parse(data, stream=True)


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n\r\n", b"\r\n" * 9, b"\0\0\0\0"])
def test_line_ends_and_four_nuls_are_keepalives(data: bytes) -> None:
    """They are no message and get no answer (7-22)."""
    assert is_keepalive(data)


@pytest.mark.parametrize("data", [b"\0\0\0", b" ", options(), b"\r\nx"])
def test_all_else_is_no_keepalive(data: bytes) -> None:
    """Whoever says something is listened to."""
    assert not is_keepalive(data)


# What is refused, and answered


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        ("OPTIONS  sip:h SIP/2.0", 400, "Bad request line"),
        ("OPTIONS sip:h  SIP/2.0", 400, "Bad request line"),
        ("OPTIONS sip:h SIP/2.0 ", 400, "Bad request line"),
        ("OPTIONS sip:a b@h SIP/2.0", 400, "Bad request line"),
        ("OPTIONS sip:h;\tlr SIP/2.0", 400, "Bad request line"),
        ("OPTIONS SIP/2.0", 400, "Bad request line"),
        ("OPTIONS sip:h SIP/7.0", 505, "Version Not Supported"),
        ("OPTIONS sip:h SIP/2.00", 505, "Version Not Supported"),
        (f"OPTIONS sip:{'a' * MAX_URI} SIP/2.0", 414, "Request-URI Too Long"),
        ("OPTIONS sip:h?Route=%3Csip:x%3E SIP/2.0", 400, "Headers in the Request-URI"),
        ("OPTIONS SIPS:a?b@h?Route=x SIP/2.0", 400, "Headers in the Request-URI"),
    ],
)
def test_a_broken_request_line_is_refused(line: str, status: int, reason: str) -> None:
    """Each way to break it has its answer (7-01, 7-02, 7-03, 7-26, 4475 escruri, lwsruri)."""
    data = options().replace(f"OPTIONS {AOR} SIP/2.0".encode(), line.encode())
    refusal = refused(data)

    assert (status, reason) == (refusal.status, refusal.reason)
    assert "OPTIONS" == refusal.request.method
    assert "call-1@127.0.0.1" == refusal.request.first("call-id")


@pytest.mark.parametrize("uri", ["sip:a?b@h", "http://h/?b"])
def test_a_question_mark_elsewhere_begins_no_headers(uri: str) -> None:
    """In a user part or another scheme it is a character like others (20-14)."""
    assert uri == parsed(request("OPTIONS", uri, to="<sip:a@h>")).uri


def test_the_longest_request_uri_is_accepted() -> None:
    """The limit itself is within the limit."""
    uri = "sip:" + "a" * (MAX_URI - 4)

    assert uri == parsed(request("OPTIONS", uri)).uri


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"call_id": None}, "Missing Call-ID header field"),
        ({"from_": None}, "Missing From header field"),
        ({"to": None}, "Missing To header field"),
        ({"cseq": None}, "Missing CSeq header field"),
        ({"call_id": ""}, "Bad Call-ID"),
        ({"call_id": "a b"}, "Bad Call-ID"),
        ({"call_id": "a\tb"}, "Bad Call-ID"),
        ({"call_id": ["1", "2"]}, "Call-ID given twice"),
        ({"from_": ["<sip:b@h>;tag=1", "<sip:b@h>;tag=2"]}, "From given twice"),
        ({"to": ["<sip:a@h>", "<sip:b@h>"]}, "To given twice"),
        ({"cseq": ["1 OPTIONS", "2 OPTIONS"]}, "CSeq given twice"),
        ({"max_forwards": [70, 5]}, "Max-Forwards given twice"),
        ({"content_length": [0, 5]}, "Content-Length given twice"),
        ({"from_": ""}, "Bad From: Empty address"),
        ({"from_": '"Mr J <sip:b@h> <sip:c@h>'}, "Bad From: Unterminated quoted string"),
        ({"to": '"Mr. J. User <sip:a@h>'}, "Bad To: Unterminated quoted string"),
        ({"to": '"W, T" < t.watson@h >'}, "Bad To: Bad URI in angle brackets"),
        ({"to": "Bell, A <sip:a@h>"}, "Bad To: Bad URI without angle brackets"),
        ({"cseq": ""}, "Bad CSeq number"),
        ({"cseq": "-1 OPTIONS"}, "Bad CSeq number"),
        ({"cseq": "4294967296 OPTIONS"}, "Bad CSeq number"),
        ({"cseq": "1"}, "Bad CSeq method"),
        ({"cseq": "1 INVITE"}, "CSeq method is not the request's"),
        ({"cseq": "1 options"}, "CSeq method is not the request's"),
        ({"content_length": 1}, "Body shorter than Content-Length"),
        ({"content_length": "99999999999"}, "Body shorter than Content-Length"),
        ({"content_length": -1}, "Bad Content-Length"),
        ({"content_length": "five"}, "Bad Content-Length"),
        ({"content_length": ""}, "Bad Content-Length"),
        ({"via": ["SIP/2.0/UDP h", "a,,b"]}, "Empty element in a list"),
        ({"x y": "z"}, "Bad header field name"),
        ({"@": "z"}, "Bad header field name"),
    ],
)
def test_a_broken_header_is_refused(headers: dict[str, Rows], reason: str) -> None:
    """What the sender must mend is named (8-01, 8-04, 8-05, 8-06, 18-06, 20-20, 4475 §3.1.2)."""
    refusal = refused(options(**headers))

    assert (400, reason) == (refusal.status, refusal.reason)


def test_a_refused_request_tells_what_could_be_read() -> None:
    """Ill-formed values too, for a reply copies them, without stray commas in Via (8-01)."""
    via = "SIP/2.0/UDP 192.0.2.15;;,;,,"
    refusal = refused(options(via=via, to='"x <sip:a@h>', cseq="x OPTIONS", call_id=None))

    assert '"x <sip:a@h>' == refusal.request.first("to")
    assert "x OPTIONS" == refusal.request.first("cseq")
    assert refusal.request.first("call-id") is None
    assert ["SIP/2.0/UDP 192.0.2.15"] == refusal.request.all("via")


def test_a_message_on_a_stream_has_a_content_length() -> None:
    """Nobody knows where it ends without (18-09)."""
    refusal = refused(options(content_length=None), stream=True)

    assert "Missing Content-Length header field" == refusal.reason


@pytest.mark.parametrize(
    "data",
    [
        options().replace(b"\r\n", b"\n"),
        options().replace(b"\r\nTo", b"\nTo"),
        options(x_odd="a\nContact: <sip:evil@h>"),
        options(x_odd="a\rContact: <sip:evil@h>"),
        options(call_id="c1\n\n"),
    ],
)
def test_a_bare_cr_or_lf_is_refused(data: bytes) -> None:
    """Always, and always answered: one reader's header is another one's text (7-23)."""
    refusal = refused(data)

    assert 400 == refusal.status
    assert "127.0.0.1" == refusal.request.via.host


@pytest.mark.parametrize(
    "data",
    [
        options(call_id="c\r1\0"),
        options(call_id="c\0\0"),
        options(call_id="c\\\\\0"),
        options(call_id="c\0\n1"),
    ],
)
def test_nothing_of_a_refused_request_can_break_its_reply(data: bytes) -> None:
    """CR, LF and NUL are gone from what will be echoed (16-37)."""
    refusal = refused(data)

    assert {"\r", "\n", "\0"}.isdisjoint("".join([value for _, value in refusal.request.headers]))
    assert {"\r", "\n", "\0"}.isdisjoint("".join(refusal.request.lines))


def test_a_datagram_without_an_empty_line_is_refused() -> None:
    """It was cut short somewhere, or never was whole (4475 baddn as archived)."""
    refusal = refused(options().removesuffix(b"\r\n"))

    assert "No empty line behind the header section" == refusal.reason
    assert "0" == refusal.request.first("content-length")


# What is refused, and dropped


@pytest.mark.parametrize(
    "data",
    [
        options(via=None),
        options(via=""),
        options(via="SIP/2.0/UDP"),
        options(via=";;,;,,"),
        options(via='SIP/2.0/UDP h;x=",,'),
        options(via=None, cseq=None),
        options().replace(b"\r\nVia", b"\r\n Via"),
        options().replace(b"OPTIONS sip", b"OPT(IONS sip", 1),
        options().replace(b" SIP/2.0\r\n", b" HTTP/1.1\r\n", 1),
        options().replace(b" SIP/2.0\r\n", b"\r\n", 1),
        b"",
        b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12),
        bytes(range(256)),
    ],
)
def test_what_cannot_be_answered_is_dropped(data: bytes) -> None:
    """Without a request line and a Via there is nobody to answer (8-01)."""
    dropped(data)


@pytest.mark.parametrize(
    "data",
    [
        response().replace(b"200", b"4294967301", 1),
        response().replace(b"200", b"099", 1),
        response().replace(b"200", b"700", 1),
        response().replace(b"200", b"2x0", 1),
        response().replace(b"SIP/2.0 ", b"SIP/7.0 ", 1),
        response(cseq="9292394834772304023312 OPTIONS"),
        response(cseq=None),
        response(call_id=["1", "2"]),
        response(via=None),
        response(content_length=9),
        response().removesuffix(b"\r\n"),
        response(x_odd="a\nb"),
    ],
)
def test_a_broken_response_is_dropped(data: bytes) -> None:
    """A response is never answered (18-06, 21-05, 4475 scalarlg, bigcode)."""
    dropped(data)
