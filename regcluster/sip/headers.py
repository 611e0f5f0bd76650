"""Header values, read on demand: name-addr, Contact, Via, CSeq, q, Expires (RFC 3261 §20).

Each ``parse_x`` takes one value as ``Request.first``, ``all`` or ``values`` give it and raises
``MalformedHeader`` when it breaks its grammar. Reading is liberal where nobody can be misled and
strict where two readers could see two different things: an open quote or bracket, a stray comma,
a parameter given twice.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Literal

from regcluster.errors import MalformedHeader
from regcluster.sip.grammar import (
    LWS,
    PLAIN_PARAMS,
    Params,
    is_token,
    parse_number,
    parse_params,
    read_plain_params,
    skip_quoted,
    split_list,
)
from regcluster.sip.uri import (
    IPV4,
    USUAL_URI,
    Uri,
    parse_host,
    parse_port,
    parse_uri,
    split_hostport,
    usual_uri,
)

MAX_UINT32: Final = 2**32 - 1
"""The largest CSeq number and the longest delta-seconds (RFC 3261 §8.1.1.5, §20.19)."""

MAX_MAX_FORWARDS: Final = 255

STAR: Final = "*"
"""What ``parse_contacts`` gives for ``Contact: *``."""

# A display name of plain words holds none of these; a bare URI holds ":" before anything else.
_NOT_IN_WORDS: Final = frozenset(':;,">')

# No URI holds these. Bare, it holds no "," and "?" either: they would seem to end it (§20.10).
_NOT_IN_BRACKETS: Final = frozenset(' \t<"')
_NOT_BARE: Final = frozenset(' \t<>",?')

# The forms that nearly all values of a busy server have: one possessive match, which cannot
# backtrack, takes a fraction of the time that reading them with all their liberties takes.
_DISPLAY: Final = r'(?:"[^"\\]*+"[ \t]*+|[^:;,<>"]*+)'
_USUAL_ADDRESS: Final = re.compile(rf'({_DISPLAY})<({USUAL_URI}|[^<>" \t]++)>({PLAIN_PARAMS}|)')
_USUAL_VIA: Final = re.compile(rf"SIP/2\.0/([A-Z]++) ({IPV4})(?::([0-9]++))?+({PLAIN_PARAMS})?+")

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(slots=True)
class NameAddr:
    """A From, To, Route or Contact value. ``display`` is as received, quotes and all."""

    display: str
    uri: str
    params: Params
    _groups: tuple[Any, ...] | None = field(repr=False, compare=False)
    """What a match has found, if one has read it: the URI is second, its own groups follow."""

    def __init__(
        self, display: str, uri: str, params: Params, groups: tuple[Any, ...] | None = None
    ) -> None:
        self.display = display
        self.uri = uri
        self.params = params
        self._groups = groups

    @property
    def parsed(self) -> Uri:
        """The URI as understood. Raises ``MalformedHeader`` if it cannot be."""
        if self._groups:
            _, uri, user, host, port, params, _ = self._groups
            if host:
                return usual_uri(uri, user, host, port, params)
        return parse_uri(self.uri)


@dataclass(slots=True)
class Contact:
    """One Contact value: the URI as written and as understood, and the header's parameters."""

    uri: str
    parsed: Uri
    params: Params


@dataclass(slots=True)
class CSeq:
    """A CSeq value."""

    number: int
    method: str


@dataclass(slots=True)
class Via:
    """A Via value: ``transport`` in upper case, ``host`` in lower case, IPv6 in brackets."""

    transport: str
    host: str
    port: int | None
    params: Params

    @property
    def branch(self) -> str:
        """The branch, empty if there is none, as in a request of RFC 2543 (§17.2.3)."""
        return self.params.get("branch") or ""


def parse_name_addr(text: str) -> NameAddr:
    """Read ``[display] <uri>;params`` or the bare ``uri;params`` (RFC 3261 §20.10, §25.1).

    In the bare form everything behind the first ``;`` is a header parameter. Whatever the URI says,
    it is refused only where ``parsed`` is asked for.
    """
    if usual := _USUAL_ADDRESS.fullmatch(text):
        groups = usual.groups()
        display, uri, rest = groups[0], groups[1], groups[-1]
        read = read_plain_params(rest) if rest else {}
        return NameAddr(display and display.strip(LWS), uri, read, groups)
    start = _find_bracket(text)
    if start < 0:
        uri, semicolon, params = text.partition(";")
        return NameAddr("", _bare(uri.strip(LWS)), parse_params(semicolon + params))
    end = text.find(">", start)
    uri = text[start + 1 : end]
    if end < 0 or not uri or not _NOT_IN_BRACKETS.isdisjoint(uri):
        raise MalformedHeader("Bad URI in angle brackets")
    return NameAddr(text[:start].strip(LWS), uri, parse_params(text[end + 1 :]))


def parse_contacts(values: list[str]) -> list[Contact] | Literal["*"]:
    """Read all Contact rows of a request: its contacts in order, or ``STAR``.

    The reasons given are Kamailio's, word for word: they travel on in ``P-Registrar-Error``.
    """
    try:
        elements = [element for value in values for element in split_list(value)]
        contacts = [_parse_contact(element) for element in elements if not _is_star(element)]
    except MalformedHeader as broken:
        raise MalformedHeader("Contact parse error") from broken
    if len(contacts) == len(elements):
        return contacts
    if elements == [STAR]:
        return STAR
    raise MalformedHeader("* used in contact and more than 1 contact")


