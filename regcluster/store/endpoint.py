"""Where a Redis is and how to get in: ``store.url`` taken apart, and a connection made from it.

Spelled as redis-py spells it, query arguments included: ``redis://user:password@host:port/db``,
``rediss://...?ssl_ca_certs=file``, ``unix:///path?db=1``. Unlike there an argument nobody knows is
refused, because a misspelled ``ssl_ca_certs`` should not end in a connection checked otherwise.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from regcluster.config.secrets import secret_free
from regcluster.errors import told
from regcluster.store.connection import Arg

PORT = 6379

_PLAIN = frozenset({"db", "username", "password"})
_TLS = frozenset(
    {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)
_REQUIREMENTS = {
    "none": ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}
_SWITCH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class Place(Protocol):
    """Where a link leads; which server that is may change from one connection to the next."""

    async def connect(self, factory: Callable[[], asyncio.Protocol]) -> None:
        """Make one connection. Raises ``OSError`` and ``StoreUnavailable``."""

    @property
    def introduction(self) -> Sequence[tuple[Arg, ...]]:
        """What to say before anything else; none of it may be refused."""

    def admit(self, replies: Sequence[Any]) -> None:
        """Raise ``StoreUnavailable`` if the replies to it are not those of the server sought."""

    @property
    def here(self) -> "Endpoint | None":
        """The server that ``connect`` led to last; where there is only one, that one."""

    async def moved(self) -> None:
        """Return once ``connect`` would lead to another server than it did last."""


@dataclass(slots=True, frozen=True)
class Endpoint:
    """One server, one database in it, and who we are there."""

    label: str
    """The URL as it may be shown."""
    host: str
    port: int
    path: str
    """A Unix socket; empty where host and port count."""
    db: int
    username: str
    password: str
    tls: ssl.SSLContext | None

    async def connect(self, factory: Callable[[], asyncio.Protocol]) -> None:
        """Make one connection. Raises ``OSError``, of which TLS errors are a kind."""
        loop = asyncio.get_running_loop()
        if self.path:
            await loop.create_unix_connection(factory, self.path)
        else:
            name = self.host if self.tls else None
            await loop.create_connection(
                factory, self.host, self.port, ssl=self.tls, server_hostname=name
            )

    @property
    def introduction(self) -> list[tuple[Arg, ...]]:
        """Who we are, and the database we mean."""
        commands: list[tuple[Arg, ...]] = []
        if self.username:
            commands.append((b"AUTH", self.username, self.password))
        elif self.password:
            commands.append((b"AUTH", self.password))
        if self.db:
            commands.append((b"SELECT", self.db))
        return commands

    def admit(self, replies: Sequence[Any]) -> None:
        """Whoever answers here is the server sought."""

    @property
    def here(self) -> "Endpoint":
        """There is only one."""
        return self

    async def moved(self) -> None:
        """It never does."""
        await asyncio.get_running_loop().create_future()

    def at(self, host: str, port: int) -> "Endpoint":
        """Another server that lets us in the same way."""
        label = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return replace(self, host=host, port=port, path="", label=label)


def parse(url: str, also: frozenset[str] = frozenset()) -> Endpoint:
    """Read a ``redis://``, ``rediss://`` or ``unix://`` URL, passing over the arguments ``also``.

    Raises ``ValueError``; ``parse_place`` makes a complaint about settings of that.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ValueError("begins with none of redis://, rediss:// and unix://")
    arguments = url_arguments(parts, also)
    username = unquote(parts.username or "") or arguments.get("username", "")
    password = unquote(parts.password or "") or arguments.get("password", "")
    if parts.scheme == "unix":
        host, port, path, database = "", 0, _socket(parts), ""
    else:
        host, port, path, database = *_server(parts), "", parts.path.strip("/")
    return Endpoint(
        label=secret_free(url),
        host=host,
        port=port,
        path=path,
        db=_database(arguments.get("db") or database),
        username=username,
        password=password,
        tls=_tls(arguments) if parts.scheme == "rediss" else None,
    )


