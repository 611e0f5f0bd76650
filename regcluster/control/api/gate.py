"""Who may use the API.

With a token file every call needs a token, and the role ``write`` what changes anything. Without
one it only reads, and speaks only on a loopback address, to whoever calls it by such a name: a
page of a stranger whose name leads to this machine is turned away.
"""

import ipaddress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from regcluster.config.address import bare_host, parse_address
from regcluster.control.api.answers import Problem, problem
from regcluster.control.api.tokens import Tokens

READING = ("GET", "HEAD")

CHALLENGE = 'Bearer realm="regcluster"'


class Gate:
    """Decides; ``tokens`` may be replaced at any time, None: there is no file of them."""

    def __init__(self, listen: str, tokens: Tokens | None) -> None:
        self._host = parse_address(listen)[0] if listen else ""
        self.tokens = tokens

    def check(self, method: str, headers: Headers) -> None:
        """Raise ``Problem`` for a request that is not allowed."""
        if self.tokens is None:
            self._check_local(method, headers.get("host", ""))
        else:
            _check_token(self.tokens, method, headers.get("authorization", ""))

    def _check_local(self, method: str, host: str) -> None:
        if not _is_loopback(self._host):
            raise Problem(403, "http.listen is no loopback address, so set http.token_file")
        if host and not _is_loopback(_without_port(host)):
            raise Problem(403, "without http.token_file only this machine is answered")
        if method not in READING:
            raise Problem(403, "to change anything, set http.token_file")


class Gated:
    """``app`` behind ``gate``, an ASGI application."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse it."""
        try:
            self._gate.check(scope["method"], Headers(scope=scope))
        except Problem as no:
            await problem(no.status, no.detail, no.headers)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _check_token(tokens: Tokens, method: str, authorization: str) -> None:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem(401, "a bearer token is needed", {"WWW-Authenticate": CHALLENGE})
    role = tokens.role(token.strip())
    if role is None:
        challenge = f'{CHALLENGE}, error="invalid_token"'
        raise Problem(401, "the token is unknown", {"WWW-Authenticate": challenge})
    if role != "write" and method not in READING:
        challenge = f'{CHALLENGE}, error="insufficient_scope", scope="write"'
        raise Problem(403, "the token only reads", {"WWW-Authenticate": challenge})


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if port.isdigit() and name else host


def _is_loopback(host: str) -> bool:
    bare = bare_host(host)
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return bare == "localhost" or bare.endswith(".localhost")
