"""Store URLs that name several servers: ``scheme://user:password@host:1,[host]:2/path?arguments``.

``urlsplit`` knows one host only. What a path means is up to whoever reads the URL: a service of
Sentinel's, a database, nothing.
"""

from typing import NamedTuple

SENTINEL = "+sentinel"
CLUSTER = "+cluster"


class Servers(NamedTuple):
    """A URL taken apart; joined again the pieces are the URL."""

    scheme: str
    userinfo: str
    """With the ``@`` behind it; empty where there is none."""
    hosts: list[str]
    path: str
    query: str
    """With the ``?`` before it; empty where there is none."""


def split_servers(url: str) -> Servers:
    """Take ``url`` apart; nothing in it is checked or unquoted."""
    scheme, _, rest = url.partition("://")
    ends = [found for mark in "/?#" if (found := rest.find(mark)) >= 0]
    end = min(ends, default=len(rest))
    userinfo, at, hosts = rest[:end].rpartition("@")
    path, mark, query = rest[end:].partition("?")
    return Servers(scheme, f"{userinfo}{at}", hosts.split(","), path, f"{mark}{query}")
