"""The head of a message: lines, folds, header rows (RFC 3261 §7.3).

Lines end in CRLF and in nothing else: a bare CR or LF is refused, for to one reader it ends a
header and to the next it does not. So is a NUL, unless a backslash quotes it. Text comes in
decoded, values go out as raw as they came; ``salvage_head`` reads on where the others refuse.
"""

from typing import Final

from regcluster.errors import MalformedMessage
from regcluster.sip.grammar import LWS, is_token
from regcluster.sip.message import LONG_NAMES

MAX_HEADERS: Final = 256
"""Header rows. The longest honest messages have some fifty, most of them Via and Record-Route."""

Rows = list[tuple[str, str]]
"""Lower-case long name and value of each header field, in order."""

_USUAL_NAMES: Final = (
    "Accept Allow Authorization Call-ID Call-Id Contact Content-Length Content-Type CSeq Date "
    "Event Expires From Max-Forwards Path Proxy-Authorization Record-Route Require Route Server "
    "Supported To User-Agent Via"
)
# The way nearly all names arrive: one lookup instead of three string operations.
_NAMES: Final = {name: name.lower() for name in _USUAL_NAMES.split()} | LONG_NAMES

_NO_ENDS: Final = str.maketrans("", "", "\r\n")
_BLANKED: Final = str.maketrans("\r\0", "  ")


def split_lines(head: str) -> list[str]:
    """The lines of a head, the start line first. ``head`` ends with the CRLF of the last one."""
    lines = head.splitlines()
    # splitlines() takes many things for the end of a line. If they all were CRLF, as they should
    # be, this sum comes out: one comparison instead of two searches through the head.
    if len("".join(lines)) + 2 * len(lines) != len(head):
        lines = head.removesuffix("\r\n").split("\r\n")
        if len(head) - len(head.translate(_NO_ENDS)) != 2 * len(lines):
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
