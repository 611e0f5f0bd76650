"""Bindings as bytes. What older nodes have written stands here octet by octet."""

from dataclasses import replace

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regcluster.errors import StoreError, StoreMismatch
from regcluster.registrar.binding import ANY_METHOD, Binding
from regcluster.registrar.plan import Change, SavePlan
from regcluster.store.codec import decode, digest, encode_tail

BINDING = Binding(
    key="sip:a@h",
    uri="sip:%61@h",
    q=10,
    params=";+sip.x",
    call_id="c1",
    cseq=7,
    user_agent="Phone",
    ruid="uloc-1",
    expires_at=1_700_000_060_000,
    created_at=1_700_000_000_000,
    modified_at=1_700_000_000_001,
)
HEAD = b"1170000006000017000000000011700000000000000000000743f000a36f6d744e"
# The octet of q = 10 is an LF too.
TAIL = b"\n\x95\xa9sip:%61@h\x0a\xa7;+sip.x\xa2c1\xa5Phone"
VALUE = HEAD + b"uloc-1" + TAIL


def tail_of(binding: Binding) -> bytes:
    """The tail that a contact like ``binding`` gets."""
    change = Change(binding.key, 60, binding.uri, binding.q, binding.params, binding.ruid)
    plan = SavePlan("a@h", binding.call_id, 7, binding.user_agent, False, [change], 0, 20)
    return encode_tail(change, plan)


def packed(*fields: object) -> bytes:
    """A value with other fields in its tail."""
    tail: bytes = msgpack.packb(fields)
    return HEAD + b"uloc-1\n" + tail


def test_a_stored_binding_is_read() -> None:
    """Every octet of layout 1 means what it did."""
    assert BINDING == decode(b"sip:a@h", VALUE)


def test_a_tail_is_written_as_it_ever_was() -> None:
    """Other nodes compare it with theirs to tell a change."""
    assert TAIL == tail_of(BINDING)


@pytest.mark.parametrize(
    ("key", "uri"),
    [
        ("sip:a@h;transport=tcp", "sip:a@h;transport=tcp"),
        ("sip:a@h line=1;ob", "sip:a@h;line=1;ob"),
        ("mailto:a@h", "mailto:a@h"),
    ],
)
def test_a_uri_that_the_key_spells_is_not_stored_again(key: str, uri: str) -> None:
    """Most phones write their URI as the key does, parameters that count first."""
    binding = replace(BINDING, key=key, uri=uri)
    tail = tail_of(binding)

    assert (b"\xa0", binding) == (tail[2:3], decode(key.encode(), HEAD + b"uloc-1" + tail))


def test_a_digest_is_what_it_ever_was() -> None:
    """Nodes of two versions have to agree on whose CSeq it is."""
    assert HEAD[50:].decode() == digest("c1")


@pytest.mark.parametrize("call_id", ["C1", "c1 ", "c2", "", "caf\udce9"])
def test_unlike_call_ids_have_unlike_digests(call_id: str) -> None:
    """Compared octet by octet (RFC 3261 §20.8), and always of one width."""
    assert (True, 16) == (digest(call_id) != digest("c1"), len(digest(call_id)))


def test_stray_octets_survive() -> None:
    """What a phone sent that is not UTF-8 is given back as it came."""
    stray = b"caf\xe9\r\n".decode("utf-8", "surrogateescape")
    binding = replace(
        BINDING, key=stray, uri=stray, params=stray, user_agent=stray, q=-1, call_id=stray
    )

    assert binding == decode(b"caf\xe9\r\n", HEAD + b"uloc-1" + tail_of(binding))


def test_what_a_newer_node_added_is_passed_over() -> None:
    """So that nodes of two versions can work on one store."""
    silent = ("", ANY_METHOD, "", "", 0, "", 0, "")
    value = packed("sip:%61@h", 10, ";+sip.x", "c1", "Phone", *silent, {"new": ["x"]}, None)

    assert BINDING == decode(b"sip:a@h", value)


@pytest.mark.parametrize("version", [b"2", b"", b"\xff"])
def test_another_layout_is_another_store(version: bytes) -> None:
    """This node must not guess."""
    with pytest.raises(StoreMismatch, match="this node knows 1"):
        decode(b"sip:a@h", version + VALUE[1:] if version else b"")


@pytest.mark.parametrize("length", range(1, len(VALUE)))
def test_a_value_that_was_cut_off_is_an_error_of_the_store(length: int) -> None:
    """Wherever it was cut."""
    with pytest.raises(StoreError, match="cannot be read"):
        decode(b"sip:a@h", VALUE[:length])


@pytest.mark.parametrize(
    "value",
    [
        packed(),
        packed("sip:%61@h", 10, "", "c1"),
        HEAD + b"uloc-1\n\x05",
        HEAD + b"uloc-1\n\xc0",
        HEAD + b"uloc-1\n\xc1",
        VALUE + b"x",
        HEAD + b"ulo\xe9" + TAIL,
        VALUE.replace(b"0000000007", b"000000000x"),
        VALUE.replace(b"1700000060000", b"17000000600 x"),
    ],
)
def test_a_broken_value_is_an_error_of_the_store(value: bytes) -> None:
    """Somebody else has written there."""
    with pytest.raises(StoreError, match="cannot be read"):
        decode(b"sip:a@h", value)


@given(st.binary(max_size=80), st.binary(max_size=40))
def test_no_value_raises_anything_else(key: bytes, rest: bytes) -> None:
    """Neither a short one nor one with a good head."""
    outcomes = []
    for value in (rest, b"1" + rest, HEAD + rest, HEAD + b"uloc-1\n" + rest):
        try:
            outcomes.append(isinstance(decode(key, value), Binding))
        except StoreError:
            outcomes.append(True)

    assert [True] * 4 == outcomes
