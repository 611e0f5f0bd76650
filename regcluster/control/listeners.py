"""Addresses that this node wants for itself, asked for before a worker is started.

Workers share their addresses with SO_REUSEPORT, and so would a second node of the same user: each
would get half of the traffic, and nobody would be told. Bound without it, if only for a moment, an
address that somebody has is refused.
"""

import errno
import socket

from regcluster.config import ListenSettings
from regcluster.config.address import parse_address
from regcluster.edge.sockets import bind
from regcluster.errors import ConfigError


def claim(listen: ListenSettings) -> None:
    """Raise ``ConfigError`` with every address that cannot be had."""
    wanted = [("listen.udp", socket.SOCK_DGRAM, address) for address in listen.udp]
    wanted += [("listen.tcp", socket.SOCK_STREAM, address) for address in listen.tcp]
    wanted += [("listen.tcp_proxied", socket.SOCK_STREAM, text) for text in listen.tcp_proxied]
    problems: list[str] = []
    for wish in wanted:
        try:
            bind_alone(*wish).close()
        except ConfigError as refused:
            problems += refused.problems
    if problems:
        raise ConfigError(problems)


def bind_alone(key: str, kind: socket.SocketKind, text: str) -> socket.socket:
    """A socket at an address that nobody else has. ``ConfigError`` says why it cannot be had."""
    try:
        return bind(kind, *parse_address(text), is_shared=False)
    except OSError as why:
        problem = f"{key}: {why.strerror}"
        if why.errno == errno.EADDRINUSE:
            problem += f"; another program has it: --set {key}=... takes another port"
        raise ConfigError([problem]) from None
