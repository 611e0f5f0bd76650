"""``KSR`` itself: log lines, methods, flags, the Request-URI, and the end of a script."""

from collections.abc import Callable
from typing import NoReturn

from regcluster.errors import MalformedHeader
from regcluster.log import get_logger
from regcluster.route.ksr import variables
from regcluster.route.sync import current_call
from regcluster.sip.message import METHODS
from regcluster.sip.uri import SipUri, parse_uri

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


def _printer(level: str) -> Callable[[str], int]:
    def print_line(text: str) -> int:
        # Taken from the logger each time: a method kept from before would go by the log's settings
        # of then, and at import there are none yet.
        getattr(log, level)("script", text=text.rstrip("\r\n"))
        return 1

    return print_line


_LEVELS = {
    "dbg": _printer("debug"),
    "info": _printer("info"),
    "notice": _printer("info"),
    "warn": _printer("warning"),
    "err": _printer("error"),
    "crit": _printer("critical"),
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


def is_myself(uri: str) -> bool:
    """Whether a URI, or a bare host, is an address of this node; names of domains are not."""
    try:
        parsed = parse_uri(uri if ":" in uri and not uri.startswith("[") else f"sip:{uri}")
    except MalformedHeader:
        return False
    return isinstance(parsed, SipUri) and current_call().ourselves.is_ours(parsed)


def _is_myself_in(variable: str) -> Callable[[], bool]:
    return lambda: is_myself(str(variables.gete(variable)))


def setflag(flag: int) -> bool:
    """Set a flag of the message."""
    current_call().setflag(flag)
    return True


def resetflag(flag: int) -> bool:
    """Take a flag of the message back."""
    current_call().resetflag(flag)
    return True


def isflagset(flag: int) -> bool:
    """Whether a flag of the message is set."""
    return current_call().isflagset(flag)


def setbflag(flag: int, branch: int = 0) -> bool:
    """Set a flag of a branch."""
    current_call().setbflag(flag, branch)
    return True


def resetbflag(flag: int, branch: int = 0) -> bool:
    """Take a flag of a branch back."""
    current_call().resetbflag(flag, branch)
    return True


def isbflagset(flag: int, branch: int = 0) -> bool:
    """Whether a flag of a branch is set."""
    return current_call().isbflagset(flag, branch)


def seturi(uri: str) -> bool:
    """Change the Request-URI."""
    variables.sets("$ru", uri)
    return True


def setuser(user: str) -> bool:
    """Change the user of the Request-URI."""
    variables.sets("$rU", user)
    return True


def sethost(host: str) -> bool:
    """Change the host of the Request-URI."""
    variables.sets("$rd", host)
    return True


def setdsturi(uri: str) -> bool:
    """Say where the request goes in place of its Request-URI."""
    variables.sets("$du", uri)
    return True


def resetdsturi() -> bool:
    """Let the request go where its Request-URI says."""
    variables.unset("$du")
    return True


def isdsturiset() -> bool:
    """Whether somebody has said where the request goes in place of its Request-URI."""
    return not variables.is_null("$du")


def leave() -> NoReturn:
    """End this run of the script; what it has decided so far is done."""
    raise SystemExit


FUNCTIONS: dict[str, object] = {
    **_LEVELS,
    "log": log_at,
    "is_method": is_method,
    "is_method_in": is_method_in,
    **{f"is_{method}": _asks(method) for method in METHODS},
    "is_myself": is_myself,
    "is_myself_ruri": _is_myself_in("$ru"),
    "is_myself_furi": _is_myself_in("$fu"),
    "is_myself_turi": _is_myself_in("$tu"),
    "setflag": setflag,
    "resetflag": resetflag,
    "isflagset": isflagset,
    "setbflag": setbflag,
    "resetbflag": resetbflag,
    "isbflagset": isbflagset,
    "setbiflag": setbflag,
    "resetbiflag": resetbflag,
    "isbiflagset": isbflagset,
    "seturi": seturi,
    "setuser": setuser,
    "sethost": sethost,
    "setdsturi": setdsturi,
    "resetdsturi": resetdsturi,
    "isdsturiset": isdsturiset,
}

ENDINGS: dict[str, object] = {"exit": leave, "drop": leave}
