"""Rows of Kamailio's location table, as ``ul.dump`` tells them in JSON and as a database in CSV.

What has a place here comes along; ``flags``, ``server_id``, ``connection_id``, ``keepalive`` and
``partition`` mean something inside one Kamailio only. Nothing here touches the world.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.control.admin import RUID_PREFIX, read_aor, read_contact
from regcluster.control.exported import check, plain_key
from regcluster.registrar.binding import ANY_METHOD, Binding, flow_key

NEEDED = ("username", "contact", "expires")
"""Columns without which a row says nothing."""

DELIMITERS = ",;\t"

UNSET = ("", "NULL", "\\N", "[not set]")

DUMPED = {
    "contact": "Address",
    "q": "Q",
    "callid": "Call-ID",
    "cseq": "CSeq",
    "user_agent": "User-Agent",
    "received": "Received",
    "path": "Path",
    "cflags": "CFlags",
    "socket": "Socket",
    "methods": "Methods",
    "ruid": "Ruid",
    "instance": "Instance",
    "reg_id": "Reg-Id",
    "last_modified": "Last-Modified",
}
"""What ``ul.dump`` calls the columns."""

GONE = ("deleted", "expired")

_EPOCH_S = 86_400
"""Up to here an instant is epoch 0, in whatever time zone it was written."""

_MASK = 2**32 - 1
_CALL_ID = "Default-Call-ID"
_SOCKET = re.compile(r"(?:udp|tcp|tls|sctp|ws|wss):\S+:\d+", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A binding that is left out, and why."""

    why: str


PERMANENT = Skipped("it never expires, and every binding here does")
EXPIRED = Skipped("it has expired")


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that shape what is read."""

    registrar: RegistrarSettings
    location: LocationSettings
    written_at: int
    """When the file was, epoch ms by this machine's clock: nobody in it was heard of later."""


@dataclass(slots=True)
class Read:
    """A row, read."""

    aor: str
    binding: Binding
    alias: str


def dumped_aors(tree: object, table: str | None = None) -> Iterator[tuple[str | None, Any]]:
    """Each AOR in what ``ul.dump`` or ``ul.lookup`` told, with its table if that is known."""
    if isinstance(tree, list):
        for each in tree:
            yield from dumped_aors(each, table)
    elif isinstance(tree, dict):
        if "AoRs" in tree:
            table = str(tree.get("Domain", "")) or table
        if "AoR" in tree:
            yield table, tree
            return
        for each in tree.values():
            yield from dumped_aors(each, table)