def url_arguments(parts: SplitResult, also: frozenset[str] = frozenset()) -> dict[str, str]:
    """What follows the ``?``. Raises ``ValueError`` for an argument nobody knows."""
    try:
        arguments = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        # Its own words would repeat what may be a secret.
        raise ValueError(
            "what follows the ? is not name=value&name=value; inside a password it is written %3F"
        ) from None
    known = (_PLAIN | _TLS if parts.scheme == "rediss" else _PLAIN) | also
    for name in arguments.keys() - known:
        raise ValueError(f"{name} is not one of {', '.join(sorted(known))}")
    return arguments


def _socket(parts: SplitResult) -> str:
    if parts.hostname or not parts.path:
        raise ValueError("names no socket; write unix:///path/to/socket, with three slashes")
    return unquote(parts.path)


def parse_server(text: str, port: int) -> tuple[str, int]:
    """Read ``host:port`` or ``[v6]:port``, either half may be missing; or raise ``ValueError``."""
    return _server(urlsplit(f"//{text}"), port)


def _server(parts: SplitResult, port: int = PORT) -> tuple[str, int]:
    if parts.fragment or "@" in parts.path:
        # "redis://:a#b@host" would quietly lead to a host named "", that is, to this machine.
        raise ValueError("a / ? # or @ inside a password is written %2F %3F %23 or %40")
    host = unquote(parts.hostname or "localhost")
    try:
        host.encode("idna")
    except UnicodeError:
        raise ValueError("the host is no name that could be looked up") from None
    return host, _port(parts, port)


def _port(parts: SplitResult, default: int) -> int:
    try:
        port = parts.port
    except ValueError:
        # Its own words would repeat what may be a piece of the password.
        port = 0
    if port == 0:
        raise ValueError("the port is no number from 1 to 65535")
    return port or default


def _database(text: str) -> int:
    if text and not (text.isascii() and text.isdigit()):
        raise ValueError("the database is no number")
    return int(text or 0)


def _tls(arguments: dict[str, str]) -> ssl.SSLContext:
    """Verify the server against the system's authorities unless the URL says otherwise."""
    requirement = arguments.get("ssl_cert_reqs", "required")
    if requirement not in _REQUIREMENTS:
        raise ValueError(f"ssl_cert_reqs is not one of {', '.join(_REQUIREMENTS)}")
    check = parse_switch(arguments, "ssl_check_hostname")
    context = _context(arguments)
    # In this order: a context that checks names refuses to verify nothing.
    context.check_hostname = check and requirement != "none"
    context.verify_mode = _REQUIREMENTS[requirement]
    return context


def parse_switch(arguments: dict[str, str], name: str) -> bool:
    """What ``name`` says, true where it is not given; or raise ``ValueError``."""
    text = arguments.get(name, "true").lower()
    if text not in _SWITCH:
        raise ValueError(f"{name} is neither true nor false")
    return _SWITCH[text]


def _context(arguments: dict[str, str]) -> ssl.SSLContext:
    """Whom we trust, and the certificate we show."""
    authorities = arguments.get("ssl_ca_certs")
    certificate, key = arguments.get("ssl_certfile"), arguments.get("ssl_keyfile")
    try:
        context = ssl.create_default_context(cafile=authorities)
    except OSError as wrong:
        raise ValueError(f"ssl_ca_certs cannot be used: {told(wrong)}") from None
    if key and not certificate:
        raise ValueError("ssl_keyfile needs ssl_certfile beside it")
    if certificate:
        try:
            # Without an answer to give, OpenSSL would ask the terminal for the key's pass phrase.
            context.load_cert_chain(certificate, key, password="")
        except OSError as wrong:
            raise ValueError(f"ssl_certfile or ssl_keyfile cannot be used: {told(wrong)}") from None
    return context
