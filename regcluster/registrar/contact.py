"""What the parameters of a Contact say to a registrar, and which of them are kept with a binding.

A contact's URI and key are ``binding``'s, its ``methods`` are read in ``methods``. Reasons are
Kamailio's words: they travel on in ``P-Registrar-Error``.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from regcluster.config import RegistrarSettings
from regcluster.errors import MalformedHeader
from regcluster.registrar.binding import instance_id
from regcluster.sip.grammar import Params, parse_number, unquote
from regcluster.sip.headers import MAX_UINT32, parse_delta
from regcluster.sip.uri import SipUri, parse_uri

MAX_PARAMS: Final = 4096
"""Octets of parameters kept with a contact: more than the feature tags of any phone take, and far
from what a datagram, into which all contacts of a user have to go, can hold."""

MAX_INSTANCE: Final = 255
"""Longest instance-id, octets (Kamailio's limit)."""

MAX_RECEIVED: Final = 255
"""Longest ``received``, octets (Kamailio's limit)."""

TOO_LONG: Final = "Contact/received too long"

_OURS: Final = frozenset(
    {"q", "expires", "received", "pub-gruu", "temp-gruu", "+sip.instance", "reg-id"}
)
"""Parameters that are ours to set: read or ignored, never stored as the phone sent them. A phone
that could set ``received`` would choose where calls are sent."""


def octets(text: str) -> int:
    """How long ``text`` is on the wire."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def asked_lifetime(params: Params, header: int | None) -> int | None:
    """The lifetime asked for: the Contact's own, else the Expires header's, else none."""
    own = params.get("expires")
    return parse_delta(own) if own else header


def kept_params(params: Params, settings: RegistrarSettings) -> str:
    """The parameters to store and give back, as received (RFC 3840 feature tags among them)."""
    if _OURS.issuperset(params):
        return ""
    # The name under which we show where a REGISTER came from is ours as well.
    ours = settings.received_param.lower()
    kept = "".join(
        f";{name}" if value is None else f";{name}={value}"
        for name, value in params.items()
        if name not in _OURS and name != ours
    )
    _refuse_unsayable(kept)
    if octets(kept) > MAX_PARAMS:
        raise MalformedHeader(TOO_LONG)
    return kept


def read_instance(params: Params) -> str:
    """The instance-id as it was quoted; empty: none (RFC 5626 §4.1).

    Without its angle brackets it is taken as well.
    """
    value = params.get("+sip.instance")
    instance = _unquoted(value, MAX_INSTANCE) if value else ""
    if not instance_id(instance):
        return ""
    _refuse_unsayable(instance)
    if octets(instance) > MAX_INSTANCE:
        raise MalformedHeader(TOO_LONG)
    return instance


def read_reg_id(params: Params) -> int:
    """The number of the flow; 0: none (RFC 5626 §4.2)."""
    if "reg-id" not in params:
        return 0
    number = parse_number(params["reg-id"] or "")
    if not number or number > MAX_UINT32:
        raise MalformedHeader("Invalid Reg-Id number")
    return number


def own_received(params: Params, source: str, trusted: Sequence[str]) -> str:
    """What ``received`` of a Contact says, if the host ``source`` is in a network that is trusted.

    Anybody else could aim calls at any victim with it (``trust_contact_from``). Empty: nothing.
    """
    value = params.get("received")
    if not (value and trusted and _is_within(source, _networks(tuple(trusted)))):
        return ""
    received = _unquoted(value, MAX_RECEIVED)
    try:
        uri = parse_uri(received)
    except MalformedHeader as broken:
        raise MalformedHeader("Contact parse error") from broken
    if not isinstance(uri, SipUri):
        raise MalformedHeader("Contact parse error")
    return received


def _unquoted(value: str, longest: int) -> str:
    """``unquote``, but not of what is too long anyway: each escape of it takes its time."""
    if len(value) > 2 * longest + len('""'):
        raise MalformedHeader(TOO_LONG)
    return unquote(value)


def _refuse_unsayable(text: str) -> None:
    # A quoted string may hold a NUL, and one of a script's line ends; a reply may not, so that no
    # phone of this user would get a 200 again.
    if "\0" in text or "\r" in text or "\n" in text:
        raise MalformedHeader("Contact parse error")


def _is_within(host: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        # A name, or nobody: a network holds addresses.
        return False
    return any(address in network for network in networks)


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple([ip_network(text) for text in texts])
