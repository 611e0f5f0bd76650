"""Bindings: their order in a record and what makes two contacts one."""

from dataclasses import replace

import pytest

from regcluster.config import LocationSettings
from regcluster.registrar.binding import Binding, match_key, preference
from regcluster.sip.uri import parse_uri

BINDING = Binding(
    key="sip:a@h",
    uri="sip:a@h",
    q=-1,
    params="",
    call_id="c1",
    cseq=1,
    user_agent="",
    ruid="uloc-1",
    expires_at=2_000,
    created_at=1_000,
    modified_at=1_000,
)


def key(uri: str, settings: LocationSettings | None = None) -> str:
    return match_key(uri, parse_uri(uri), settings or LocationSettings())


def test_a_record_is_in_order_of_q_then_age() -> None:
    """Highest q first, equal q oldest first, unspecified q below 0."""
    best = replace(BINDING, q=1000, created_at=9)
    old, young = replace(BINDING, q=500, created_at=1), replace(BINDING, q=500, created_at=2)
    zero, none = replace(BINDING, q=0), replace(BINDING, q=-1)

    assert [best, old, young, zero, none] == sorted([none, young, zero, old, best], key=preference)


def test_bindings_of_one_instant_are_in_order_of_ruid() -> None:
    """Two contacts of one request have one age; every node must still choose alike."""
    first, second = replace(BINDING, ruid="uloc-1"), replace(BINDING, ruid="uloc-2")

    assert [first, second] == sorted([second, first], key=preference)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("sip:%61lice@h;transport=TCP", "sip:alice@H;Transport=tcp"),
        ("sip:a@h;b=2;a=1", "sip:a@h;a=1;b=2"),
        ("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0:0::1]"),
    ],
)
def test_equal_uris_have_one_key(left: str, right: str) -> None:
    """RFC 3261 §19.1.4 decides, not the spelling."""
    assert key(left) == key(right)


def test_other_parameters_are_a_part_of_their_own() -> None:
    """What may be missing on one side stands behind a space, for the store to compare."""
    assert f"{key('sip:a@h')} newparam=5;ob" == key("sip:a@h;ob;newparam=5")


def test_bytes_mode_compares_the_spelling() -> None:
    """uri_equality "bytes" is Kamailio's rule."""
    settings = LocationSettings(uri_equality="bytes")

    assert "sip:A@H;x" == key("sip:A@H;x", settings)


def test_other_schemes_are_compared_byte_for_byte() -> None:
    """Equality of a mailto or tel URI is not SIP's to define."""
    assert "mailto:a@B.com" == key("mailto:a@B.com")
