"""Who is let in, and what those are told who are not."""

from pathlib import Path

import pytest
from starlette.datastructures import Headers

from regcluster.control.api.answers import Problem
from regcluster.control.api.gate import CHALLENGE, Gate
from regcluster.control.api.tokens import read_tokens

READ, WRITE = "r" * 16, "w" * 16

NEEDED = (401, "a bearer token is needed", CHALLENGE)
UNKNOWN = (401, "the token is unknown", f'{CHALLENGE}, error="invalid_token"')
ONLY_READS = (
    403,
    "the token only reads",
    f'{CHALLENGE}, error="insufficient_scope", scope="write"',
)

NOT_HERE = (403, "http.listen is no loopback address, so set http.token_file", None)
STRANGER = (403, "without http.token_file only this machine is answered", None)
NO_CHANGE = (403, "to change anything, set http.token_file", None)

Refused = tuple[int, str, str | None] | None


def refusal(gate: Gate, method: str, **headers: str) -> Refused:
    """What a request is refused with; None: it is let in."""
    try:
        gate.check(method, Headers(headers))
    except Problem as no:
        return no.status, no.detail, (no.headers or {}).get("WWW-Authenticate")
    return None


@pytest.mark.parametrize(
    ("method", "authorization", "expected"),
    [
        ("GET", f"Bearer {READ}", None),
        ("GET", f"Bearer {WRITE}", None),
        ("HEAD", f"Bearer {READ}", None),
        ("GET", f"bearer  {READ} ", None),
        ("POST", f"Bearer {WRITE}", None),
        ("DELETE", f"Bearer {WRITE}", None),
        ("POST", f"Bearer {READ}", ONLY_READS),
        ("DELETE", f"Bearer {READ}", ONLY_READS),
        ("GET", "", NEEDED),
        ("GET", "Bearer", NEEDED),
        ("GET", "Bearer  ", NEEDED),
        ("GET", f"Basic {READ}", NEEDED),
        ("GET", READ, NEEDED),
        ("GET", "Bearer nobody's", UNKNOWN),
        ("DELETE", "Bearer nobody's", UNKNOWN),
    ],
)
@pytest.mark.parametrize("listen", ["127.0.0.1:8080", "0.0.0.0:8080"])
def test_with_tokens_there_every_call_needs_one(
    tmp_path: Path, listen: str, method: str, authorization: str, expected: Refused
) -> None:
    """Wherever it comes from; RFC 6750 says how it is told."""
    file = tmp_path / "tokens"
    file.write_text(f"read {READ}\nwrite {WRITE}")
    gate = Gate(listen, read_tokens(str(file)))

    assert expected == refusal(gate, method, authorization=authorization)


@pytest.mark.parametrize(
    ("listen", "host", "method", "expected"),
    [
        ("127.0.0.1:8080", "127.0.0.1:8080", "GET", None),
        ("127.0.0.1:8080", "127.0.0.1:8080", "HEAD", None),
        ("127.0.0.1:8080", "localhost", "GET", None),
        ("127.0.0.1:8080", "Edge-1.LocalHost:8080", "GET", None),
        ("127.0.0.1:8080", "[::1]:8080", "GET", None),
        ("127.0.0.1:8080", "", "GET", None),
        ("[::1]:8080", "[::1]", "GET", None),
        ("localhost:8080", "localhost:8080", "GET", None),
        ("127.0.0.1:8080", "127.0.0.1", "POST", NO_CHANGE),
        ("127.0.0.1:8080", "localhost", "DELETE", NO_CHANGE),
        ("127.0.0.1:8080", "evil.example.com:8080", "GET", STRANGER),
        ("127.0.0.1:8080", "localhost.example.com", "GET", STRANGER),
        ("127.0.0.1:8080", "192.0.2.1", "GET", STRANGER),
        ("0.0.0.0:8080", "127.0.0.1:8080", "GET", NOT_HERE),
        ("192.0.2.1:8080", "localhost", "GET", NOT_HERE),
        ("[::]:8080", "localhost", "POST", NOT_HERE),
    ],
)
def test_without_tokens_this_machine_alone_reads(
    listen: str, host: str, method: str, expected: Refused
) -> None:
    """A name that a stranger's page made lead here is none of this machine's."""
    gate = Gate(listen, None)

    assert expected == refusal(gate, method, host=host)
