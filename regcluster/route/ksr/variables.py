"""``KSR.pv``: what Kamailio's pseudo-variables hold, as tables of readers and writers by name.

A variable without a value reads as None. One that is not in the tables raises ``ScriptError``,
as does writing to one that can only be read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from regcluster.errors import ScriptError
from regcluster.registrar.branch import Branch
from regcluster.route.call import Call
from regcluster.route.ksr.contacts import read_ulc
from regcluster.route.pv import Variable, parse_pv
from regcluster.route.sync import current_call
from regcluster.route.values import Value
from regcluster.sip.headers import parse_name_addr
from regcluster.sip.message import LONG_NAMES
from regcluster.sip.uri import SipUri, parse_host, parse_uri

Reader = Callable[[Call, Variable], Value | None]
Writer = Callable[[Call, Variable, Value], None]
Remover = Callable[[Call, Variable], None]

T = TypeVar("T")


def get(name: str) -> Value | None:
    """The value of a variable; None if it has none."""
    variable = parse_pv(name)
    reader = _READERS.get(variable.name)
    if reader is None:
        raise ScriptError(f"there is no variable {name} here; known are {_listed(_READERS)}")
    return reader(current_call(), variable)


def gete(name: str) -> Value:
    """The value of a variable; an empty string if it has none."""
    return getv(name, "")


def getw(name: str) -> Value:
    """The value of a variable; ``<<null>>`` if it has none."""
    return getv(name, "<<null>>")


def getv(name: str, default: Value) -> Value:
    """The value of a variable; ``default`` if it has none."""
    value = get(name)
    return default if value is None else value


def is_null(name: str) -> bool:
    """Whether a variable has no value."""
    return get(name) is None


def sets(name: str, value: str) -> int:
    """Give a variable a string."""
    return _write(name, value)


def seti(name: str, value: int) -> int:
    """Give a variable an integer."""
    return _write(name, value)


def unset(name: str) -> int:
    """Take a variable's value away."""
    variable = parse_pv(name)
    remove = _REMOVERS.get(variable.name)
    if remove is None:
        raise ScriptError(f"{name} cannot be unset; these can: {_listed(_REMOVERS)}")
    remove(current_call(), variable)
    return 1


def header_name(name: str) -> str:
    """The name under which a message has a header, however a script spells it."""
    name = name.strip().rstrip(":").lower()
    return LONG_NAMES.get(name, name)


def _write(name: str, value: Value) -> int:
    variable = parse_pv(name)
    writer = _WRITERS.get(variable.name)
    if writer is None:
        raise ScriptError(f"{name} cannot be written; these can: {_listed(_WRITERS)}")
    writer(current_call(), variable, value)
    return 1


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"${name}" for name in sorted(names))


def _uri(text: str) -> SipUri | None:
    uri = parse_uri(text)
    return uri if isinstance(uri, SipUri) else None


def _user(text: str) -> str | None:
    uri = _uri(text)
    return uri.user if uri else None


def _host(text: str) -> str | None:
    uri = _uri(text)
    return uri.host if uri else None


def _address(call: Call, header: str) -> str:
    """The URI in From or To."""
    return parse_name_addr(call.request.first(header) or "").uri


def _tag(call: Call, header: str) -> str | None:
    return parse_name_addr(call.request.first(header) or "").params.get("tag")


def _port(text: str) -> int | None:
    uri = _uri(text)
    return uri.port if uri else None


def _read_header(call: Call, variable: Variable) -> str | None:
    return _pick(call.request.all(header_name(variable.key)), variable.index)


def _read_avp(call: Call, variable: Variable) -> Value | None:
    return _pick(call.avp.all(variable.key), variable.index)


def _read_xavp(call: Call, variable: Variable) -> Value | None:
    root = call.xavp.root(variable.key, variable.at)
    if root is None:
        return None
    if not variable.field:
        # A root is no value, but it can be asked whether it is there.
        return f"<<xavp:{variable.key}>>"
    return _pick(root.all(variable.field), variable.index)


def _read_branch(call: Call, variable: Variable) -> Value | None:
    """An attribute of an additional branch: the first of them is number 0, as in Kamailio."""
    others = call.branches[1:]
    if variable.key == "count":
        return len(others)
    reader = _BRANCH.get(variable.key)
    if reader is None:
        known = ", ".join(["count", *sorted(_BRANCH)])
        raise ScriptError(f"{variable.text}: a branch has no {variable.key}; it has {known}")
    branch = _pick(others, variable.index)
    return None if branch is None else reader(branch)


_BRANCH: dict[str, Callable[[Branch], Value | None]] = {
    "dst_uri": lambda branch: branch.next_hop or None,
    "flags": lambda branch: branch.flags,
    "path": lambda branch: branch.path or None,
    "q": lambda branch: branch.q,
    "ruid": lambda branch: branch.ruid or None,
    "send_socket": lambda branch: branch.socket or None,
    "ua": lambda branch: branch.user_agent or None,
    "uri": lambda branch: branch.uri,
}


