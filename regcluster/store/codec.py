"""A binding as the store keeps it: a head that scripts read, a tail that only Python reads.

The head is ASCII of fixed width, so that a script finds expiry, CSeq and Call-ID without parsing;
``lua/save.lua`` lists it position by position. The ruid comes next, on a line that says what else a
script must know; then what a route script keeps with the binding; then the tail, a msgpack array
without those fields at its end that say nothing. What a newer node appends to it, an older one
passes over. What the binding key spells out, URI or instance-id, is left out of the tail, which
takes a tenth off what a usual binding costs Redis.
"""

from typing import Any, Final

import msgpack

from regcluster.errors import StoreError, StoreMismatch
from regcluster.registrar.binding import ANY_METHOD, Binding, Xavp
from regcluster.registrar.plan import Change, SavePlan
from regcluster.sip.digest import digest
from regcluster.store.keys import bytes_text, text_bytes

VERSION: Final = b"1"

_PACKER: Final = msgpack.Packer()
_LENIENT: Final = msgpack.Packer(unicode_errors="surrogateescape")
"""For text that is no UTF-8; it takes a third longer, for it makes octets of each text first."""

_DIGEST: Final = 50
_RUID: Final = 66
"""Where the numbers of the head end, and where the head does."""

_MODE: Final = 18
"""How long ``#<digest>:`` is, which a matching mode puts before the URI in a key."""

_SOCKET: Final = 5
_METHODS: Final = 6
_RARE: Final = 7
"""Where in a tail those fields are, and the first of all others that it need not have."""

_SILENT: Final = ("", ANY_METHOD, "", "", 0, "", 0, "")
"""What the fields after the first five say where they are not there; those are always there."""

FORGOTTEN: bytes = b"0" * 26 + b"\n" + msgpack.packb(("", -1, "", "", ""))
"""What follows the instants in a value of which nothing else is known any more."""


def encode(binding: Binding, alias: str = "") -> bytes:
    """The whole value of ``binding``; ``alias`` is what its URI alone would make its key."""
    change = Change(
        key=binding.key,
        lifetime=0,
        uri=binding.uri,
        q=binding.q,
        params=binding.params,
        ruid=binding.ruid,
        alias=alias,
        methods=binding.methods,
        received=binding.received,
        instance=binding.instance,
        reg_id=binding.reg_id,
    )
    plan = SavePlan(
        aor="",
        call_id=binding.call_id,
        cseq=binding.cseq,
        user_agent=binding.user_agent,
        wipe=False,
        changes=[],
        max_contacts=0,
        cseq_delay=0,
        socket=binding.socket,
        path=binding.path,
        cflags=binding.cflags,
        connection=binding.connection,
        xavp=binding.xavp,
    )
    instants = (binding.expires_at, binding.modified_at, binding.created_at, binding.cseq)
    head = b"%b%013d%013d%013d%010d" % (VERSION, *instants)
    names = (digest(binding.call_id) + binding.ruid).encode()
    return head + names + encode_tail(change, plan)


def encode_tail(change: Change, plan: SavePlan) -> bytes:
    """All of a value that comes after the ruid."""
    alias, socket, methods = change.alias, plan.socket, change.methods
    plain, uri = alias or change.key, change.uri
    if uri == plain.replace(" ", ";", 1) or uri == _unmoded(plain).replace(" ", ";", 1):
        uri = ""
    fields: tuple[object, ...] = (uri, change.q, change.params, plan.call_id, plan.user_agent)
    if change.received or plan.path or plan.cflags or plan.connection:
        fields += _more(change, plan)
    elif methods != ANY_METHOD:
        fields += (socket, methods)
    elif socket:
        fields += (socket,)
    try:
        tail: bytes = _PACKER.pack(fields)
    except UnicodeEncodeError:
        tail = _LENIENT.pack(fields)
    if not change.instance and plan.xavp is None:
        return b"\n" + tail
    return _line(change, plan.xavp) + tail


def encode_alias(alias: str) -> bytes:
    """What stands for a tail where a contact with ``alias``, if it has any, is to be removed."""
    return b" 0 0 %b\t\n" % text_bytes(alias) if alias else b""


def expiry(value: bytes) -> int:
    """When the binding in ``value`` expires, epoch ms. Raises what ``decode`` raises."""
    if value[:1] != VERSION:
        raise _unknown(value)
    if not value[1:14].isdigit():
        raise StoreError(f"a binding cannot be read: it expires at {value[1:14]!r}")
    return int(value[1:14])


