"""The header by which a balancer says whose connection it passes on: PROXY protocol, both versions.

It stands before everything else on the connection. ``read`` takes what has arrived so far; it does
no I/O and believes every word. Who may send such a header is for the caller to know (``porch``).
"""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from regcluster.sip.hop import Hop

MAX_LINE = 107
"""Octets of the longest header of version 1, its line end included."""

MAX_OCTETS = 4096
"""Octets of the longest header of version 2 that we take: addresses, and whatever a balancer adds
about a TLS client, certificate and all."""

_LINE = b"PROXY "
_UNKNOWN = b"PROXY UNKNOWN"
_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_FIXED = len(_SIGNATURE) + 4
_VERSION = 2
_LOCAL, _PROXIED = 0, 1
_UNSPECIFIED = 0x00
_LENGTHS = {0x11: 4, 0x21: 16}
"""Octets of an address, by the family and transport we serve: TCP over IPv4 and IPv6."""

_VERSIONS = {"TCP4": 4, "TCP6": 6}


@dataclass(slots=True)
class ProxyHeader:
    """One whole header: its length in octets, and the far end of the connection."""

    size: int
    source: Hop | None
    """None: the balancer itself, which looks whether we are there, or nobody it could name."""


def read(data: bytes) -> ProxyHeader | None:
    """The header that ``data`` begins with; None while more of it has to come.

    Raises ``ValueError`` as soon as it is certain that this is none, or none we can serve.
    """
    for start, read_version in ((_LINE, _read_line), (_SIGNATURE, _read_octets)):
        if data.startswith(start):
            return read_version(data)
        if start.startswith(data):
            return None
    raise ValueError("no PROXY header")


def _read_line(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, MAX_LINE)
    if end < 0:
        if len(data) >= MAX_LINE:
            raise ValueError("the line does not end")
        return None
    line, size = data[:end], end + 2
    # What stands behind that word is to be ignored, whatever it is.
    if line == _UNKNOWN or line.startswith(_UNKNOWN + b" "):
        return ProxyHeader(size, None)
    words = line.decode("ascii").split(" ")
    if len(words) != 6 or words[1] not in _VERSIONS:
        raise ValueError("not two addresses and two ports")
    hosts = [_host(word, _VERSIONS[words[1]]) for word in words[2:4]]
    ports = [_port(word) for word in words[4:6]]
    return ProxyHeader(size, Hop("TCP", hosts[0], ports[0]))


def _read_octets(data: bytes) -> ProxyHeader | None:
    if len(data) < _FIXED:
        return None
    version, command = divmod(data[12], 16)
    if version != _VERSION or command not in (_LOCAL, _PROXIED):
        raise ValueError("a version or a command that nobody knows")
    family, size = data[13], _FIXED + int.from_bytes(data[14:16], "big")
    if size > MAX_OCTETS:
        raise ValueError("too long")
    if len(data) < size:
        return None
    if command == _LOCAL or family == _UNSPECIFIED:
        return ProxyHeader(size, None)
    octets = _LENGTHS.get(family)
    if octets is None or size < _FIXED + 2 * octets + 4:
        raise ValueError("not two addresses and two ports of TCP")
    host = ip_address(data[_FIXED : _FIXED + octets])
    port = int.from_bytes(data[_FIXED + 2 * octets :][:2], "big")
    return ProxyHeader(size, Hop("TCP", _plain(host), _checked(port)))


def _host(word: str, version: int) -> str:
    address = ip_address(word)
    if address.version != version or "%" in word:
        raise ValueError("an address of another family")
    return _plain(address)


def _plain(address: object) -> str:
    """An address as our own sockets name it, on which no peer is called ::ffff:192.0.2.1."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _port(word: str) -> int:
    if not word.isdigit() or len(word) > 5 or word.startswith("0"):
        raise ValueError("no port")
    return _checked(int(word))


def _checked(port: int) -> int:
    if not 1 <= port <= 65535:
        raise ValueError("no port")
    return port
