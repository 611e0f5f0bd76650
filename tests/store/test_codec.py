"""Bindings as bytes. What older nodes have written stands here octet by octet."""

from dataclasses import replace
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regcluster.errors import StoreError, StoreMismatch
from regcluster.registrar.binding import ANY_METHOD, Binding, Xavp
from regcluster.registrar.plan import Change, SavePlan
from regcluster.store.codec import decode, encode_alias, encode_tail

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


INSTANCE = "<urn:uuid:F81D>"
FLOW = replace(
    BINDING,
    key="+urn:uuid:f81d;2",
    uri="sip:a@h;line=1;ob",
    instance=INSTANCE,
    reg_id=2,
    xavp={"a": "b", "n": 1},
)
FLOW_TAIL = (
    b" 8 15 <urn:uuid:F81D>sip:a@h line=1;ob\t\n"
    b"\x82\xa1a\xa1b\xa1n\x01"
    b"\x95\xa0\x0a\xa7;+sip.x\xa2c1\xa5Phone"
)
LINES = (b"uloc-1\n", b"uloc-1 2 0 \t\n")
FULL = replace(
    BINDING,
    socket="tcp:192.0.2.1:5060",
    methods=31,
    received="sip:192.0.2.9",
    path="<sip:p;lr>",
    cflags=8,
    connection="n1/t",
)
FULL_TAIL = (
    b"\n\x9d\xa9sip:%61@h\x0a\xa7;+sip.x\xa2c1\xa5Phone"
    b"\xb2tcp:192.0.2.1:5060\x1f\xadsip:192.0.2.9\xaa<sip:p;lr>\x08\xa0\x00\xa4n1/t"
)


def tail_of(binding: Binding, alias: str = "") -> bytes:
    """The tail that a contact like ``binding`` gets."""
    change = Change(
        binding.key,
        60,
        binding.uri,
        binding.q,
        binding.params,
        binding.ruid,
        alias,
        binding.methods,
        binding.received,
        binding.instance,
        binding.reg_id,
    )
    plan = SavePlan("a@h", binding.call_id, 7, binding.user_agent, False, [change], 0, 20)
    plan.socket, plan.path, plan.cflags = binding.socket, binding.path, binding.cflags
    plan.connection, plan.xavp = binding.connection, binding.xavp
    return encode_tail(change, plan)


def fields_of(binding: Binding) -> int:
    """How many fields its tail has."""
    return len(msgpack.unpackb(tail_of(binding)[1:], unicode_errors="surrogateescape"))


def packed(*fields: object) -> bytes:
    """A value with other fields in its tail."""
    tail: bytes = msgpack.packb(fields)
    return HEAD + b"uloc-1\n" + tail


@pytest.mark.parametrize(
    ("binding", "tail"), [(BINDING, TAIL), (FLOW, FLOW_TAIL), (FULL, FULL_TAIL)]
)
def test_a_stored_binding_is_read(binding: Binding, tail: bytes) -> None:
    """Every octet of layout 1 means what it did."""
    assert binding == decode(binding.key.encode(), HEAD + b"uloc-1" + tail)


@pytest.mark.parametrize(
    ("binding", "alias", "tail"),
    [(BINDING, "", TAIL), (FLOW, "sip:a@h line=1;ob", FLOW_TAIL), (FULL, "", FULL_TAIL)],
)
def test_a_tail_is_written_as_it_ever_was(binding: Binding, alias: str, tail: bytes) -> None:
    """Other nodes compare it with theirs to tell a change."""
    assert tail == tail_of(binding, alias)


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({}, 5),
        ({"socket": "udp:h:1"}, 6),
        ({"methods": 31}, 7),
        ({"received": "sip:h"}, 8),
        ({"path": "<sip:p;lr>"}, 9),
        ({"cflags": 1}, 10),
        ({"connection": "n/t"}, 13),
        ({"connection": "n/t", "methods": 31}, 13),
    ],
)
def test_fields_at_the_end_that_say_nothing_are_left_out(said: dict[str, Any], fields: int) -> None:
    """They are read as what they would have said."""
    binding = replace(BINDING, **said)

    read = decode(b"sip:a@h", HEAD + b"uloc-1" + tail_of(binding))

    assert (fields, binding) == (fields_of(binding), read)


