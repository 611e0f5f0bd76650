"""The methods a contact takes, as Kamailio's bit mask (``method_filtering``).

A Contact's own ``methods`` parameter says it (RFC 3840), else the Allow rows of its REGISTER. All
methods Kamailio has no bit for share one.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from regcluster.errors import MalformedHeader
from regcluster.registrar.binding import ANY_METHOD
from regcluster.sip.grammar import is_token, split_list, unquote

_BITS: Final = {
    "INVITE": 1,
    "CANCEL": 2,
    "ACK": 4,
    "BYE": 8,
    "INFO": 16,
    "REGISTER": 32,
    "SUBSCRIBE": 64,
    "NOTIFY": 128,
    "MESSAGE": 256,
    "OPTIONS": 512,
    "PRACK": 1024,
    "UPDATE": 2048,
    "REFER": 4096,
    "PUBLISH": 8192,
    "KDMQ": 16384,
    "GET": 32768,
    "POST": 65536,
    "PUT": 131072,
    "DELETE": 262144,
}

OTHER: Final = 524288
"""The bit of every other method."""

MAX_USUAL: Final = 512
"""Longest Allow row worth remembering: whoever makes one up has no use for it again."""


def bit(method: str) -> int:
    """The bit of ``method``; methods have case (RFC 3261 §7.1)."""
    return _BITS.get(method, OTHER)


def methods_of(rows: Sequence[str]) -> int:
    """What a phone with these Allow rows takes: any, if there is none or one cannot be read."""
    if not rows:
        return ANY_METHOD
    text = rows[0] if len(rows) == 1 else ",".join(rows)
    return _usual(text) if len(text) <= MAX_USUAL else _allowed(text)


def parse_methods(text: str) -> int:
    """A Contact's ``methods`` value: a quoted list, or a token. Raises ``MalformedHeader``."""
    try:
        return _mask(unquote(text))
    except MalformedHeader as broken:
        raise MalformedHeader("Message parse error") from broken


def _allowed(text: str) -> int:
    try:
        return _mask(text)
    except MalformedHeader:
        return ANY_METHOD


# All phones of one kind send the same row.
_usual = lru_cache(maxsize=256)(_allowed)


def _mask(text: str) -> int:
    mask = 0
    # An empty list is one: of a phone that takes nothing.
    for method in split_list(text) if text else ():
        if not is_token(method):
            raise MalformedHeader("Bad method")
        mask |= bit(method)
    return mask
