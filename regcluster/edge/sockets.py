"""Sockets as the kernel sees them: bound addresses, options, and how workers share a port.

Every worker binds each listening address itself (SO_REUSEPORT). A proxy in front is one UDP flow,
which the kernel would give to one worker, so UDP sockets carry a filter that deals datagrams out
at random. Linux only. Everything here runs at start or once a connection, except the translation
of hops into socket addresses, which never looks a name up.
"""

import ctypes
import socket
import struct
from collections.abc import Iterable

from regcluster.sip.hop import Hop

Address = tuple[str, int] | tuple[str, int, int, int]
"""A peer as Python's sockets spell it; IPv6 adds flow label and scope."""

BUFFER = 4 * 1024 * 1024
"""Octets of datagrams that may wait in either direction while the worker, or the network, is busy;
the kernel may grant less."""

KEEPALIVE_AFTER_S = 60
KEEPALIVE_EVERY_S = 15
KEEPALIVE_TRIES = 4

# Not in Python's socket module: <asm-generic/socket.h>, <linux/sock_diag.h>, <linux/filter.h>.
_SO_ATTACH_REUSEPORT_CBPF = 51
_SO_MEMINFO = 55
_MEMINFO_DROPS = 8
_BPF_LOAD_WORD = 0x20
_BPF_MODULO = 0x94
_BPF_RETURN_A = 0x16
_BPF_RANDOM = 0xFFFFF038


def bind(kind: socket.SocketKind, host: str, port: int, *, is_shared: bool) -> socket.socket:
    """A bound socket; ``is_shared``: beside others that are bound in the same way.

    Raises ``OSError``, naming the address, if it cannot be had.
    """
    sock = None
    try:
        # At start only, where waiting for a name server hurts nobody.
        family, _, _, _, address = socket.getaddrinfo(host, port, type=kind)[0]
        sock = socket.socket(family, kind)
        sock.setblocking(False)
        if is_shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if kind == socket.SOCK_STREAM:
            # A restart must not wait for the last connections of the life before.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # [::] and 0.0.0.0 are two listeners, and no peer is called ::ffff:192.0.2.1.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
    except OSError as error:
        if sock:
            sock.close()
        where = Hop("", host, port).render()
        raise OSError(error.errno, f"cannot listen on {where}: {error.strerror}") from error
    return sock


def bind_udp(host: str, port: int, workers: int) -> socket.socket:
    """A UDP socket on an address that ``workers`` processes share evenly.

    Raises ``OSError``, naming the address, if it cannot be had.
    """
    sock = bind(socket.SOCK_DGRAM, host, port, is_shared=True)
    for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, buffer, BUFFER)
    if workers > 1:
        _spread(sock, workers)
    return sock


def bind_tcp(host: str, port: int) -> socket.socket:
    """A TCP socket to listen on, shared by whoever binds the address the same way.

    Raises ``OSError``, naming the address, if it cannot be had.
    """
    sock = bind(socket.SOCK_STREAM, host, port, is_shared=True)
    # Connections inherit these from the socket they are accepted on.
    set_stream_options(sock)
    return sock


def set_stream_options(sock: socket.socket) -> None:
    """No delay for small messages, and an end to connections whose peer has vanished."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_AFTER_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_EVERY_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_TRIES)
    # The same patience for a peer that is silent and for one that does not take what we send.
    patience_ms = (KEEPALIVE_AFTER_S + KEEPALIVE_EVERY_S * KEEPALIVE_TRIES) * 1000
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience_ms)


def address_of(hop: Hop) -> Address | None:
    """The socket address of a hop; None if its host is a name, which a socket would look up.

    The other way round it is ``flow.hop_of``.
    """
    host, _, scope = hop.host.partition("%")
    try:
        if ":" not in host:
            socket.inet_pton(socket.AF_INET, hop.host)
            return (host, hop.port)
        socket.inet_pton(socket.AF_INET6, host)
        return (host, hop.port, 0, int(scope or 0))
    except (OSError, ValueError):
        return None


def family_of(address: Address) -> socket.AddressFamily:
    """The family a socket must have to send to ``address``."""
    return socket.AF_INET if len(address) == 2 else socket.AF_INET6


def common_family(hosts: Iterable[str]) -> socket.AddressFamily:
    """The family of all these listening hosts, the only one we can send to; any if they differ."""
    families = {socket.AF_INET6 if ":" in host else socket.AF_INET for host in hosts}
    return families.pop() if len(families) == 1 else socket.AF_UNSPEC


def is_wildcard(host: str) -> bool:
    """Whether a listening host stands for every address of the machine."""
    return host in ("0.0.0.0", "::")


def probe_local(address: Address) -> str | None:
    """The address of ours from which the kernel would send to ``address``; None: no way there.

    Raises ``OSError`` if there is no descriptor left to ask with: that answer is not to be kept.
    """
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket chooses a route and sends nothing.
            probe.connect(address)
        except (OSError, OverflowError):
            return None
        host: str = probe.getsockname()[0]
        return host


def count_overflow(sock: socket.socket) -> int:
    """Datagrams the kernel has dropped because this socket's receive buffer was full."""
    counters = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 4 * (_MEMINFO_DROPS + 1))
    return int(struct.unpack_from("=I", counters, 4 * _MEMINFO_DROPS)[0])


def _spread(sock: socket.socket, workers: int) -> None:
    """Deal datagrams out at random over the sockets bound to this address.

    The filter belongs to the group, so each worker replaces it by the same one. While fewer
    sockets than ``workers`` are bound, the kernel falls back to its hash: nothing is lost.
    """
    steps = [(_BPF_LOAD_WORD, _BPF_RANDOM), (_BPF_MODULO, workers), (_BPF_RETURN_A, 0)]
    filter_ = b"".join([struct.pack("=HBBI", code, 0, 0, value) for code, value in steps])
    # The kernel follows a pointer into this buffer, which must live until the call is over.
    buffer = ctypes.create_string_buffer(filter_, len(filter_))
    program = struct.pack("@HP", len(steps), ctypes.addressof(buffer))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, program)
    del buffer
