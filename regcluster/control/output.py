"""What operators read: aligned tables for people, JSON for machines.

Phones choose their User-Agent, Call-ID and Contact, so nothing of theirs reaches a terminal as it
is: a table escapes what cannot be printed, JSON is plain ASCII.
"""

import json
from collections.abc import Mapping, Sequence

from regcluster.config.fields import FIELDS, SECTIONS, fields_in
from regcluster.config.reader import Loaded
from regcluster.config.reload import value_of
from regcluster.config.secrets import secret_free
from regcluster.config.values import shown
from regcluster.registrar.answer import expires_in
from regcluster.registrar.binding import ANY_METHOD, Binding
from regcluster.registrar.methods import OTHER, bit
from regcluster.registrar.plan import Record
from regcluster.sip.headers import render_q

METHODS = (
    *("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "SUBSCRIBE", "NOTIFY", "MESSAGE"),
    *("INFO", "PRACK", "UPDATE", "REFER", "PUBLISH"),
)
"""Those that are told by name."""

CONTACT_HEADINGS = ("CONTACT", "Q", "EXPIRES", "AGE", "USER-AGENT", "CALL-ID", "RUID")


def printable(text: str) -> str:
    """``text`` with everything escaped that could move a cursor, clear a screen or not encode."""
    octets = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in octets
    )


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, two spaces apart."""
    lines = [tuple(headings), *[tuple(printable(cell) for cell in row) for row in rows]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def pairs(rows: Mapping[str, str | int]) -> str:
    """Names and values, one pair a line."""
    width = max(map(len, rows))
    return "\n".join(f"{name.ljust(width)}  {printable(str(rows[name]))}" for name in rows)


def document(value: object) -> str:
    """``value`` as one line of JSON, ASCII only."""
    return json.dumps(value)


def record_table(record: Record) -> str:
    """The bindings of one AOR, best first, below each what else is kept of it."""
    heading, *rows = table(
        CONTACT_HEADINGS, [_row(binding, record.now) for binding in record.bindings]
    ).splitlines()
    lines = [heading]
    for row, binding in zip(rows, record.bindings, strict=True):
        lines += [row, *_details(binding)]
    return "\n".join(lines)


def record_document(aor: str, record: Record) -> dict[str, object]:
    """The bindings of one AOR for machines; instants are epoch milliseconds of the store."""
    return {
        "aor": aor,
        "now": record.now,
        "contacts": [contact_document(binding, record.now) for binding in record.bindings],
    }


def settings_toml(loaded: Loaded) -> str:
    """Every setting as a TOML file, the origin of each value beside it; passwords are hidden."""
    return "\n\n".join([_section_toml(loaded, section) for section in SECTIONS])


def settings_document(loaded: Loaded) -> dict[str, object]:
    """Every setting by key with its value and origin; passwords are hidden."""
    return {
        key: {"value": _public(value_of(loaded.settings, field)), "origin": loaded.origins[key]}
        for key, field in FIELDS.items()
    }


def _row(binding: Binding, now: int) -> tuple[str, ...]:
    return (
        binding.uri,
        "" if binding.q < 0 else render_q(binding.q),
        f"{expires_in(binding, now)} s",
        f"{(now - binding.created_at) // 1000} s",
        binding.user_agent,
        binding.call_id,
        binding.ruid,
    )


def _details(binding: Binding) -> list[str]:
    """What most bindings do not have, indented."""
    flow = f";reg-id={binding.reg_id}" if binding.reg_id else ""
    methods = _methods(binding)
    details = {
        "received": binding.received,
        "path": binding.path,
        "socket": binding.socket,
        "connection": binding.connection,
        "instance": binding.instance and f"{binding.instance}{flow}",
        "methods": "" if methods is None else ", ".join(methods) or "none",
        "cflags": str(binding.cflags or ""),
        "xavp": ", ".join(f"{name}={value}" for name, value in (binding.xavp or {}).items()),
        "params": binding.params,
    }
    kept = {name: text for name, text in details.items() if text}
    return [f"  {line}" for line in pairs(kept).splitlines()] if kept else []


def _methods(binding: Binding) -> list[str] | None:
    """The methods the contact takes, by name; None: nobody has said."""
    if binding.methods == ANY_METHOD:
        return None
    names = [name for name in METHODS if binding.methods & bit(name)]
    return [*names, "other"] if binding.methods & OTHER else names


def contact_document(binding: Binding, now: int) -> dict[str, object]:
    """One binding for machines, as of the instant ``now``."""
    return {
        "contact": binding.uri,
        "q": None if binding.q < 0 else binding.q / 1000,
        "params": binding.params,
        "expires_in": expires_in(binding, now),
        "expires_at": binding.expires_at,
        "created_at": binding.created_at,
        "modified_at": binding.modified_at,
        "user_agent": binding.user_agent,
        "call_id": binding.call_id,
        "cseq": binding.cseq,
        "ruid": binding.ruid,
        "socket": binding.socket or None,
        "connection": binding.connection or None,
        "received": binding.received or None,
        "path": binding.path or None,
        "instance": binding.instance or None,
        "reg_id": binding.reg_id or None,
        "methods": _methods(binding),
        "cflags": binding.cflags,
        "xavp": binding.xavp,
    }


def _section_toml(loaded: Loaded, section: str) -> str:
    fields = fields_in(section)
    lines = [f"{field.name} = {shown(value_of(loaded.settings, field))}" for field in fields]
    width = max(map(len, lines))
    origins = [printable(loaded.origins[field.key]) for field in fields]
    commented = [
        f"{line.ljust(width)}  # {origin}" for line, origin in zip(lines, origins, strict=True)
    ]
    return "\n".join([f"[{section}]", *commented])


def _public(value: object) -> object:
    return secret_free(value) if isinstance(value, str) else value
