"""The slot of a command: by the hash tag of its first key, wherever that stands."""

import pytest

from regcluster.store.connection import Arg
from regcluster.store.routing import hash_tag, key_of, slot_of


@pytest.mark.parametrize(
    ("args", "key"),
    [
        ((b"HGETALL", b"k"), b"k"),
        ((b"XADD", b"k", b"*", b"f", b"v"), b"k"),
        ((b"EVALSHA", b"sha", b"2", b"k", b"l"), b"k"),
        ((b"EVAL", b"text", b"1", b"k"), b"k"),
        ((b"EVALSHA", b"sha", b"0"), b""),
        ((b"XGROUP", b"CREATE", b"k", b"g", b"$"), b"k"),
        ((b"XREAD", b"COUNT", 9, b"STREAMS", b"k", b"0"), b"k"),
        ((b"XREADGROUP", b"GROUP", b"g", b"c", b"STREAMS", b"k", b">"), b"k"),
        ((b"GET", "text"), b"text"),
        ((b"GET", 7), b"7"),
        ((b"TIME",), b""),
        ((b"PING",), b""),
        ((b"ECHO", b"word"), b""),
        ((b"SCRIPT", b"EXISTS", b"sha"), b""),
    ],
)
def test_the_first_key_of_a_command_is_found(args: tuple[Arg, ...], key: bytes) -> None:
    """Our own commands, and those an operator's verbs use."""
    assert key == key_of(args)


@pytest.mark.parametrize(
    ("key", "tag"),
    [
        (b"rc:{17}:b:alice@example.com", b"17"),
        (b"rc:{17}:b:{x}", b"17"),
        (b"rc:meta", b"rc:meta"),
        (b"{}:x", b"{}:x"),
        (b"a{b", b"a{b"),
        (b"{{x}}", b"{x"),
        (b"", b""),
    ],
)
def test_the_hash_tag_is_what_stands_in_the_first_braces(key: bytes, tag: bytes) -> None:
    """Empty braces are none, as Redis has it."""
    assert tag == hash_tag(key)


@pytest.mark.parametrize(
    ("tag", "slot"), [(b"123456789", 12739), (b"foo", 12182), (b"bar", 5061), (b"", 0)]
)
def test_the_slot_is_that_of_redis(tag: bytes, slot: int) -> None:
    """Values that CLUSTER KEYSLOT gives."""
    assert slot == slot_of(tag)
