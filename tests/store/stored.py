"""What a store holds, byte for byte: read past our own code, and as it ought to be.

``ought`` spells out for a ``Model`` what the top of ``save.lua`` and the design say of keys,
values, index, feed and expiry, so that one comparison covers all of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

import msgpack

from regcluster.config import LocationSettings, StoreSettings
from regcluster.registrar.binding import ANY_METHOD, Binding
from regcluster.sip.digest import digest
from regcluster.store.keys import Keys, owner_of, text_bytes
from tests.servers import Server
from tests.store.model import Event, Model, plain_key

Entry = tuple[bytes, bytes, bytes, bytes]
"""Of the feed: kind, aor, key, value."""

ENDINGS = (b"expired", b"removed")


@dataclass(slots=True, frozen=True)
class Flows:
    """Who is bound over connections of one owner, in one partition."""

    scores: dict[bytes, float]
    """When what an AOR has bound expires, or later."""
    forgotten_at: int


@dataclass(slots=True)
class Stored:
    """All that is in a store but ``rc:meta`` and what nodes say of themselves."""

    hashes: dict[bytes, dict[bytes, bytes]] = field(default_factory=dict)
    """Values by binding key, by the name of the AOR's hash."""
    forgotten_at: dict[bytes, int] = field(default_factory=dict)
    """When Redis itself forgets a hash, epoch ms. It holds every key that must not live for ever,
    whatever it may be."""
    indexes: dict[bytes, dict[bytes, float]] = field(default_factory=dict)
    """Scores by member, by the name of the index; an empty one is not there."""
    feed: list[Entry] = field(default_factory=list)
    """What was added since somebody took note of it."""
    flows: dict[bytes, Flows] = field(default_factory=dict, compare=False)
    """By key. They may hold more than they have to: see ``unheld``."""


def value_of(binding: Binding, location: LocationSettings) -> bytes:
    """``binding`` as the store keeps it."""
    head = b"1%013d%013d%013d%010d" % (
        binding.expires_at,
        binding.modified_at,
        binding.created_at,
        binding.cseq,
    )
    names = digest(binding.call_id) + binding.ruid
    return b"%b%b%b" % (head, names.encode(), rest_of(binding, plain_key(binding, location)))


def rest_of(binding: Binding, plain: str) -> bytes:
    """What follows the ruid; ``plain`` is the key of the URI alone."""
    alias, instance, kept = "", "", b""
    if binding.instance:
        alias = plain
        if f"+{binding.instance[1:-1]};{binding.reg_id}" != binding.key:
            instance = binding.instance
    if binding.xavp is not None:
        kept = msgpack.packb(binding.xavp)
    line = b""
    if alias or kept:
        line = f" {len(kept)} {len(instance)} {instance}{alias}\t".encode()
    spelled = plain.partition(":")[2] if plain.startswith("#") else plain
    uri = "" if binding.uri == ";".join(spelled.split(" ")) else binding.uri
    fields = [uri, binding.q, binding.params, binding.call_id, binding.user_agent, binding.socket]
    fields += [binding.methods, binding.received, binding.path, binding.cflags]
    fields += ["", 0, binding.connection]
    silent = [None] * 5 + ["", ANY_METHOD, "", "", 0, "", 0, ""]
    while fields and fields[-1] == silent[len(fields) - 1]:
        fields.pop()
    tail: bytes = msgpack.packb(fields, unicode_errors="surrogateescape")
    return line + b"\n" + kept + tail


def ought(model: Model, settings: StoreSettings) -> Stored:
    """What is to be in the store that ``model`` stands for, its feed sorted by call."""
    keys, stored = Keys(settings), Stored()
    for aor, record in model.bindings.items():
        name, index, _ = keys.of(text_bytes(aor))
        latest = max(old.expires_at for old in record.values())
        stored.forgotten_at[name] = latest + settings.grace_s * 1000
        stored.hashes[name] = {
            text_bytes(key): value_of(old, model.location) for key, old in record.items()
        }
        stored.indexes.setdefault(index, {}).update(
            {text_bytes(f"{aor}\n{key}"): float(due) for key, due in model.due[aor].items()}
        )
    for call in model.feed:
        stored.feed += in_order([_entry(event, model.location) for event in call])
    return stored


