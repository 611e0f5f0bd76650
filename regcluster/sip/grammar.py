"""The smallest pieces of SIP: tokens, numbers, quoted strings, lists, parameters (RFC 3261 §25.1).

Every function takes text and gives a value, in time linear in the text whatever a peer sends:
scanning is ``str.find`` and character classes, nothing that could backtrack. Breaches of the
grammar raise ``MalformedHeader``. Values are left as received, quotes and all, until a caller
asks for ``unquote``.
"""

import re
from collections.abc import Sequence
from typing import Final

from regcluster.errors import MalformedHeader

Params = dict[str, str | None]
"""Parameters in order: lower-case name, value as received, None where there was no ``=``."""

TOKEN: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~"
"""token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~" )"""

LWS: Final = " \t"
"""White space inside a header value; folds are undone before anything gets here."""

HUGE: Final = 10**18
"""Stands for every number of more than 18 digits: beyond any limit SIP knows."""

# Where the splitting of a list has to look up: a comma at top level, or what may hide commas.
_LIST_STOP: Final = re.compile('[,"<]')
_PARAM_STOP: Final = re.compile('[;"]')

# gen-value = token / host / quoted-string, read liberally: "@" or ":" in a tag harm nobody, these
# characters would let a value end elsewhere than it seems to.
_ENDS_VALUE: Final = r'\x00-\x20"<>,;\x7f'
_NOT_IN_VALUE: Final = re.compile(f"[{_ENDS_VALUE}]")

PLAIN_PARAMS: Final = rf'(?:;[{re.escape(TOKEN)}]++(?:=(?:"[^"\\;]*+"|[^{_ENDS_VALUE}]*+))?+)++'
"""What most parameters look like: no white space around them, nothing quoted that could seem to end
one. One match instead of many checks."""

_PLAIN_PARAMS: Final = re.compile(PLAIN_PARAMS)

_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)


def is_token(text: str) -> bool:
    """Whether ``text`` is a token: not empty, token characters only."""
    if text.isalnum() and text.isascii():
        return True
    # This strips from both ends: whatever is no token character stays.
    return text != "" and not text.strip(TOKEN)


def parse_number(text: str) -> int | None:
    """The value of 1*DIGIT, None for anything else; more than 18 digits count as ``HUGE``."""
    if not (text.isdigit() and text.isascii()):
        return None
    # int() of thousands of digits is slow, and refused beyond 4300.
    return int(text) if len(text) <= 18 else min(int(text.lstrip("0")[:19] or "0"), HUGE)


def split_list(text: str) -> list[str]:
    """Split at commas outside quoted strings and angle brackets (RFC 3261 §7.3.1).

    An element may not be empty.
    """
    if "," in text:
        elements = [part.strip(LWS) for part in _cut(text, _LIST_STOP)]
    else:
        elements = [text.strip(LWS)]
    if "" in elements:
        raise MalformedHeader("Empty element in a list")
    return elements


def split_params(text: str) -> list[str]:
    """Split at semicolons outside quoted strings; the parts joined by ``;`` are ``text`` again."""
    return _cut(text, _PARAM_STOP) if '"' in text else text.split(";")


def parse_params(text: str) -> Params:
    """Read ``;a=b;c``, white space around ``;`` and ``=`` allowed (generic-param, §25.1).

    A name given twice is refused: two readers could take two different values (§7.3.1).
    """
    if not text:
        return {}
    return read_plain_params(text) if _PLAIN_PARAMS.fullmatch(text) else _parse_odd_params(text)


def read_plain_params(text: str) -> Params:
    """Read parameters that match ``PLAIN_PARAMS``; ``parse_params`` is for all others."""
    params: Params = {}
    parts = text[1:].split(";")
    for part in parts:
        name, equals, value = part.partition("=")
        params[name.lower()] = value if equals else None
    if len(params) != len(parts):
        raise MalformedHeader("Parameter given twice")
    return params


def skip_quoted(text: str, start: int) -> int:
    """The index behind the quoted string that opens at ``start``."""
    at = start + 1
    end = text.find('"', at)
    while end >= 0:
        escape = text.find("\\", at, end)
        if escape < 0:
            return end + 1
        at = escape + 2
        # Looking for the quote again only once it is passed keeps a row of escapes linear.
        if at > end:
            end = text.find('"', at)
    raise MalformedHeader("Unterminated quoted string")


def quote(text: str) -> str:
    """``text`` as a quoted string. Line ends have no quoted form (§25.1)."""
    if "\r" in text or "\n" in text:
        raise ValueError("a quoted string cannot hold a line end")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(text: str) -> str:
    """What a quoted string says; other text is returned as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    return _QUOTED_PAIR.sub(r"\1", inner) if "\\" in inner else inner


def drop_strays(text: str) -> str:
    """A list of values with parameters, without the commas and semicolons that separate nothing.

    Text with quotes or brackets is left as it is: inside them nothing is a separator.
    """
    if '"' in text or "<" in text:
        return text
    parted = [element.split(";") for element in text.split(",") if element]
    elements = [";".join([part for part in parts if part.strip(LWS)]) for parts in parted]
    return ",".join([element for element in elements if element]).strip(LWS)


def parse_tags(values: Sequence[str]) -> list[str]:
    """The option tags of Require, Supported and their kin, lower-case (§20.32, §20.37)."""
    tags = []
    for value in values:
        # These headers may be empty (§7.3.1), their elements may not.
        if value:
            tags += [tag.lower() for tag in split_list(value)]
    for tag in tags:
        if not is_token(tag):
            raise MalformedHeader("Bad option tag")
    return tags


def _parse_odd_params(text: str) -> Params:
    """Read parameters that take the liberties of the grammar, or break it."""
    first, *parts = split_params(text)
    if first.strip(LWS):
        raise MalformedHeader("Parameters must begin with a semicolon")
    params: Params = {}
    for part in parts:
        name, equals, value = part.partition("=")
        name = name.strip(LWS)
        if not is_token(name):
            raise MalformedHeader("Bad parameter name")
        params[name.lower()] = _checked_value(value.strip(LWS)) if equals else None
    if len(params) != len(parts):
        raise MalformedHeader("Parameter given twice")
    return params


def _checked_value(text: str) -> str:
    """A parameter value: a whole quoted string, or text that cannot be taken for anything else."""
    if text.startswith('"'):
        if skip_quoted(text, 0) != len(text):
            raise MalformedHeader("Text after a quoted parameter value")
    elif _NOT_IN_VALUE.search(text):
        raise MalformedHeader("Bad parameter value")
    return text


def _cut(text: str, stop: re.Pattern[str]) -> list[str]:
    """Split where ``stop`` finds a separator, stepping over the quotes and brackets it finds."""
    parts = []
    start = at = 0
    while found := stop.search(text, at):
        at = found.end()
        match found.group():
            case '"':
                at = skip_quoted(text, at - 1)
            case "<":
                at = text.find(">", at) + 1
                if not at:
                    raise MalformedHeader("Unterminated angle bracket")
            case _:
                parts.append(text[start : at - 1])
                start = at
    parts.append(text[start:])
    return parts