@pytest.mark.parametrize("xavp", [None, {}, {"a": 1}, {"caf\udce9": "\udcff\n\t "}])
@pytest.mark.parametrize("alias", ["sip:%61@h", "sip:a@h line=1", "#0123456789abcdef:sip:a@h", ""])
@pytest.mark.parametrize(
    "instance", ["<urn:uuid:f81d>", INSTANCE, "urn:uuid:f81d", "<urn:uuid:f81d"]
)
def test_a_flow_survives(instance: str, alias: str, xavp: Xavp | None) -> None:
    """However it spells its instance, and whatever a script keeps with it."""
    binding = replace(FLOW, instance=instance, xavp=xavp)
    value = HEAD + b"uloc-1" + tail_of(binding, alias)

    assert binding == decode(b"+urn:uuid:f81d;2", value)


def test_an_instance_that_its_key_spells_is_not_stored_again() -> None:
    """It is the longest of what a phone says."""
    binding = replace(FLOW, instance="<urn:uuid:f81d>", xavp=None)

    assert tail_of(binding, "sip:a@h").startswith(b" 0 0 sip:a@h\t\n")


@pytest.mark.parametrize("key", ["sip:a@h", "#0123456789abcdef:sip:a@h", "#0123456789abcdef"])
def test_what_a_script_keeps_survives_without_an_instance(key: str) -> None:
    """Under any key of a URI."""
    binding = replace(BINDING, key=key, xavp={"a": 1})

    assert binding == decode(key.encode(), HEAD + b"uloc-1" + tail_of(binding))


def test_a_contact_to_remove_says_its_alias() -> None:
    """A script finds it there as it does in a value; without one there is nothing to say."""
    assert (b" 0 0 sip:a@h line=1\t\n", b"") == (encode_alias("sip:a@h line=1"), encode_alias(""))


@pytest.mark.parametrize(
    ("key", "uri"),
    [
        ("sip:a@h;transport=tcp", "sip:a@h;transport=tcp"),
        ("sip:a@h line=1;ob", "sip:a@h;line=1;ob"),
        ("mailto:a@h", "mailto:a@h"),
        ("#0123456789abcdef:sip:a@h line=1;ob", "sip:a@h;line=1;ob"),
    ],
)
def test_a_uri_that_the_key_spells_is_not_stored_again(key: str, uri: str) -> None:
    """Most phones write their URI as the key does, parameters that count first."""
    binding = replace(BINDING, key=key, uri=uri)
    tail = tail_of(binding)

    assert (b"\xa0", binding) == (tail[2:3], decode(key.encode(), HEAD + b"uloc-1" + tail))


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


def test_a_flow_without_a_number_is_an_error_of_the_store() -> None:
    """No key of ours ends so."""
    with pytest.raises(StoreError, match="cannot be read"):
        decode(b"+urn:uuid:f81d;x", HEAD + b"uloc-1" + FLOW_TAIL)


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
        HEAD + b"uloc-1\n\x80",
        HEAD + b"uloc-1\n\xc1",
        HEAD + b"uloc-1 1 0 \t\n\x01" + TAIL[1:],
        HEAD + b"uloc-1 x 0 \t\n" + TAIL[1:],
        HEAD + b"uloc-1 0 x \t\n" + TAIL[1:],
        HEAD + b"uloc-1 0\t\n" + TAIL[1:],
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
    for value in (rest, b"1" + rest, HEAD + rest, *[HEAD + line + rest for line in LINES]):
        try:
            outcomes.append(isinstance(decode(key, value), Binding))
        except StoreError:
            outcomes.append(True)

    assert [True] * 5 == outcomes
