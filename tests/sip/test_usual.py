"""The headers that every message has, read in one go."""

import pytest

from regcluster.errors import MalformedHeader
from regcluster.sip.headers import CSeq, NameAddr, parse_cseq, parse_name_addr, parse_via
from regcluster.sip.usual import read_usual

FIVE = (
    "SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK-1;rport",
    '"Bob B." <sip:bob@h>;tag=1',
    "<sip:a@h;x=y>",
    "c1@192.0.2.1",
    "7 REGISTER",
)


def five(at: int, value: str) -> str:
    """Via, From, To, Call-ID and CSeq of a usual message, but for the one named."""
    return "\n".join([*FIVE[:at], value, *FIVE[at + 1 :]])


@pytest.mark.parametrize(
    "via",
    [
        *(FIVE[0], "SIP/2.0/TCP 192.0.2.255;branch=b", "SIP/2.0/X 1.2.3.4:65535;rport;branch=b"),
        *("SIP/2.0/UDP 0.10.249.250:1;branch=b;rport", "SIP/2.0/UDP 1.2.3.4:05060;branch=b"),
    ],
)
@pytest.mark.parametrize("cseq", ["7 REGISTER", "4294967295 X", "0 OPTIONS", "0000000001 A"])
@pytest.mark.parametrize("from_", ["<sip:b@h>", "Bob <sip:b@h>;tag=x-1.y", '"日 本: \xfc"<a:b>'])
@pytest.mark.parametrize("to", ["<sip:a@h>", "A \xfc  <sip:a@h>", '"A, 日" <sip:a@h;x=y>;tag=1'])
def test_usual_headers_are_read_as_any_are(via: str, cseq: str, from_: str, to: str) -> None:
    """In one go, and to the same values."""
    read = read_usual("\n".join([via, from_, to, "c1", cseq]))

    assert (parse_via(via), parse_name_addr(to), parse_cseq(cseq)) == read
    assert read
    assert read[0] is not None
    assert list(parse_via(via).params) == list(read[0].params)


@pytest.mark.parametrize(
    "address",
    [
        *("", "<>", "< sip:a@h >", "<sip:a@h", "<sip:a@h\t>", "<<sip:a@h>>", '<sip:a@h;x="1">'),
        *(
            "<sip:a@h>x",
            "<sip:a@h>, <sip:b@h>",
            "<sip:a@h>;tag=1;tag=2",
            '"Bob',
            "sip:a@h, sip:b@h",
        ),
        *('"Bob" x <sip:a@h>', 'Bob "B" <sip:a@h>', "A, B <sip:a@h>", '"J <sip:j@h> <sip:k@h>'),
    ],
)
def test_a_broken_address_is_never_usual(address: str) -> None:
    """Whoever skips reading what is usual misses nothing."""
    with pytest.raises(MalformedHeader):
        parse_name_addr(address)

    assert read_usual(five(1, address)) is read_usual(five(2, address)) is None


@pytest.mark.parametrize(
    "via",
    [
        *("SIP/2.0/UDP 192.0.2.256;branch=b", "SIP/2.0/UDP 192.0.2.1:0;branch=b", ""),
        *(
            "SIP/2.0/UDP 192.0.2.1:65536;branch=b",
            "SIP/2.0/UDP h;branch=b",
            "SIP/2.0/UDP 192.0.2.1",
        ),
        *("SIP/2.0/UDP 192.0.2.1;rport;branch=b;rport", "SIP/2.0/UDP 192.0.2.1;branch=b;alias"),
        "SIP/2.0/UDP 192.0.2.1;branch=b, SIP/2.0/UDP h",
    ],
)
def test_a_via_that_is_wrong_or_rare_is_never_usual(via: str) -> None:
    """It alone is left to be read, or refused."""
    read = read_usual(five(0, via))

    assert read
    assert (None, NameAddr("", "sip:a@h;x=y", {}), CSeq(7, "REGISTER")) == read


@pytest.mark.parametrize(
    ("at", "value"),
    [
        *((2, "<sip:a@h>;tag=1;x"), (2, "<sip:a@h>;tag="), (2, "sip:a@h"), (2, '"\\"" <sip:a@h>')),
        *(
            (1, '"Bob'),
            (3, ""),
            (3, "a b"),
            (3, "a\tb"),
            (4, "4294967296 X"),
            (4, "1  X"),
            (4, "1"),
        ),
    ],
)
def test_what_is_wrong_or_rare_is_never_usual(at: int, value: str) -> None:
    """All are read one by one, or refused."""
    assert read_usual(five(at, value)) is None
