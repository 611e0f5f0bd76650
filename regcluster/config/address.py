"""Listening addresses and hosts, as settings spell them: ``host:port`` and ``[v6]:port``.

Hosts follow RFC 3261 §25.1, because they end up in a Via or are compared with a URI. Nothing is
resolved here: a name is a name.
"""

import ipaddress


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of ``text``, the host without brackets and an IP address in its short form.

    Raises ``ValueError`` with a reason that completes "... is no address: ".
    """
    host, colon, port = text.rpartition(":")
    if not colon or host.count("[") != host.count("]"):
        raise ValueError("the port is missing")
    if not host:
        raise ValueError("the host is missing; 0.0.0.0 or [::] stand for every address")
    if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise ValueError("the port must be a number from 1 to 65535")
    if ":" in host and not host.startswith("["):
        raise ValueError("an IPv6 address is written in brackets, as in [::1]:5060")
    if not is_host(host):
        raise ValueError("the host is neither an IP address nor a host name")
    return bare_host(host), int(port)


def is_address(text: str) -> bool:
    """Whether ``parse_address`` takes ``text``."""
    try:
        parse_address(text)
    except ValueError:
        return False
    return True


def bare_host(host: str) -> str:
    """``host`` as it is compared: lower case, no brackets, an IP address in its short form."""
    bare = host.strip("[]").lower()
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare


def is_host(text: str) -> bool:
    """Whether ``text`` is a ``host`` of RFC 3261 §25.1: a name, IPv4, or IPv6 in brackets."""
    if text.startswith("["):
        return text.endswith("]") and _is_ip(text[1:-1], 6)
    labels = text.split(".")
    if not all(_is_label(label) for label in labels):
        return False
    # A last label that begins with a digit is no top-level domain, so it must be an address.
    return not labels[-1][0].isdigit() or _is_ip(text, 4)


def _is_ip(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version and "%" not in text
    except ValueError:
        return False


def _is_label(label: str) -> bool:
    letters = label.replace("-", "")
    return letters.isascii() and letters.isalnum() and label[0] != "-" and label[-1] != "-"
