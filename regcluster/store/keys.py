"""Names of everything we keep in Redis.

AORs are shared out over ``P`` partitions by CRC-16; the number of the partition is the hash tag of
each of its keys, so that all of an AOR lies in one Cluster slot. Which keys live without an expiry
is said here too: whatever else has none is a leak. Each location table is a key space of its own.
"""

from binascii import crc_hqx
from collections.abc import Iterator
from typing import Final

from regcluster.config import StoreSettings
from regcluster.registrar.plan import DEFAULT_TABLE

_SEPARATOR: Final = b"\n"
"""Between AOR and binding key in a member of an index; no header value, so no AOR, can hold one."""


def text_bytes(text: str) -> bytes:
    """``text`` as the bytes it was received as."""
    return text.encode("utf-8", "surrogateescape")


def bytes_text(data: bytes) -> str:
    """What ``text_bytes`` was given."""
    return data.decode("utf-8", "surrogateescape")


def aor_in(member: bytes) -> bytes:
    """The AOR in a member of an index."""
    return member.partition(_SEPARATOR)[0]


def field_of(index: bytes, member: bytes) -> tuple[bytes, bytes]:
    """Where the binding is that a member of ``index`` stands for: the key of a hash, and a field.

    The first of them is ``Keys.bindings`` of its AOR, the second its binding key.
    """
    aor, _, key = member.partition(_SEPARATOR)
    return b"%bb:%b" % (index[:-1], aor), key


def feed_of(index: bytes) -> bytes:
    """The feed of the partition that has ``index``."""
    return b"%be" % index[:-1]


def owner_of(connection: str) -> str:
    """Who holds ``<node>/<worker>.<epoch>.<number>``: all of it but the number, or nobody."""
    return connection.rpartition(".")[0]


class Keys:
    """The keys of one location table: prefix, and the partition an AOR belongs to."""

    def __init__(self, settings: StoreSettings, table: str = DEFAULT_TABLE) -> None:
        self._settings = settings
        self._tables = {table: self}
        prefix = settings.prefix.encode()
        self.meta = b"%b:meta" % prefix
        """Hash: what the store was set up with, all tables of it."""
        self.nodes = b"%b:nodes" % prefix
        """Sorted set: every worker by when its lease ends, of all tables too."""
        if table != DEFAULT_TABLE:
            prefix = b"%b.%b" % (prefix, text_bytes(table))
        self._tags = [b"%b:{%d}:" % (prefix, number) for number in range(settings.partitions)]
        self._indexes = [b"%bx" % tag for tag in self._tags]
        self._feeds = [b"%be" % tag for tag in self._tags]

    def table(self, name: str) -> "Keys":
        """The keys of another table of the same store."""
        keys = self._tables.get(name)
        if keys is None:
            keys = self._tables[name] = Keys(self._settings, name)
        return keys

    def bindings(self, aor: bytes) -> bytes:
        """Hash: binding key to value, for one AOR."""
        return b"%bb:%b" % (self._tags[crc_hqx(aor, 0) % len(self._tags)], aor)

    def of(self, aor: bytes) -> tuple[bytes, bytes, bytes]:
        """What the scripts take as KEYS: the AOR's bindings, its partition's index and feed."""
        # crc_hqx is CRC-16/XMODEM, the sum that Redis Cluster itself uses.
        number = crc_hqx(aor, 0) % len(self._tags)
        return b"%bb:%b" % (self._tags[number], aor), self._indexes[number], self._feeds[number]

    def flows(self, aor: bytes, owner: bytes) -> bytes:
        """Sorted set: AORs of one partition with a binding over a connection of ``owner``."""
        return b"%bf:%b" % (self._tags[crc_hqx(aor, 0) % len(self._tags)], owner)

    def all_flows(self, owner: bytes) -> list[bytes]:
        """The ``flows`` of each partition."""
        return [b"%bf:%b" % (tag, owner) for tag in self._tags]

    def node(self, name: str) -> bytes:
        """String: what a node says of itself, for as long as it lives."""
        return b"%b:node:%b" % (self._settings.prefix.encode(), text_bytes(name))

    @property
    def indexes(self) -> list[bytes]:
        """The index of each partition: a sorted set of AOR and binding key by when to look."""
        return self._indexes

    def indexes_from(self, aor: bytes) -> list[bytes]:
        """The index of the partition of ``aor``, and of each after that; of all if it is empty."""
        return self._indexes[crc_hqx(aor, 0) % len(self._tags) if aor else 0 :]

    @property
    def feeds(self) -> list[bytes]:
        """The feed of each partition: a stream of changes."""
        return self._feeds

    def permanent(self) -> Iterator[bytes]:
        """Every key that has no expiry: a feed is capped, an index holds what its hashes held.

        Of a worker that died the last trace goes when what it left behind is cleared away.
        """
        yield self.meta
        yield self.nodes
        yield from self._indexes
        yield from self._feeds
