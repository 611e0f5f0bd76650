"""Where messages come from and go to: a hop, and what a Via says about it.

``stamp_via`` writes down where a request really came from, ``reply_hop`` and ``via_hop`` read it
back (RFC 3261 §18.2, RFC 3581). ``maddr`` is ignored by policy: obeying it would let anyone aim
our replies at a third party.
"""

from dataclasses import dataclass
from typing import Final

from regcluster.sip.grammar import LWS, parse_number, split_list, split_params
from regcluster.sip.headers import Via
from regcluster.sip.uri import MAX_PORT

DEFAULT_PORT: Final = 5060
DEFAULT_TLS_PORT: Final = 5061


@dataclass(slots=True, unsafe_hash=True)
class Hop:
    """One step away: transport ``UDP``, ``TCP`` or ``TLS``, a host without brackets, a port."""

    transport: str
    host: str
    port: int

    def render(self) -> str:
        """``host:port``, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def stamp_via(row: str, via: Via, source: Hop) -> str:
    """The Via row ``row`` with the truth about ``source`` in its first value, ``via``.

    ``received`` is written where sent-by is not the source address, and always with ``rport``,
    whose value becomes the source port (RFC 3261 §18.2.1, RFC 3581 §4). Whatever the peer itself
    claimed in either is overwritten; all else stays as it was, byte for byte.
    """
    wants_port = "rport" in via.params
    is_claimed = "received" in via.params
    if not (wants_port or is_claimed) and _bare(via.host) == source.host:
        return row
    # An address with a zone (fe80::1%eth0) means nothing to the peer and breaks the grammar.
    host = source.host.partition("%")[0] if "%" in source.host else source.host
    truth = f"received={host};rport={source.port}" if wants_port else f"received={host}"
    # Nearly every row asks with a bare ";rport" and claims nothing: no need to take it apart.
    head, _, tail = row.partition("rport")
    is_first_value = head.endswith(";") and '"' not in head and "," not in head
    if is_first_value and tail[:1] in ("", ";") and not is_claimed:
        return f"{head}{truth}{tail}"
    top = split_list(row)[0] if "," in row else row
    parts = []
    for part in split_params(top):
        name = part.partition("=")[0].strip(LWS).lower()
        if name == "rport":
            parts.append(truth)
        elif name != "received":
            parts.append(part)
    if not wants_port:
        parts.append(truth)
    return ";".join(parts) + row[len(top) :]


def reply_hop(via: Via, source: Hop) -> Hop:
    """Where the reply to a request goes over UDP (RFC 3261 §18.2.2, RFC 3581 §4).

    To the source address, at the source port if the peer asked with ``rport``, else at the port
    of sent-by. On a stream the connection itself is the way back.
    """
    if "rport" in via.params:
        return source
    return Hop(source.transport, source.host, via.port or default_port(via.transport))


def via_hop(via: Via) -> Hop:
    """Where a response goes whose topmost Via is ``via``, written by another hop (§18.2.2)."""
    host = via.params.get("received") or via.host
    port = parse_number(via.params.get("rport") or "")
    if not port or port > MAX_PORT:
        port = via.port or default_port(via.transport)
    return Hop(via.transport, _bare(host), port)


def default_port(transport: str) -> int:
    """The port that is meant where none is named (RFC 3261 §18.1.1, §19.1.2)."""
    return DEFAULT_TLS_PORT if transport == "TLS" else DEFAULT_PORT


def _bare(host: str) -> str:
    return host[1:-1] if host.startswith("[") else host