def decode(key: bytes, value: bytes) -> Binding:
    """The binding under ``key``. Raises ``StoreMismatch`` if a newer layout wrote it."""
    if value[:1] != VERSION:
        raise _unknown(value)
    try:
        ruid, _, tail = value[_RUID:].partition(b"\n")
        name = plain = bytes_text(key)
        instance, xavp = "", None
        is_special = ruid[-1:] == b"\t" or name[:1] in "+#"
        if is_special:
            ruid, plain, instance, xavp, tail = _taken_apart(ruid, name, tail)
        # Compiled, numbers are read from text in half of what octets take.
        head = value[:_DIGEST].decode("ascii")
        fields: list[Any] = msgpack.unpackb(tail, unicode_errors="surrogateescape")
        uri, q, params, call_id, user_agent = fields[:_SOCKET]
        # By position, for speed.
        binding = Binding(
            name,
            uri or plain.replace(" ", ";", 1),
            q,
            params,
            call_id,
            int(head[40:50]),
            user_agent,
            ruid.decode("ascii"),
            int(head[1:14]),
            int(head[27:40]),
            int(head[14:27]),
        )
        said = len(fields)
        if said > _SOCKET:
            binding.socket = fields[_SOCKET]
        if said > _METHODS:
            binding.methods = fields[_METHODS]
        if said > _RARE:
            _add(binding, fields)
        if is_special:
            _complete(binding, instance, xavp)
        return binding
    except (ValueError, TypeError, KeyError) as broken:
        # Every exception of msgpack is a ValueError. From a tail that is a mapping nothing can be
        # sliced, which is a KeyError from Python 3.12 on.
        raise StoreError(f"a binding cannot be read: {broken}") from broken


def _unknown(value: bytes) -> StoreMismatch:
    return StoreMismatch(f"a binding has layout {value[:1]!r}, and this node knows 1")


def _add(binding: Binding, fields: list[Any]) -> None:
    """Add what few tails say; what only a newer node says is passed over."""
    fields = [*fields, *_SILENT[len(fields) - _SOCKET :]]
    received, path, cflags, instance, reg_id, connection = fields[_RARE : _SOCKET + len(_SILENT)]
    binding.received, binding.path, binding.cflags = received, path, cflags
    binding.instance, binding.reg_id, binding.connection = instance, reg_id, connection


def _taken_apart(line: bytes, name: str, rest: bytes) -> tuple[bytes, str, str, Xavp | None, bytes]:
    """Ruid, plain key, instance, xavp and tail; ``line`` ends where ``rest`` begins."""
    if line[-1:] != b"\t":
        return line, _unmoded(name), "", None, rest
    ruid, kept, length, names = line[:-1].split(b" ", 3)
    start, end = int(length), int(kept)
    instance, alias = bytes_text(names[:start]), bytes_text(names[start:])
    plain = _unmoded(alias or name)
    if not end:
        return ruid, plain, instance, None, rest
    xavp = msgpack.unpackb(rest[:end], unicode_errors="surrogateescape")
    if not isinstance(xavp, dict):
        raise TypeError("what a script keeps is no mapping")
    return ruid, plain, instance, xavp, rest[end:]


def _complete(binding: Binding, instance: str, xavp: Xavp | None) -> None:
    """Add what the tail of ``binding`` does not say."""
    binding.xavp = xavp
    if binding.key[:1] == "+":
        binding.instance = instance or _instance(binding.key)
        binding.reg_id = int(binding.key.rpartition(";")[2])


def _unmoded(plain: str) -> str:
    """A plain key without what a matching mode has put before its URI."""
    return plain[_MODE:] if plain[:1] == "#" else plain


def _instance(name: str) -> str:
    """The instance-id that the key of a flow names, as RFC 5626 §4.1 spells it."""
    return f"<{name[1:].rpartition(';')[0]}>"


def _more(change: Change, plan: SavePlan) -> tuple[object, ...]:
    """The fields that not every tail has, up to the last that says something."""
    # No instance and no reg-id: a refresh that names none must not take them away.
    path, cflags, connection = plan.path, plan.cflags, plan.connection
    fields = (plan.socket, change.methods, change.received, path, cflags, "", 0, connection)
    length = len(fields)
    while length and fields[length - 1] == _SILENT[length - 1]:
        length -= 1
    return fields[:length]


def _line(change: Change, xavp: Xavp | None) -> bytes:
    """The rest of the line that begins with the ruid, and the octets of ``xavp``."""
    kept: bytes = b""
    if xavp is not None:
        kept = msgpack.packb(dict(xavp), unicode_errors="surrogateescape")
    # Mostly the key says it; but a UUID in capitals is given back in capitals.
    instance = b""
    if change.instance != _instance(change.key):
        instance = text_bytes(change.instance)
    alias = text_bytes(change.alias)
    return b" %d %d %b%b\t\n%b" % (len(kept), len(instance), instance, alias, kept)
