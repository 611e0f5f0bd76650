"""What a store was set up with: ``rc:meta``, written by whoever comes first.

Two nodes that divide AORs by different numbers of partitions would not find each other's bindings,
so each connection asks before anything else, and a store of another kind gets no call at all. What
is there is only read: a store that takes no writes is greeted as well.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from regcluster.config import StoreSettings
from regcluster.errors import StoreMismatch
from regcluster.store.connection import Arg
from regcluster.store.keys import Keys

SCHEMA = 1
"""Version of keys and values; raised when an older node could not work beside a newer one."""

SECRET_OCTETS = 32
MAX_SECRET = 64
"""What is used of a longer secret, should somebody write one: a keyed hash takes no more."""


class Schema:
    """Our schema and partitions, and the question whether the store's are the same.

    With ``may_set_up`` a store that says nothing yet is set up; without, it is left alone.
    """

    def __init__(self, keys: Keys, settings: StoreSettings, *, may_set_up: bool = True) -> None:
        self._meta = keys.meta
        self._ours = {b"schema": SCHEMA, b"partitions": settings.partitions}
        self._may_set_up = may_set_up
        self.secret = b""
        """Random text that all nodes on this store share; empty until a store has told it."""

    @property
    def question(self) -> tuple[Arg, ...]:
        """The command that asks what the store was set up with."""
        return (b"HMGET", self._meta, *self._ours, b"secret")

    def claims(self, answer: Sequence[bytes | None]) -> list[tuple[Arg, ...]]:
        """The commands that leave our values where the store has none; ask again after them."""
        if not self._may_set_up:
            return []
        ours: dict[bytes, Arg] = {**self._ours, b"secret": secrets.token_hex(SECRET_OCTETS)}
        return [
            (b"HSETNX", self._meta, name, value)
            for (name, value), theirs in zip(ours.items(), answer, strict=True)
            if theirs is None
        ]

    def check(self, answer: Sequence[Any]) -> None:
        """Take the store's answer; raise ``StoreMismatch`` if it was set up otherwise."""
        *settings, secret = answer
        for (name, ours), theirs in zip(self._ours.items(), settings, strict=True):
            if theirs is not None and theirs != b"%d" % ours:
                what, shown = name.decode(), theirs.decode(errors="replace")
                raise StoreMismatch(
                    f"the store was set up with {what} = {shown}, this node has {what} = {ours}"
                )
        self.secret = (secret or b"")[:MAX_SECRET]
