"""Messages of a load, read by the product's own parser and by RFC 3261's rules."""

import pytest

from regcluster.load import Load
from regcluster.load.messages import Place, Texts, picked_up, retry_after, to_line
from regcluster.sip.message import Request, Response
from regcluster.sip.parser import parse
from tests.load.air import answer

BRANCH = b"z9hG4bKtag00000001"
HERE = Place("192.0.2.1", 5070)


def texts(here: Place = HERE, **fields: object) -> Texts:
    """Texts of one socket."""
    return Texts(Load(call_ids="c", **fields), here, "192.0.2.9:5060")  # type: ignore[arg-type]


def read(data: bytes) -> Request:
    """The request, as a server reads it."""
    message = parse(data)
    assert isinstance(message, Request)
    return message


def test_a_register_is_a_whole_one() -> None:
    """With all that RFC 3261 §10.2 wants, the phone's number everywhere it belongs."""
    request = read(texts(domain="example.org", expires=60).register(BRANCH, 42, 7))

    fields = ("to", "call-id", "contact", "expires")
    assert ("REGISTER", 7, BRANCH.decode(), "sip:example.org") == (
        request.method,
        request.cseq.number,
        request.via.branch,
        request.uri,
    )
    assert [
        '"Extension 00000042" <sip:u00000042@example.org>',
        "c00000042@192.0.2.1",
        "<sip:u00000042@192.0.2.9:5060;line=b00000042>",
        "60",
    ] == [request.first(name) for name in fields]


def test_an_unregister_names_all_contacts() -> None:
    """The star and a lifetime of nothing (§10.2.2)."""
    request = read(texts().unregister(BRANCH, 42, 7))

    assert ("*", "0") == (request.first("contact"), request.first("expires"))


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_a_call_asks_for_the_phone(method: str) -> None:
    """By whichever method was asked for."""
    request = read(texts(method=method).call(BRANCH, 42))

    assert (method, "sip:u00000042@example.test") == (request.method, request.uri)


def test_an_ipv6_socket_is_written_in_brackets() -> None:
    """Even one with a scope, whose percent sign is no placeholder."""
    data = texts(Place("fe80::1%2", 5070)).register(BRANCH, 1, 1)

    assert b"Via: SIP/2.0/UDP [fe80::1%2]:5070;branch=" in data


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"SIP/2.0 200 OK\r\nTo: <sip:a@b>;tag=1\r\n\r\n", b"To: <sip:a@b>;tag=1"),
        (b"SIP/2.0 200 OK\r\nt: <sip:a@b>\r\n\r\n", b"t: <sip:a@b>"),
        (b"SIP/2.0 200 OK\r\nTO: <sip:a@b>\r\n\r\n", b"TO: <sip:a@b>"),
        (b"SIP/2.0 200 OK\r\nFrom: <sip:a@b>\r\n\r\n", b""),
    ],
)
def test_the_to_field_is_found_however_it_is_written(message: bytes, expected: bytes) -> None:
    """In full or compact form, in any case."""
    assert expected == to_line(message)


def test_a_phone_picks_up_with_a_tag_and_all_vias() -> None:
    """So that the answer finds its way back (§8.2.6.2)."""
    request = texts().call(BRANCH, 42)
    found = parse(picked_up(request))

    assert isinstance(found, Response)
    assert 200 == found.status
    assert "<sip:u00000042@example.test>;tag=callee" == found.first("to")
    assert read(request).all("via") == found.all("via")


@pytest.mark.parametrize(
    ("field", "seconds"),
    [
        ("Retry-After: 7", 7.0),
        ("retry-after:  120 (busy)", 120.0),
        ("Retry-After: 18;duration=3600", 18.0),
        ("Retry-After: soon", None),
        ("Server: none", None),
    ],
)
def test_retry_after_is_read(field: str, seconds: float | None) -> None:
    """With comments and parameters (§20.33), or not at all."""
    assert seconds == retry_after(answer(texts().call(BRANCH, 1), "503 Busy", field))
