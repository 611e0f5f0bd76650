"""The Lua scripts, one typed call for each.

A script is called by the SHA of its text: during a rolling upgrade each node runs exactly the rules
it was tested with. Whoever sends the call answers NOSCRIPT with the text (``SOURCES``).
"""

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files
from typing import Any, Final

from regcluster.config import StoreSettings
from regcluster.registrar.binding import Binding, digest
from regcluster.registrar.plan import DEFAULT_TABLE, Change, SavePlan
from regcluster.store.codec import FORGOTTEN, encode, encode_alias, encode_tail
from regcluster.store.connection import Arg
from regcluster.store.keys import Keys, owner_of, text_bytes
from regcluster.store.link import Link


@dataclass(slots=True, frozen=True)
class Script:
    """One file of ``lua/``."""

    text: bytes
    sha: bytes


def _read(name: str) -> Script:
    text = files("regcluster.store").joinpath("lua", f"{name}.lua").read_bytes()
    # The name that Redis gives a script; nothing rests on its strength.
    return Script(text, sha1(text, usedforsecurity=False).hexdigest().encode())


SAVE: Final = _read("save")
DROP: Final = _read("drop")
SWEEP: Final = _read("sweep")
REAP: Final = _read("reap")
LEASE: Final = _read("lease")
TAKE: Final = _read("take")
RESTORE: Final = _read("restore")
SERVER: Final = _read("server")

_ALL: Final = (SAVE, DROP, SWEEP, REAP, LEASE, TAKE, RESTORE, SERVER)

SOURCES: dict[Arg, bytes] = {script.sha: script.text for script in _ALL}


class Scripts:
    """The scripts over one link, with what they need to know of the settings."""

    def __init__(self, link: Link, keys: Keys, settings: StoreSettings) -> None:
        self._link = link
        self._keys = keys
        self._grace = settings.grace_s * 1000
        self._feed_maxlen = settings.feed_maxlen

    def save(self, plan: SavePlan) -> Awaitable[Any]:
        """Run ``save.lua``; the reply is outcome, now, then key and value of each binding."""
        aor, keys = text_bytes(plan.aor), self._keys
        if plan.table != DEFAULT_TABLE:
            keys = keys.table(plan.table)
        names: tuple[bytes, ...] = keys.of(aor)
        if plan.connection and not plan.path and (owner := owner_of(plan.connection)):
            names += (keys.flows(aor, text_bytes(owner)),)
        return self._link.call(
            b"EVALSHA",
            SAVE.sha,
            len(names),
            *names,
            aor,
            digest(plan.call_id),
            b"%010d" % plan.cseq,
            plan.cseq_delay * 1000,
            plan.max_contacts,
            self._grace,
            self._feed_maxlen,
            _wishes(plan),
            *_contacts(plan),
        )

    def drop(self, aor: str, ruid: str, table: str = DEFAULT_TABLE) -> Awaitable[Any]:
        """Run ``drop.lua``; the reply is how many bindings went, and now."""
        name = text_bytes(aor)
        return self._link.call(
            b"EVALSHA",
            DROP.sha,
            b"3",
            *self._keys.table(table).of(name),
            name,
            text_bytes(ruid),
            self._grace,
            self._feed_maxlen,
        )

    def restore(self, aor: str, binding: Binding, alias: str, table: str) -> Awaitable[Any]:
        """Run ``restore.lua``; the reply is a word."""
        name, keys = text_bytes(aor), self._keys.table(table)
        names: tuple[bytes, ...] = keys.of(name)
        if not binding.path and (owner := owner_of(binding.connection)):
            names += (keys.flows(name, text_bytes(owner)),)
        return self._link.call(
            b"EVALSHA",
            RESTORE.sha,
            len(names),
            *names,
            name,
            self._grace,
            self._feed_maxlen,
            text_bytes(binding.key),
            encode(binding, alias),
        )

    def sweep(self, aor: bytes, keys: Iterable[bytes], table: str) -> Awaitable[Any]:
        """Run ``sweep.lua``; the reply is now, then when each binding that went had expired."""
        return self._link.call(
            b"EVALSHA",
            SWEEP.sha,
            b"3",
            *self._keys.table(table).of(aor),
            aor,
            self._feed_maxlen,
            FORGOTTEN,
            *keys,
        )

    def reap(self, aor: bytes, owner: bytes, doomed: Iterable[bytes], table: str) -> Awaitable[Any]:
        """Run ``reap.lua`` with a key and a value of each binding; the reply is as of ``drop``."""
        keys = self._keys.table(table)
        return self._link.call(
            b"EVALSHA",
            REAP.sha,
            b"4",
            *keys.of(aor),
            keys.flows(aor, owner),
            aor,
            self._grace,
            self._feed_maxlen,
            *doomed,
        )

    def lease(self, worker: str, lease_ms: int, finished: Iterable[str]) -> Awaitable[Any]:
        """Run ``lease.lua``; the reply is now, when the lease would have ended, and all leases."""
        names = [text_bytes(name) for name in (worker, *finished)]
        return self._link.call(
            b"EVALSHA", LEASE.sha, b"1", self._keys.nodes, names[0], lease_ms, *names[1:]
        )

    def server(self, key: bytes) -> Awaitable[Any]:
        """Run ``server.lua``; the reply names the process that has ``key``."""
        return self._link.call(b"EVALSHA", SERVER.sha, b"1", key)


def _wishes(plan: SavePlan) -> bytes:
    """A letter for each rule of ``save.lua`` that applies beyond those that always do."""
    if plan.wipe:
        return b"*"
    wishes = b"" if plan.adopts else b"s"
    if plan.is_single or plan.evicts or plan.drops_flows:
        wishes += b"1" if plan.is_single else b""
        wishes += b"e" if plan.evicts else b""
        wishes += b"f" if plan.drops_flows else b""
    return wishes


def _contacts(plan: SavePlan) -> list[Arg]:
    """Four arguments for each contact."""
    arguments: list[Arg] = []
    for change in plan.changes:
        arguments += _contact(change, plan)
    return arguments


def _contact(change: Change, plan: SavePlan) -> tuple[Arg, ...]:
    if not change.lifetime:
        return text_bytes(change.key), b"0", b"", encode_alias(change.alias)
    tail = encode_tail(change, plan)
    return text_bytes(change.key), change.lifetime * 1000, change.ruid, tail
