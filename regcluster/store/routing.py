"""Which slot of a Redis Cluster a command belongs to: by the hash tag of its first key."""

from binascii import crc_hqx
from collections.abc import Sequence

from regcluster.store.connection import Arg

SLOTS = 16384

_KEYLESS = 0
_BEHIND_STREAMS = -1

# Where the first key stands; in any other command it comes right behind the name.
_PLACES: dict[Arg, int] = {
    **dict.fromkeys([b"EVAL", b"EVALSHA"], 3),
    **dict.fromkeys([b"MEMORY", b"OBJECT", b"XGROUP", b"XINFO"], 2),
    **dict.fromkeys([b"XREAD", b"XREADGROUP"], _BEHIND_STREAMS),
    **dict.fromkeys([b"ACL", b"CLIENT", b"CLUSTER", b"CONFIG", b"DBSIZE", b"ECHO"], _KEYLESS),
    **dict.fromkeys([b"INFO", b"PING", b"PUBLISH", b"ROLE", b"SCRIPT", b"TIME"], _KEYLESS),
}


def key_of(args: Sequence[Arg]) -> bytes:
    """The first key of a command; empty if it has none."""
    at = _PLACES.get(args[0], 1)
    if at == _BEHIND_STREAMS:
        at = args.index(b"STREAMS") + 1
    if at == _KEYLESS or at >= len(args):
        return b""
    key = args[at]
    return key if isinstance(key, bytes) else str(key).encode()


def hash_tag(key: bytes) -> bytes:
    """The part of ``key`` that decides on its slot: what stands in its first braces, or all."""
    start = key.find(b"{") + 1
    if start:
        end = key.find(b"}", start)
        if end > start:
            return key[start:end]
    return key


def slot_of(tag: bytes) -> int:
    """The slot of a hash tag."""
    return crc_hqx(tag, 0) % SLOTS
