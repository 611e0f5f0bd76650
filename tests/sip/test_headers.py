"""Header values, read on demand (RFC 3261 §20)."""

from datetime import UTC, datetime

import pytest

from regcluster.errors import MalformedHeader
from regcluster.sip.headers import (
    STAR,
    Contact,
    CSeq,
    NameAddr,
    Via,
    parse_contacts,
    parse_cseq,
    parse_delta,
    parse_expires,
    parse_max_forwards,
    parse_name_addr,
    parse_q,
    parse_via,
    render_date,
    render_q,
)
from regcluster.sip.uri import OtherUri, parse_uri

MAX = 2**32 - 1

ADDRESSES = [
    ("<sip:a@h>", NameAddr("", "sip:a@h", {})),
    ("<sip:a@h>;tag=1", NameAddr("", "sip:a@h", {"tag": "1"})),
    ("Bob<sip:a@h>", NameAddr("Bob", "sip:a@h", {})),
    ('"Bob"<sip:a@h>', NameAddr('"Bob"', "sip:a@h", {})),
    ('"" <sip:a@h>', NameAddr('""', "sip:a@h", {})),
    ("A B\tC <sip:a@h> ; x = 1", NameAddr("A B\tC", "sip:a@h", {"x": "1"})),
    ("José (home) <sip:a@h>", NameAddr("José (home)", "sip:a@h", {})),
    ('"Doe, J" <sip:a,b@h;x=1>', NameAddr('"Doe, J"', "sip:a,b@h;x=1", {})),
    (
        '"a <sip:evil@x>; , \\" \\\\" <sip:real@h>;tag=1',
        NameAddr('"a <sip:evil@x>; , \\" \\\\"', "sip:real@h", {"tag": "1"}),
    ),
    ('"BEL:\\\x07 NUL:\\\0" <sip:a@h>', NameAddr('"BEL:\\\x07 NUL:\\\0"', "sip:a@h", {})),
    ('"Жанна"\t<sip:a@h>', NameAddr('"Жанна"', "sip:a@h", {})),
    ("sip:a@h", NameAddr("", "sip:a@h", {})),
    ("sip:a@h;tag=1", NameAddr("", "sip:a@h", {"tag": "1"})),
    ("sip:a@h ;tag=1;x", NameAddr("", "sip:a@h", {"tag": "1", "x": None})),
    ('sip:a@h;x="<y>"', NameAddr("", "sip:a@h", {"x": '"<y>"'})),
    ("isbn:2983792873", NameAddr("", "isbn:2983792873", {})),
    ("<sip:a@h?Route=%3Csip:x%3E>", NameAddr("", "sip:a@h?Route=%3Csip:x%3E", {})),
]

BROKEN_ADDRESSES = [
    ("", "Empty address"),
    (";tag=1", "Empty address"),
    ("sip:a@h?Route=x", "without angle brackets"),
    ("sip:a,b@h", "without angle brackets"),
    ("sip:a@h x", "without angle brackets"),
    ("sip:evil@x <sip:real@h>", "without angle brackets"),
    ("A, B <sip:a@h>", "without angle brackets"),
    ("A > B <sip:a@h>", "without angle brackets"),
    ('Bob "B" <sip:a@h>', "without angle brackets"),
    ("<sip:a@h", "in angle brackets"),
    ("<>", "in angle brackets"),
    ("< sip:a@h >", "in angle brackets"),
    ("<sip:a@h\t>", "in angle brackets"),
    ("<<sip:a@h>>", "in angle brackets"),
    ('<sip:a@h;x="1">', "in angle brackets"),
    ("<sip:a@h>x", "begin with a semicolon"),
    ("<sip:a@h>, <sip:b@h>", "begin with a semicolon"),
    ("<sip:a@h>;tag=1;tag=2", "given twice"),
    ('"Mr J <sip:j@h> <sip:k@h>', "Unterminated quoted string"),
    ('"Bob" sip:a@h', "without a URI"),
    ('"Bob" x <sip:a@h>', "without a URI"),
    ('"Bob"', "without a URI"),
]


