"""Where a request goes next: a route or a URI, as a hop (RFC 3261 §16.6 step 7, §19.1.5).

Names are left as names: looking them up is the edge's work.
"""

from regcluster.sip.hop import Hop, default_port
from regcluster.sip.uri import SipUri

TRANSPORTS = {"udp": "UDP", "tcp": "TCP"}
"""The transports we speak, by their name in a URI. TLS is not among them yet."""


def next_hop(uri: SipUri, *, is_secure: bool = False) -> Hop | None:
    """The hop a SIP URI names; None if it asks for a transport we do not speak.

    ``sips`` means TLS whatever the transport parameter says, and so does ``is_secure``: ``uri`` is
    a route and the Request-URI is ``sips`` (RFC 3261 §16.6 step 7). ``maddr`` is ignored: a contact
    could send our traffic to a multicast group with it.
    """
    asked = (uri.params.get("transport") or "udp").lower()
    transport = TRANSPORTS.get("tls" if is_secure or uri.scheme == "sips" else asked)
    if transport is None:
        return None
    return Hop(transport, uri.host.strip("[]"), uri.port or default_port(transport))
