"""Messages on the wire, one line each: everybody's tests begin here.

A keyword names a header (``call_id``, ``max_forwards``; ``from_`` with its underscore) and gives
its row; a list gives several rows, ``None`` leaves the header out. What is not named has a good
default, the Content-Length counts the body, and rows stand in the order in which they were named,
behind the defaults.
"""

from collections.abc import Sequence

Rows = str | int | Sequence[str | int] | None

AOR = "sip:alice@example.test"

_SPELLED = {"call_id": "Call-ID", "cseq": "CSeq", "www_authenticate": "WWW-Authenticate"}


def request(method: str, uri: str = AOR, body: bytes = b"", **headers: Rows) -> bytes:
    """A request that is good but for what is named; its CSeq follows the method."""
    rows: dict[str, Rows] = {
        "via": "SIP/2.0/UDP 127.0.0.1:5066;branch=z9hG4bK-1;rport",
        "max_forwards": 70,
        "from_": "<sip:bob@example.test>;tag=from-1",
        "to": f"<{uri}>",
        "call_id": "call-1@127.0.0.1",
        "cseq": f"1 {method}",
    }
    return message(f"{method} {uri} SIP/2.0", rows | headers, body)


def register(uri: str = "sip:example.test", body: bytes = b"", **headers: Rows) -> bytes:
    """A REGISTER of alice's phone for 300 seconds; ``contact=None`` makes it a query."""
    rows: dict[str, Rows] = {
        "from_": f"<{AOR}>;tag=from-1",
        "to": f"<{AOR}>",
        "contact": "<sip:alice@127.0.0.1:5066>",
        "expires": 300,
    }
    return request("REGISTER", uri, body, **(rows | headers))


def invite(uri: str = AOR, body: bytes = b"", **headers: Rows) -> bytes:
    """An INVITE from bob to alice."""
    rows: dict[str, Rows] = {"contact": "<sip:bob@127.0.0.1:5066>"}
    return request("INVITE", uri, body, **(rows | headers))


def response(status: int = 200, reason: str = "OK", body: bytes = b"", **headers: Rows) -> bytes:
    """A response to bob's INVITE that has passed us: the top Via is a proxy's, the next is his."""
    rows: dict[str, Rows] = {
        "via": [
            "SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK-proxy",
            "SIP/2.0/UDP 127.0.0.1:5066;branch=z9hG4bK-1;rport=5066;received=127.0.0.1",
        ],
        "from_": "<sip:bob@example.test>;tag=from-1",
        "to": f"<{AOR}>;tag=to-1",
        "call_id": "call-1@127.0.0.1",
        "cseq": "1 INVITE",
    }
    return message(f"SIP/2.0 {status} {reason}", rows | headers, body)


def message(start_line: str, headers: dict[str, Rows], body: bytes = b"") -> bytes:
    """Any message at all: start line, header rows by keyword, body."""
    rows = dict(headers)
    length = rows.pop("content_length", len(body))
    lines = [start_line]
    # Content-Length goes last, where people expect it, whatever its value.
    for keyword, values in [*rows.items(), ("content_length", length)]:
        lines += [f"{_spell(keyword)}: {value}" for value in _listed(values)]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body


def _listed(rows: Rows) -> Sequence[str | int]:
    if rows is None:
        return []
    return [rows] if isinstance(rows, str | int) else rows


def _spell(keyword: str) -> str:
    words = keyword.strip("_").split("_")
    return _SPELLED.get(keyword) or "-".join([word.capitalize() for word in words])