@pytest.mark.parametrize(("text", "address"), ADDRESSES)
def test_an_address_has_a_name_a_uri_and_parameters(text: str, address: NameAddr) -> None:
    """Brackets, quotes and semicolons mean what §20.10 says (20-01, 20-02, 20-19, 7-25)."""
    found = parse_name_addr(text)
    assert (address, parse_uri(address.uri)) == (found, found.parsed)


@pytest.mark.parametrize(("text", "reason"), BROKEN_ADDRESSES)
def test_a_broken_address_is_malformed(text: str, reason: str) -> None:
    """No guess is made that could pick another address than its sender meant (20-20)."""
    with pytest.raises(MalformedHeader, match=reason):
        parse_name_addr(text)


def contact(uri: str, **params: str | None) -> Contact:
    return Contact(uri, parse_uri(uri), dict(params))


def test_contacts_come_in_the_order_of_rows_and_commas() -> None:
    """Rows, commas and a mix of both name the same contacts (7-10, 7-11)."""
    expected = [contact("sip:a,b@h;x=1"), contact("sip:c@h", q="0.5"), contact("sip:d@h")]

    assert expected == parse_contacts(['"Doe, J" <sip:a,b@h;x=1>, <sip:c@h>;q=0.5', "sip:d@h"])


def test_no_rows_are_no_contacts() -> None:
    """A query names nothing."""
    assert [] == parse_contacts([])


def test_parameters_of_a_bare_contact_are_the_headers() -> None:
    """Only inside brackets do they belong to the URI (RFC 4475 §3.3.12, §3.3.13)."""
    assert [contact("sip:a@h", unknownparam=None)] == parse_contacts(["sip:a@h;unknownparam"])
    assert [contact("sip:a@h;unknownparam")] == parse_contacts(["<sip:a@h;unknownparam>"])


def test_a_contact_may_have_any_scheme() -> None:
    """What we cannot reach we can still store and give back."""
    expected = [Contact("mailto:a@h", OtherUri("mailto", "mailto:a@h"), {})]

    assert expected == parse_contacts(["<mailto:a@h>"])


def test_a_star_alone_is_the_star() -> None:
    """``Contact: *`` stands for all bindings."""
    assert STAR == parse_contacts(["*"])


@pytest.mark.parametrize(
    "values",
    [
        ["*, <sip:a@h>"],
        ["<sip:a@h>, *"],
        ["*", "<sip:a@h>"],
        ["<sip:a@h>", "*"],
        ["*", "*"],
        ["*, *"],
        ["*;expires=0"],
        ["* ;expires=0"],
    ],
)
def test_a_star_not_alone_is_malformed(values: list[str]) -> None:
    """The star has no company and no parameters (10-18, 20-18)."""
    with pytest.raises(MalformedHeader) as refused:
        parse_contacts(values)

    assert "* used in contact and more than 1 contact" == refused.value.reason


def test_a_star_may_begin_a_display_name() -> None:
    """``*`` is a token character, so a name may be made of it."""
    assert [contact("sip:a@h")] == parse_contacts(["*71 <sip:a@h>"])


@pytest.mark.parametrize(
    "value",
    ["", "<*>", ",", "<sip:a@h>,", "<sip:a@h:5060x>", "sip:a@h?Route=x", '"a <sip:a@h>', "* x"],
)
def test_a_broken_contact_is_a_contact_parse_error(value: str) -> None:
    """The reason is Kamailio's, whatever is wrong (7-09, 20-01)."""
    with pytest.raises(MalformedHeader) as refused:
        parse_contacts([value])

    assert "Contact parse error" == refused.value.reason


@pytest.mark.parametrize(
    ("text", "thousandths"),
    [
        ("0", 0),
        ("1", 1000),
        ("1.000", 1000),
        ("1.0009", 1000),
        ("0.5", 500),
        (".5", 500),
        (" 0.38\t", 380),
        ("0.123", 123),
        ("0.12345", 123),
        ("0.0", 0),
        ("00.7", 700),
        ("0001", 1000),
    ],
)
def test_q_is_read_in_thousandths(text: str, thousandths: int) -> None:
    """Digits behind the third are ignored, zeros in front of the point too."""
    assert thousandths == parse_q(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "0.", "1.", "1.5", "1.001", "2", "-1", "+1", "abc", "0,5"),
        *("0.x", "0.12x", "0.123x", "0.123²"),
    ],
)
def test_a_broken_q_is_malformed(text: str) -> None:
    """A preference is a number from 0 to 1."""
    with pytest.raises(MalformedHeader) as refused:
        parse_q(text)

    assert "Invalid q param in contact" == refused.value.reason


