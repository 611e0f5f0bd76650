"""URIs: what they are made of, and when two of them are one (RFC 3261 §19.1, §25.1).

SIP and SIPS URIs are taken apart and every character is checked; of other schemes only the scheme
is known. Escapes stay as received, so that nothing is decoded twice and no ``%40`` or ``%00`` ever
turns into a character that means something; comparison decodes those that never mean anything.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from typing import Final

from regcluster.errors import MalformedHeader
from regcluster.sip.grammar import Params, parse_number

MAX_PORT: Final = 65535

_ALPHANUM: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_MARK: Final = "-_.!~*'()"
_UNRESERVED: Final = frozenset(_ALPHANUM + _MARK)
_IN_USER: Final = "&=+$,;?/"
"""user-unreserved: what else may stand in a user part as it is."""

_USER_UNRESERVED: Final = _UNRESERVED | frozenset(_IN_USER)


def _plain(extra: str) -> str:
    """1*( unreserved / ``extra`` ); possessive, so it cannot backtrack."""
    return f"[A-Za-z0-9{re.escape(_MARK + extra)}]++"


def _run_of(extra: str) -> str:
    """1*( unreserved / escaped / ``extra`` ); likewise."""
    return f"(?:{_plain(extra)}|%[0-9A-Fa-f]{{2}})++"


_IN_PARAM: Final = "[]/:&+$"

_USER: Final = re.compile(_run_of(_IN_USER))
_PASSWORD: Final = re.compile(_run_of("&=+$,"))
_PARAM: Final = re.compile(_run_of(_IN_PARAM))
_HEADER: Final = re.compile(_run_of("[]/?:+$"))
_ESCAPED: Final = re.compile("%([0-9A-Fa-f]{2})")

# scheme: a letter, then letters, digits, "+", "-" and "."
_SCHEME: Final = re.compile("[A-Za-z][A-Za-z0-9+.-]*+")

# hostname = *( domainlabel "." ) toplabel [ "." ]. The underscore is in no RFC but in the names of
# many containers; so are labels that begin with a digit, the last one too.
_HOSTNAME: Final = re.compile(r"[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]++)*+\.?")

# 0 to 255; by its first character each number goes one way, so that no other is tried in vain.
_OCTET: Final = "(?:1[0-9]{0,2}+|2(?:[0-4][0-9]?+|5[0-5]?+|[6-9]|)|[3-9][0-9]?+|0)"
IPV4: Final = r"\.".join([_OCTET] * 4)
_IPV4: Final = re.compile(IPV4)

_USUAL_PARAM: Final = f"{_plain(_IN_PARAM)}(?:={_plain(_IN_PARAM)}|)"

USUAL_URI: Final = (
    rf"sips?:(?:({_plain(_IN_USER)})@|)({IPV4}|(?:[A-Za-z0-9-]++\.)*+[A-Za-z][A-Za-z0-9-]*+)"
    rf"(?::([0-9]++)|)(?:;({_USUAL_PARAM}(?:;{_USUAL_PARAM})*+)|)"
)
"""What nearly all URIs look like, nothing in them escaped: one match takes half the time of taking
them apart bit by bit. ``usual_uri`` makes something of its four groups."""

_USUAL: Final = re.compile(USUAL_URI)

# No URI can hold these: they end one wherever URIs are written.
_NOT_IN_URI: Final = re.compile('[\x00-\x20"<>\x7f]')

_STRICT: Final = ("maddr", "method", "transport", "ttl", "user")
"""Parameters that equal URIs have both or neither, alike (RFC 3261 §19.1.4)."""


@dataclass(slots=True)
class SipUri:
    """A SIP or SIPS URI; what is not said to be in lower case stands as received."""

    scheme: str
    """``sip`` or ``sips``."""
    user: str | None
    password: str | None
    host: str
    """Lower case; an IPv6 address in its brackets."""
    port: int | None
    params: Params
    """Names in lower case, without needless escapes."""
    headers: str
    """What follows the ``?``; empty if nothing does."""

    def render(self) -> str:
        """The URI as text."""
        password = "" if self.password is None else f":{self.password}"
        userinfo = "" if self.user is None else f"{self.user}{password}@"
        port = "" if self.port is None else f":{self.port}"
        params = "".join([f";{_pair(name, value)}" for name, value in self.params.items()])
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{userinfo}{self.host}{port}{params}{headers}"


@dataclass(slots=True)
class OtherUri:
    """A URI of another scheme: ``text`` is all of it, ``scheme`` is in lower case."""

    scheme: str
    text: str


Uri = SipUri | OtherUri


def parse_uri(text: str) -> Uri:
    """Read a URI, all of ``text``. Raises ``MalformedHeader`` with what is wrong."""
    if usual := _USUAL.fullmatch(text):
        user, host, port, params = usual.groups()
        return usual_uri(text, user, host, port, params)
    scheme, colon, rest = text.partition(":")
    if not (colon and _SCHEME.fullmatch(scheme)):
        raise MalformedHeader("URI without a scheme")
    scheme = scheme.lower()
    if scheme in ("sip", "sips"):
        return _parse_sip(scheme, rest)
    if not rest or _NOT_IN_URI.search(rest):
        raise MalformedHeader("Bad character in a URI" if rest else "Empty URI")
    return OtherUri(scheme, text)


def usual_uri(
    text: str, user: str | None, host: str, port: str | None, params: str | None
) -> SipUri:
    """The URI ``text``, in which ``USUAL_URI`` has found these parts. Raises like ``parse_uri``."""
    return SipUri(
        "sips" if text.startswith("sips") else "sip",
        user,
        None,
        host.lower(),
        parse_port(port) if port else None,
        _params_of(params.split(";")) if params else {},
        "",
    )


def split_hostport(text: str) -> tuple[str, str | None]:
    """Cut ``host [":" port]`` at the colon that no IPv6 address owns."""
    colon = text.find(":", text.find("]") + 1)
    return (text, None) if colon < 0 else (text[:colon], text[colon + 1 :])


def parse_host(text: str) -> str:
    """A host in lower case: a name, an IPv4 address, an IPv6 address in brackets.

    No escapes (RFC 3261 §19.1.2). A stray third colon, an old misprint in the grammar, is read as
    two (RFC 5118 §4.10).
    """
    if text.startswith("["):
        host = text.lower().replace(":::", "::")
        _ipv6(host)
        return host
    if _IPV4.fullmatch(text):
        return text
    if not _HOSTNAME.fullmatch(text):
        raise MalformedHeader("Bad host" if text else "Empty host")
    # A name cannot end in a label of digits: this was to be an address.
    if text.rstrip(".").rpartition(".")[2].isdigit():
        raise MalformedHeader("Bad IPv4 address")
    return text.lower()


def parse_port(text: str) -> int:
    """A port, 1 to 65535."""
    port = parse_number(text)
    if not port or port > MAX_PORT:
        raise MalformedHeader("Bad port")
    return port


def canonical_user(user: str) -> str:
    """``user`` with each escape decoded that may stand unescaped in a user part, others kept.

    Decodes once, so ``%2540`` stays; the digits of what is kept come out in upper case.
    """
    return _decode(user, _USER_UNRESERVED)


def canonical_host(host: str) -> str:
    """``host`` as it is compared: an IPv6 address written out, whose spellings are many."""
    # By hand: "exploded" is another text for ::ffff:0:0/96 since Python 3.13, and this becomes part
    # of keys that all nodes share.
    return f"[{_ipv6(host).packed.hex(':', 2)}]" if host.startswith("[") else host


def comparison_parts(uri: SipUri) -> tuple[str, str]:
    """The two halves of ``uri`` that §19.1.4 treats differently; neither ever holds a space.

    The first is the same text in all equal URIs. The second lists the other parameters, sorted, as
    ``name`` or ``name=value`` joined by ``;``: two URIs are equal if they agree on those in both.
    """
    target = f"{uri.scheme}:{_canonical_userinfo(uri)}{canonical_host(uri.host)}"
    if uri.port is not None:
        target += f":{uri.port}"
    strict: list[str] = []
    others: list[str] = []
    for name, value in uri.params.items():
        pair = name if value is None else f"{name}={_decode(value, _UNRESERVED).lower()}"
        (strict if name in _STRICT else others).append(pair)
    if strict:
        target += f";{';'.join(sorted(strict))}"
    if uri.headers:
        target += f"?{_canonical_headers(uri.headers)}"
    if len(others) > 1:
        others.sort()
    return target, ";".join(others)


def equivalent(a: Uri, b: Uri) -> bool:
    """Whether two URIs are equal: §19.1.4 for SIP, RFC 3966 §4 for tel, text for others."""
    if isinstance(a, SipUri) and isinstance(b, SipUri):
        strict, others = comparison_parts(a)
        also_strict, also_others = comparison_parts(b)
        return strict == also_strict and _agree(others, also_others)
    if isinstance(a, OtherUri) and isinstance(b, OtherUri):
        return _canonical_other(a) == _canonical_other(b)
    return False


def _parse_sip(scheme: str, rest: str) -> SipUri:
    # An "@" or "?" of its own can be in no later part, so cutting from the outside is exact.
    userinfo, at, rest = rest.rpartition("@")
    user, password = _parse_userinfo(userinfo) if at else (None, None)
    rest, question, headers = rest.partition("?")
    hostport, semicolon, params = rest.partition(";")
    host, port = split_hostport(hostport)
    return SipUri(
        scheme,
        user,
        password,
        parse_host(host),
        None if port is None else parse_port(port),
        _parse_params(params) if semicolon else {},
        _checked_headers(headers) if question else "",
    )


def _parse_userinfo(text: str) -> tuple[str, str | None]:
    user, colon, password = text.partition(":")
    if not _USER.fullmatch(user):
        raise MalformedHeader("Bad user part of a URI" if user else "Empty user part of a URI")
    if password and not _PASSWORD.fullmatch(password):
        raise MalformedHeader("Bad password in a URI")
    return user, password if colon else None


def _parse_params(text: str) -> Params:
    parts = text.split(";")
    for part in parts:
        name, equals, value = part.partition("=")
        if not _PARAM.fullmatch(name) or (equals and not _PARAM.fullmatch(value)):
            raise MalformedHeader("Bad URI parameter")
    return _params_of(parts)


def _params_of(parts: list[str]) -> Params:
    """The parameters in ``parts``, each known to be well-formed."""
    params: Params = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if "%" in name:
            name = _decode(name, _UNRESERVED)
        params[name.lower()] = value if equals else None
    if len(params) != len(parts):
        raise MalformedHeader("URI parameter given twice")
    return params


def _checked_headers(text: str) -> str:
    for part in text.split("&"):
        name, equals, value = part.partition("=")
        if not (equals and _HEADER.fullmatch(name)) or (value and not _HEADER.fullmatch(value)):
            raise MalformedHeader("Bad headers in a URI")
    return text


def _ipv6(host: str) -> IPv6Address:
    # ipaddress would take a zone ("%eth0"), which no SIP URI has.
    if not host.endswith("]") or "%" in host:
        raise MalformedHeader("Bad IPv6 address")
    try:
        return IPv6Address(host[1:-1])
    except AddressValueError:
        raise MalformedHeader("Bad IPv6 address") from None


def _decode(text: str, plain: frozenset[str]) -> str:
    """``text`` with the escapes of ``plain`` characters decoded, once."""
    return _decoded(text, plain) if "%" in text else text


def _decoded(text: str, plain: frozenset[str]) -> str:
    def replace(escape: re.Match[str]) -> str:
        character = chr(int(escape[1], 16))
        return character if character in plain else escape[0].upper()

    return _ESCAPED.sub(replace, text)


def _pair(name: str, value: str | None) -> str:
    return name if value is None else f"{name}={value}"


def _canonical_userinfo(uri: SipUri) -> str:
    if uri.user is None:
        return ""
    user = _decode(uri.user, _UNRESERVED)
    return f"{user}@" if uri.password is None else f"{user}:{_decode(uri.password, _UNRESERVED)}@"


def _canonical_headers(headers: str) -> str:
    pairs = [_decode(header, _UNRESERVED).partition("=") for header in headers.split("&")]
    return "&".join(sorted([f"{name.lower()}={value}" for name, _, value in pairs]))


def _agree(others: str, also_others: str) -> bool:
    """Whether two lists of other parameters agree on every name that is in both."""
    known = {pair.partition("=")[0]: pair for pair in others.split(";")}
    pairs = also_others.split(";")
    return all(known.get(pair.partition("=")[0], pair) == pair for pair in pairs)


def _canonical_other(uri: OtherUri) -> str:
    rest = uri.text.partition(":")[2]
    if uri.scheme == "tel":
        number, *params = rest.lower().split(";")
        rest = ";".join([_without_separators(number), *sorted(params)])
    return f"{uri.scheme}:{rest}"


def _without_separators(number: str) -> str:
    return number.translate(_VISUAL_SEPARATORS)


_VISUAL_SEPARATORS: Final = str.maketrans("", "", "-.()")
