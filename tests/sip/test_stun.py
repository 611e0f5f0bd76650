"""STUN Binding requests on a SIP port, with the addresses of RFC 5769's vectors."""

import pytest

from regcluster.sip.hop import Hop
from regcluster.sip.stun import answer_stun

COOKIE = "2112a442"
TRANSACTION = "b7e7a701bc34d686fa87dfae"
PEER = Hop("UDP", "192.0.2.1", 32853)


def request(attributes: str = "", length: int | None = None, kind: str = "0001") -> bytes:
    """A request with ``attributes``, in hex, which says that they have so many octets."""
    octets = len(attributes) // 2 if length is None else length
    return bytes.fromhex(f"{kind}{octets:04x}{COOKIE}{TRANSACTION}{attributes}")


@pytest.mark.parametrize(
    ("peer", "told"),
    [
        (PEER, "0020 0008 0001 a147 e112a643"),
        (
            Hop("UDP", "2001:db8:1234:5678:11:2233:4455:6677", 32853),
            "0020 0014 0002 a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9",
        ),
        (Hop("UDP", "fe80::1%2", 5060), "0020 0014 0002 32 d6 df92a442 b7e7a701bc34d686fa87dfaf"),
    ],
    ids=["IPv4", "IPv6", "link-local"],
)
def test_a_phone_is_told_where_it_came_from(peer: Hop, told: str) -> None:
    """RFC 5769 §2.2 and §2.3 have the first two, with attributes beside that we do not send."""
    attribute = bytes.fromhex(told)
    head = bytes.fromhex(f"0101{len(attribute):04x}{COOKIE}{TRANSACTION}")

    assert head + attribute == answer_stun(request(), peer)


@pytest.mark.parametrize(
    "attributes",
    ["8022 0004 70686f6e", "8022 0003 70686f00", "8028 0004 e57a3bcf 8022 0000"],
    ids=["software", "padded", "two"],
)
def test_what_may_be_left_unread_is(attributes: str) -> None:
    """A phone names its software, or adds a fingerprint."""
    assert answer_stun(request(), PEER) == answer_stun(request(attributes.replace(" ", "")), PEER)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        request()[:-1],
        request(length=4),
        request(kind="0101"),
        request(kind="0111"),
        request().replace(bytes.fromhex(COOKIE), b"\0\0\0\0"),
        request("00060004616c6963"),
        request("8022000470"),
        request("8022"),
    ],
    ids=[
        "empty",
        "cut short",
        "shorter than it says",
        "a response",
        "an error",
        "of RFC 3489",
        "with a user name",
        "with half an attribute",
        "with less than half",
    ],
)
def test_nothing_else_is_answered(data: bytes) -> None:
    """Two nodes could else answer each other for ever."""
    assert b"" == answer_stun(data, PEER)