@pytest.mark.parametrize(
    ("thousandths", "text"),
    [(1000, "1"), (0, "0"), (500, "0.5"), (380, "0.38"), (123, "0.123"), (7, "0.007")],
)
def test_q_is_written_without_trailing_zeros(thousandths: int, text: str) -> None:
    """The shortest text that says it."""
    assert text == render_q(thousandths)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        (" 60 ", 60),
        ("+60", 60),
        ("4294967295", MAX),
        ("4294967296", MAX),
        ("9" * 101, MAX),
        ("", None),
        ("abc", None),
        ("-1", None),
        ("++1", None),
        ('"60"', None),
        ("60s", None),
    ],
)
def test_a_contact_lifetime_is_seconds_or_nothing(text: str, seconds: int | None) -> None:
    """Too much counts as the most there is, nonsense as not said (10-24)."""
    assert seconds == parse_delta(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3600", 3600),
        ("60 s", 60),
        ("60\ts", 60),
        ("120 seconds", 120),
        ("4294967296", MAX),
        ("99999999999", MAX),
        ("abc", None),
        ("+60", None),
        ("60s", None),
        ("Thu, 01 Dec 1994 16:00:00 GMT", None),
    ],
)
def test_an_expires_header_is_seconds_or_nothing(text: str, seconds: int | None) -> None:
    """A number with words behind it is the number, anything else counts as not said (20-09)."""
    assert seconds == parse_expires(text)


def test_an_empty_expires_header_is_malformed() -> None:
    """There has to be something, be it nonsense."""
    with pytest.raises(MalformedHeader, match="Expires parse error"):
        parse_expires("")


@pytest.mark.parametrize(
    ("text", "cseq"),
    [
        ("1 REGISTER", CSeq(1, "REGISTER")),
        ("0009\t  INVITE", CSeq(9, "INVITE")),
        ("4294967295 !odd-Method*", CSeq(MAX, "!odd-Method*")),
        ("2147483647 register", CSeq(2147483647, "register")),
    ],
)
def test_a_cseq_is_a_number_and_a_method(text: str, cseq: CSeq) -> None:
    """Any 32 bits, any token (8-05)."""
    assert cseq == parse_cseq(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "number"),
        ("REGISTER", "number"),
        ("-1 REGISTER", "number"),
        ("1.5 REGISTER", "number"),
        ("4294967296 REGISTER", "number"),
        ("36893488147419103232 REGISTER", "number"),
        ("1", "method"),
        ("1 ", "method"),
        ("1 A B", "method"),
        ("1 A/B", "method"),
    ],
)
def test_a_broken_cseq_is_malformed(text: str, reason: str) -> None:
    """What could not be compared or echoed with one meaning is refused (8-05)."""
    with pytest.raises(MalformedHeader, match=f"Bad CSeq {reason}"):
        parse_cseq(text)


@pytest.mark.parametrize(
    ("text", "via"),
    [
        ("SIP/2.0/UDP 192.0.2.1", Via("UDP", "192.0.2.1", None, {})),
        (
            "SIP/2.0/UDP 192.0.2.1:5066;branch=z9hG4bK1;rport",
            Via("UDP", "192.0.2.1", 5066, {"branch": "z9hG4bK1", "rport": None}),
        ),
        (
            "SIP / 2.0 / UDP first.example.com: 4000;ttl=16 ;maddr=a ;branch=b",
            Via("UDP", "first.example.com", 4000, {"ttl": "16", "maddr": "a", "branch": "b"}),
        ),
        ("sip/2.0/tls\tH :5061", Via("TLS", "h", 5061, {})),
        ("SIP/7.0/UDP h", Via("UDP", "h", None, {})),
        ("SIP/2.0/UNKNOWN t4.example.com", Via("UNKNOWN", "t4.example.com", None, {})),
        ("SIP/2.0/TCP [2001:DB8::9:1]:6050", Via("TCP", "[2001:db8::9:1]", 6050, {})),
        (
            "SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255]",
            Via("UDP", "[2001:db8::9:1]", None, {"received": "[2001:db8::9:255]"}),
        ),
        (
            'SIP/2.0/UDP 192.0.2.1;received=2001:db8::9:255;x="a;b"',
            Via("UDP", "192.0.2.1", None, {"received": "2001:db8::9:255", "x": '"a;b"'}),
        ),
        (
            "SIP/2.0/TCP h;branch=z9hG4bK-.!%66*_+`'~",
            Via("TCP", "h", None, {"branch": "z9hG4bK-.!%66*_+`'~"}),
        ),
    ],
)
def test_a_via_names_transport_host_port_and_parameters(text: str, via: Via) -> None:
    """White space round ``/`` and ``:``, any version, transport, address (20-03, 20-05)."""
    assert via == parse_via(text)


