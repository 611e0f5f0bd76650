"""A branch: one place a request may go to, with everything known about the way there.

Branch 0 of a call is its Request-URI; ``lookup`` writes the best binding over it and appends the
others. A script may change any of it before it forwards or redirects.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from regcluster.registrar.answer import expires_in
from regcluster.registrar.binding import Binding, Xavp
from regcluster.registrar.path import first_uri, local_stripped
from regcluster.sip.uri import SipUri

MAX_BRANCHES: Final = 12
"""Branches one request may have (the default of Kamailio's ``max_branches``)."""


@dataclass(slots=True)
class Branch:
    """One member of a call's destination set."""

    uri: str
    """Request-URI of what is sent there."""
    q: int = -1
    """Thousandths, -1: unspecified."""
    next_hop: str = ""
    """URI to send to in place of ``uri``: the first Path entry, or ``received``."""
    path: str = ""
    """Route values of what is sent there, joined by commas (RFC 3327 §5.3)."""
    socket: str = ""
    """``udp:192.0.2.1:5060``: ours to send from, if it is one of ours."""
    flags: int = 0
    """Branch flags."""
    instance: str = ""
    reg_id: int = 0
    ruid: str = ""
    user_agent: str = ""
    connection: str = ""
    """``<node>/<flow token>`` of the stream connection that leads there; empty: none."""
    expires_in: int | None = None
    """Seconds the binding has left; None where there is no binding behind it."""
    xavp: Xavp | None = None


def branch_of(
    binding: Binding, now: int, is_ours: Callable[[SipUri], bool] | None = None
) -> Branch:
    """The branch that leads to ``binding``, which the record at ``now`` (epoch ms) holds.

    Path goes before ``received``, which goes before the contact itself. With ``is_ours`` the first
    hops of Path that it is true of are passed over (``path_check_local``).
    """
    path = binding.path
    next_hop = binding.received
    if path and is_ours:
        first, path = local_stripped(path, is_ours)
        # Path may have led to us alone: then the next hop is as if there had been none.
        next_hop = first or next_hop
    elif path:
        next_hop = first_uri(path)
    return Branch(
        uri=binding.uri,
        q=binding.q,
        next_hop=next_hop,
        path=path,
        socket=binding.socket,
        flags=binding.cflags,
        instance=binding.instance,
        reg_id=binding.reg_id,
        ruid=binding.ruid,
        user_agent=binding.user_agent,
        connection=binding.connection,
        expires_in=expires_in(binding, now),
        xavp=binding.xavp,
    )