def unheld(model: Model, stored: Stored, settings: StoreSettings) -> list[tuple[str, str]]:
    """AOR and connection of each binding that nobody would find if its owner were gone."""
    keys = Keys(settings)
    return [
        (aor, old.connection)
        for aor, record in model.bindings.items()
        for old in record.values()
        if (owner := owner_of(old.connection)) and not old.path
        if not _is_held(stored.flows.get(keys.flows(aor.encode(), owner.encode())), aor, old)
    ]


def _is_held(flows: Flows | None, aor: str, binding: Binding) -> bool:
    score = flows.scores.get(aor.encode(), 0.0) if flows else 0.0
    return flows is not None and binding.expires_at <= min(score, flows.forgotten_at)


def found(server: Server, settings: StoreSettings) -> Stored:
    """What is in the store; the feed is emptied by that."""
    keys, stored = Keys(settings), Stored()
    there: set[bytes] = set(server.ask(b"KEYS", b"*"))
    nodes = {name for name in there if name.startswith(keys.node(""))}
    for name in there - nodes - set(keys.permanent()):
        forgotten_at = server.ask(b"PEXPIRETIME", name)
        if b"}:f:" in name:
            stored.flows[name] = Flows(_scores(server, name), forgotten_at)
        else:
            stored.forgotten_at[name] = forgotten_at
            stored.hashes[name] = dict(pairs(server.ask(b"HGETALL", name)))
    for name in there & set(keys.indexes):
        stored.indexes[name] = _scores(server, name)
    for name in there & set(keys.feeds):
        stored.feed += _taken(server, name)
    return stored


def sorted_by_call(stored: Stored, model: Model) -> Stored:
    """``stored`` with its feed sorted where order is not promised.

    That is within one call of ``model``, among endings, which come first, and among the others.
    """
    feed, start = [], 0
    for call in model.feed:
        feed += in_order(stored.feed[start : start + len(call)])
        start += len(call)
    return replace(stored, feed=feed + stored.feed[start:])


def age(server: Server, settings: StoreSettings, milliseconds: int) -> None:
    """Make all that is stored so much older, as if time had passed; the feed is emptied by that."""
    stored = found(server, settings)
    for name, values in stored.hashes.items():
        for key, value in values.items():
            instants = [int(value[at : at + 13]) - milliseconds for at in (1, 14, 27)]
            aged = b"1%013d%013d%013d" % tuple(instants) + value[40:]
            server.ask(b"HSET", name, key, aged)
        server.ask(b"PEXPIREAT", name, stored.forgotten_at[name] - milliseconds)
    for name, flows in stored.flows.items():
        server.ask(b"PEXPIREAT", name, flows.forgotten_at - milliseconds)
    flow_scores = {name: flows.scores for name, flows in stored.flows.items()}
    for name, scores in {**stored.indexes, **flow_scores}.items():
        for member, score in scores.items():
            server.ask(b"ZADD", name, int(score) - milliseconds, member)


def in_order(entries: Sequence[Entry]) -> list[Entry]:
    """What one call wrote, sorted where it promises no order: endings come first, then the rest."""
    endings = list(takewhile(lambda entry: entry[0] in ENDINGS, entries))
    return sorted(endings) + sorted(entries[len(endings) :])


def pairs(flat: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """What RESP2 tells one after the other, two by two."""
    return zip(flat[::2], flat[1::2], strict=True)


def _scores(server: Server, name: bytes) -> dict[bytes, float]:
    scores = pairs(server.ask(b"ZRANGE", name, 0, -1, b"WITHSCORES"))
    return {member: float(score) for member, score in scores}


def _taken(server: Server, feed: bytes) -> list[Entry]:
    told = [dict(pairs(fields)) for _, fields in server.ask(b"XRANGE", feed, b"-", b"+")]
    server.ask(b"XTRIM", feed, b"MAXLEN", 0)
    return [(each[b"kind"], each[b"aor"], each[b"key"], each[b"value"]) for each in told]


def _entry(event: Event, location: LocationSettings) -> Entry:
    binding = event.binding
    key, value = text_bytes(binding.key), value_of(binding, location)
    return event.kind.encode(), text_bytes(event.aor), key, value
