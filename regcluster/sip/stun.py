"""STUN keep-alives: Binding requests by which a phone finds out that its UDP flow lives.

They share the port with SIP (RFC 5626 §8), whose messages begin with a letter. Of STUN (RFC 5389)
no more is understood than that takes: no authentication, no attributes but those that may be left
unread.
"""

from ipaddress import ip_address
from struct import Struct
from typing import Final

from regcluster.sip.hop import Hop

_HEADER: Final = Struct("!HHI12s")
"""Type, octets that follow, magic cookie, transaction."""

_ATTRIBUTE: Final = Struct("!HH")
"""Type, and octets of the value, which is padded to a multiple of four."""

_REQUEST: Final = 0x0001
_SUCCESS: Final = 0x0101
_COOKIE: Final = 0x2112A442
_OPTIONAL: Final = 0x8000
"""The first type of those that may be left unread (§15)."""

_XOR_MAPPED_ADDRESS: Final = 0x0020
_FAMILIES: Final = {4: 1, 6: 2}


def answer_stun(data: bytes, peer: Hop) -> bytes:
    """The response to a Binding request from ``peer``: it says where that came from (§15.2).

    Empty if ``data`` is no such request, or has an attribute that must be understood. ``peer`` is
    named by address; a scope is passed over.
    """
    if len(data) < _HEADER.size:
        return b""
    kind, length, cookie, transaction = _HEADER.unpack_from(data)
    is_request = kind == _REQUEST and cookie == _COOKIE and length == len(data) - _HEADER.size
    if not is_request or not _may_be_left_unread(data):
        return b""
    address = ip_address(peer.host.partition("%")[0])
    # Masked, for there are NATs that write their own address over any that they recognise.
    mask = data[4 : 4 + len(address.packed)]
    host = bytes([octet ^ other for octet, other in zip(address.packed, mask, strict=True)])
    port = peer.port ^ (_COOKIE >> 16)
    value = Struct("!HH").pack(_FAMILIES[address.version], port) + host
    head = _HEADER.pack(_SUCCESS, _ATTRIBUTE.size + len(value), _COOKIE, transaction)
    return head + _ATTRIBUTE.pack(_XOR_MAPPED_ADDRESS, len(value)) + value


def _may_be_left_unread(data: bytes) -> bool:
    """Whether what follows the header is whole attributes, none of which we would have to know."""
    at = _HEADER.size
    while at + _ATTRIBUTE.size <= len(data):
        kind, length = _ATTRIBUTE.unpack_from(data, at)
        if kind < _OPTIONAL:
            return False
        at += _ATTRIBUTE.size + length + -length % 4
    return at == len(data)
