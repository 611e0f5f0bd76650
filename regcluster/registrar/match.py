"""Whether a stored binding is the one a script asks about (``registered``, ``reg_from_user``)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntFlag
from ipaddress import IPv4Address, IPv6Address, ip_address

from regcluster.errors import MalformedHeader
from regcluster.registrar.binding import Binding
from regcluster.sip.hop import Hop, default_port
from regcluster.sip.uri import SipUri, parse_uri


class MatchOption(IntFlag):
    """What ``registered`` compares, with Kamailio's numbers."""

    NONE = 0
    CALL_ID = 1
    RECEIVED = 2
    CONTACT = 4


class FromOption(IntFlag):
    """What ``reg_from_user`` compares besides the address (its ``mode``)."""

    NONE = 0
    PORT = 1
    TRANSPORT = 2


@dataclass(slots=True, frozen=True)
class Match:
    """What a binding has to say, to the byte; whatever is empty may be anything."""

    call_id: str = ""
    received: str = ""
    contact: str = ""

    def limited_to(self, option: int) -> "Match":
        """The same without what no bit of ``option`` asks for."""
        return Match(
            self.call_id if option & MatchOption.CALL_ID else "",
            self.received if option & MatchOption.RECEIVED else "",
            self.contact if option & MatchOption.CONTACT else "",
        )

    def fits(self, binding: Binding) -> bool:
        """Whether ``binding`` says all of it."""
        return (
            self.call_id in ("", binding.call_id)
            and self.received in ("", binding.received)
            and self.contact in ("", binding.uri)
        )


def comes_from(source: Hop, bindings: Iterable[Binding], mode: int) -> bool:
    """Whether one of ``bindings`` was made from ``source``, as far as ``mode`` wants to know.

    A binding is where its ``received`` says, else where its contact does. One whose host is a name
    counts for nothing, and neither does one that cannot be read.
    """
    address = _address(source.host)
    for binding in bindings:
        uri = _sip_uri(binding.received or binding.uri)
        if uri is None or address is None or _address(uri.host) != address:
            continue
        transport = _transport(uri)
        if mode & FromOption.PORT and (uri.port or default_port(transport)) != source.port:
            continue
        if mode & FromOption.TRANSPORT and transport != source.transport:
            continue
        return True
    return False


def _sip_uri(text: str) -> SipUri | None:
    try:
        uri = parse_uri(text)
    except MalformedHeader:
        return None
    return uri if isinstance(uri, SipUri) else None


def _transport(uri: SipUri) -> str:
    """What a URI is reached by, where it does not say: ``sip`` by UDP, ``sips`` by TLS."""
    if uri.scheme == "sips":
        return "TLS"
    return (uri.params.get("transport") or "udp").upper()


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that ``host`` is, without brackets and zone; None for a name."""
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
