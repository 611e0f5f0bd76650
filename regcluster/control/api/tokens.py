"""The tokens of the API: a file with a role and a token on each line.

A token is compared whole and with every one there is, so that time tells nothing of any.
"""

from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import Literal, cast

from regcluster.errors import ConfigError

Role = Literal["read", "write"]

ROLES = ("read", "write")

SHORTEST = 16
"""Characters; a shorter one could be guessed."""

SETTING = "http.token_file"


class Tokens:
    """What each token allows: ``digests`` of them, with their roles."""

    def __init__(self, digests: Sequence[tuple[bytes, Role]]) -> None:
        self._digests = tuple(digests)

    def __eq__(self, other: object) -> bool:
        """Whether they are the same, in the same order."""
        return isinstance(other, Tokens) and self._digests == other._digests

    def __hash__(self) -> int:
        """As ``__eq__`` has it."""
        return hash(self._digests)

    def role(self, token: str) -> Role | None:
        """What ``token`` allows; None: nothing, it is none of ours."""
        digest = _digest(token)
        found: Role | None = None
        for known, role in self._digests:
            if compare_digest(known, digest):
                found = role
        return found


def read_tokens(file: str) -> Tokens:
    """The tokens in ``file``; raises ``ConfigError`` with all that is wrong with it."""
    try:
        text = Path(file).read_text("utf-8")
    except OSError as why:
        raise ConfigError([f"{SETTING}: {file}: {why.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{SETTING}: {file}: not UTF-8 text"]) from None
    digests: dict[bytes, Role] = {}
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if wrong := _wrong(words):
            problems.append(f"{SETTING}: {file}:{number}: {wrong}")
        elif digests.setdefault(_digest(words[1]), cast("Role", words[0])) != words[0]:
            problems.append(f"{SETTING}: {file}:{number}: this token has another role already")
    if not digests and not problems:
        problems.append(f"{SETTING}: {file}: holds no token; write lines such as: read <token>")
    if problems:
        raise ConfigError(problems)
    return Tokens(list(digests.items()))


def _wrong(words: Sequence[str]) -> str:
    """What is wrong with a line; empty when nothing is. It never repeats what may be a token."""
    if len(words) != 2 or words[0] not in ROLES:
        return "a line is a role, read or write, and a token"
    if len(words[1]) < SHORTEST:
        return f"the token is shorter than {SHORTEST} characters"
    return "" if words[1].isascii() else "the token is not ASCII"


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
