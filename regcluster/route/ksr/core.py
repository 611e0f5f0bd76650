"""``KSR`` itself: log lines, methods, flags, and the end of a script."""

from collections.abc import Callable
from typing import NoReturn

from regcluster.log import get_logger
from regcluster.route.sync import current_call
from regcluster.sip.message import METHODS

log = get_logger("regcluster.script")

_LETTERS = {
    "A": "ACK",
    "B": "BYE",
    "C": "CANCEL",
    "I": "INVITE",
    "M": "MESSAGE",
    "N": "NOTIFY",
    "O": "OPTIONS",
    "P": "PUBLISH",
    "R": "REGISTER",
    "S": "SUBSCRIBE",
    "U": "UPDATE",
}
"""What the letters of ``is_method_in`` stand for."""


def _printer(write: Callable[..., object]) -> Callable[[str], int]:
    def print_line(text: str) -> int:
        write("script", text=text.rstrip("\r\n"))
        return 1

    return print_line


_LEVELS = {
    "dbg": _printer(log.debug),
    "info": _printer(log.info),
    "notice": _printer(log.info),
    "warn": _printer(log.warning),
    "err": _printer(log.error),
    "crit": _printer(log.critical),
}


def log_at(level: str, text: str) -> int:
    """Write a line at a level by its name; one that nobody knows is a debug line."""
    return _LEVELS.get(level, _LEVELS["dbg"])(text)


def is_method(method: str) -> bool:
    """Whether that is the request's method."""
    return current_call().method == method


def is_method_in(letters: str) -> bool:
    """Whether one of the letters stands for the request's method."""
    method = current_call().method
    return any(_LETTERS.get(letter) == method for letter in letters.upper())


def _asks(method: str) -> Callable[[], bool]:
    return lambda: is_method(method)


def leave() -> NoReturn:
    """End this run of the script; what it has decided so far is done."""
    raise SystemExit


FUNCTIONS: dict[str, object] = {
    **_LEVELS,
    "log": log_at,
    "is_method": is_method,
    "is_method_in": is_method_in,
    **{f"is_{method}": _asks(method) for method in METHODS},
}

ENDINGS: dict[str, object] = {"exit": leave, "drop": leave}
