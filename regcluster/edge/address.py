"""Sockets and addresses: what a listener binds to, and which of our addresses a peer sees."""

import ctypes
import socket
import struct
from functools import lru_cache

SO_ATTACH_REUSEPORT_CBPF = 51
RECEIVE_BUFFER = 4 * 1024 * 1024

# Classic BPF: A = random; A %= workers; return A. See linux/filter.h for the codes.
_LOAD_RANDOM = 0x20, 0xFFFFF000 + 56
_MODULO = 0x94
_RETURN_A = 0x16


def bind_udp(host: str, port: int, workers: int) -> socket.socket:
    """A UDP socket that shares its address with those of the other workers.

    The kernel would give all datagrams of one flow to one worker, and a proxy in front is one flow;
    a BPF program deals them out at random instead, to ``workers`` sockets. Raises ``OSError``.
    """
    bound = _bind(host, port, socket.SOCK_DGRAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    if workers > 1:
        _spread(bound, workers)
    return bound


def bind_tcp(host: str, port: int) -> socket.socket:
    """A TCP socket that shares its address with those of the other workers. Raises ``OSError``."""
    return _bind(host, port, socket.SOCK_STREAM)


def split_address(address: str) -> tuple[str, int]:
    """``host:port`` or ``[v6]:port``, checked when the settings were read, taken apart."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


@lru_cache(maxsize=1024)
def local_address(peer: str) -> str:
    """The address of ours from which packets to ``peer``, an IP address, leave.

    Asked of the routing table by way of a UDP socket that never sends; remembered, because a
    wildcard listener needs it for every request it forwards.
    """
    family = socket.AF_INET6 if ":" in peer else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((peer, 9))
        address: str = probe.getsockname()[0]
        return address


def _bind(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, kind)
    try:
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def _spread(bound: socket.socket, workers: int) -> None:
    program = [_LOAD_RANDOM, (_MODULO, workers), (_RETURN_A, 0)]
    code = b"".join([struct.pack("HBBI", op, 0, 0, value) for op, value in program])
    # struct sock_fprog: a length and a pointer; the kernel copies what it points to.
    buffer = ctypes.create_string_buffer(code)
    fprog = struct.pack("HP", len(program), ctypes.addressof(buffer))
    bound.setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, fprog)