@pytest.mark.parametrize(
    "rest", ["192.0.2.1", "192.0.2.1:5066;rport;Branch=z9hG4bK-.!%66*_+`'~;x=[::1]"]
)
def test_a_via_in_small_letters_is_the_same_via(rest: str) -> None:
    """The protocol has no case; what is odd is only read another way."""
    assert parse_via(f"SIP/2.0/UDP {rest}") == parse_via(f"sip/2.0/udp {rest}")


def test_a_via_without_a_branch_has_an_empty_one() -> None:
    """A peer of RFC 2543 sends none (20-04)."""
    assert "" == parse_via("SIP/2.0/UDP h").branch
    assert "" == parse_via("SIP/2.0/UDP h;branch").branch
    assert "b" == parse_via("SIP/2.0/UDP h;branch=b").branch


BROKEN_VIAS = {
    "protocol": ["", "SIP/@/UDP h", "SIP//UDP h", "HTTP/1.1/TCP h"],
    "transport": ["SIP/2.0", "SIP/2.0/U@P h"],
    "host": ["SIP/2.0/ h", *(f"SIP/2.0/UDP{rest}" for rest in ("", " ;branch=1", " h h", " h\0"))],
    "port": [f"SIP/2.0/UDP 192.0.2.1:{port}" for port in ("", "0", "99999", "5060x")],
    "IPv4": ["SIP/2.0/UDP 192.0.2.256"],
    "IPv6": ["SIP/2.0/UDP [::1"],
    "parameter name": ["SIP/2.0/UDP 192.0.2.15;;,;,,"],
    "given twice": ["SIP/2.0/UDP 192.0.2.15;rport;rport"],
}


@pytest.mark.parametrize(
    ("text", "reason"), [(text, reason) for reason, vias in BROKEN_VIAS.items() for text in vias]
)
def test_a_broken_via_is_malformed(text: str, reason: str) -> None:
    """A reply sent by a guess could reach anybody."""
    with pytest.raises(MalformedHeader, match=reason):
        parse_via(text)


@pytest.mark.parametrize(("text", "hops"), [("70", 70), ("0", 0), ("255", 255), ("0068", 68)])
def test_max_forwards_is_a_number_of_eight_bits(text: str, hops: int) -> None:
    """Leading zeros are fine (20-10, 16-06)."""
    assert hops == parse_max_forwards(text)


@pytest.mark.parametrize("text", ["", "256", "300", "-1", "x", "7 0"])
def test_a_broken_max_forwards_is_malformed(text: str) -> None:
    """It never counts as endless."""
    with pytest.raises(MalformedHeader, match="Bad Max-Forwards"):
        parse_max_forwards(text)


@pytest.mark.parametrize(
    ("date", "text"),
    [
        (datetime(2010, 11, 13, 23, 29, 0, tzinfo=UTC), "Sat, 13 Nov 2010 23:29:00 GMT"),
        (datetime(1970, 1, 1, tzinfo=UTC), "Thu, 01 Jan 1970 00:00:00 GMT"),
        (datetime(2026, 12, 6, 1, 2, 3, tzinfo=UTC), "Sun, 06 Dec 2026 01:02:03 GMT"),
    ],
)
def test_a_date_is_written_in_gmt(date: datetime, text: str) -> None:
    """RFC 1123, in English whatever the locale (20-08)."""
    assert text == render_date(int(date.timestamp()))