def dumped_contacts(aor: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The contacts of one of ``dumped_aors``; raises ``ValueError`` with a sentence."""
    contacts = aor.get("Contacts")
    if not isinstance(contacts, list):
        raise ValueError("no contacts: that is a brief dump")
    found = [each.get("Contact", each) for each in contacts if isinstance(each, dict)]
    if len(found) != len(contacts) or not all(isinstance(each, dict) for each in found):
        raise ValueError("its contacts cannot be read")
    return found


def read_dumped(aor: object, contact: Mapping[str, Any], rules: Rules, at: int) -> Read | Skipped:
    """A contact of ``aor``, whose lifetime counts from ``at``; ``ValueError``: not readable."""
    lifetime = contact.get("Expires")
    if lifetime == "permanent":
        return PERMANENT
    if lifetime in GONE:
        return EXPIRED
    row = {name: _text(contact.get(dumped)) for name, dumped in DUMPED.items()}
    left_s = _whole(_text(lifetime), "Expires")
    return _read(str(aor), row, at + left_s * 1000, rules)


def header_of(line: str) -> tuple[list[str], str] | None:
    """The columns that a line of CSV names, and what stands between them; None: it names none."""
    for delimiter in DELIMITERS:
        columns = next(csv.reader([line.strip("\ufeff\r\n")], delimiter=delimiter), [])
        columns = [column.strip().lower() for column in columns]
        if set(NEEDED) <= set(columns):
            return columns, delimiter
    return None


def read_row(columns: Sequence[str], cells: Sequence[str], rules: Rules) -> Read | Skipped:
    """A line of CSV; raises ``ValueError`` with a sentence."""
    if len(cells) != len(columns):
        raise ValueError(f"{len(cells)} cells, and the header has {len(columns)}")
    row = {name: "" if cell in UNSET else cell for name, cell in zip(columns, cells, strict=True)}
    expires_at = _instant(row["expires"], "expires")
    if expires_at is None:
        return PERMANENT
    parts = [row["username"], row.get("domain", "")]
    return _read("@".join([part for part in parts if part]), row, expires_at, rules)


def _read(aor: str, row: Mapping[str, str], expires_at: int, rules: Rules) -> Read:
    """What the columns say."""
    location = rules.location
    contact = read_contact(row["contact"], rules.registrar)
    heard_at = _instant(row.get("last_modified", ""), "last_modified")
    modified_at = rules.written_at if heard_at is None else heard_at
    binding = Binding(
        key="",
        uri=contact.uri,
        q=_q(row.get("q", "")),
        params="",
        call_id=row.get("callid") or _CALL_ID,
        cseq=_whole(row.get("cseq") or "1", "cseq") & _MASK,
        user_agent=row.get("user_agent", ""),
        ruid=row.get("ruid", ""),
        expires_at=expires_at,
        created_at=modified_at,
        modified_at=modified_at,
        socket=_socket(row.get("socket", "")),
        methods=_whole(row.get("methods") or str(ANY_METHOD), "methods") & _MASK,
        received=row.get("received", ""),
        path=row.get("path", ""),
        cflags=_whole(row.get("cflags") or "0", "cflags") & _MASK,
        instance=row.get("instance", ""),
        reg_id=_whole(row.get("reg_id") or "0", "reg_id"),
    )
    binding.key, alias = plain_key(binding, location), ""
    if binding.instance:
        binding.key, alias = flow_key(binding.instance, binding.reg_id), binding.key
    else:
        binding.reg_id = 0
    name = _aor(aor, rules)
    binding.ruid = binding.ruid or _ruid(name, binding.key)
    check(binding)
    return Read(name, binding, alias)


def _ruid(aor: str, key: str) -> str:
    """One for a row that has none: the same whenever it is read."""
    name = f"{aor}\n{key}".encode("utf-8", "surrogateescape")
    return f"{RUID_PREFIX}-{blake2b(name, digest_size=8).hexdigest()}-1"


def _aor(text: str, rules: Rules) -> str:
    if rules.location.use_domain and "@" not in text:
        raise ValueError(f"{text or 'it'} has no domain, which location.use_domain = 1 asks for")
    return read_aor(text, rules.registrar, rules.location)


def _text(value: object) -> str:
    """A value of JSON as a database would tell it."""
    text = "" if value is None else str(value)
    return "" if text in UNSET else text


def _whole(text: str, name: str) -> int:
    # A database driver may tell whole numbers with a point.
    try:
        return int(text.removesuffix(".0"))
    except ValueError:
        raise ValueError(f"{name} is no number: {text}") from None


def _q(text: str) -> int:
    """Thousandths; whatever is below 0 says that nobody has said."""
    if not text:
        return -1
    try:
        q = float(text)
    except ValueError:
        q = 2.0
    if not q <= 1:
        raise ValueError(f"q is no number up to 1: {text}")
    return -1 if q < 0 else round(q * 1000)


def _socket(text: str) -> str:
    if text and not _SOCKET.fullmatch(text):
        raise ValueError(f"socket is not as in udp:192.0.2.1:5060: {text}")
    return text


def _instant(text: str, name: str) -> int | None:
    """Epoch ms of what stands in a column; None: epoch 0, or nothing."""
    if not text:
        return None
    if re.fullmatch(r"\d{1,10}(\.0+)?", text):
        seconds = float(text)
    else:
        try:
            # Without an offset it is this machine's time, as it is the database's.
            seconds = datetime.fromisoformat(text).timestamp()
        except (ValueError, OverflowError):
            raise ValueError(
                f"{name} is neither a time, as in 2026-01-31 12:00:00, nor epoch seconds: {text}"
            ) from None
    return None if seconds <= _EPOCH_S else int(seconds * 1000)
