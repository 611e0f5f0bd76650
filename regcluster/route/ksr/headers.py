"""``KSR.hdr`` and the small modules that ask one thing of a request."""

from regcluster.errors import ScriptError
from regcluster.route.ksr.variables import header_name
from regcluster.route.sync import current_call
from regcluster.sip.grammar import is_token
from regcluster.sip.headers import parse_max_forwards, parse_name_addr
from regcluster.sip.uri import SipUri

YES, NO = 1, -1


def append(text: str) -> int:
    """Add header rows to the request when it is sent on."""
    current_call().added_headers.extend(_rows(text))
    return YES


def append_to_reply(text: str) -> int:
    """Add header rows to the reply, whoever makes it."""
    current_call().reply_headers.extend(_rows(text))
    return YES


def is_present(name: str) -> int:
    """Whether the request has such a header."""
    return yes(current_call().request.first(header_name(name)) is not None)


def get(name: str) -> str | None:
    """The value of the first row; None if there is none."""
    return current_call().request.first(header_name(name))


def get_idx(name: str, index: int) -> str | None:
    """The value of one row, counted from the end if ``index`` is below 0; None if there is none."""
    rows = current_call().request.all(header_name(name))
    return rows[index] if -len(rows) <= index < len(rows) else None


def gete(name: str) -> str:
    """The value of the first row; an empty string if there is none."""
    return get(name) or ""


def has_totag() -> int:
    """Whether the request is inside a dialog."""
    return yes("tag" in parse_name_addr(gete("to")).params)


def is_request() -> int:
    """Whether this is a request: it is, for responses pass no script."""
    return YES


def is_reply() -> int:
    """Whether this is a response."""
    return NO


def has_ruri_user() -> int:
    """Whether the Request-URI has a user."""
    uri = current_call().uri
    return yes(isinstance(uri, SipUri) and uri.user is not None)


def has_user_agent() -> int:
    """Whether the request has a User-Agent."""
    return is_present("user-agent")


def process_maxfwd(_: int) -> int:
    """Whether the request may be sent on once more; sending it on counts it down."""
    hops = get("max-forwards")
    return yes(hops is None or parse_max_forwards(hops) > 0)


def sanity_check(_: int = 0, __: int = 0) -> int:
    """Whether the request is well-formed: what is not, no script ever sees."""
    return YES


def _rows(text: str) -> list[tuple[str, str]]:
    """The header rows in ``text``, each with or without its line end."""
    rows = []
    for line in text.replace("\r\n", "\n").rstrip("\n").split("\n"):
        name, colon, value = line.partition(":")
        name, value = name.strip(" \t"), value.strip(" \t")
        if not colon or not is_token(name) or "\r" in value or "\0" in value:
            raise ScriptError(f"{line!r} is no header row")
        rows.append((name, value))
    return rows


def yes(is_so: bool) -> int:
    """An answer as Kamailio's scripts know it."""
    return YES if is_so else NO


HDR: dict[str, object] = {
    "append": append,
    "append_to_reply": append_to_reply,
    "get": get,
    "get_idx": get_idx,
    "gete": gete,
    "is_present": is_present,
}
SIPUTILS: dict[str, object] = {
    "has_totag": has_totag,
    "is_reply": is_reply,
    "is_request": is_request,
}
COREX: dict[str, object] = {"has_ruri_user": has_ruri_user, "has_user_agent": has_user_agent}
MAXFWD: dict[str, object] = {"process_maxfwd": process_maxfwd}
SANITY: dict[str, object] = {
    "sanity_check": sanity_check,
    "sanity_check_defaults": sanity_check,
}
