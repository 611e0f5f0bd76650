"""The Lua scripts, one typed call for each.

A script is called by the SHA of its text: during a rolling upgrade each node runs exactly the rules
it was tested with. Whoever sends the call answers NOSCRIPT with the text (``SOURCES``).
"""

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files
from typing import Any, Final

from regcluster.config import StoreSettings
from regcluster.registrar.binding import Binding
from regcluster.registrar.plan import DEFAULT_TABLE, Change, SavePlan
from regcluster.sip.digest import digest
from regcluster.store.codec import FORGOTTEN, encode, encode_alias, encode_tail
from regcluster.store.connection import Arg, Four, pack_four
from regcluster.store.keys import Keys, feed_of, field_of, owner_of, text_bytes
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

EVALSHA: Final = b"EVALSHA"
_SHA: Final = SAVE.sha
_OPENING: Final = b"*14\r\n$7\r\n%b\r\n$40\r\n%b" % (EVALSHA, _SHA)
"""How the call of ``save.lua`` for one contact begins, packed."""

SOURCES: dict[Arg, bytes] = {script.sha: script.text for script in _ALL}


class Scripts:
    """The scripts over one link, with what they need to know of the settings."""

    def __init__(self, link: Link, keys: Keys, settings: StoreSettings) -> None:
        self._link = link
        self._keys = keys
        self._grace = settings.grace_s * 1000
        self._feed_maxlen = settings.feed_maxlen
        # Of the terms of a save what is the same in each.
        self._lasts = b"%013d" % self._grace
        self._feeds = b"%d" % self._feed_maxlen

    def save(self, plan: SavePlan) -> Awaitable[Any]:
        """Run ``save.lua``; the reply is outcome, now, then key and value of each binding."""
        aor, keys = text_bytes(plan.aor), self._keys
        if plan.table != DEFAULT_TABLE:
            keys = keys.table(plan.table)
        names = keys.of(aor)
        stamp, cseq = digest(plan.call_id).encode(), str(plan.cseq).zfill(10).encode()
        said = (aor, stamp, cseq, self._terms(plan))
        contacts = [_contact(change, plan) for change in plan.changes]
        every: tuple[bytes, ...] = names
        if plan.connection and not plan.path and (owner := owner_of(plan.connection)):
            every = (*names, keys.flows(aor, text_bytes(owner)))
        elif len(contacts) == 1:
            return self._save_one(names, said, contacts[0])
        words = [word for contact in contacts for word in contact]
        return self._link.call(EVALSHA, _SHA, len(every), *every, *said, *words)

    def _save_one(
        self, names: tuple[bytes, bytes, bytes], said: Four, contact: Four
    ) -> Awaitable[Any]:
        """What nearly every REGISTER comes to: one contact, and no connection to remember."""
        # Each by its name: where this is compiled, stars would cost as much as all the rest.
        bindings, index, feed = names
        aor, stamp, cseq, terms = said
        key, lifetime, ruid, tail = contact
        packed = b"%b%b%b%b\r\n" % (
            _OPENING,
            pack_four((b"3", bindings, index, feed)),
            pack_four(said),
            pack_four(contact),
        )
        args = (
            EVALSHA,
            _SHA,
            b"3",
            bindings,
            index,
            feed,
            aor,
            stamp,
            cseq,
            terms,
            key,
            lifetime,
            ruid,
            tail,
        )
        return self._link.send(args, packed)

    def drop(self, aor: str, ruid: str, table: str = DEFAULT_TABLE) -> Awaitable[Any]:
        """Run ``drop.lua``; the reply is how many bindings went, and now."""
        name = text_bytes(aor)
        return self._link.call(
            EVALSHA,
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
            EVALSHA,
            RESTORE.sha,
            len(names),
            *names,
            name,
            self._grace,
            self._feed_maxlen,
            text_bytes(binding.key),
            encode(binding, alias),
        )

    def sweep(self, index: bytes, members: Sequence[bytes]) -> Awaitable[Any]:
        """Run ``sweep.lua`` for ``members`` of an index.

        The reply is now, how many entries went or moved, then when each binding that went had
        expired.
        """
        hashes = [field_of(index, member)[0] for member in members]
        return self._link.call(
            EVALSHA,
            SWEEP.sha,
            2 + len(hashes),
            index,
            feed_of(index),
            *hashes,
            self._feed_maxlen,
            FORGOTTEN,
            *members,
        )

    def reap(self, aor: bytes, owner: bytes, doomed: Iterable[bytes], table: str) -> Awaitable[Any]:
        """Run ``reap.lua`` with a key and a value of each binding; the reply is as of ``drop``."""
        keys = self._keys.table(table)
        return self._link.call(
            EVALSHA,
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
            EVALSHA, LEASE.sha, b"1", self._keys.nodes, names[0], lease_ms, *names[1:]
        )

    def server(self, key: bytes) -> Awaitable[Any]:
        """Run ``server.lua``; the reply names the process that has ``key``."""
        return self._link.call(EVALSHA, SERVER.sha, b"1", key)

    def _terms(self, plan: SavePlan) -> bytes:
        """All that ``save.lua`` needs to know besides keys, request and contacts."""
        delay, limit = plan.cseq_delay * 1000, plan.max_contacts
        return b"%b%b %d %d %b" % (self._lasts, _wishes(plan), delay, limit, self._feeds)


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


def _contact(change: Change, plan: SavePlan) -> Four:
    """Four arguments for one contact."""
    key, lifetime = text_bytes(change.key), change.lifetime
    if not lifetime:
        return key, b"0", b"", encode_alias(change.alias)
    return key, b"%d" % (lifetime * 1000), change.ruid.encode(), encode_tail(change, plan)