def _pick(values: Sequence[T], index: int) -> T | None:
    """One of ``values``, from the end if ``index`` is below 0; None if there is none."""
    return values[index] if -len(values) <= index < len(values) else None


def _sip_target(call: Call) -> SipUri:
    """The Request-URI, which has to be a SIP one where a part of it is changed."""
    uri = call.uri
    if not isinstance(uri, SipUri):
        raise ScriptError(f"the Request-URI is a {uri.scheme} URI: user and host cannot be changed")
    return uri


def _write_target(call: Call, _: Variable, value: Value) -> None:
    call.branches[0].uri = _text(value)


def _write_user(call: Call, _: Variable, value: Value) -> None:
    call.branches[0].uri = replace(_sip_target(call), user=_text(value)).render()


def _write_domain(call: Call, _: Variable, value: Value) -> None:
    host = parse_host(_text(value))
    call.branches[0].uri = replace(_sip_target(call), host=host, port=None).render()


def _write_next_hop(call: Call, _: Variable, value: Value) -> None:
    branch = call.branches[0]
    # Else the connection of a lookup before would go on leading elsewhere.
    branch.next_hop, branch.connection = _text(value), ""


def _write_avp(call: Call, variable: Variable, value: Value) -> None:
    call.avp.add(variable.key, value)


def _write_xavp(call: Call, variable: Variable, value: Value) -> None:
    if not variable.field:
        raise ScriptError(f"{variable.text} holds fields: write $xavp({variable.key}=>field)")
    root = call.xavp.root(variable.key, variable.at)
    (root or call.xavp.newest(variable.key)).set(variable.field, value)


def _remove_next_hop(call: Call, _: Variable) -> None:
    call.branches[0].next_hop = ""


def _remove_avp(call: Call, variable: Variable) -> None:
    call.avp.remove(variable.key)


def _remove_xavp(call: Call, variable: Variable) -> None:
    root = call.xavp.root(variable.key, variable.at)
    if not variable.field:
        call.xavp.remove(variable.key)
    elif root is not None:
        root.remove(variable.field)


def _text(value: Value) -> str:
    return value if isinstance(value, str) else str(value)


_READERS: dict[str, Reader] = {
    "Ri": lambda call, _: call.source.local.host,
    "Rp": lambda call, _: call.source.local.port,
    "avp": _read_avp,
    "bf": lambda call, _: call.bflags,
    "branch": _read_branch,
    "ci": lambda call, _: call.request.first("call-id"),
    "cs": lambda call, _: str(call.request.cseq.number),
    "ct": lambda call, _: call.request.first("contact"),
    "du": lambda call, _: call.branches[0].next_hop or None,
    "fU": lambda call, _: _user(_address(call, "from")),
    "fd": lambda call, _: _host(_address(call, "from")),
    "ft": lambda call, _: _tag(call, "from"),
    "fu": lambda call, _: _address(call, "from"),
    "hdr": _read_header,
    "hdrc": lambda call, variable: len(call.request.all(header_name(variable.key))),
    "mf": lambda call, _: call.flags,
    "pr": lambda call, _: call.source.transport.lower(),
    "proto": lambda call, _: call.source.transport.lower(),
    "rU": lambda call, _: _user(call.target),
    "rd": lambda call, _: _host(call.target),
    "rm": lambda call, _: call.method,
    "rp": lambda call, _: _port(call.target),
    "ru": lambda call, _: call.target,
    "si": lambda call, _: call.source.peer.host,
    "sp": lambda call, _: call.source.peer.port,
    "su": lambda call, _: call.source_uri,
    "tU": lambda call, _: _user(_address(call, "to")),
    "td": lambda call, _: _host(_address(call, "to")),
    "tt": lambda call, _: _tag(call, "to"),
    "tu": lambda call, _: _address(call, "to"),
    "ua": lambda call, _: call.request.first("user-agent"),
    "ulc": read_ulc,
    "xavp": _read_xavp,
}

_WRITERS: dict[str, Writer] = {
    "avp": _write_avp,
    "du": _write_next_hop,
    "rU": _write_user,
    "rd": _write_domain,
    "ru": _write_target,
    "xavp": _write_xavp,
}

_REMOVERS: dict[str, Remover] = {
    "avp": _remove_avp,
    "du": _remove_next_hop,
    "xavp": _remove_xavp,
}

FUNCTIONS: dict[str, object] = {
    "get": get,
    "gete": gete,
    "getw": getw,
    "getvn": getv,
    "getvs": getv,
    "is_null": is_null,
    "seti": seti,
    "sets": sets,
    "unset": unset,
}
