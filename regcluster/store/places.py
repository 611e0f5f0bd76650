"""``store.url`` of any kind read: one server, Sentinels that know it, or a Cluster's.

``redis+sentinel://user:password@host:26379,host/service/database`` and
``redis+cluster://user:password@host:6379,host``; ``rediss+...`` speaks TLS to all of them. Before
the ``@``, and among the arguments, stands what one server's URL has there; it counts for the
servers. Sentinels have their own: ``sentinel_username``, ``sentinel_password``, and
``sentinel_ssl=false`` where they alone speak no TLS.
"""

from dataclasses import replace
from urllib.parse import unquote, urlsplit

from regcluster.config.hosts import CLUSTER, SENTINEL, Servers, split_servers
from regcluster.config.secrets import secret_free
from regcluster.errors import ConfigError
from regcluster.store.endpoint import (
    PORT,
    Endpoint,
    parse,
    parse_server,
    parse_switch,
    url_arguments,
)
from regcluster.store.sentinel import SentinelPlace

SENTINEL_PORT = 26379

_SENTINEL_ARGUMENTS = frozenset({"sentinel_username", "sentinel_password", "sentinel_ssl"})

Seeds = tuple[Endpoint, ...]
"""Servers of a Cluster; any one of them knows the others."""


def parse_place(url: str) -> Endpoint | SentinelPlace | Seeds:
    """Read a URL of any kind but ``embedded://``, or raise ``ConfigError``."""
    servers = split_servers(url)
    try:
        if servers.scheme.endswith(SENTINEL):
            return _sentinel(servers)
        if servers.scheme.endswith(CLUSTER):
            return _cluster(servers)
        return parse(url)
    except ValueError as wrong:
        raise ConfigError([f"store.url: {secret_free(url)}: {wrong}"]) from None


def _cluster(servers: Servers) -> Seeds:
    first = _first(servers, "")
    if servers.path.strip("/") not in ("", "0") or first.db:
        raise ValueError("a Cluster has no database but 0")
    return tuple(first.at(*parse_server(host, PORT)) for host in servers.hosts)


def _sentinel(servers: Servers) -> SentinelPlace:
    service, _, database = servers.path.strip("/").partition("/")
    server = _first(servers, f"/{database}", _SENTINEL_ARGUMENTS)
    if not service:
        raise ValueError("names no service; write redis+sentinel://host,host/service")
    arguments = url_arguments(urlsplit(f"{_plain(servers)}://{servers.query}"), _SENTINEL_ARGUMENTS)
    watcher = replace(
        server,
        db=0,
        username=arguments.get("sentinel_username", ""),
        password=arguments.get("sentinel_password", ""),
        tls=server.tls if parse_switch(arguments, "sentinel_ssl") else None,
    )
    places = [watcher.at(*parse_server(host, SENTINEL_PORT)) for host in servers.hosts]
    return SentinelPlace(unquote(service), tuple(places), server)


def _first(servers: Servers, path: str, also: frozenset[str] = frozenset()) -> Endpoint:
    """The first host as if it stood alone, with a database at the end of ``path``."""
    if "@" in servers.path or "#" in servers.path:
        raise ValueError("a / ? # or @ inside a password is written %2F %3F %23 or %40")
    if not all(servers.hosts):
        raise ValueError("names no server; write host:port, with commas between several")
    host = servers.hosts[0]
    return parse(f"{_plain(servers)}://{servers.userinfo}{host}{path}{servers.query}", also)


def _plain(servers: Servers) -> str:
    scheme = servers.scheme.partition("+")[0]
    if scheme not in ("redis", "rediss"):
        raise ValueError("begins with neither redis+ nor rediss+")
    return scheme
