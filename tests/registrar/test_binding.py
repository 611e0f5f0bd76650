"""Bindings: their order in a record and what makes two contacts one."""

from dataclasses import replace
from typing import Literal

import pytest

from regcluster.config import LocationSettings
from regcluster.registrar.binding import (
    Binding,
    flow_key,
    instance_id,
    key_scope,
    match_key,
    preference,
)
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


def test_bindings_of_one_request_are_in_its_order() -> None:
    """Contacts of one request have one age; they are tried as the phone listed them."""
    first, second = replace(BINDING, ruid="uloc-1-f"), replace(BINDING, ruid="uloc-1-10")

    assert [first, second] == sorted([second, first], key=preference)


def test_a_refresh_does_not_change_the_order() -> None:
    """Only q and age count: not who refreshed last, nor whose time runs out first."""
    old = replace(BINDING, ruid="uloc-2", created_at=1, modified_at=9, expires_at=9)
    young = replace(BINDING, ruid="uloc-1", created_at=2, modified_at=2, expires_at=99)

    assert [old, young] == sorted([young, old], key=preference)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("sip:%61lice@h;transport=TCP", "sip:alice@H;Transport=tcp"),
        ("sip:a@h;b=2;a=1", "sip:a@h;a=1;b=2"),
        ("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0:0::1]"),
        ("sip:bob@h:5060", "SIP:bob@h:05060"),
        ("sip:a@h?b=1&a=2", "sip:a@h?A=2&B=1"),
        ("sip:a@h;x=%61;y=/", "sip:a@h;y=/;X=A"),
    ],
)
def test_equal_uris_have_one_key(left: str, right: str) -> None:
    """RFC 3261 §19.1.4 decides, not the spelling."""
    assert key(left) == key(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("sip:a@h", "sips:a@h"),
        ("sip:a@h", "sip:A@h"),
        ("sip:a@h", "sip:a@h:5060"),
        ("sip:a@h", "sip:a@h;transport=udp"),
        ("sip:a@h", "sip:a@h;user=ip"),
        ("sip:a@h", "sip:a@h;ttl=1"),
        ("sip:a@h", "sip:a@h;method=INVITE"),
        ("sip:a@h", "sip:a@h;maddr=239.1.1.1"),
        ("sip:a@h", "sip:a@h?Subject=x"),
        ("sip:a@h", "sip:a:pw@h"),
        ("sip:a@h", "sip:h"),
        ("sip:a%2Fb@h", "sip:a/b@h"),
        ("sip:%00@h", "sip:%00%00@h"),
    ],
)
def test_unequal_uris_have_unlike_strict_parts(left: str, right: str) -> None:
    """What §19.1.4 keeps apart differs before the space, so the store never takes two for one."""
    assert key(left).partition(" ")[0] != key(right).partition(" ")[0]


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


@pytest.mark.parametrize(
    ("mode", "left", "right", "is_one"),
    [
        pytest.param(0, ("c1", "<sip:p1>"), ("c2", ""), True, id="the URI is all that counts"),
        pytest.param(1, ("c1", ""), ("c1", "<sip:p1>"), True, id="URI and Call-ID"),
        pytest.param(1, ("c1", ""), ("c2", ""), False, id="another Call-ID"),
        pytest.param(2, ("c1", "<sip:p1>"), ("c2", "<sip:p1>"), True, id="URI and Path"),
        pytest.param(2, ("c1", "<sip:p1>"), ("c1", "<sip:p2>"), False, id="another Path"),
        pytest.param(2, ("c1", ""), ("c2", ""), True, id="no Path, as in mode 0"),
        pytest.param(3, ("c1", ""), ("c1", "<sip:p1>"), True, id="the Call-ID alone"),
        pytest.param(3, ("c1", ""), ("\udcff", ""), False, id="another Call-ID of any octets"),
    ],
)
def test_matching_mode_says_what_makes_one_binding(
    mode: int, left: tuple[str, str], right: tuple[str, str], is_one: bool
) -> None:
    """The same URI, registered with another Call-ID or another Path (vectors 42 and 43)."""
    settings = LocationSettings(matching_mode=mode)
    one, other = (
        match_key("sip:a@h", parse_uri("sip:a@h"), settings, key_scope(*pair, settings))
        for pair in (left, right)
    )

    assert is_one == (one == other)


@pytest.mark.parametrize(("mode", "path"), [(0, "<sip:p1>"), (2, "")])
def test_where_the_uri_is_all_that_counts_nothing_stands_before_it(mode: int, path: str) -> None:
    """In mode 0, and in mode 2 without a Path: one key for both."""
    assert "" == key_scope("c1", path, LocationSettings(matching_mode=mode))


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
def test_only_the_call_id_alone_makes_one_of_two_uris(mode: int) -> None:
    """Every other matching_mode looks at the URI as well."""
    settings = LocationSettings(matching_mode=mode)
    scope = key_scope("c1", "<sip:p1>", settings)
    keys = {match_key(uri, parse_uri(uri), settings, scope) for uri in ("sip:a@h", "sip:b@h")}

    assert (1 if mode == 3 else 2) == len(keys)


@pytest.mark.parametrize("equality", ["rfc3261", "bytes"])
def test_a_digest_stands_before_the_uri(equality: Literal["rfc3261", "bytes"]) -> None:
    """No URI begins with #, so a key tells what it is made of."""
    settings = LocationSettings(matching_mode=1, uri_equality=equality)
    scope = key_scope("c1", "", settings)

    assert ("#", 17, f"{scope}:sip:a@h") == (
        scope[0],
        len(scope),
        match_key("sip:a@h", parse_uri("sip:a@h"), settings, scope),
    )


@pytest.mark.parametrize(
    ("instance", "reg_id", "key"),
    [
        ("<urn:uuid:0A>", 1, "+urn:uuid:0a;1"),
        ("<URN:UUID:0a>", 1, "+urn:uuid:0a;1"),
        ("urn:uuid:0a", 1, "+urn:uuid:0a;1"),
        ("<urn:uuid:0a>", 0, "+urn:uuid:0a;0"),
        ("<urn:uuid:0a>", 2, "+urn:uuid:0a;2"),
        ("<urn:gsma:imei:A>", 0, "+urn:gsma:imei:A;0"),
        ("<<a>>", 0, "+<a>;0"),
        ("<a", 0, "+<a;0"),
    ],
)
def test_a_flow_is_one_however_its_instance_is_spelled(
    instance: str, reg_id: int, key: str
) -> None:
    """Instance and reg-id name it; a UUID has no case, other names do (ob-02, ob-12)."""
    assert (key, key[1:].rpartition(";")[0]) == (flow_key(instance, reg_id), instance_id(instance))
