"""A node's HTTP port as a verb asks it: one request, one answer.

No proxy of the environment is used: a node is near.
"""

import http.client
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT_S = 5.0

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Page:
    """Where a node answers: made by ``read_page``."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def title(self) -> str:
        """What tells it from others, for people."""
        return str(self).removeprefix("http://")

    def ask(self, method: str, path: str, token: str = "") -> tuple[int, str]:
        """Status and text of the answer. Raises ``OSError``: there is none."""
        kind = http.client.HTTPSConnection if self.scheme == "https" else http.client.HTTPConnection
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with closing(kind(self.host, self.port, timeout=TIMEOUT_S)) as connection:
            try:
                connection.request(method, path, headers=headers)
                response = connection.getresponse()
                return response.status, response.read().decode("utf-8", "replace")
            except http.client.HTTPException as why:
                raise ConnectionError(f"no HTTP: {why!r}") from None


def read_page(text: str) -> Page:
    """From ``host:port`` or a URL; raises ``ValueError`` with a sentence."""
    whole = text if "://" in text else f"http://{text}"
    problem = f"{text} is no address of a node: write host:port, or http://host:port"
    try:
        parts = urlsplit(whole)
        port = parts.port
    except ValueError:
        raise ValueError(problem) from None
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(problem)
    return Page(parts.scheme, parts.hostname, port or PORTS[parts.scheme])
