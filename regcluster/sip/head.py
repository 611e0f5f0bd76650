"""The head of a message: lines, folds, header rows (RFC 3261 §7.3).

Lines end in CRLF and in nothing else: a bare CR or LF is refused, for to one reader it ends a
header and to the next it does not. So is a NUL, unless a backslash quotes it. Text comes in
decoded, values go out as raw as they came; ``salvage_head`` reads on where the others refuse.
"""

from typing import Final

from regcluster.errors import MalformedMessage
from regcluster.sip.grammar import LWS, is_token
from regcluster.sip.message import LONG_NAMES, Rows

MAX_HEADERS: Final = 256
"""Header rows. The longest honest messages have some fifty, most of them Via and Record-Route."""

_USUAL_NAMES: Final = (
    "Accept Allow Authorization Call-ID Call-Id Contact Content-Length Content-Type CSeq Date "
    "Event Expires From Max-Forwards Path Proxy-Authorization Record-Route Require Route Server "
    "Supported To User-Agent Via"
)
# The way nearly all names arrive: one lookup instead of three string operations.
_NAMES: Final = {name: name.lower() for name in _USUAL_NAMES.split()} | LONG_NAMES

_BLANKED: Final = str.maketrans("\r\0", "  ")


def split_lines(head: str) -> list[str]:
    """The lines of a head, the start line first. ``head`` is all that is before the empty line."""
    lines = head.split("\r\n")
    text = "".join(lines)
    if "\r" in text or "\n" in text:
        raise MalformedMessage(400, "Bare CR or LF in the header section")
    if "\0" in head and "\0" in head.replace("\\\\", "").replace("\\\0", ""):
        raise MalformedMessage(400, "NUL in the header section")
    return lines


def unfold(lines: list[str]) -> list[str]:
    """Header rows from lines: one that begins with white space goes on with the row before it.

    A fold is a single space (RFC 3261 §7.3.1).
    """
    rows: list[list[str]] = []
    for line in lines:
        if not line.startswith((" ", "\t")):
            rows.append([line])
        elif rows:
            rows[-1][-1] = rows[-1][-1].rstrip(LWS)
            rows[-1].append(line.lstrip(LWS))
        else:
            raise MalformedMessage(400, "White space before the first header field")
    return [" ".join(row) for row in rows]


def usual_rows(lines: list[str]) -> dict[str, str] | None:
    """Values by name if the rows are as nearly all messages have them: no fold, no name twice.

    Otherwise None: ``parse_rows`` reads them, or refuses them.
    """
    rows: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(": ")
        key = _NAMES.get(name)
        if key is None:
            if not is_token(name):
                return None
            key = _long_name(name)
        value = value.strip(LWS)
        if not colon or rows.setdefault(key, value) is not value:
            return None
    # Equal values may be one object, so what has come twice may not have been noticed.
    return rows if len(rows) == len(lines) <= MAX_HEADERS else None


def parse_rows(lines: list[str]) -> tuple[Rows, list[str]]:
    """Names and values, and the rows they were read from: ``lines``, unfolded if need be."""
    if len(lines) > MAX_HEADERS:
        lines = unfold(lines)
        if len(lines) > MAX_HEADERS:
            raise MalformedMessage(400, "Too many header fields")
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        key = _NAMES.get(name)
        if key is None:
            if line.startswith((" ", "\t")):
                return parse_rows(unfold(lines))
            key = _long_name(name)
        if not colon:
            raise MalformedMessage(400, "Header row without a colon")
        headers.append((key, value.strip(LWS)))
    return headers, lines


def salvage_head(head: str) -> tuple[str, Rows, list[str]]:
    """What can be read of a head that broke a rule: start line, headers, and their rows.

    Any line end will do and lines that make no sense are left out. The characters that must never
    get into a reply become spaces.
    """
    start, *lines = head.replace("\r\n", "\n").translate(_BLANKED).split("\n")
    if "" in lines:
        lines = lines[: lines.index("")]
    headers = []
    rows = []
    for row in unfold(lines[:MAX_HEADERS]):
        name, colon, value = row.partition(":")
        if colon and is_token(name.rstrip(LWS)):
            headers.append((_long_name(name), value.strip(LWS)))
            rows.append(row)
    return start, headers, rows


def _long_name(spelled: str) -> str:
    """The lower-case long form of a header name, which white space may follow (§7.3.1)."""
    name = spelled.rstrip(LWS)
    if not is_token(name):
        raise MalformedMessage(400, "Bad header field name")
    name = name.lower()
    return LONG_NAMES.get(name, name)
