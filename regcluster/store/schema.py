"""What a store was set up with: ``rc:meta``, written by whoever comes first.

Two nodes that divide AORs by different numbers of partitions would not find each other's bindings,
so each connection asks before anything else, and a store of another kind gets no call at all.
"""

from collections.abc import Sequence
from typing import Any

from regcluster.config import StoreSettings
from regcluster.errors import StoreMismatch
from regcluster.store.connection import Arg
from regcluster.store.keys import Keys

SCHEMA = 1
"""Version of keys and values; raised when an older node could not work beside a newer one."""


class Schema:
    """Our schema and partitions, and the question whether the store's are the same."""

    def __init__(self, keys: Keys, settings: StoreSettings) -> None:
        self._meta = keys.meta
        self._ours = {b"schema": SCHEMA, b"partitions": settings.partitions}

    @property
    def commands(self) -> Sequence[tuple[Arg, ...]]:
        """Leave our values where there are none, then ask which there are."""
        claims = [(b"HSETNX", self._meta, name, value) for name, value in self._ours.items()]
        return [*claims, (b"HMGET", self._meta, *self._ours)]

    def check(self, replies: Sequence[Any]) -> None:
        """Raise ``StoreMismatch`` if the store was set up otherwise."""
        found = dict(zip(self._ours, replies[-1], strict=True))
        for name, ours in self._ours.items():
            if found[name] != b"%d" % ours:
                theirs = found[name].decode(errors="replace")
                what = name.decode()
                raise StoreMismatch(
                    f"the store was set up with {what} = {theirs}, this node has {what} = {ours}"
                )
