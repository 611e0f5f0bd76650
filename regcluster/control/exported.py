"""The lines of an export: a header, a line for each AOR, and a last one that says it is complete.

A line is JSON and plain ASCII; octets that are no UTF-8 stand as lone surrogates in it and come out
as they went in. Whatever a line says is looked at before it is believed: bindings end up in SIP
messages, and keys in the store.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, Literal

import msgspec
from msgspec import structs

from regcluster import __version__
from regcluster.config import LocationSettings, StoreSettings
from regcluster.errors import MalformedHeader
from regcluster.registrar import path
from regcluster.registrar.binding import Binding, Xavp, flow_key, key_scope, match_key
from regcluster.sip.uri import parse_uri

FORMAT = 1
"""Raised when an older regcluster could not read it."""

END = '{"regcluster": "end"}\n'

MAX_LINE = 2**24
"""Octets: 256 bindings of one AOR, each as large as a message may be."""

MAX_RUID = 64

_RUID = re.compile(rf"[!-~]{{1,{MAX_RUID}}}")
_FORBIDDEN = re.compile(r"[\r\n\0]")
"""What no value of a header can hold, so that none of it ever ends one."""

_INSTANT = 10**13
_BITS = 2**32
_RANGES = {
    "q": range(-1, 1001),
    "cseq": range(10**10),
    "expires_at": range(_INSTANT),
    "created_at": range(_INSTANT),
    "modified_at": range(_INSTANT),
    "methods": range(_BITS),
    "cflags": range(_BITS),
    "reg_id": range(_BITS),
}
_XAVP_RANGE = range(-(2**63), 2**63)
_FIELDS = [field.name for field in fields(Binding)]
_TEXTS = [field.name for field in fields(Binding) if field.type in (str, "str")]


def _as_told(field: Field[Any]) -> tuple[str, Any] | tuple[str, Any, Any]:
    """``field`` of a binding for msgspec, which gives a compiled class none of its defaults."""
    # Such a class has also forgotten what its one union is made of.
    kind = Xavp | None if field.name == "xavp" else field.type
    return (field.name, kind) if field.default is MISSING else (field.name, kind, field.default)


_Told: Any = msgspec.defstruct("_Told", map(_as_told, fields(Binding)))
_Line: Any = msgspec.defstruct("_Line", [("table", str), ("aor", str), ("bindings", list[_Told])])


@dataclass(slots=True)
class Header:
    """What an export is, and where it was taken."""

    regcluster: Literal["export"]
    format: int
    version: str
    schema: int
    prefix: str
    partitions: int
    tables: list[str]
    at: int
    """The store's time, epoch ms."""


@dataclass(slots=True)
class Exported:
    """All bindings of one AOR."""

    table: str
    aor: str
    bindings: list[Binding]


@dataclass(slots=True)
class End:
    """Nothing is missing."""

    regcluster: Literal["end"]


def header_of(settings: StoreSettings, schema: int, tables: Sequence[str], at: int) -> Header:
    """The header of an export that begins now."""
    return Header(
        regcluster="export",
        format=FORMAT,
        version=__version__,
        schema=schema,
        prefix=settings.prefix,
        partitions=settings.partitions,
        tables=list(tables),
        at=at,
    )


def header_line(header: Header) -> str:
    """As the first line of a file."""
    return _line({name.name: getattr(header, name.name) for name in fields(Header)})


def aor_line(table: str, aor: str, bindings: Sequence[Binding]) -> str:
    """All bindings of one AOR as a line."""
    told = [{name: getattr(binding, name) for name in _FIELDS} for binding in bindings]
    return _line({"table": table, "aor": aor, "bindings": told})


def read_line(line: bytes) -> Header | Exported | End:
    """What a line says; raises ``ValueError`` with a sentence."""
    if len(line) > MAX_LINE:
        raise ValueError(f"longer than {MAX_LINE} octets")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("no JSON" if line.endswith(b"\n") else "no JSON: cut short") from None
    kind: Any = _Line
    if isinstance(value, dict) and "regcluster" in value:
        kind = End if value["regcluster"] == "end" else Header
    try:
        told = msgspec.convert(value, kind)
    except msgspec.ValidationError as wrong:
        raise ValueError(str(wrong)) from None
    if isinstance(told, Header) and told.format != FORMAT:
        raise ValueError(f"format {told.format} is another than this regcluster reads, {FORMAT}")
    if isinstance(told, Header | End):
        return told
    if not told.aor or _FORBIDDEN.search(told.aor):
        raise ValueError("no AOR")
    bindings = [Binding(*structs.astuple(binding)) for binding in told.bindings]
    return Exported(told.table, told.aor, bindings)


def check(binding: Binding) -> None:
    """Raise ``ValueError`` with a sentence if no REGISTER could have made ``binding``."""
    for name in _TEXTS:
        if _FORBIDDEN.search(getattr(binding, name)):
            raise ValueError(f"{name} has a line end or a NUL in it")
    for name, allowed in _RANGES.items():
        if getattr(binding, name) not in allowed:
            raise ValueError(f"{name} is {getattr(binding, name)}: not in {_shown(allowed)}")
    if not _RUID.fullmatch(binding.ruid):
        raise ValueError(f"ruid is not 1 to {MAX_RUID} characters without a space")
    numbers = [value for value in (binding.xavp or {}).values() if isinstance(value, int)]
    if not all(number in _XAVP_RANGE for number in numbers):
        raise ValueError("xavp has a number of more than 64 bits")
    if not _has_sound_key(binding):
        raise ValueError("key and instance do not agree")
    try:
        parse_uri(binding.uri)
        if binding.path:
            path.uris(binding.path)
    except MalformedHeader as broken:
        raise ValueError(broken.reason) from None


def alias_of(binding: Binding, location: LocationSettings) -> str:
    """The key that the URI of a binding with an instance would have alone; else empty."""
    if not binding.instance:
        return ""
    return plain_key(binding, location)


def plain_key(binding: Binding, location: LocationSettings) -> str:
    """The key that the URI of ``binding`` has by itself, as a REGISTER would make it."""
    scope = key_scope(binding.call_id, binding.path, location)
    return match_key(binding.uri, parse_uri(binding.uri), location, scope)


def _has_sound_key(binding: Binding) -> bool:
    if binding.instance:
        return binding.key == flow_key(binding.instance, binding.reg_id)
    return binding.key[:1] not in ("", "+") and not binding.reg_id


def _line(value: object) -> str:
    return json.dumps(value) + "\n"


def _shown(allowed: range) -> str:
    return f"{allowed.start} to {allowed.stop - 1}"