# All phones together send a handful of values: these four are looked up, not read or written.
@lru_cache(maxsize=64)
def parse_q(text: str) -> int:
    """A q value in thousandths; digits behind the third count for nothing (§25.1 qvalue)."""
    whole, point, fraction = text.strip(LWS).partition(".")
    units = parse_number(whole or "0")
    thousandths = parse_number((fraction + "00")[:3]) if fraction else 0
    # At least one digit somewhere, and behind a point always.
    is_number = parse_number(fraction) is not None if point else whole
    if units is None or thousandths is None or not is_number or units * 1000 + thousandths > 1000:
        raise MalformedHeader("Invalid q param in contact")
    return units * 1000 + thousandths


@lru_cache(maxsize=64)
def render_q(thousandths: int) -> str:
    """A q value as text, without trailing zeros: 1000 is ``1``, 380 is ``0.38``."""
    return f"{thousandths // 1000}.{thousandths % 1000:03}".rstrip("0").rstrip(".")


@lru_cache(maxsize=64)
def parse_delta(text: str) -> int | None:
    """Delta-seconds of a Contact's ``expires``, at most 2**32-1; None if it is no number."""
    number = parse_number(text.strip(LWS).removeprefix("+"))
    return None if number is None else min(number, MAX_UINT32)


@lru_cache(maxsize=64)
def parse_expires(text: str) -> int | None:
    """The seconds an Expires header asks for, at most 2**32-1 (RFC 3261 §10.2, §20.19).

    None if it is there but no number, which counts as not said. Words behind the number are
    ignored, as Kamailio does. Raises ``MalformedHeader`` if there is nothing at all.
    """
    if not text:
        raise MalformedHeader("Expires parse error")
    number = parse_number(text.replace("\t", " ").partition(" ")[0])
    return None if number is None else min(number, MAX_UINT32)


def parse_cseq(text: str) -> CSeq:
    """Read a CSeq: a number of 32 bits and a method (RFC 3261 §20.16)."""
    if "\t" in text:
        text = text.replace("\t", " ")
    digits, _, method = text.partition(" ")
    number = parse_number(digits)
    if number is None or number > MAX_UINT32:
        raise MalformedHeader("Bad CSeq number")
    method = method.lstrip(" ")
    if not is_token(method):
        raise MalformedHeader("Bad CSeq method")
    return CSeq(number, method)


def parse_via(text: str) -> Via:
    """Read one Via value; white space around ``/`` and ``:`` is allowed (RFC 3261 §20.42).

    Of whatever version: who speaks another one is told so with a 505, which needs the Via.
    """
    if usual := _USUAL_VIA.fullmatch(text):
        transport, host, port, params = usual.groups()
        number = parse_port(port) if port else None
        return Via(transport, host, number, read_plain_params(params) if params else {})
    head, semicolon, params = text.partition(";")
    name, _, rest = head.replace("\t", " ").partition("/")
    version, _, rest = rest.partition("/")
    if name.strip(" ").lower() != "sip" or not is_token(version.strip(" ")):
        raise MalformedHeader("Bad protocol in Via")
    transport, _, sent_by = rest.strip(" ").partition(" ")
    if not is_token(transport):
        raise MalformedHeader("Bad transport in Via")
    host, port = split_hostport(sent_by)
    return Via(
        transport.upper(),
        parse_host(host.strip(" ")),
        None if port is None else parse_port(port.strip(" ")),
        parse_params(semicolon + params),
    )


def parse_max_forwards(text: str) -> int:
    """Hops a request may still go, 0 to 255 (RFC 3261 §20.22)."""
    number = parse_number(text)
    if number is None or number > MAX_MAX_FORWARDS:
        raise MalformedHeader("Bad Max-Forwards")
    return number


def render_date(epoch_seconds: int) -> str:
    """A Date value, always in GMT and in English (RFC 3261 §20.17)."""
    date = datetime.fromtimestamp(epoch_seconds, UTC)
    day, month = _DAYS[date.weekday()], _MONTHS[date.month - 1]
    return f"{day}, {date.day:02} {month} {date.year:04} {date:%H:%M:%S} GMT"


def _find_bracket(text: str) -> int:
    """Where the ``<`` is that opens the URI; -1 if the URI is bare."""
    if text.startswith('"'):
        end = skip_quoted(text, 0)
        start = text.find("<", end)
        if start < 0 or text[end:start].strip(LWS):
            raise MalformedHeader("Display name without a URI in angle brackets")
        return start
    start = text.find("<")
    return start if start <= 0 or _NOT_IN_WORDS.isdisjoint(text[:start]) else -1


def _bare(uri: str) -> str:
    if not uri or not _NOT_BARE.isdisjoint(uri):
        raise MalformedHeader("Bad URI without angle brackets" if uri else "Empty address")
    return uri


def _is_star(element: str) -> bool:
    """Whether an element is the star, alone or with the parameters it may not have."""
    return element[0] == STAR and element[1:].lstrip(LWS)[:1] in ("", ";")


def _parse_contact(element: str) -> Contact:
    address = parse_name_addr(element)
    return Contact(address.uri, address.parsed, address.params)
