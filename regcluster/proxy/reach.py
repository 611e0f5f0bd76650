"""Which addresses we send to at all, whoever asked for it.

Contacts and Vias are written by others. Nothing they write makes us send to many hosts at once, or
talk to the services that a machine keeps to itself.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

BROADCAST: Final = IPv4Address("255.255.255.255")


def is_one_host(host: str) -> bool:
    """Whether ``host`` is an address, and one that belongs to a single host."""
    address = _address(host)
    return address is not None and not (
        address.is_multicast or address.is_unspecified or address == BROADCAST
    )


def may_reach(host: str, source: str) -> bool:
    """Whether what came from ``source`` may go on to the address ``host``.

    Loopback is reached from loopback alone, and a link from itself or from loopback: a phone that
    registers ``127.0.0.1:6379`` and calls itself must not get to speak to the store.
    """
    target, origin = _address(host), _address(source)
    if target is None or origin is None or not is_one_host(host):
        return False
    if target.is_loopback or origin.is_loopback:
        return origin.is_loopback
    return origin.is_link_local or not target.is_link_local


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    # A dual-stack socket sends to ::ffff:127.0.0.1 what is meant for 127.0.0.1.
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address
