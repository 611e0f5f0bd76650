"""The requests that the test kit's phones write."""

import pytest

from regcluster.sip.message import Request
from regcluster.sip.parser import parse
from regcluster.testing import Phone

ALICE = "sip:alice@example.com"


def read(data: bytes) -> Request:
    request = parse(data)
    assert isinstance(request, Request)
    return request


def test_a_phone_registers_its_contact() -> None:
    """At its domain, for an hour, as itself."""
    request = read(Phone(ALICE, "192.0.2.7", 5066).register())

    assert ("REGISTER", "sip:example.com", f"<{ALICE}>", "<sip:alice@192.0.2.7:5066>", "3600") == (
        request.method,
        request.uri,
        request.first("to"),
        request.first("contact"),
        request.first("expires"),
    )


def test_a_contact_names_transport_and_instance() -> None:
    """Where the phone has them."""
    phone = Phone(ALICE, "192.0.2.7", 5066, "tcp", "urn:uuid:1")

    assert (
        '<sip:alice@192.0.2.7:5066;transport=tcp>;+sip.instance="<urn:uuid:1>"',
        "SIP/2.0/TCP 192.0.2.7:5066",
    ) == (phone.contact, (read(phone.register()).first("via") or "").partition(";")[0])


def test_each_request_has_the_next_cseq_of_one_call_id() -> None:
    """So a refresh is in order; branches differ, else it would be a retransmission."""
    phone = Phone(ALICE)
    first, second = read(phone.register()), read(phone.register(0))

    assert (1, 2, True, True) == (
        first.cseq.number,
        second.cseq.number,
        first.first("call-id") == second.first("call-id"),
        first.via.branch != second.via.branch,
    )


def test_phones_do_not_share_a_call_id() -> None:
    """Two of a user are two devices."""
    one, two = (read(Phone(ALICE, host).register()) for host in ("192.0.2.1", "192.0.2.2"))

    assert one.first("call-id") != two.first("call-id")


def test_header_fields_are_keywords() -> None:
    """A list is several rows, None is none; names are spelled as they are written in SIP."""
    data = Phone(ALICE).invite(
        "sip:bob@example.com",
        contact=None,
        x_row=["a", "b"],
        from_="<sip:x@example.com>;tag=1",
        call_id="mine",
        user_agent="Tester",
    )

    rows = read(data).lines

    assert [
        "Max-Forwards: 70",
        "From: <sip:x@example.com>;tag=1",
        "To: <sip:bob@example.com>",
        "Call-ID: mine",
        "CSeq: 1 INVITE",
        "X-Row: a",
        "X-Row: b",
        "User-Agent: Tester",
        "Content-Length: 0",
    ] == rows[1:]


@pytest.mark.parametrize("host", ["192.0.2.1", "[2001:db8::1]", "phone.example.com"])
def test_a_phone_may_be_anywhere(host: str) -> None:
    """What it writes can be read."""
    assert host == read(Phone(ALICE, host).register()).via.host
